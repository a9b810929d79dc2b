"""The ``open`` corpus: speech, noise and music from Debian's games and telephone prompts.

Free recordings that anyone can fetch. Splits are disjoint in speakers and in sources: a package,
a language of a package, or a file of a package is in one split only.

============  ===================================  =============================================
split         speech                               background
============  ===================================  =============================================
training      Tux Paint ro es ru fr bg be; Flight  Ardentryst, Hydrogen, LMMS, Scorched 3D, Sonic
              of the Amazon Queen; Fish Fillets    Pi, qabcs noises; music of Amoebax and ASC; four
              cs; KLettres in 13 languages         fifths of the sounds of Tux Paint, UFO:AI and
                                                   Wesnoth and of Warzone 2100's pieces; generated
                                                   noises and voiced sounds without words
validation    Tux Paint ca da; KLettres da; qabcs  CaveExpress, OpenTTD, Oxygen, Pathological; one
              words                                fifth of those above; generated voiced sounds
testing       Asterisk prompts; Fish Fillets nl;   LinCity effects and music, Minetest effects,
              Tux Paint el; KTuberling             Asterisk music on hold
============  ===================================  =============================================

``open_exclusions.csv`` names the recordings that are left out, with the reason for each.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from atomicvad.corpora.debian import fetch, members
from atomicvad.corpora.exclusions import excluded
from atomicvad.corpora.generated import NOISES, generate
from atomicvad.corpora.generated_voices import VOICES, generate_voice
from atomicvad.corpora.open_packages import PACKAGES
from atomicvad.corpora.open_readers import READERS
from atomicvad.corpora.recordings import Recording
from atomicvad.parallel import computed_ahead

NOISE_RECORDINGS, VOICE_RECORDINGS = 40, 80  # of 12 s each; every fifth voice is for validation


def recordings() -> Iterator[Recording]:
    """All recordings but those left out, package by package; missing packages are fetched first."""
    left_out = excluded()
    return (recording for recording in _all() if recording.recording not in left_out)


def _all() -> Iterator[Recording]:
    files = fetch(PACKAGES)
    with ThreadPoolExecutor(1) as pool:  # the next package is unpacked while one is decoded
        unpacked = computed_ahead(pool, lambda package: list(members(files[package])), files, 2)
        for package, content in unpacked:
            yield from READERS[package](content)
    for number in range(NOISE_RECORDINGS):
        noise = NOISES[number % len(NOISES)]
        load = partial(generate, noise, (2, number))
        yield _generated(f"{noise}-{number:02d}", "generated", "training", load)
    for number in range(VOICE_RECORDINGS):
        voice = VOICES[number % len(VOICES)]
        split = "validation" if number % 5 == 4 else "training"
        load = partial(generate_voice, voice, (3, number))
        yield _generated(f"voice-{voice}-{number:02d}", f"generated-voices-{split}", split, load)


def _generated(name: str, source: str, split: str, load: partial) -> Recording:
    path = f"generated/{name}.wav"
    return Recording(path, "background", "noise", "", "", source, split, load)
