"""The words by which label files mean speech and no speech."""

import re

from atomicvad.errors import AtomicVADError

SPEECH = frozenset(
    (
        *("1", "speech", "s", "voice", "voiced", "speech_activity", "sounding"),
        *("clean_speech", "speech_with_noise", "speech_with_music"),
    )
)
NO_SPEECH = frozenset(
    (
        *("0", "no_speech", "non_speech", "nonspeech", "background", "noise", "music"),
        *("silence", "silent", "sil", "ns", "unvoiced"),
    )
)
# A speaker without a name, as diarisation writes them: SPEAKER_00, speaker_1, spk2.
SPEAKER = re.compile(r"(speaker|spk|spkr)_?\d+")


def meaning(label: str) -> bool | None:
    """Whether a label means speech; ``None`` if it is not known.

    >>> meaning("Speech"), meaning("non-speech"), meaning("SPEAKER_00"), meaning("speach")
    (True, False, True, None)
    """
    word = re.sub(r"[\s-]+", "_", label.strip().lower())
    if word in SPEECH or SPEAKER.fullmatch(word):
        return True
    return False if word in NO_SPEECH else None


def is_speech(label: str, where: str) -> bool:
    """Whether a label means speech.

    Raises:
        AtomicVADError: an unknown label; a wrong guess would spoil a test set.
    """
    known = meaning(label)
    if known is None:
        expected = ", ".join(sorted(SPEECH | NO_SPEECH))
        raise AtomicVADError(f"{where}: label: expected one of {expected}; got {label[:40]!r}")
    return known
