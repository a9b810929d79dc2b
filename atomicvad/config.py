"""Settings of a reproduction: a profile file becomes one frozen, validated object."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from atomicvad.errors import AtomicVADError
from atomicvad.files import project_root

Probability = Annotated[float, Field(ge=0, le=1)]
Speed = Annotated[float, Field(gt=0, le=4)]
Mode = Literal["auto", True, False]
Split = Literal["training", "validation", "testing"]
SPLITS: tuple[Split, ...] = get_args(Split)
LABELS = ("background", "speech")  # the classes, in the order of the network's outputs
KINDS = ("speech", "noise", "music")  # of recordings
# Folders of labelled clips in a profile's data folder: the test set, and the set on which
# thresholds are chosen. The copies of their labels beside the results have the same names.
CLIP_SETS = {"testing": "scenes", "validation": "scenes-validation"}
Strides = dict[Literal["speech", "background"], PositiveFloat]
# fmt: off
Corpus = Literal[
    "ava_speech", "common_voice", "folder", "freesound", "librispeech", "mls", "musan",
    "speech_activity", "speech_commands", "voxceleb",
]
# fmt: on
# The growing-cosine family, and the activations of the released code.
ACTIVATIONS = (
    *("ggcu", "agcu", "pgcu", "gcu"),
    *("elu", "gelu", "leaky_relu", "mish", "relu", "selu", "silu"),
)

# The paper's two blocks: depthwise kernel, depth multiplier, pooling, hidden and output filters.
BLOCKS = (
    {"kernel": 7, "multiplier": 3, "pool": 5, "hidden": 8, "filters": 2},
    {"kernel": 3, "multiplier": 1, "pool": 7, "hidden": 8, "filters": 2},
)


class Section(BaseModel):
    """A frozen group of settings; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Range(Section):
    """Base of sections with (lowest, highest) pairs: they must be in order."""

    @field_validator("*")
    @classmethod
    def _pairs_in_order(cls, value: Any) -> Any:
        if isinstance(value, tuple) and len(value) == 2 and value[0] > value[1]:
            raise ValueError(f"expected (lowest, highest), got {list(value)}")
        return value


class FeatureSettings(Section):
    """The front end; lengths in samples."""

    spec_type: Literal["mfcc", "log_mel"] = "mfcc"
    mel_bins: PositiveInt = 64
    coefficients: PositiveInt = 64
    fft_length: Literal[512] = 512
    frame_length: PositiveInt = 400
    hop_length: PositiveInt = 160
    floor_db: PositiveFloat = 80.0

    @model_validator(mode="after")
    def _sizes_fit(self) -> "FeatureSettings":
        for name, limit in (("frame_length", "fft_length"), ("coefficients", "mel_bins")):
            value, most = getattr(self, name), getattr(self, limit)
            if value > most:
                raise ValueError(f"{name}: expected at most {limit} {most}, got {value}")
        return self


class ModelSettings(Section):
    """The network behind the front end."""

    activation: str = "ggcu"
    normalization: Literal["layer", "batch"] = "layer"
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    l1: Annotated[float, Field(ge=0)] = 1e-5  # of the growing-cosine units' scalars
    l2: Annotated[float, Field(ge=0)] = 1e-4

    @field_validator("activation")
    @classmethod
    def _known_activation(cls, value: str) -> str:
        if value.lower() not in ACTIVATIONS:
            raise ValueError(f"expected one of {', '.join(ACTIVATIONS)}; got {value!r}")
        return value.lower()


class WindowSettings(Range):
    """Which windows of the recordings are used for training, validation and testing."""

    stride_seconds: Strides
    counts: dict[Split, PositiveInt]  # windows of each class in a split; see data.windows.balance
    test_stride_seconds: Strides | None = None  # of the testing split; None: as above
    speech_starts: tuple[NonNegativeFloat, NonNegativeFloat] | None = None  # s in a recording
    longest_seconds: PositiveFloat | None = None  # longer recordings are left out
    energy_gate: bool = True  # False: all of a speech recording counts as speech
    balance: Literal["sources", "fixed", "over", "under"] = "sources"  # see data.windows.balance

    @field_validator("stride_seconds", "test_stride_seconds", "counts")
    @classmethod
    def _nothing_missing(cls, value: Any, info: ValidationInfo) -> Any:
        needed = get_args(Split) if info.field_name == "counts" else ("speech", "background")
        if missing := sorted(set(needed) - set(value or needed)):
            raise ValueError(f"expected {', '.join(needed)}; {', '.join(missing)} missing")
        return value


class SourceSettings(Section):
    """A corpus on this machine: its name, its folder, and how it is split."""

    corpus: Corpus
    folder: Path | None = None  # from the project's root; None: $ATOMICVAD_CORPORA/<corpus>
    # speaker: the corpus' own splits, or splits disjoint in speakers (FreeSound: uploaders);
    # file: by file, as in the released code; else one split for all files.
    split: Literal["speaker", "file", Split] = "speaker"
    kind: Literal["speech", "noise", "music"] | None = None  # of a folder without labels
    subset: str = "available"  # ava_speech: available, all, or a text file of clip names


class WaveformSettings(Range):
    """Waveform augmentation; a probability of 0 turns a step off."""

    shift_ms: tuple[float, float] = (-5.0, 5.0)
    shift_probability: Probability = 0.8
    speech_speed: tuple[Speed, Speed] = (1.0, 1.0)  # pitch and tempo together
    background_speed: tuple[Speed, Speed] = (1.0, 1.0)
    mix_snr_db: tuple[float, float] = (-10.0, 20.0)
    mix_probability: Probability = 0.0
    white_noise_db: tuple[float, float] = (-90.0, -46.0)
    white_noise_probability: Probability = 0.8
    level_db: tuple[float, float] | None = None  # RMS in dBFS; None: as recorded
    low_pass_hz: tuple[PositiveFloat, PositiveFloat] = (3000.0, 8000.0)
    high_pass_hz: tuple[PositiveFloat, PositiveFloat] = (20.0, 300.0)
    colour_db: Annotated[float, Field(ge=0)] = 8.0  # amplitude of a curve over the mel scale
    filter_probability: Probability = 0.0


class MaskSettings(Section):
    """SpecAugment's masks as (count, greatest width); count and size of SpecCutout's boxes."""

    coefficient_masks: tuple[NonNegativeInt, PositiveInt] = (2, 25)
    frame_masks: tuple[NonNegativeInt, PositiveInt] = (2, 15)
    boxes: NonNegativeInt = 5
    box_size: tuple[PositiveInt, PositiveInt] = (25, 15)
    probability: Probability = 1.0


class TrainingSettings(Section):
    """Schedule, optimiser, loss, and use of a GPU."""

    batch_size: PositiveInt = 256
    epochs: PositiveInt = 150
    trials: tuple[PositiveInt, ...] = ()  # starts in each round of training.loop.choose_start
    feature_scale: PositiveFloat = 1.0  # see training.trainer.Trainer
    learning_rate: PositiveFloat = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.004
    first_decay: Annotated[float, Field(gt=0, le=1)] = 0.1  # share of all steps
    decay_multiplier: PositiveFloat = 2.0
    restart_scale: PositiveFloat = 1.0
    clip_norm: PositiveFloat | None = None  # greatest norm of the gradient
    focal_gamma: Annotated[float, Field(ge=0)] = 2.0
    patience: PositiveInt = 20
    min_delta: Annotated[float, Field(ge=0)] = 1e-4
    mixed_precision: Mode = "auto"
    xla: Mode = "auto"
    memory_growth: Mode = "auto"  # allocate a GPU's memory as needed instead of all at once
    deterministic: bool = False  # the same bytes from a GPU every time; slower
    tensorboard: bool = False

    @field_validator("trials")
    @classmethod
    def _fewer_and_fewer(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if list(value) != sorted(value, reverse=True):
            raise ValueError(f"expected fewer starts from epoch to epoch, got {list(value)}")
        return value


class SceneSettings(Range):
    """Clips that are mixed from the recordings of a split."""

    clips: PositiveInt
    clip_seconds: PositiveFloat
    segment_seconds: tuple[PositiveFloat, PositiveFloat] = (0.65, 4.0)
    snr_db: tuple[float, float] = (-12.0, 10.0)
    level_db: tuple[float, float] = (-48.0, -18.0)


class EvaluationSettings(Section):
    """Windows over clips, thresholds and intervals."""

    overlap: Annotated[float, Field(ge=0, lt=1)] = 0.875
    threshold: Probability = 0.5
    fpr_target: Probability = 0.315
    batch_windows: PositiveInt = 1024
    resamples: PositiveInt = 1000  # bootstrap draws of clips and seeds


class Settings(Section):
    """All settings of one reproduction; ``profiles/*.yaml`` explain the values."""

    profile: str
    corpus: Literal["smoke", "open", "sources"]
    sources: tuple[SourceSettings, ...] = ()  # the corpora of ``corpus: sources``
    test: tuple[SourceSettings, ...] = ()  # test set; empty: scenes mixed from the testing split
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

    @cached_property
    def results_folder(self) -> Path:
        """The folder of the profile's results."""
        return project_root() / "results" / self.profile

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

    Raises:
        AtomicVADError: no such profile, invalid YAML, an unknown key or an impossible value.
    """
    path = project_root() / "profiles" / f"{name}.yaml"
    if name not in profile_names():
        raise AtomicVADError(f"profile: expected one of {', '.join(profile_names())}; got {name!r}")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or getattr(error, "reason", "not text")
        raise AtomicVADError(f"{path}{line}: not YAML ({reason})") from None
    return settings_from(values, str(path), name)


def settings_from(values: object, origin: str, profile: str) -> Settings:
    """Validate a profile's ``values``; ``origin`` is named in the error."""
    if not isinstance(values, dict):
        raise AtomicVADError(f"{origin}: expected keys and values, got {type(values).__name__}")
    try:
        return Settings(profile=profile, **values)
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
