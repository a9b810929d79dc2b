"""The detector in C99 for firmware: integers only, the same results on every processor."""

import shutil
from pathlib import Path

import keras
import numpy as np

from atomicvad.device.core.headers import TABLES, WEIGHTS, weights_header
from atomicvad.device.export.contents import Contents, sample_window
from atomicvad.device.export.firmware import SOURCES, TEMPLATE, write_firmware
from atomicvad.device.integer.detector import window_logits
from atomicvad.device.integer.weights import IntegerWeights, integer_weights
from atomicvad.files import replacing

CORE = Path(__file__).parents[1] / "core"
README = TEMPLATE / "README.md"
# What both targets in integers say of their logits.
LOGITS = (
    "Samples are 16-bit integers at 16 kHz, logits of speech are integers in steps of 1/256, "
    "rounded down: speech where one is 0 or above."
)
EXAMPLE = """\
/* cc -std=c99 -I src example.c src/atomicvad.c -o example && ./example < window.i16 */
#include <stdio.h>
#include "atomicvad.h"
int main(void)
{
    static int16_t samples[AVAD_WINDOW];
    static avad_workspace workspace;
    if (fread(samples, sizeof samples, 1, stdin) != 1) return 1;
    printf("%d\\n", avad_window(&workspace, samples));
    return 0;
}
"""


def write_sources(weights: IntegerWeights, folder: Path) -> None:
    """Write ``atomicvad.c``, ``atomicvad.h`` and the headers of numbers that they include."""
    with replacing(folder / WEIGHTS) as path:
        path.write_text(weights_header(weights), encoding="ascii")
    for name in ("atomicvad.c", "atomicvad.h", TABLES):
        with replacing(folder / name) as path:
            shutil.copyfile(CORE / name, path)


def write_c(model: keras.Model, folder: Path) -> Contents:
    """Write the folder for Arduino, Zephyr, ESP-IDF or any other firmware.

    Raises:
        AtomicVADError: weights that the integer detector cannot hold.
    """
    weights = integer_weights(model.get_weights())
    write_sources(weights, folder / SOURCES)
    write_firmware(folder / SOURCES, folder)
    about = README.read_text(encoding="utf-8").partition("\n")[2].strip()
    return Contents(
        "AtomicVAD for firmware",
        f"{about}\n\n{LOGITS}\n\n",
        {"example.c": EXAMPLE},
        expected_logit(weights),
    )


def expected_logit(weights: IntegerWeights) -> dict[str, int]:
    """What the integer detector gives for the test window."""
    return {"logit_256ths": int(window_logits(sample_window()[np.newaxis], weights)[0])}
