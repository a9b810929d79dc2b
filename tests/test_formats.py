"""Every format that can be written here is read back; the table of formats says how.

REPRODUCING.md holds the table; ``PYTHONPATH=. python tests/test_formats.py`` writes it.
"""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from test_decoding import encoded, tone

from atomicvad.audio.decode import decode
from atomicvad.audio.files import opened
from atomicvad.audio.sndfile import open_sndfile
from atomicvad.files import project_root

# What libsndfile writes: format -> suffix.
SNDFILE = {
    "WAV": ".wav", "WAVEX": ".wav", "RF64": ".rf64", "W64": ".w64", "AIFF": ".aif .aiff .aifc",
    "AU": ".au .snd", "CAF": ".caf", "FLAC": ".flac", "OGG": ".ogg .oga .opus", "MP3": ".mp3",
    "NIST": ".sph .nist", "VOC": ".voc", "PAF": ".paf", "SVX": ".svx .8svx", "IRCAM": ".ircam",
    "PVF": ".pvf", "AVR": ".avr", "HTK": ".htk", "SDS": ".sds",
}  # fmt: skip
# What FFmpeg writes: container, suffixes, codec, rate.
FFMPEG = [
    ("ipod", ".m4a .m4b", "aac", 44100), ("ipod", ".m4a", "alac", 44100),
    ("mp4", ".mp4 .m4v", "aac", 48000), ("mp4", ".mp4", "libopus", 48000),
    ("mov", ".mov", "pcm_s16le", 44100), ("3gp", ".3gp", "aac", 16000),
    ("3gp", ".3gp", "libopencore_amrnb", 8000), ("3g2", ".3g2", "aac", 16000),
    ("adts", ".aac", "aac", 44100), ("amr", ".amr", "libopencore_amrnb", 8000),
    ("ac3", ".ac3", "ac3", 48000), ("eac3", ".eac3", "eac3", 48000),
    ("webm", ".webm .weba", "libopus", 48000), ("matroska", ".mkv .mka", "libopus", 48000),
    ("matroska", ".mkv", "aac", 44100), ("matroska", ".mkv", "flac", 44100),
    ("matroska", ".mkv", "pcm_s16le", 16000), ("avi", ".avi", "pcm_s16le", 16000),
    ("avi", ".avi", "libmp3lame", 44100), ("flv", ".flv", "aac", 44100),
    ("asf", ".wma .wmv .asf", "wmav2", 44100), ("mpegts", ".ts .m2ts .mts", "mp2", 48000),
    ("mpegts", ".ts", "aac", 44100), ("vob", ".mpg .mpeg .vob", "mp2", 48000),
    ("mp2", ".mp2", "mp2", 48000), ("tta", ".tta", "tta", 44100),
    ("wv", ".wv", "wavpack", 44100), ("wav", ".wav", "adpcm_ima_wav", 16000),
    ("wav", ".wav", "adpcm_ms", 16000), ("wav", ".wav", "libmp3lame", 44100),
    ("g722", ".g722", "g722", 16000), ("ogg", ".ogv .oga", "flac", 44100),
    ("caf", ".caf", "alac", 44100),
]  # fmt: skip


def subtypes(form):
    """The codecs of libsndfile's format that can be written in mono."""
    rate = 8000 if form == "VOC" else 16000  # VOC holds few rates
    for codec in soundfile.available_subtypes(form):
        file = io.BytesIO()
        try:
            soundfile.write(file, tone(1, rate), rate, format=form, subtype=codec)
        except (soundfile.LibsndfileError, ValueError):
            continue
        yield codec, file.getvalue()


def reader(content, name):
    with opened(content, name) as file, open_sndfile(file, name) as stream:
        return "FFmpeg" if stream is None or name.endswith(".g722") else "libsndfile"


def is_the_tone(waveform, amplitude=0.3):
    """A second of the tone, to 70 ms of padding by the codec."""
    wave = np.exp(-2j * np.pi * 440 * np.arange(8000) / 16000)
    level = 2 * abs(np.mean(waveform[4000:12000] * wave))
    return abs(len(waveform) - 16000) < 1200 and abs(level - amplitude) < 0.05


@pytest.mark.parametrize("form", SNDFILE)
def test_formats_of_libsndfile(form):
    found = dict(subtypes(form))
    assert found
    for codec, content in found.items():
        assert is_the_tone(decode(content, codec)), codec
        assert reader(content, codec) == "libsndfile"


@pytest.mark.parametrize(("form", "suffixes", "codec", "rate"), FFMPEG)
def test_containers_of_ffmpeg(form, suffixes, codec, rate):
    content = encoded(form, codec, rate, seconds=1.0)
    name = "a" + suffixes.split()[-1]
    waveform = decode(content, name)
    assert abs(len(waveform) - 16000) < 1700
    assert is_the_tone(np.resize(waveform, 16000))


def table():
    """The table of formats, in Markdown."""
    rows = ["| suffix | container | codec | read by | verified against | test |", "|" + "---|" * 6]
    for form, suffixes in SNDFILE.items():
        codecs = ", ".join(codec for codec, _ in subtypes(form))
        rows.append(
            f"| {suffixes} | {form} | {codecs} | libsndfile | the tone that was written | "
            "`test_formats_of_libsndfile` |"
        )
    for form, suffixes, codec, rate in FFMPEG:
        name = "a" + suffixes.split()[-1]
        by = reader(encoded(form, codec, rate, seconds=1.0), name)
        rows.append(
            f"| {suffixes} | {form} | {codec} | {by} | the tone that was written | "
            "`test_containers_of_ffmpeg` |"
        )
    return "\n".join(rows)


def test_the_table_is_current():
    assert table() in (project_root() / "REPRODUCING.md").read_text()


if __name__ == "__main__":
    page = Path("REPRODUCING.md")
    text = page.read_text()
    head = text.index("| suffix | container |") if "| suffix | container |" in text else None
    if head is not None:
        end = text.index("\n\n", head)
        page.write_text(text[:head] + table() + text[end:])
