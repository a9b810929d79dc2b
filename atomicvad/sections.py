"""The groups of settings, each frozen and validated; the defaults are the paper's."""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

Probability = Annotated[float, Field(ge=0, le=1)]
Speed = Annotated[float, Field(gt=0, le=4)]
Mode = Literal["auto", True, False]
Split = Literal["training", "validation", "testing"]
Strides = dict[Literal["speech", "background"], PositiveFloat]
# fmt: off
Corpus = Literal[
    "ami_excerpts", "ava_speech", "common_voice", "folder", "freesound", "librispeech", "mls",
    "musan", "nonspeech", "speech_activity", "speech_commands", "voxceleb",
]
# fmt: on
# The growing-cosine family, and the activations of the released code.
ACTIVATIONS = (
    *("ggcu", "agcu", "pgcu", "gcu"),
    *("elu", "gelu", "leaky_relu", "mish", "relu", "selu", "silu"),
)

SHORTEST_FFT = 16


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
    fft_length: PositiveInt = 512  # a power of two
    frame_length: PositiveInt = 400
    hop_length: PositiveInt = 160
    floor_db: PositiveFloat = 80.0

    @field_validator("fft_length")
    @classmethod
    def _power_of_two(cls, value: int) -> int:
        if value & (value - 1) or value < SHORTEST_FFT:
            raise ValueError(f"expected a power of two, at least {SHORTEST_FFT}; got {value}")
        return value

    @model_validator(mode="after")
    def _sizes_fit(self) -> "FeatureSettings":
        for name, limit in (("frame_length", "fft_length"), ("coefficients", "mel_bins")):
            value, most = getattr(self, name), getattr(self, limit)
            if value > most:
                raise ValueError(f"{name}: expected at most {limit} {most}, got {value}")
        return self


class BlockSettings(Section):
    """One of the network's two blocks."""

    kernel: PositiveInt  # height and width of the depthwise convolution
    multiplier: PositiveInt  # its depth multiplier
    pool: PositiveInt  # height and width of the pooling
    hidden: PositiveInt  # filters of the first 1x1 convolution
    filters: PositiveInt  # of the second


PAPER_BLOCKS = (
    BlockSettings(kernel=7, multiplier=3, pool=5, hidden=8, filters=2),
    BlockSettings(kernel=3, multiplier=1, pool=7, hidden=8, filters=2),
)


class ModelSettings(Section):
    """The network behind the front end."""

    blocks: tuple[BlockSettings, BlockSettings] = PAPER_BLOCKS

    activation: str = "ggcu"
    normalization: Literal["layer", "batch"] = "layer"
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    l1: Annotated[float, Field(ge=0)] = 1e-5  # of the growing-cosine units' scalars
    l2: Annotated[float, Field(ge=0)] = 1e-4
    one_seed: bool = False  # one for all initialisers of the units: w1 = w2, b1 = b2, units alike

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
    # What a window's label speaks of: all of it, as in the paper, or its middle 100 ms.
    target: Literal["window", "centre"] = "window"
    balance: Literal["sources", "fixed", "over", "under"] = "sources"  # see data.windows.balance

    @field_validator("stride_seconds", "test_stride_seconds", "counts")
    @classmethod
    def _nothing_missing(cls, value: Any, info: ValidationInfo) -> Any:
        needed = get_args(Split) if info.field_name == "counts" else ("speech", "background")
        if missing := sorted(set(needed) - set(value or needed)):
            raise ValueError(f"expected {', '.join(needed)}; {', '.join(missing)} missing")
        return value


class SplitShares(Section):
    """Shares of the splits, of files or of groups such as speakers."""

    training: Probability = 0.8
    validation: Probability = 0.1
    testing: Probability = 0.1

    @model_validator(mode="after")
    def _make_a_whole(self) -> "SplitShares":
        total = self.training + self.validation + self.testing
        if abs(total - 1) > 1e-9:
            raise ValueError(
                f"expected training, validation and testing to add to 1, got {total:g}"
            )
        return self


class SourceSettings(Section):
    """A corpus on this machine: its name, its folder, and how it is split."""

    corpus: Corpus
    folder: Path | None = None  # from the project's root; None: $ATOMICVAD_CORPORA/<corpus>
    # speaker: the corpus' own splits, or splits disjoint in speakers (FreeSound: uploaders);
    # file: by file, as in the released code; else one split for all files.
    split: Literal["speaker", "file", Split] = "speaker"
    shares: SplitShares = SplitShares()  # unless the corpus has splits of its own
    kind: Literal["speech", "noise", "music"] | None = None  # of a folder without labels
    subset: str = "available"  # ava_speech: available, all, or a text file of clip names


class WaveformSettings(Range):
    """Waveform augmentation; a probability of 0 turns a step off."""

    shift_ms: tuple[float, float] = (-5.0, 5.0)
    shift_probability: Probability = 0.8
    # What comes in at the edge of a shifted window: what lies there in the recording, or zeros.
    shift_fill: Literal["recording", "zeros"] = "recording"
    speech_speed: tuple[Speed, Speed] = (1.0, 1.0)  # pitch and tempo together
    background_speed: tuple[Speed, Speed] = (1.0, 1.0)
    mix_snr_db: tuple[float, float] = (-10.0, 20.0)
    mix_probability: Probability = 0.0
    # Of the backgrounds mixed to speech: another voice instead.
    second_voice_probability: Probability = 0.0
    room_probability: Probability = 0.0
    room_seconds: tuple[PositiveFloat, PositiveFloat] = (0.15, 0.9)  # until 60 dB below
    room_db: tuple[float, float] = (-12.0, 3.0)  # power of the reflections to that of the sound
    rumble_probability: Probability = 0.0  # noise below some 150 Hz
    rumble_snr_db: tuple[float, float] = (-15.0, 15.0)
    # Backgrounds that are nearly or quite silent, instead of ``level_db``.
    quiet_probability: Probability = 0.0
    quiet_db: tuple[float, float] = (-130.0, -50.0)
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
    least_width: Literal[0, 1] = 0  # of SpecAugment's masks
    boxes: NonNegativeInt = 5
    box_size: tuple[PositiveInt, PositiveInt] = (25, 15)
    # True: a box has its centre anywhere, its size is even, and edges cut it off.
    cut_off_boxes: bool = False
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
    class_balancing: bool = True  # of the focal loss: a 1 in a column weighs 0.25, a 0 0.75
    # What the kept epoch is chosen on: windows of the validation split, or of its scenes.
    validation: Literal["windows", "scenes"] = "windows"
    augment_validation: bool = True  # the waveforms of validation windows
    fresh_augmentation: bool = True  # False: every epoch sees the first one's batches
    patience: PositiveInt = 20
    min_delta: Annotated[float, Field(ge=0)] = 1e-4
    mixed_precision: Mode = "auto"
    xla: Mode = "auto"
    gpu: Literal["all", "none"] | NonNegativeInt = "all"  # or the number of one
    gpu_memory_mb: PositiveInt | None = None  # at most; None: as memory_growth says
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
    # Of the protocol ``frame``; at most a window. Chosen by `atomicvad smoothing`.
    smoothing_seconds: NonNegativeFloat = 0.63
    threshold: Probability = 0.5
    fpr_target: Probability = 0.315
    batch_windows: PositiveInt = 1024
    resamples: PositiveInt = 1000  # bootstrap draws of clips and seeds
