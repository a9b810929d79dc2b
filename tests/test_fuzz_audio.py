"""Heads of audio files with damage: the samples that FFmpeg finds on its own, or a reason.

``read_plainly`` is an independent reading: every packet of the first audio stream, decoded and laid
end to end, by a dozen lines of PyAV that share nothing with the package.
"""

import io
import os
import random
import sys

import av
import numpy as np
import pytest
import soundfile
import soxr
from test_decoding import encoded, put

from atomicvad.audio.decode import AudioError, decode, read_header

HEADS = int(os.environ.get("ATOMICVAD_FUZZ", "2000"))
RATE = 16000


LOSSY = ("GSM610 1", "ADPCM 1")  # damage that reaches their samples is heard differently


def sound(rate, seconds=0.3, channels=1):
    """A sweep with a little noise, so that a shift or another rate is seen."""
    t = np.arange(round(rate * seconds)) / rate
    sweep = 0.3 * np.sin(2 * np.pi * (300 + 2000 * t) * t)
    noise = np.random.default_rng(0).normal(0, 0.01, (len(t), channels))
    return np.clip(sweep[:, np.newaxis] + noise, -1, 1).astype(np.float32)


def kinds():
    """A short file of each kind, by its name."""
    found = {}
    for form, codec, channels, rate in [
        *(("WAV", "PCM_16", 1, 16000), ("WAV", "PCM_24", 2, 44100), ("WAV", "FLOAT", 1, 22050)),
        *(("WAV", "PCM_U8", 1, 8000), ("WAV", "ULAW", 1, 8000), ("WAVEX", "PCM_16", 2, 16000)),
        *(("RF64", "PCM_16", 1, 16000), ("W64", "PCM_16", 1, 16000), ("AIFF", "PCM_16", 2, 16000)),
        *(("AIFF", "FLOAT", 1, 16000), ("AU", "PCM_16", 1, 16000), ("AU", "ULAW", 1, 8000)),
        *(("CAF", "PCM_16", 1, 16000), ("FLAC", "PCM_16", 1, 16000), ("FLAC", "PCM_24", 2, 44100)),
        *(
            ("OGG", "VORBIS", 1, 16000),
            ("OGG", "OPUS", 1, 48000),
            ("MP3", "MPEG_LAYER_III", 1, 44100),
        ),
        *(("WAV", "GSM610", 1, 8000), ("WAV", "MS_ADPCM", 1, 16000), ("NIST", "PCM_16", 1, 16000)),
    ]:
        file = io.BytesIO()
        soundfile.write(file, sound(rate, channels=channels), rate, format=form, subtype=codec)
        found[f"{form} {codec} {channels}"] = file.getvalue()
    for form, codec, rate in [
        *(("ipod", "aac", 44100), ("webm", "libopus", 48000), ("matroska", "pcm_s16le", 16000)),
        *(("adts", "aac", 16000), ("avi", "pcm_s16le", 16000), ("tta", "tta", 44100)),
        *(("mpegts", "mp2", 48000), ("amr", "libopencore_amrnb", 8000)),
    ]:
        found[f"{form} {codec}"] = encoded(form, codec, rate, seconds=0.3)
    return found


def damaged(content, draw):
    """Bytes of the head replaced (often a size), the end cut off, something added, or joined.

    Returns the files that follow each other.
    """
    if draw.random() < 0.05:
        return [content] * 2
    for _ in range(draw.choice((1, 1, 1, 2))):
        samples = max(content.find(b"data"), content.find(b"SSND")) + 16
        head = min(len(content), 120, samples if samples > 15 else 120)
        how, at = draw.random(), draw.randrange(head)
        if how < 0.45:
            new = draw.choice((b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0" * 8, b"\xff" * 8))
            content = put(content, at, new)
        elif how < 0.75:
            content = put(content, at, draw.randbytes(draw.choice((1, 1, 2, 4))))
        elif how < 0.9:
            content = content[: draw.randrange(1, len(content))]
        else:
            content += draw.randbytes(draw.choice((1, 100, 6000)))
    return [content]


def read_plainly(content):
    """What FFmpeg makes of it: rate and mono samples, or ``None`` where it fails."""
    pieces, rate = [], None
    try:
        with av.open(io.BytesIO(content)) as container:
            resampler = av.AudioResampler(format="flt")
            for frame in container.decode(audio=0):
                rate, shape = frame.sample_rate, (-1, len(frame.layout.channels))
                parts = [part.to_ndarray() for part in resampler.resample(frame)]
                pieces += [part.reshape(shape).mean(axis=1) for part in parts]
    except (av.FFmpegError, ValueError, IndexError, EOFError, ArithmeticError):
        return None
    return (rate, np.concatenate(pieces)) if pieces else None


def agree(ours, parts, alike=True):
    """Whether samples equal FFmpeg's: as many of them, and alike but for coding noise."""
    plain = [read_plainly(part) for part in parts]
    if None in plain:
        return None
    theirs = np.concatenate([soxr.resample(one, rate, RATE) for rate, one in plain])
    if abs(len(ours) - len(theirs)) > 0.1 * RATE:
        return False
    if len(parts) > 1 or not alike:  # decoders differ by milliseconds in where a lossy file ends
        return True
    count = min(len(ours), len(theirs))
    ours, theirs = ours[:count], theirs[:count]
    if not count or np.abs(theirs).max() > 10:
        return None
    # Delays of decoders differ by a few milliseconds; spectra do not.
    ours, theirs = (np.abs(np.fft.rfft(one)) for one in (ours, theirs))
    scale = np.linalg.norm(ours) * np.linalg.norm(theirs)
    return bool(ours @ theirs > 0.8 * scale or (scale == 0 and ours.sum() == theirs.sum()))


@pytest.fixture(scope="module", autouse=True)
def quiet():
    level = av.logging.get_level()
    av.logging.set_level(av.logging.PANIC)
    yield
    av.logging.set_level(level)


def test_files_without_damage_agree():
    for name, content in kinds().items():
        assert agree(decode(content, name), [content]) in (True, None), name


def test_damaged_heads(tmp_path):
    files, draw, outcomes, wrong = kinds(), random.Random(23), {}, []
    for number in range(HEADS):
        name = draw.choice(sorted(files))
        parts = damaged(files[name], draw)
        try:
            ours = decode(b"".join(parts), name)
        except AudioError as error:
            assert str(error).startswith(name) and "\n" not in str(error) and len(str(error)) < 300
            outcome = "refused"
        else:
            assert len(ours) and np.isfinite(ours).all()
            same = agree(ours, parts, not name.endswith(LOSSY))
            outcome = {True: "equal", False: "other", None: "FFmpeg fails"}[same]
            if not ours.any() or same is False:
                wrong.append((number, name, len(ours)))
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    print(outcomes)
    assert outcomes["equal"] > HEADS / 4
    assert not wrong, (outcomes, wrong)


def test_damaged_heads_without_ffmpeg(monkeypatch):
    files, draw, read = kinds(), random.Random(11), 0
    monkeypatch.setitem(sys.modules, "av", None)
    for _ in range(HEADS // 10):
        name = draw.choice(sorted(files))
        content = b"".join(damaged(files[name], draw))
        for function in (decode, read_header):
            try:
                function(content, name)
                read += 1
            except AudioError as error:
                assert str(error).startswith(name) and "\n" not in str(error)
    assert read > HEADS / 20


def test_heads_on_disk_are_read_as_bytes_are(tmp_path):
    files, draw = kinds(), random.Random(5)
    path = tmp_path / "a"
    for number in range(HEADS // 20):
        path.write_bytes(b"".join(damaged(files[draw.choice(sorted(files))], draw)))
        try:
            expected = decode(path.read_bytes(), "a")
        except AudioError:
            with pytest.raises(AudioError):
                decode(path)
            continue
        np.testing.assert_array_equal(decode(path), expected, str(number))
        try:
            assert read_header(path).seconds == pytest.approx(len(expected) / RATE, abs=0.25)
        except AudioError as error:
            pytest.fail(f"{number}: {error}")
