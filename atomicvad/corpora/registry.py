"""The corpora by name.

Corpora named by a profile's ``corpus`` (``BUILT_IN``) have ``recordings() -> Iterator[Recording]``.
Corpora of ``sources`` and ``test`` (``NAMED``) are in a folder of the user and have ``ABOUT`` and
``entries(folder, source, seed) -> Iterator[Entry]``. A new corpus is a module in this package, a
line below, and its name in ``config.Corpus``.
"""

from types import ModuleType

from atomicvad.corpora import (
    ami_excerpts,
    ava_speech,
    common_voice,
    folder,
    freesound,
    generated,
    librispeech,
    mls,
    musan,
    nonspeech,
    open_recordings,
    speech_activity,
    speech_commands,
    voxceleb,
)
from atomicvad.errors import AtomicVADError

BUILT_IN: dict[str, ModuleType] = {"smoke": generated, "open": open_recordings}
NAMED: dict[str, ModuleType] = {
    "ami_excerpts": ami_excerpts,
    "ava_speech": ava_speech,
    "common_voice": common_voice,
    "folder": folder,
    "freesound": freesound,
    "librispeech": librispeech,
    "mls": mls,
    "musan": musan,
    "nonspeech": nonspeech,
    "speech_activity": speech_activity,
    "speech_commands": speech_commands,
    "voxceleb": voxceleb,
}


def get_corpus(name: str) -> ModuleType:
    """The module of a corpus.

    Raises:
        AtomicVADError: no such corpus.
    """
    modules = BUILT_IN | NAMED
    if name not in modules:
        raise AtomicVADError(f"corpus: expected one of {', '.join(modules)}; got {name!r}")
    return modules[name]
