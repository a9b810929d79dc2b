"""No seed of the reference takes silence, a constant, a click or faint noise for speech."""

import numpy as np
import pytest

from atomicvad.config import load_profile
from atomicvad.files import WEIGHTS, project_root
from atomicvad.model import load_model
from atomicvad.scoring.logits import logit_score

WINDOW = 10080
FAINT = 1e-4  # RMS of -80 dBFS


def sounds() -> dict[str, np.ndarray]:
    """Windows without speech, by name, float32 ``[windows, samples]``."""
    generator = np.random.default_rng(0)
    white = FAINT * generator.standard_normal((20, WINDOW))
    brown = np.cumsum(white, axis=1)
    brown -= brown.mean(axis=1, keepdims=True)
    brown *= FAINT / np.sqrt(np.square(brown).mean(axis=1, keepdims=True))
    clicks = np.zeros((20, WINDOW))
    places = np.linspace(100, WINDOW - 100, 20).astype(int)
    clicks[np.arange(20), places] = np.tile([0.01, 0.1, 0.5, 1], 5)
    constants = np.array([-0.5, -0.01, 0.001, 0.1, 0.5])[:, np.newaxis] * np.ones(WINDOW)
    found = {
        "digital silence": np.zeros((1, WINDOW)),
        "constant": constants,
        "click": clicks,
        "click in faint noise": clicks + white,
        "faint white noise": white,
        "faint brown noise": brown,
        "faint noise of 16 bits": np.rint(white * 32768) / 32768,
        "last bit": np.rint(generator.uniform(-0.6, 0.6, (5, WINDOW))) / 32768,
    }
    return {name: windows.astype(np.float32) for name, windows in found.items()}


@pytest.mark.parametrize("profile", ["open", "open-centre"])
@pytest.mark.parametrize("sound", sounds())
def test_silence_is_no_speech(profile, sound):
    paths = sorted((project_root() / "results" / profile).glob(f"seed-*/{WEIGHTS}"))
    assert len(paths) == len(load_profile(profile).seeds)
    logits = logit_score(*map(load_model, paths))(sounds()[sound])
    loudest = logits.max(axis=0)
    assert (loudest < 0).all(), dict(zip(paths, loudest, strict=True))
