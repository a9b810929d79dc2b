"""Samples stand where they were in time: codecs' delays are taken off where a file states them."""

import sys

import numpy as np
import pytest
import soxr
from test_decoding import encoded, written

from atomicvad.audio.decode import decode
from atomicvad.audio.mono import at_16_khz

RATE = 16000
RATES = (8000, 16000, 22050, 44100, 48000)
OPUS = (8000, 16000, 48000)
FFMPEG = [
    ("mp3", "libmp3lame", RATES), ("ipod", "aac", RATES), ("ipod", "alac", RATES),
    ("ogg", "libopus", OPUS), ("webm", "libopus", OPUS),
    ("mp4", "libopus", OPUS), ("mp4", "libmp3lame", RATES[1:]),
    ("matroska", "aac", RATES), ("matroska", "libmp3lame", RATES), ("flac", "flac", RATES),
]  # fmt: skip
SNDFILE = [
    ("WAV", "PCM_16", RATES), ("FLAC", "PCM_16", RATES), ("OGG", "VORBIS", RATES),
    ("OGG", "OPUS", OPUS), ("MP3", "MPEG_LAYER_III", RATES),
]  # fmt: skip
# Formats that state no delay: samples by which all comes late.
LATE = [
    ("mp3", "libmp3lame", {"write_xing": "0"}, 1105),  # 576 of LAME, 529 of any decoder
    ("avi", "libmp3lame", {}, 1105), ("wav", "libmp3lame", {}, 1105),
    ("flv", "libmp3lame", {}, 1105), ("mpegts", "libmp3lame", {}, 1105),
    ("adts", "aac", {}, 1024), ("mpegts", "aac", {}, 1024), ("flv", "aac", {}, 1024),
    ("mp4", "aac", {"movflags": "frag_keyframe+empty_moov"}, 1024),
    ("mp2", "mp2", {}, 481), ("ac3", "ac3", {}, 256),
]  # fmt: skip


def chirps(rate):
    """Six seconds with four sweeps up to 2.4 kHz, at uneven distances."""
    time, sound = np.arange(6 * rate) / rate, 0
    for start in (0.05, 1.5, 3.1, 4.5):
        at = np.clip(time - start, 0, 0.5)
        sweep = np.sin(2 * np.pi * (200 * at + 2200 * at**2))
        sound = sound + 0.5 * np.sin(2 * np.pi * at) ** 2 * sweep
    return sound.astype(np.float32)


def shift(waveform):
    """How late a waveform is against the sweeps, in ms: the peak of their correlation."""
    size, up = 1 << 18, 8
    spectrum = np.fft.rfft(waveform, size) * np.conj(np.fft.rfft(chirps(RATE), size))
    correlation = np.fft.irfft(spectrum, up * size)
    peak = int(np.argmax(correlation))
    return 1000 * (peak - up * size * (peak > up * size / 2)) / (up * RATE)


def each(table):
    return [(form, codec, rate) for form, codec, rates in table for rate in rates]


@pytest.mark.parametrize(("form", "codec", "rate"), each(FFMPEG))
def test_files_of_ffmpeg(form, codec, rate):
    content = encoded(form, codec, rate, sound=chirps(rate))
    assert abs(shift(decode(content))) < 0.1


@pytest.mark.parametrize("ffmpeg", [True, False])
@pytest.mark.parametrize(("form", "codec", "rate"), each(SNDFILE))
def test_files_of_libsndfile(form, codec, rate, ffmpeg, monkeypatch):
    if not ffmpeg:
        monkeypatch.setitem(sys.modules, "av", None)
    waveform = decode(written(form, codec, chirps(rate), rate))
    assert abs(shift(waveform)) < 0.1
    assert len(waveform) == pytest.approx(6 * RATE, abs=1)


@pytest.mark.parametrize(("form", "codec", "options", "samples"), LATE)
def test_formats_that_state_no_delay(form, codec, options, samples):
    """The docstring of ``decode`` names them."""
    content = encoded(form, codec, 44100, options=options, sound=chirps(44100))
    assert shift(decode(content)) == pytest.approx(1000 * samples / 44100, abs=0.1)


def test_low_rates_do_not_seem_truncated():
    """What Matroska and WAV state counts a packet more than there is: 128 ms of AAC at 8 kHz."""
    for form, codec in (("matroska", "aac"), ("matroska", "libmp3lame"), ("wav", "libmp3lame")):
        assert len(decode(encoded(form, codec, 8000))) == pytest.approx(3 * RATE, abs=0.2 * RATE)


@pytest.mark.parametrize("rate", [7350, 8000, 11025, 22050, 44100, 48000, 96000])
def test_blocks_of_any_size_are_resampled_to_the_same_bits(rate):
    draw = np.random.default_rng(rate)
    sound = draw.normal(0, 0.1, 3 * rate).astype(np.float32)
    whole = soxr.resample(sound, rate, RATE)
    for most in (1, rate // 100, rate):
        cuts = np.cumsum(draw.integers(1, most + 1, 3 * rate // most))
        blocks = [block for block in np.split(sound, cuts[cuts < len(sound)]) if len(block)]
        found = np.concatenate(list(at_16_khz((rate, block) for block in blocks)))
        np.testing.assert_array_equal(found, whole)
