"""What is behind the pictures of the site: the command that makes them, and the files it reads."""

from collections.abc import Mapping

from atomicvad.config import Settings

RECORDINGS = "the prepared recordings"
# Page -> heading of the notebook -> what its pictures are drawn from. Names in {} lie in the run.
SOURCES: Mapping[str, Mapping[str, str]] = {
    "results": {
        "The detector": "`atomicvad/model.py`",
        "Every seed": "{metrics.csv} and {summary.csv}",
        "Training": "{seed-*/history.csv}",
        "ROC by condition": "{seed-*/scores.npz} and {scenes.csv}",
        "A stretch of a scene": "{seed-*/scores.npz} and the prepared scenes",
        "The learned activations": "{seed-*/model.keras}",
    },
    "systems": {
        "AUROC by condition": "{systems.csv}",
        "Differences, paired": "{paired.csv}",
        "Latency and false alarms": "{systems.csv}",
        "Are the scores calibrated?": "{seed-*/scores.npz} and {systems/*/scores.npz}",
    },
    "real": {
        "Real recordings": "{real/real.csv}",
        "Short turns and short pauses": "{real/real.csv} and {real/recordings.json}",
        "Sounds without speech": "{real/real.csv}",
    },
    "atlas": {
        "Atlas of hard cases": "{atlas.csv} and {atlas_scores.csv}",
        "Break the detector": "the example recording of the package",
    },
    "device": {
        "Where the instructions go": "{device_functions.csv}, which `make device` writes",
        "Why there is no int8": (
            "`results/int8_costs.csv`, which `python -m benchmarks.exports` writes"
        ),
    },
    "benchmarks": dict.fromkeys(
        ("The whole training", "Stage by stage", "Memory"),
        "`results/benchmarks.csv`, which `make bench` writes",
    ),
    "training": {"The network": "`atomicvad/model.py`", "Training": "{seed-*/history.csv}"},
    "augmentation": dict.fromkeys(
        ("Changes of the waveform", "Changes of the features", "Your turn", "All together"),
        RECORDINGS,
    ),
    "data": dict.fromkeys(("How much there is", "Levels and bandwidth", "Listen"), RECORDINGS),
}


def caption(settings: Settings, page: str, heading: str) -> str:
    """The caption of a picture below a heading, in Markdown."""
    named = heading if heading.endswith("?") else f"{heading}."
    source = SOURCES[page].get(heading)
    if source is None:
        return named
    folder = f"`{settings.place}/{settings.profile}/"
    source = source.replace("{", folder).replace("}", "`")
    return f"{named} Made by `make report` from {source}."
