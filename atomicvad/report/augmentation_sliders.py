"""Sliders for what augmentation does to a window: background, level, speed and masks."""

import io
from typing import Any

import numpy as np
from IPython.display import Image
from matplotlib import pyplot as plt

from atomicvad.detection.players import WIDTH
from atomicvad.report.augmented import Changes, Example
from atomicvad.report.data_figures import waveforms_and_features
from atomicvad.report.examples import decibels
from atomicvad.report.players import players
from atomicvad.report.sliders import Slider, Sliders


def augmentation_sliders(example: Example) -> Sliders:
    """A window as it is and as the sliders change it: a picture, and two players."""
    waveform, features = example.changed(Changes())
    widths = example.settings.masks.coefficient_masks[1], example.settings.masks.frame_masks[1]
    sliders = {
        "snr_db": Slider("speech over background (dB)", 3, -15, 40, 1),
        "level_db": Slider("level (dBFS)", round(decibels(waveform)), -60, -10, 1),
        "speed": Slider("speed", 1, 0.7, 1.4, 0.05),
        "coefficients": Slider("widest mask (coefficients)", 0, 0, widths[0], 1),
        "frames": Slider("widest mask (frames of 10 ms)", 0, 0, widths[1], 1),
    }
    before = waveform, features[0, :, :, 0]

    def outputs(values: dict[str, float]) -> tuple[Any, Any]:
        changes = Changes(
            snr_db=values["snr_db"], level_db=values["level_db"], speed=values["speed"]
        )
        changed, left = example.changed(changes)
        masks = example.settings.masks.model_copy(
            update={
                "coefficient_masks": _masks(values["coefficients"]),
                "frame_masks": _masks(values["frames"]),
            }
        )
        rows = {
            "as recorded": before,
            "changed": (changed, example.masked(left, masks, "SpecAugment")),
        }
        figure = waveforms_and_features(rows)
        plt.close(figure)  # shown here alone, and not again below the cell
        file = io.BytesIO()
        figure.savefig(file, format="png")
        said = ", ".join(f"{sliders[name].text} {value:g}" for name, value in values.items())
        alt = f"a window as recorded, and changed: {said}"
        sounds: dict[str, np.ndarray] = {name: sound for name, (sound, _) in rows.items()}
        return Image(file.getvalue(), width=WIDTH, alt=alt), players(sounds)

    return Sliders(sliders, outputs)


def _masks(width: float) -> tuple[int, int]:
    """How many masks of which greatest width; none if that is 0."""
    return (2, int(width)) if width else (0, 1)
