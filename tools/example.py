"""Make the example recording anew: a telephone call, of prompts and music on hold.

All of it belongs to the testing split: no detector was trained or chosen on it. The file's bytes
differ from run to run (an Ogg stream has a random number); what is heard does not.
"""

import numpy as np
import soundfile

from atomicvad.audio.decode import decode
from atomicvad.audio.signal import SAMPLE_RATE, at_level
from atomicvad.corpora.debian import fetch, members
from atomicvad.corpora.open_packages import PACKAGES
from atomicvad.corpora.open_readers import READERS
from atomicvad.detection.example import example

NEEDED = (
    "asterisk-core-sounds-en-g722",
    "asterisk-core-sounds-it-g722",
    "asterisk-moh-opsound-g722",
)
SECONDS = 33.5
ENGLISH, ITALIAN = "asterisk-en/en_US_f_Allison", "asterisk-it/it_IT_m_Carlo"
# Start in s, recording, level in dBFS.
SPEECH = (
    (1.0, f"{ENGLISH}/queue-thankyou.g722", -22),
    (3.4, f"{ENGLISH}/followme/pls-hold-while-try.g722", -22),
    (14.2, f"{ENGLISH}/queue-youarenext.g722", -22),
    (22.2, f"{ITALIAN}/vm-intro.g722", -34),
    (31.0, f"{ENGLISH}/vm-goodbye.g722", -22),
)
MUSIC = "asterisk-moh/manolo_camp-morning_coffee.g722"
MUSIC_START, MUSIC_SECONDS, MUSIC_FROM, MUSIC_LEVEL, FADE = 7.4, 13.6, 20.0, -30, 0.4
LINE_NOISE = -62  # dBFS


def main() -> None:
    """Mix, and write the file into the package."""
    files = fetch({name: PACKAGES[name] for name in NEEDED})
    loads = {
        one.recording: one.load for name in NEEDED for one in READERS[name](members(files[name]))
    }
    noise = np.random.default_rng(0).standard_normal(round(SECONDS * SAMPLE_RATE))
    call = at_level(np.convolve(noise, np.ones(4) / 4, "same").astype(np.float32), LINE_NOISE)
    for start, name, level in SPEECH:
        _add(call, start, at_level(_waveform(loads[name](), name), level))
    first = round(MUSIC_FROM * SAMPLE_RATE)
    music = _waveform(loads[MUSIC](), MUSIC)[first : first + round(MUSIC_SECONDS * SAMPLE_RATE)]
    ramp = np.linspace(0, 1, round(FADE * SAMPLE_RATE), dtype=np.float32)
    music[: len(ramp)] *= ramp
    music[-len(ramp) :] *= ramp[::-1]
    _add(call, MUSIC_START, at_level(music, MUSIC_LEVEL))
    soundfile.write(
        example(), call, SAMPLE_RATE, format="OGG", subtype="VORBIS", compression_level=0.9
    )


def _waveform(content: bytes | np.ndarray, name: str) -> np.ndarray:
    return content if isinstance(content, np.ndarray) else decode(content, name)


def _add(call: np.ndarray, start: float, waveform: np.ndarray) -> None:
    first = round(start * SAMPLE_RATE)
    call[first : first + len(waveform)] += waveform


if __name__ == "__main__":
    main()
