"""Any format comes out as the same 16 kHz mono; what cannot be used is named."""

import os
from functools import partial

import av
import numpy as np
import pytest
import soundfile

from atomicvad.audio.decode import AudioError, decode, read_header
from atomicvad.corpora.recordings import Recording
from atomicvad.data.store import AudioStore


def tone(rate, seconds=1.0, hertz=440):
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).astype("f4")


def level(waveform, hertz=440):
    """Amplitude of a tone within a waveform at 16 kHz, away from the edges."""
    middle = waveform[2000:-2000]
    wave = np.exp(-2j * np.pi * hertz * np.arange(len(middle)) / 16000)
    return 2 * abs(np.mean(middle * wave))


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize(
    ("suffix", "subtype"),
    [("wav", "PCM_16"), ("wav", "PCM_24"), ("wav", "FLOAT"), ("flac", "PCM_24"), ("ogg", "VORBIS")],
)
def test_formats_and_rates(rate, suffix, subtype, tmp_path):
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, tone(rate), rate, subtype=subtype)
    waveform = decode(path)
    assert waveform.dtype == np.float32 and waveform.ndim == 1
    assert abs(len(waveform) - 16000) < 200
    assert level(waveform) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("suffix", "codec", "rate"),
    [("m4a", "aac", 44100), ("mp3", "mp3", 44100), ("g722", "g722", 16000)],
)
def test_formats_of_ffmpeg(suffix, codec, rate, tmp_path):
    path = tmp_path / f"tone.{suffix}"
    options = {"format": "g722"} if suffix == "g722" else {}
    with av.open(str(path), "w", **options) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        for start in range(0, rate, 1024):
            piece = (tone(rate)[start : start + 1024] * 32767).astype("<i2")[np.newaxis]
            frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
            frame.sample_rate, frame.pts = rate, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert level(decode(path)) == pytest.approx(0.5, abs=0.03)


def test_stereo_is_averaged(tmp_path):
    stereo = np.stack([tone(16000), np.zeros(16000, np.float32)], 1)
    soundfile.write(tmp_path / "stereo.wav", stereo, 16000)
    assert level(decode(tmp_path / "stereo.wav")) == pytest.approx(0.25, abs=0.01)


def bad_files(folder):
    """Files that cannot be used, and what is said of them."""
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.wav").write_text("this is no audio at all, only words and words")
    soundfile.write(folder / "none.wav", np.zeros(0), 16000)
    broken = tone(16000)
    broken[5] = np.nan
    soundfile.write(folder / "nan.wav", broken, 16000, subtype="FLOAT")
    soundfile.write(folder / "whole.flac", tone(16000), 16000)
    (folder / "cut.flac").write_bytes((folder / "whole.flac").read_bytes()[:60])
    return {
        "missing.wav": "No such file",
        "empty.wav": "the file is empty",
        "text.wav": "cannot be decoded",
        "none.wav": "no audio in it",
        "nan.wav": "NaN",
        "cut.flac": "",
    }


def test_bad_audio_is_named_in_one_line(tmp_path):
    for name, said in bad_files(tmp_path).items():
        with pytest.raises(AudioError) as caught:
            decode(tmp_path / name)
        assert name in str(caught.value) and said in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["wav", "aiff", "flac", "ogg"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_file_is_refused(suffix, share, tmp_path):
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, tone(16000, 5.0), 16000)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(AudioError, match=path.name):
        decode(path)


def test_reading_past_the_end_is_an_error(store):
    with pytest.raises(AudioError, match="not within"):
        store.read(0, 0, 10**9)


def test_gather_equals_reading(store):
    table = store.recordings
    starts = table["start"].to_numpy()[:4] + 100
    windows = store.gather(starts, 500)
    for row in range(4):
        np.testing.assert_array_equal(windows[row] / np.float32(32768), store.read(row, 100, 500))


def test_a_store_without_its_samples_is_refused(store, tmp_path):
    (tmp_path / "recordings.csv").write_bytes((store.folder / "recordings.csv").read_bytes())
    (tmp_path / "samples.i16").write_bytes(b"\0" * 20)
    with pytest.raises(ValueError, match="found 10"):
        AudioStore(tmp_path)


def test_a_decoding_process_that_dies_is_one_line_and_the_rest_goes_on(tmp_path):
    """As when the system kills it for its memory."""
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone(16000), 16000)

    def recording(name, load):
        return Recording(name, "speech", "speech", "", "", "", "training", load)

    whole, folder = recording("whole.wav", path.read_bytes), tmp_path / "store"
    deadly = recording("deadly.wav", partial(os._exit, 9))
    folder.mkdir()
    with pytest.raises(AudioError, match="decoding process died") as caught:
        AudioStore.build(folder, [whole, deadly], fingerprint="one")
    assert "\n" not in str(caught.value) and not (folder / "recordings.csv").exists()
    store = AudioStore.build(folder, [whole], fingerprint="one")
    assert list(store.recordings["recording"]) == ["whole.wav"]


PLAYLISTS = {
    "concat": "ffconcat version 1.0\nfile secret.wav\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{folder}/secret.wav\n#EXT-X-ENDLIST\n",
    "dash": "<MPD><Period><AdaptationSet><Representation><BaseURL>secret.wav</BaseURL>",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_playlist_opens_no_other_file(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    soundfile.write(tmp_path / "secret.wav", tone(16000), 16000)
    (tmp_path / "list.wav").write_text(PLAYLISTS[kind].format(folder=tmp_path))
    for read in (decode, read_header):
        with pytest.raises(AudioError):
            read(tmp_path / "list.wav")


@pytest.mark.parametrize("rate", [1, 1_000_000])
def test_an_impossible_rate_is_refused(rate, tmp_path):
    soundfile.write(tmp_path / "odd.wav", tone(16000), rate)
    for read in (decode, read_header):
        with pytest.raises(AudioError, match=f"{rate} Hz"):
            read(tmp_path / "odd.wav")


def test_a_head_that_promises_too_much_is_refused(tmp_path):
    """A FLAC file of a few bytes whose head speaks of 2^35 samples takes no memory."""
    soundfile.write(tmp_path / "a.flac", tone(16000), 16000)
    content = bytearray((tmp_path / "a.flac").read_bytes())
    content[21] |= 0x0F
    (tmp_path / "a.flac").write_bytes(content)
    with pytest.raises(AudioError, match="its header states"):
        decode(tmp_path / "a.flac")
