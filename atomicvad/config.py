"""Settings of a reproduction: a profile file becomes one frozen, validated object."""

from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import yaml
from pydantic import (
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)

from atomicvad.errors import AtomicVADError
from atomicvad.files import project_root
from atomicvad.sections import (
    EvaluationSettings,
    FeatureSettings,
    MaskSettings,
    ModelSettings,
    SceneSettings,
    Section,
    SourceSettings,
    Split,
    TrainingSettings,
    WaveformSettings,
    WindowSettings,
)

SPLITS: tuple[Split, ...] = get_args(Split)
LABELS = ("background", "speech")  # the classes, in the order of the network's outputs
KINDS = ("speech", "noise", "music")  # of recordings
# Real recordings with human labels, unless a profile names others.
REAL = (SourceSettings(corpus="ami_excerpts"), SourceSettings(corpus="nonspeech"))
# Folders of labelled clips in a profile's data folder: the test set, and the set on which
# thresholds are chosen. The copies of their labels beside the results have the same names.
CLIP_SETS = {"testing": "scenes", "validation": "scenes-validation"}


class Settings(Section):
    """All settings of one reproduction; ``profiles/*.yaml`` explain the values."""

    profile: str
    # Where results lie: what a run makes in runs/, which git ignores; the reference in results/.
    place: Literal["runs", "results"] = Field("runs", exclude=True)
    corpus: Literal["smoke", "open", "sources"]
    sources: tuple[SourceSettings, ...] = ()  # the corpora of ``corpus: sources``
    test: tuple[SourceSettings, ...] = ()  # test set; empty: scenes mixed from the testing split
    # Real recordings that `make real` measures on; nothing is trained on or chosen with them.
    real: tuple[SourceSettings, ...] = REAL
    seeds: tuple[NonNegativeInt, ...]
    data_seed: NonNegativeInt = 42
    sample_rate: Literal[16000] = 16000
    window_samples: PositiveInt = 10080  # 0.63 s
    windows: WindowSettings
    scenes: SceneSettings | None = None
    features: FeatureSettings = FeatureSettings()
    waveform: WaveformSettings = WaveformSettings()
    masks: MaskSettings = MaskSettings()
    model: ModelSettings = ModelSettings()
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()

    @field_validator("seeds")
    @classmethod
    def _seeds_differ(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value or len(set(value)) != len(value):
            raise ValueError(f"expected seeds that differ, got {list(value)}")
        return value

    @model_validator(mode="after")
    def _sources_are_named(self) -> "Settings":
        if (self.corpus == "sources") != bool(self.sources):
            raise ValueError(
                "sources: expected with corpus: sources and only there, "
                f"got {len(self.sources)} with corpus: {self.corpus}"
            )
        if not (self.scenes or (self.test and self.sources)):
            raise ValueError("scenes: expected, unless there are sources and a test set")
        return self

    @model_validator(mode="after")
    def _frames_fit(self) -> "Settings":
        if self.window_samples <= self.features.fft_length // 2:
            raise ValueError(
                f"window_samples: expected more than half of features.fft_length "
                f"{self.features.fft_length}, got {self.window_samples}"
            )
        if self.evaluation.smoothing_seconds > self.window_seconds:
            raise ValueError(
                f"evaluation.smoothing_seconds: expected at most a window, {self.window_seconds:g} "
                f"s, got {self.evaluation.smoothing_seconds:g}"
            )
        return self

    @property
    def window_seconds(self) -> float:
        """Length of a window in s."""
        return self.window_samples / self.sample_rate

    @cached_property
    def data_folder(self) -> Path:
        """The folder of the profile's prepared data."""
        return project_root() / "data" / self.profile

    def clips_folder(self, split: str) -> Path:
        """The folder of the labelled clips of a split: ``testing`` or ``validation``."""
        return self.data_folder / CLIP_SETS[split]

    # Not cached: a copy of the settings for another place would keep them.
    @property
    def results_folder(self) -> Path:
        """The folder of tables, scores and weights: the run's own, or the reference's."""
        return project_root() / self.place / self.profile

    @property
    def figures_folder(self) -> Path:
        """The folder of figures: within the run's own, or the reference's."""
        if self.place == "runs":
            return self.results_folder / "figures"
        return project_root() / "figures" / self.profile

    @property
    def reference(self) -> "Settings":
        """The same settings, for the committed results instead of those of the run."""
        return self.model_copy(update={"place": "results"})

    def run_folder(self, seed: int) -> Path:
        """The run folder of a seed.

        Raises:
            AtomicVADError: the profile has no such seed.
        """
        if seed not in self.seeds:
            raise AtomicVADError(
                f"seed: expected one of {', '.join(map(str, self.seeds))} "
                f"(profile {self.profile}), got {seed}"
            )
        return self.results_folder / f"seed-{seed}"


def profile_names() -> list[str]:
    """The profiles that have a file, in order of name."""
    return sorted(path.stem for path in (project_root() / "profiles").glob("*.yaml"))


def load_profile(name: str) -> Settings:
    """The settings of ``profiles/<name>.yaml``.

    A profile with ``based_on: <other>`` holds only what differs from that one.

    Raises:
        AtomicVADError: no such profile, invalid YAML, an unknown key or an impossible value.
    """
    values = read_profile(name)
    if isinstance(values, dict) and "based_on" in values:
        values = merged(read_profile(values.pop("based_on")), values)
    return settings_from(values, str(_profile_path(name)), name)


def read_profile(name: str) -> object:
    """The content of ``profiles/<name>.yaml``, as it is.

    Raises:
        AtomicVADError: no such profile, or invalid YAML.
    """
    if name not in profile_names():
        raise AtomicVADError(f"profile: expected one of {', '.join(profile_names())}; got {name!r}")
    path = _profile_path(name)
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or getattr(error, "reason", "not text")
        raise AtomicVADError(f"{path}{line}: not YAML ({reason})") from None


def _profile_path(name: str) -> Path:
    return project_root() / "profiles" / f"{name}.yaml"


def merged(base: object, changes: object) -> object:
    """``base`` with ``changes``: groups of settings key by key, all else replaced."""
    if not (isinstance(base, dict) and isinstance(changes, dict)):
        return changes
    return base | {key: merged(base.get(key), value) for key, value in changes.items()}


def settings_from(values: object, origin: str, profile: str) -> Settings:
    """Validate a profile's ``values``; ``origin`` is named in the error."""
    if not isinstance(values, dict):
        raise AtomicVADError(f"{origin}: expected keys and values, got {type(values).__name__}")
    try:
        return Settings(profile=profile, place="runs", **values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "settings"
        reason = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            reason = "unknown key"
        got = "" if first["type"] in ("missing", "value_error") else f", got {first['input']!r}"
        raise AtomicVADError(f"{origin}: {key}: {reason}{got}") from None
    except TypeError as error:
        raise AtomicVADError(f"{origin}: {error}") from None
