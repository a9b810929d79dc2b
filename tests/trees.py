"""Small folders in the true layouts of the corpora, with real encodings and generated sounds."""

from functools import lru_cache
from pathlib import Path

import av
import numpy as np
import soundfile

from atomicvad.corpora.generated import NOISES, generate
from atomicvad.corpora.speech_commands import official_split
from atomicvad.corpora.splits import by_group
from atomicvad.corpora.voxceleb import DEVELOPMENT

SPLITS = ("training", "validation", "testing")


@lru_cache(maxsize=64)
def sound(kind: str, number: int = 0, seconds: float = 2.0) -> np.ndarray:
    """Speech, noise or music; as a float waveform at 16 kHz."""
    name = {"music": "chords", "noise": NOISES[number % len(NOISES)]}.get(kind, kind)
    return generate(name, (7, number), seconds)


class Sounds:
    """Sounds one after another, no two alike; every builder begins at another number."""

    def __init__(self, first: int):
        self.number = first

    def __call__(self, kind: str, seconds: float = 2.0) -> np.ndarray:
        self.number += 1
        return sound(kind, self.number, seconds)


def write(path: Path, waveform: np.ndarray, rate: int = 16000) -> Path:
    """A waveform in the format that the suffix names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in (".m4a", ".aac"):
        _write_aac(path, waveform, rate)
    elif path.suffix == ".opus":
        soundfile.write(path, waveform, rate, format="OGG", subtype="OPUS")
    else:
        soundfile.write(path, waveform, rate)
    return path


def _write_aac(path: Path, waveform: np.ndarray, rate: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=rate, layout="mono")
        for start in range(0, len(waveform), 1024):
            piece = waveform[np.newaxis, start : start + 1024].astype(np.float32)
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = rate, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def names_of(split: str, pattern: str, count: int, draw=by_group) -> list[str]:
    """The first ``count`` names of a pattern that a hash puts on one side."""
    names, number = [], 0
    while len(names) < count:
        name = pattern.format(number)
        if draw(name) == split:
            names.append(name)
        number += 1
    return names


def librispeech(root: Path) -> None:
    draw = Sounds(100)
    for number, part in enumerate(("train-clean-100", "dev-clean", "test-clean")):
        for take in range(3):
            name = f"{100 + number}/{200 + number}/{100 + number}-{200 + number}-{take:04d}.flac"
            write(root / part / name, draw("speech"))
    (root / "SPEAKERS.TXT").write_text("100 | M | train-clean-100 | 1.0 | Someone\n")


def mls(root: Path) -> None:
    draw = Sounds(200)
    for language, suffix in (("german", "flac"), ("polish_opus", "opus")):
        for number, part in enumerate(("train", "dev", "test")):
            for take in range(2):
                name = (
                    f"{10 + number}/{20 + number}/{10 + number}_{20 + number}_{take:06d}.{suffix}"
                )
                place = root / f"mls_{language}" / part / "audio" / name
                write(place, draw("speech"))
            (root / f"mls_{language}" / part / "transcripts.txt").write_text("10_20_000000\tja\n")


def musan(root: Path) -> None:
    draw = Sounds(300)
    folders = {"noise": "free-sound", "music": "fma", "speech": "librivox"}
    for kind, folder in folders.items():
        for split in SPLITS:
            pattern = f"{kind}-{folder}-{{:04d}}.wav"
            for name in names_of(split, pattern, 3):
                seconds = 4.0 if kind == "speech" else 5.0
                write(root / kind / folder / name, draw(kind, seconds))
                with open(root / kind / folder / "ANNOTATIONS", "a") as file:
                    file.write(f"{name[:-4]} f english\n")
        (root / kind / folder / "LICENSE").write_text("free\n")


def voxceleb(root: Path) -> None:
    draw = Sounds(400)
    for split in SPLITS[:2]:
        for speaker in names_of(split, "1{:04d}", 2, lambda name: by_group(name, DEVELOPMENT)):
            place = root / "dev" / "wav" / f"id{speaker}" / "1zcIwhmdeo4"
            write(place / "00001.wav", draw("speech"))
        for speaker in names_of(split, "00{:03d}", 2, lambda name: by_group(name, DEVELOPMENT)):
            place = root / "dev" / "aac" / f"id{speaker}" / "2LyLxgrMHRg"
            write(place / "00007.m4a", draw("speech"))
    write(root / "test" / "wav" / "id10270" / "x6uYqmx31kE" / "00001.wav", draw("speech"))
    write(root / "test" / "aac" / "id01017" / "0BmIC2vTnbk" / "00002.m4a", draw("speech"))


def common_voice(root: Path) -> None:
    draw = Sounds(500)
    place = root / "de"
    for number, part in enumerate(("train", "dev", "test")):
        lines = ["client_id\tpath\tsentence\tup_votes"]
        for take in range(2):
            name = f"common_voice_de_{100 * number + take}.mp3"
            write(place / "clips" / name, draw("speech"))
            lines.append(f"{number}{'ab' * 30}\t{name}\tEin „Satz“, mit Komma\t2")
        (place / f"{part}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (place / "validated.tsv").write_text("client_id\tpath\n", encoding="utf-8")


def labelled(number: int) -> tuple[np.ndarray, list[tuple[float, float, str]]]:
    """Noise, speech in noise, noise: 5 s, and where which is."""
    waveform = 0.2 * sound("noise", number, 5.0)
    waveform[24000:56000] += sound("speech", number)
    return waveform, [(0.0, 1.5, "0"), (1.5, 3.5, "1"), (3.5, 5.0, "0")]


def text_grid(rows: list[tuple[float, float, str]], short: bool = False) -> str:
    if short:
        values = [f'{a}\n{b}\n"{label}"' for a, b, label in rows]
        head = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
        head += f'0\n{rows[-1][1]}\n<exists>\n1\n"IntervalTier"\n"speech"\n0\n{rows[-1][1]}\n'
        return "\n".join([head + str(len(rows)), *values, ""])
    lines = [
        *('File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0 "),
        *(f"xmax = {rows[-1][1]} ", "tiers? <exists> ", "size = 1 ", "item []: "),
        *("    item [1]:", '        class = "IntervalTier" ', '        name = "silences" '),
        *("        xmin = 0 ", f"        xmax = {rows[-1][1]} "),
        f"        intervals: size = {len(rows)} ",
    ]
    for number, (start, end, label) in enumerate(rows, start=1):
        lines += [f"        intervals [{number}]:", f"            xmin = {start} "]
        lines += [f"            xmax = {end} ", f'            text = "{label}" ']
    return "\n".join(lines) + "\n"


def speech_activity(root: Path) -> None:
    for split in SPLITS:
        for number, speaker in enumerate(names_of(split, "F{:02d}", 2)):
            waveform, rows = labelled(600 + 10 * SPLITS.index(split) + number)
            name = f"Female/PTDB-TUG/mic_{speaker}_sa1"
            write(root / "Audio" / f"{name}.wav", waveform)
            grid = root / "Annotation" / f"{name}.TextGrid"
            grid.parent.mkdir(parents=True, exist_ok=True)
            grid.write_text(text_grid(rows), encoding="utf-16" if number else "utf-8")


def folder(root: Path) -> None:
    """Recordings of four formats, each with a label file of another kind; and plain ones."""
    for part, split in (("train", 0), ("dev", 1), ("test", 2)):
        for number, (suffix, kind) in enumerate(
            (("wav", "csv"), ("flac", "rttm"), ("mp3", "txt"), ("m4a", "TextGrid"))
        ):
            waveform, rows = labelled(700 + 10 * split + number)
            path = write(root / part / f"meeting{10 * split + number}.{suffix}", waveform)
            label_file(path.with_suffix(f".{kind}"), rows)
        write(root / part / "speech" / f"voice{split}" / "a.opus", sound("speech", 750 + split))
        for kind in ("noise", "music"):
            write(root / part / kind / "b.ogg", sound(kind, 760 + split, 3.0))


def label_file(path: Path, rows: list[tuple[float, float, str]]) -> Path:
    spoken = [(start, end) for start, end, label in rows if label == "1"]
    path.write_text(
        {
            ".csv": "start,end,label\n" + "".join(f"{a},{b},{label}\n" for a, b, label in rows),
            ".rttm": "".join(
                f"SPEAKER {path.stem} 1 {a:.3f} {b - a:.3f} <NA> <NA> anna <NA> <NA>\n"
                for a, b in spoken
            ),
            ".txt": "".join(f"{a}\t{b}\tspeech\n\\\t100.0\t4000.0\n" for a, b in spoken),
            ".TextGrid": text_grid(rows, short=True),
        }[path.suffix]
    )
    return path


def speech_commands(root: Path, each: int = 8) -> None:
    """Words of a second; ``each`` files a side of the official split, of half as many speakers."""
    draw = Sounds(800)
    for split in SPLITS:
        speakers = names_of(split, "{:08x}", max(1, each // 2), official_split)
        for number in range(each):
            speaker = speakers[number % len(speakers)]
            word, take = ("cat", "yes")[number % 2], number // len(speakers)
            name = f"{word}/{speaker}_nohash_{take}.wav"
            write(root / name, draw("speech", 1.0))
    write(root / "_background_noise_" / "pink_noise.wav", sound("noise", 1, 5.0))
    (root / "README.md").write_text("Speech Commands\n")
    for split, name in (("validation", "validation_list"), ("testing", "testing_list")):
        listed = [
            f"{path.parent.name}/{path.name}"
            for path in sorted(root.glob("[a-z]*/*.wav"))
            if official_split(path.name.split("_")[0]) == split
        ]
        (root / f"{name}.txt").write_text("\n".join(listed) + "\n")


def freesound(root: Path, each: int = 3) -> None:
    """Sounds of two categories with a lock file that names their uploaders."""
    import json

    sounds, number = [], 0
    for split in SPLITS:
        for uploader in names_of(split, "uploader{}", each):
            number += 1
            category = ("Car", "Tape hiss")[number % 2]
            slug = category.lower().replace(" ", "_")
            write(root / slug / f"{1000 + number}.ogg", sound("noise", 900 + number, 4.0), 22050)
            sounds.append(
                {
                    "id": 1000 + number,
                    "name": f"sound {number}",
                    "username": uploader,
                    "license": "http://creativecommons.org/licenses/by/4.0/",
                    "url": f"https://freesound.org/s/{1000 + number}/",
                    "category": category,
                    "preview": f"https://cdn.freesound.org/previews/1/{1000 + number}-hq.ogg",
                }
            )
    (root / "freesound.lock.json").write_text(json.dumps({"sounds": sounds}))


def ava_speech(root: Path, clips: int = 2, seconds: float = 30.0) -> None:
    """Clips whose labels begin at 900 s; one more that is missing, and one that ends early."""
    rows = []
    names = [f"-{number}IxrAbcd_" for number in range(clips)]
    for number, name in enumerate((*names, "missing0000", "truncated00")):
        position, waveform = 0.0, np.zeros(round(seconds * 16000), np.float32)
        kinds = ("NO_SPEECH", "CLEAN_SPEECH", "NO_SPEECH", "SPEECH_WITH_NOISE", "SPEECH_WITH_MUSIC")
        while position < seconds - 1e-9:
            for kind in kinds:
                end = min(position + 2.0, seconds)
                if end > position:
                    place = slice(round(position * 16000), round(end * 16000))
                    if kind != "CLEAN_SPEECH":
                        other = "music" if kind.endswith("MUSIC") else "noise"
                        waveform[place] += 0.3 * sound(other, number)[: place.stop - place.start]
                    if kind != "NO_SPEECH":
                        waveform[place] += sound("speech", number)[: place.stop - place.start]
                    rows.append(f"{name},{900 + position:.2f},{900 + end:.2f},{kind}")
                position = end
        if name.startswith("missing"):
            continue
        suffix = (".wav", ".m4a", ".mp3")[number % 3]
        whole = waveform if not name.startswith("truncated") else waveform[: len(waveform) // 2]
        write(root / "audio" / f"{name}{suffix}", whole, 16000)
    rows.append(rows[0])  # the real file has a row that repeats another
    (root / "ava_speech_labels_v1.csv").write_text("\n".join(rows) + "\n")


def ami_excerpts(root: Path) -> None:
    """Two recordings, the turns of both in one file: they touch, overlap, and lie in each other."""
    turns = {"dev00": [(0.5, 1.0), (1.5, 0.5), (1.7, 1.3)], "dev01": [(2.0, 1.5), (2.5, 0.5)]}
    lines = []
    for number, (name, spoken) in enumerate(turns.items()):
        waveform = 0.1 * sound("noise", 950 + number, 5.0)
        for start, length in spoken:
            place = slice(round(start * 16000), round((start + length) * 16000))
            waveform[place] += sound("speech", 950 + number)[: place.stop - place.start]
        write(root / "wav" / f"{name}.flac", waveform)
        lines += [f"SPEAKER {name} 1 {a} {b} <NA> <NA> FEO0{number} <NA> <NA>" for a, b in spoken]
    (root / "debug.rttm").write_text("\n".join(lines) + "\n", encoding="utf-8")


def nonspeech(root: Path) -> None:
    """Sounds of two categories, named by their folders."""
    for number, (category, suffix) in enumerate(
        (("crying_baby", "ogg"), ("crying_baby", "wav"), ("dog", "ogg"))
    ):
        kind = "music" if category == "dog" else "noise"
        path = root / category / f"{number}-1000-A.{suffix}"
        write(path, sound(kind, 960 + number, 3.0), 44100 if suffix == "ogg" else 8000)


BUILDERS = {
    builder.__name__: builder
    for builder in (
        *(ami_excerpts, ava_speech, common_voice, folder, freesound, librispeech, mls, musan),
        *(nonspeech, speech_activity, speech_commands, voxceleb),
    )
}
