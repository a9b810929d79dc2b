"""Any file through ``detect``: segments, or one line that names it; never longer than seconds."""

import io
import itertools
import os
import random
import time

import numpy as np
import pytest
import soundfile
from test_decoding import encoded
from test_fuzz_audio import damaged, kinds, quiet  # noqa: F401, a fixture
from voices import recording

from atomicvad import AtomicVADError, detect

FILES = int(os.environ.get("ATOMICVAD_FUZZ", "300"))
LONGEST = 10.0  # s for a file, on a machine that is busy
pytestmark = pytest.mark.timeout(1200)


def outcome(content):
    """The segments that are found, or ``None`` for a file that is refused."""
    file, started = io.BytesIO(content), time.perf_counter()
    file.name = "a"
    try:
        segments = detect(file)
    except AtomicVADError as error:
        line = str(error)
        assert line.startswith("a: ") and "\n" not in line and len(line) < 300, line
        segments = None
    else:
        times = [at for segment in segments for at in (segment.start, segment.end)]
        assert times == sorted(times) and not (times and times[0] < 0)
        assert all(0 < one.mean <= one.peak <= 1 for one in segments)
    assert time.perf_counter() - started < LONGEST
    return segments


def wav(rate=16000, channels=1, bits=16, kind=1, samples=b"", align=None):
    """A WAV file of any head."""
    align = channels * bits // 8 if align is None else align
    numbers = [(kind, 2), (channels, 2), (rate, 4), (rate * align & 0xFFFFFFFF, 4)]
    numbers += [(align & 0xFFFF, 2), (bits, 2)]
    head = b"".join(value.to_bytes(count, "little") for value, count in numbers)
    chunks = b"WAVEfmt \x10\0\0\0" + head + b"data" + len(samples).to_bytes(4, "little") + samples
    return b"RIFF" + len(chunks).to_bytes(4, "little") + chunks


CODECS = [
    *(("WAV", "PCM_U8"), ("WAV", "PCM_24"), ("WAV", "PCM_32"), ("WAV", "FLOAT"), ("WAV", "DOUBLE")),
    *(("WAV", "ULAW"), ("WAV", "ALAW"), ("WAV", "GSM610"), ("WAV", "MS_ADPCM")),
    *(("WAV", "IMA_ADPCM"), ("AIFF", "PCM_S8"), ("AIFF", "ULAW"), ("CAF", "ALAC_16")),
    *(("AU", "DOUBLE"), ("AU", "G721_32"), ("W64", "FLOAT"), ("RF64", "PCM_24")),
    *(("FLAC", "PCM_S8"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")),
    *(("CAF", "ALAW"), ("NIST", "PCM_16"), ("VOC", "PCM_U8"), ("IRCAM", "FLOAT")),
]
RATES = (4000, 8000, 11025, 22050, 44100, 48000, 96000, 192000, 384000, 768000)


@pytest.mark.parametrize(
    ("form", "codec", "rate", "channels"),
    [
        *((form, codec, 16000, 1) for form, codec in CODECS),
        *(("WAV", "PCM_16", rate, 1) for rate in RATES),
        *(("WAVEX", "PCM_16", 16000, channels) for channels in (2, 3, 6, 8, 64)),
    ],
)
def test_a_voice_is_found_in_any_format(form, codec, rate, channels):
    sound = np.repeat(recording("", "voice", "", rate=rate)[:, np.newaxis], channels, 1)
    file = io.BytesIO()
    soundfile.write(file, sound, rate, format=form, subtype=codec)
    (found,) = outcome(file.getvalue())
    assert found.start == pytest.approx(2, abs=0.3) and found.end == pytest.approx(4, abs=0.3)


def test_odd_files():
    """Heads that no recorder writes: sound is still found, or one line says what is wrong."""
    noise = np.random.default_rng(0).integers(0, 256, 64 * 800, np.uint8).tobytes()
    shapes = itertools.product(
        (0, 1, 7, 1999, 2000, 16000, 768000, 768001, 2**31 - 1, 2**32 - 1),
        (0, 1, 2, 64, 65, 1024, 65535), (0, 1, 8, 16, 24, 32, 64), (1, 3, 6, 7, 0x55, 0xFFFE),
    )  # fmt: skip
    files = [wav(*shape, noise) for shape in random.Random(1).sample(list(shapes), FILES // 3)]
    not_a_number = np.full(4000, np.nan, np.float32).tobytes()
    infinite = np.full(4000, np.inf, np.float32).tobytes()
    files += [wav(bits=32, kind=3, samples=samples) for samples in (not_a_number, infinite)]
    files += [b"", b"\0", b"RIFF", b"ID3", b"fLaC", b"OggS", bytes(5000), noise, wav()]
    found = [outcome(file) for file in files]
    assert all(segments is None for segments in found[-11:])
    assert sum(segments is not None for segments in found) > len(files) / 50
    assert outcome(wav(samples=bytes(2))) == outcome(wav(samples=bytes(64000))) == []


def test_heads_that_are_cut_at_every_byte():
    """Of the kinds of files that people have."""
    names = ["WAV PCM_16 1", "FLAC PCM_16 1", "OGG VORBIS 1", "OGG OPUS 1", "CAF PCM_16 1"]
    names += ["MP3 MPEG_LAYER_III 1", "AIFF PCM_16 2", "AU PCM_16 1", "W64 PCM_16 1"]
    files = kinds()
    contents = [files[name] for name in names] + [encoded("ipod", "aac", 16000, seconds=0.1)]
    step = max(1, 2000 // FILES)
    for content in contents:
        for end in [*range(0, 200, step), *range(200, len(content), len(content) // 5)]:
            outcome(content[:end])


def test_damaged_files():
    files, draw, outcomes = kinds(), random.Random(25), {"found": 0, "refused": 0}
    for _ in range(FILES):
        content = b"".join(damaged(files[draw.choice(sorted(files))], draw))
        if draw.random() < 0.3:  # anywhere, not in the head alone
            flipped = bytearray(content)
            for _ in range(draw.choice((1, 3, 30))):
                flipped[draw.randrange(len(flipped))] ^= 1 << draw.randrange(8)
            content = bytes(flipped)
        outcomes["refused" if outcome(content) is None else "found"] += 1
    assert min(outcomes.values()) > FILES / 10, outcomes
