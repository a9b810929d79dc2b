"""Decoding agrees with what is in a file, or says so: heads, joined files, holes, channels."""

import io
import struct
import subprocess
import sys
import tracemalloc
from functools import partial

import av
import numpy as np
import pytest
import soundfile

from atomicvad.audio.decode import AudioError, audio_chunks, decode, read_header
from atomicvad.audio.files import opened
from atomicvad.audio.folders import SUFFIXES
from atomicvad.audio.sndfile import open_sndfile
from atomicvad.corpora.index import find_files, passed_over
from atomicvad.corpora.recordings import Recording
from atomicvad.data.store import AudioStore

RATE = 16000


def tone(seconds=1.0, rate=RATE):
    return (0.3 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)).astype("f4")


def written(form, subtype=None, sound=None, rate=RATE):
    """A file of libsndfile's."""
    file = io.BytesIO()
    soundfile.write(file, tone() if sound is None else sound, rate, format=form, subtype=subtype)
    return file.getvalue()


def encoded(form, codec, rate=48000, start=0.0, gap=0.0, seconds=3.0, options=None, sound=None):
    """A file of FFmpeg's, whose timestamps start late, or have a gap after a second."""
    sound = tone(seconds, rate) if sound is None else sound
    file, sound = io.BytesIO(), (sound * 32767).astype("<i2")
    with av.open(file, "w", format=form, options=options or {}) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        if codec.startswith("wma"):
            stream.bit_rate = 64000
            stream.codec_context.open(strict=False)
        size = stream.codec_context.frame_size or 1024

        def mux(packets):
            for packet in packets:
                late = start + (gap if packet.pts >= rate else 0)
                packet.pts = packet.dts = packet.pts + round(late * rate)
                container.mux(packet)

        for first in range(0, len(sound), size):
            piece = sound[first : first + size][np.newaxis]
            frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
            frame.sample_rate, frame.pts = rate, first
            mux(stream.encode(frame))
        mux(stream.encode(None))
    return file.getvalue()


def put(content, at, new):
    return content[:at] + new + content[at + len(new) :]


def size_at(content, name, form, *values):
    """``content`` with other sizes after ``name``."""
    at = content.find(name) + len(name)
    return [put(content, at, struct.pack(form, value)) for value in values]


def lying_heads():
    wav, aiff, caf = (written(form) for form in ("WAV", "AIFF", "CAF"))
    w64, rf64 = written("W64"), written("RF64")
    files = size_at(wav, b"data", "<I", 0, 0xFFFFFFFF, 0x7FFFFFFF, len(wav), len(wav) - 8)
    files += size_at(wav, b"RIFF", "<I", 0, 8, 0xFFFFFFFF, len(wav), len(wav) + 40)
    files += [put(file, 4, bytes(4)) for file in size_at(wav, b"data", "<I", 0)]
    files += size_at(aiff, b"SSND", ">I", 0, 8, 0xFFFFFFFF)
    files += size_at(aiff, b"FORM", ">I", 0, 0xFFFFFFFF)
    files += [put(written("AU"), 8, struct.pack(">I", size)) for size in (0, 0xFFFFFFFF)]
    files += size_at(caf, b"data", ">q", -1, 0)
    files += [put(w64, w64.find(b"data") + 16, struct.pack("<q", size)) for size in (0, -1)]
    files += [put(rf64, 28, struct.pack("<q", size)) for size in (0, -1)]
    return files


@pytest.mark.parametrize("content", lying_heads())
def test_samples_are_right_whatever_the_sizes_say(content, tmp_path, caplog):
    expected = decode(written("WAV"))
    np.testing.assert_array_equal(decode(content, "a"), expected)
    (tmp_path / "a").write_bytes(content)
    np.testing.assert_array_equal(np.concatenate(list(audio_chunks(tmp_path / "a"))), expected)
    assert read_header(tmp_path / "a").seconds == 1
    assert all("a: " in message for message in caplog.messages)


def test_flac_and_ogg_without_a_length(caplog):
    flac = written("FLAC")
    unknown = put(flac, 21, bytes([flac[21] & 0xF0]) + bytes(4))
    np.testing.assert_array_equal(decode(unknown), decode(flac))
    ogg = written("OGG", "OPUS", tone(5, 48000), 48000)
    assert 4 < len(decode(ogg[: ogg.rfind(b"OggS")], "open.ogg")) / RATE < 5
    assert "open.ogg: its end is not marked" in caplog.text


def test_a_file_that_goes_on_or_ends_early_is_refused():
    wav = written("WAV")
    noise = np.random.default_rng(0).bytes(40000)
    for content, said in [
        (wav + noise, "goes on after"),
        (wav[:-4000], "truncated"),
        (written("NIST")[:-4000], "truncated"),
        (encoded("mp3", "libmp3lame")[:9000], "truncated: its header states"),
        (encoded("matroska", "aac")[:9000], "truncated or damaged"),
        (encoded("avi", "libmp3lame")[:9000], "truncated"),
    ]:
        with pytest.raises(AudioError, match=f"a.x: .*{said}"):
            decode(content, "a.x")
    np.testing.assert_array_equal(decode(wav + b"TAG" + bytes(125)), decode(wav))


JOINED = {
    "mp3": lambda: encoded("mp3", "libmp3lame", 44100, seconds=2),
    "mp3 of libsndfile": lambda: written("MP3", sound=tone(2, 44100), rate=44100),
    "vorbis": lambda: written("OGG", "VORBIS", tone(2)),
    "opus": lambda: written("OGG", "OPUS", tone(2)),
    "flac": lambda: written("FLAC", sound=tone(2)),
    "wav": lambda: written("WAV", sound=tone(2)),
    "aiff": lambda: written("AIFF", sound=tone(2)),
    "m4a": lambda: encoded("ipod", "aac", 44100, seconds=2),
    "webm": lambda: encoded("webm", "libopus", seconds=2),
    "tta": lambda: encoded("tta", "tta", 44100, seconds=2),
}


@pytest.mark.parametrize("kind", JOINED)
def test_joined_files_are_read_to_the_end(kind, tmp_path):
    one = JOINED[kind]()
    single = decode(one)
    path = tmp_path / "a"
    for count in (2, 3):
        path.write_bytes(one * count)
        assert len(decode(path)) == pytest.approx(count * len(single), abs=2)
        assert read_header(path).seconds == pytest.approx(2 * count, abs=0.1 * count)


def test_files_of_two_kinds_and_rates_are_joined():
    parts = [JOINED["opus"](), written("OGG", "VORBIS", tone(1, 8000), 8000)]
    assert len(decode(b"".join(parts))) == pytest.approx(3 * RATE, abs=10)
    bare = encoded("mp3", "libmp3lame", 44100, options={"write_xing": "0", "id3v2_version": "0"})
    assert len(decode(JOINED["mp3"]() + bare)) == pytest.approx(5 * RATE, abs=0.05 * RATE)


def tag(size):
    return b"ID3\x04\0\0" + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + b"\1" * size


@pytest.mark.parametrize("ffmpeg", [True, False])
@pytest.mark.parametrize("before", [tag(300) + tag(9000), tag(300) + bytes(2000)])
def test_unusual_tags_change_nothing(before, ffmpeg, monkeypatch):
    """Two tags, and zeros after one: decoders would miss the header that states the delay."""
    one, bare = JOINED["mp3"](), written("MP3", sound=tone(2, 44100), rate=44100)
    if not ffmpeg:
        monkeypatch.setitem(sys.modules, "av", None)
    assert len(decode(one + before + one)) == 2 * len(decode(one))
    for content in (bare, written("WAV"), written("FLAC"), written("OGG")):
        np.testing.assert_array_equal(decode(before + content), decode(content))
        assert read_header(before + content) == read_header(content)


@pytest.mark.parametrize("codec", ["pcm_f32le", "pcm_mulaw", "pcm_s24le"])
def test_w64_may_state_its_codec_in_either_way(codec, monkeypatch):
    """Above 48 kHz the codec stands in a GUID, which libsndfile does not read in W64."""
    content = encoded("w64", codec, 96000)
    assert b"\xfe\xff" in content[:100]
    monkeypatch.setitem(sys.modules, "av", None)
    expected = decode(written("WAV", sound=tone(3, 96000), rate=96000))
    np.testing.assert_allclose(decode(content), expected, atol=0.01)


@pytest.mark.parametrize(
    ("form", "codec", "rate"),
    [("avi", "pcm_u8", 8000), ("avi", "adpcm_ms", 22050), ("wav", "adpcm_ms", 96000)],
)
def test_no_length_or_head_is_doubted_for_its_codec(form, codec, rate):
    """FFmpeg guesses the length of AVI; ADPCM has fewer bits than bytes would hold."""
    content = encoded(form, codec, rate, seconds=6)
    assert len(decode(content)) == pytest.approx(6 * RATE, abs=0.1 * RATE)
    assert read_header(content).seconds == pytest.approx(6, abs=0.1)


def test_mp3_without_a_count_is_read_to_the_end(tmp_path):
    """Its length is guessed from the bit rate of its first frame, which is low in silence."""
    sound = np.concatenate([np.zeros(22050), np.random.default_rng(0).normal(0, 0.2, 44100 * 4)])
    content = written("MP3", sound=sound.clip(-1, 1).astype("f4"), rate=44100)
    content = content.replace(b"Xing", b"\0\0\0\0")
    assert len(decode(content)) == pytest.approx(4.5 * RATE, abs=0.15 * RATE)


@pytest.mark.parametrize(
    ("form", "name", "at", "new"),
    [
        ("WAV", b"fmt ", 20, b"\x01"),  # bytes of a sample of all channels
        ("WAV", b"fmt ", 22, b"\x18"),  # bits
        ("CAF", b"lpcm", 20, b"\0\0\0\x1e"),
        ("FLAC", b"fLaC", 8, b"\xff\xff\xff\xff"),  # samples of a frame
        ("FLAC", b"fLaC", 18, b"\x01\xf4\x00"),  # 8 kHz, while its frames say 16 kHz
    ],
)
def test_a_head_that_contradicts_itself_is_refused(form, name, at, new):
    content = written(form)
    content = put(content, content.find(name) + at, new)
    with pytest.raises(AudioError, match="its header contradicts itself"):
        decode(content)


def spans(waveform):
    """Where there is sound: starts and ends in s."""
    loud = np.convolve(np.abs(waveform) > 0.02, np.ones(80), "same") > 0
    return np.flatnonzero(np.diff(np.r_[0, loud.astype(int), 0])) / RATE


@pytest.mark.parametrize(
    ("form", "codec", "rate"),
    [
        *(("matroska", "libopus", 48000), ("matroska", "pcm_s16le", 16000)),
        *(("webm", "libopus", 48000), ("mp4", "aac", 44100), ("3gp", "aac", 16000)),
    ],
)
def test_holes_and_a_late_start_are_silence(form, codec, rate, caplog):
    whole = spans(decode(encoded(form, codec, rate)))
    np.testing.assert_allclose(whole, [0, 3], atol=0.03)
    found = spans(decode(encoded(form, codec, rate, start=0.5, gap=1.0), "late"))
    assert found == pytest.approx([0.5, 1.52, 2.52, 4.5], abs=0.03)
    assert "late: silence where its timestamps leave 2 holes" in caplog.text


def test_holes_in_mpeg_ts_and_ogg_are_silence():
    for form, codec in (("mpegts", "mp2"), ("ogg", "libopus")):
        found = spans(decode(encoded(form, codec, gap=1.0, seconds=6)))
        assert found == pytest.approx([0, 1.02, 2.02, 7], abs=0.04), form


def test_missing_pages_of_ogg_are_silence():
    def without(content, first, last):
        starts = [at for at in range(len(content)) if content.startswith(b"OggS\0", at)]
        return content[: starts[first]] + content[starts[last] :]

    opus = without(encoded("ogg", "libopus", seconds=10), 4, 6)
    assert spans(decode(opus)) == pytest.approx([0, 2, 4, 10], abs=0.03)
    whole = written("OGG", "VORBIS", tone(20, 48000), 48000)
    start, stop, begin, end = spans(decode(without(whole, 4, 6)))
    assert (start, end) == pytest.approx((0, 20), abs=0.03) and 4 < begin - stop < 5
    with pytest.raises(
        AudioError, match="its header states"
    ):  # nothing after the hole says where it stands
        decode(without(encoded("ogg", "libopus", seconds=2), 3, 4))


CODECS = [
    *(("WAV", "GSM610"), ("AIFF", "GSM610"), ("W64", "GSM610"), ("WAV", "G721_32")),
    *(("WAV", "NMS_ADPCM_16"), ("WAV", "NMS_ADPCM_24"), ("WAV", "NMS_ADPCM_32")),
    *(("WAV", "MS_ADPCM"), ("WAV", "IMA_ADPCM"), ("AIFF", "IMA_ADPCM"), ("AIFF", "DWVW_16")),
    *(("AIFF", "DWVW_24"), ("AU", "G721_32"), ("AU", "G723_24"), ("AU", "G723_40")),
]


@pytest.mark.parametrize(("form", "codec"), CODECS)
def test_codecs_that_cannot_seek(form, codec, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(written(form, codec, tone(1.5, 8000), 8000))
    waveform = decode(path)
    assert len(waveform) == pytest.approx(1.5 * RATE, abs=0.07 * RATE)
    wave = np.exp(-2j * np.pi * 440 * np.arange(16000) / RATE)
    assert 2 * abs(np.mean(waveform[4000:20000] * wave)) == pytest.approx(0.3, abs=0.04)
    assert read_header(path).seconds == pytest.approx(len(waveform) / RATE, abs=0.001)


def test_mp3_in_pieces_has_the_bits_of_the_whole(tmp_path):
    """soundfile seeks after each block, which begins the decoder anew; decoding does not."""
    noise = np.random.default_rng(0).normal(0, 0.1, 44100 * 25)
    path = tmp_path / "a.mp3"
    soundfile.write(path, noise, 44100)
    whole, rate = soundfile.read(path, dtype="float32")
    blocks = [block[:, 0] for part in opened_blocks(path) for block in part]
    assert rate == 44100
    np.testing.assert_array_equal(np.concatenate(blocks), whole)


def opened_blocks(path):
    with opened(path, "a") as file, open_sndfile(file, "a") as stream:
        yield [block for _, block in stream.blocks]


def test_what_is_odd_is_logged(tmp_path, caplog):
    cancels = np.stack([tone(), -tone()], 1)
    assert len(decode(written("WAV", sound=cancels), "anti.wav")) == RATE
    assert caplog.messages == ["anti.wav: its channels cancel each other when they are averaged"]
    caplog.clear()
    loud = decode(written("WAV", "FLOAT", tone() * 4), "loud.wav")
    assert loud.max() == pytest.approx(1.2, abs=0.01) and not caplog.messages
    decode(written("WAV", "FLOAT", tone() * 32768), "whole-numbers.wav")
    assert "whole-numbers.wav: its samples reach 9.83e+03" in caplog.text


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(value, tmp_path):
    sound = np.stack([tone(25), tone(25)], 1)
    sound[-5, 1] = value
    path = tmp_path / "a.wav"
    soundfile.write(path, sound, RATE, subtype="FLOAT")
    for read in (decode, lambda path: list(audio_chunks(path))):
        with pytest.raises(AudioError, match=r"a\.wav: some samples are NaN or infinite"):
            read(path)


class Pipe(io.RawIOBase):
    """Bytes that arrive in pieces and cannot seek."""

    def __init__(self, content):
        self.waiting = io.BytesIO(content)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self.waiting.readinto(memoryview(buffer)[:1000])


def test_every_source_gives_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("atomicvad.audio.files.IN_MEMORY", 10_000)  # longer: a temporary file
    content = written("FLAC", sound=tone(2))
    path = tmp_path / "a.flac"
    path.write_bytes(content)
    expected = decode(path)
    at_its_end = io.BytesIO(content)
    at_its_end.seek(0, io.SEEK_END)
    with open(path, "rb") as file, open(path, "rb", buffering=0) as raw:
        sources = [str(path), content, bytearray(content), memoryview(content), file, raw]
        for source in [*sources, at_its_end, Pipe(content), io.BufferedReader(Pipe(content))]:
            np.testing.assert_array_equal(decode(source), expected, type(source).__name__)
        assert not file.closed
        assert read_header(file).seconds == 2
        descriptor = f"/dev/fd/{file.fileno()}"  # as shells call what a command writes
        np.testing.assert_array_equal(decode(descriptor), expected)
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as process:
        np.testing.assert_array_equal(decode(f"/dev/fd/{process.stdout.fileno()}"), expected)
    with pytest.raises(AudioError, match=r"a\.flac: cannot be read: .*closed"):
        decode(file)


def test_sources_that_are_none():
    for source, said in [
        (io.StringIO("words"), "audio: expected a path, bytes or a file opened in binary mode"),
        (tone(), "audio: expected a path, bytes or a file opened in binary mode, got ndarray"),
        (Pipe(b""), "audio: the file is empty"),
    ]:
        with pytest.raises(AudioError, match=said):
            decode(source)


def test_one_channel_of_several(tmp_path):
    sound = np.stack([tone(2), 0.5 * tone(2), 0 * tone(2)], 1)
    content = written("WAV", "FLOAT", sound)
    for channel in range(3):
        np.testing.assert_array_equal(decode(content, channel=channel), sound[:, channel])
    (chunk,) = audio_chunks(content, channel=1)
    np.testing.assert_array_equal(chunk, sound[:, 1])
    resampled = written("WAV", "FLOAT", sound, 44100)
    expected = decode(written("WAV", "FLOAT", sound[:, 1], 44100))
    np.testing.assert_array_equal(decode(resampled, channel=1), expected)
    for channel in (3, -1):
        with pytest.raises(AudioError, match=f"a: no channel {channel}; it has 3 channels, 0 to 2"):
            decode(content, "a", channel)
    with pytest.raises(AudioError, match="no channel 1; it has one channel, 0"):
        decode(written("WAV"), channel=1)


def test_errors_hold_no_data():
    for source in (b"secret" * 100, bytearray(b"secret" * 100), memoryview(b"secret" * 100)):
        with pytest.raises(AudioError) as caught:
            decode(source)
        assert str(caught.value) == "audio of 600 bytes: cannot be decoded as audio"


def test_a_bad_file_leaves_the_others_in_the_store(tmp_path, capsys):
    files = {"gsm.wav": written("WAV", "GSM610", tone(1, 8000), 8000), "cut.wav": written("WAV")}
    files["cut.wav"] = files["cut.wav"][:-4000]
    recordings = [
        Recording(name, "speech", "speech", "", "", "", "training", partial(bytes, content))
        for name, content in files.items()
    ]
    store = AudioStore.build(tmp_path, recordings, workers=1)
    assert store.recordings["recording"].tolist() == ["gsm.wav"]
    assert "left out: cut.wav: the file is truncated" in capsys.readouterr().out


def test_memory_does_not_grow_with_channels_and_rate(tmp_path):
    """Ten minutes of stereo at 48 kHz: the result, and blocks of 10 s, but not the recording."""
    path = tmp_path / "long.flac"
    with soundfile.SoundFile(path, "w", 48000, 2, "PCM_16") as file:
        for _ in range(20):
            file.write(np.zeros((48000 * 30, 2), np.int16))
    tracemalloc.start()
    waveform = decode(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(waveform) == 600 * RATE
    assert peak < 2.5 * waveform.nbytes  # while it grows, the result's memory is reserved twice


def test_every_format_is_looked_for_and_the_rest_is_counted(tmp_path):
    names = [f"a{suffix}" for suffix in sorted(SUFFIXES)]
    assert len(SUFFIXES) > 50 and {".wv", ".tta", ".amr", ".3gp", ".ts", ".caf"} <= SUFFIXES
    for name in [*names, "b.docx", "c.docx", "README", "d.csv", ".hidden"]:
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    assert find_files(tmp_path) == sorted(names)
    line = passed_over(tmp_path, [".csv"])
    for said in ("2 .docx", "1 without a suffix", "1 hidden files", "1 links to folders"):
        assert said in line
    assert "\n" not in line and ".csv" not in line
