"""Headers that contradict themselves, or the frames after them: no reading is the right one."""

import struct

from atomicvad.audio.files import AudioError, Excerpt

FLAC_RATES = {1: 88200, 2: 176400, 3: 192000, 4: 8000, 5: 16000, 6: 22050}
FLAC_RATES |= {7: 24000, 8: 32000, 9: 44100, 10: 48000, 11: 96000}
FLAC_BLOCKS = {1: 192} | {code: 576 << code - 2 for code in range(2, 6)}
FLAC_BLOCKS |= {code: 256 << code - 8 for code in range(8, 16)}
FLAC_BITS = {1: 8, 2: 12, 4: 16, 5: 20, 6: 24, 7: 32}
PCM = (1, 3)  # whole numbers, floats
EXTENSIBLE = 0xFFFE  # the format code is in the GUID that follows


def refuse_contradictions(file: Excerpt, name: str) -> None:
    """Compare what a header says twice.

    Raises:
        AudioError: the two differ.
    """
    magic = file.bytes_at(0, 4)
    found = ""
    if magic in (b"RIFF", b"RF64", b"BW64", b"riff"):
        found = _in_wav(file.bytes_at(0, 4096), 24 if magic == b"riff" else 8)
    elif magic == b"caff":
        found = _in_caf(file.bytes_at(0, 52))
    elif magic == b"fLaC":
        found = _in_flac(file)
    if found:
        raise AudioError(f"{name}: its header contradicts itself: {found}")


def _in_wav(head: bytes, before: int) -> str:
    begin = head.find(b"fmt ", 12) + before
    if begin < 12 + before or len(head) < begin + 20:
        return ""
    kind, channels, _, _, align, bits, _, valid = struct.unpack("<HHIIHHHH", head[begin:][:20])
    width, rest = divmod(align, max(channels, 1))
    if kind == EXTENSIBLE:
        kind, bits = int.from_bytes(head[begin + 24 :][:2], "little"), max(bits, valid)
    if kind not in PCM:
        return ""
    if rest or not -(-bits // 8) <= width <= 8:
        return f"{channels} channels of {bits} bits in {align} bytes"
    return ""


def _in_caf(head: bytes) -> str:
    if len(head) < 52 or head[28:32] != b"lpcm":
        return ""
    packet, frames, channels, bits = struct.unpack(">IIII", head[36:52])
    if frames != 1 or 8 * packet < channels * bits:
        return f"{channels} channels of {bits} bits in {packet} bytes"
    return ""


def _in_flac(file: Excerpt) -> str:
    """Rate, bits, channels and lengths stand in the first block and, as codes, in each frame."""
    info, at, is_last = file.bytes_at(8, 34), 4, False
    while not is_last:
        block = file.bytes_at(at, 4)
        if len(block) < 4:
            return ""
        is_last = bool(block[0] & 0x80)
        at += 4 + int.from_bytes(block[1:], "big")
    frame = file.bytes_at(at, 4)
    if len(info) < 34 or len(frame) < 4 or frame[0] != 0xFF or frame[1] & 0xFC != 0xF8:
        return ""
    stated = int.from_bytes(info[10:14], "big")
    rate, channels, bits = stated >> 12, (stated >> 9 & 7) + 1, (stated >> 4 & 31) + 1
    layout = frame[3] >> 4
    least, most = struct.unpack(">HH", info[:4])
    block = FLAC_BLOCKS.get(frame[2] >> 4, most)
    total = int.from_bytes(info[13:18], "big") & 0xFFFFFFFFF
    fixed = least == most and (total > block or not total)
    pairs = {
        "samples in a frame": (most, block if fixed or block > most else most),
        "Hz": (rate, FLAC_RATES.get(frame[2] & 15, rate)),
        "bits": (bits, FLAC_BITS.get(frame[3] >> 1 & 7, bits)),
        "channels": (channels, layout + 1 if layout < 8 else 2),
    }
    return ", ".join(f"{one} and {two} {unit}" for unit, (one, two) in pairs.items() if one != two)
