"""Waveform to MFCC or log-mel spectrogram as a Keras layer, in float32 and window by window."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from atomicvad.audio.signal import SAMPLE_RATE


def mel_matrix(bins: int, fft_length: int, sample_rate: int) -> np.ndarray:
    """Triangular mel filters from 20 Hz to Nyquist, ``[fft_length // 2 + 1, bins]``."""
    return tf.signal.linear_to_mel_weight_matrix(
        bins, fft_length // 2 + 1, sample_rate, 20.0, sample_rate / 2
    ).numpy()


def dct_matrix(bins: int, coefficients: int) -> np.ndarray:
    """DCT-II, ``[bins, coefficients]``, scaled as ``tf.signal.mfccs_from_log_mel_spectrograms``."""
    angle = np.pi * np.outer(np.arange(bins) + 0.5, np.arange(coefficients)) / bins
    return (2 * np.cos(angle) / np.sqrt(2 * bins)).astype(np.float32)


@keras.saving.register_keras_serializable("atomicvad")
class Features(keras.layers.Layer):
    """Waveform ``[batch, samples]`` -> features ``[batch, coefficient or mel bin, frame, 1]``.

    Power spectrum (Hamming window, centred frames, reflected edges), mel filters, decibels with a
    floor below each window's own maximum, and, for ``"mfcc"``, the DCT over the mel bins. The
    values are those of Keras' ``MelSpectrogram`` on a batch of one window; a floor shared by the
    batch would make a window's score depend on the other windows.

    Args:
        spec_type: ``"mfcc"`` or ``"log_mel"``.
        mel_bins, coefficients: number of each; ``coefficients`` is used for MFCC only.
        fft_length, frame_length, hop_length: in samples.
        floor_db: range kept below the window's maximum, in dB.
    """

    def __init__(
        self,
        spec_type: str = "mfcc",
        sample_rate: int = SAMPLE_RATE,
        mel_bins: int = 64,
        coefficients: int = 64,
        fft_length: int = 512,
        frame_length: int = 400,
        hop_length: int = 160,
        floor_db: float = 80.0,
        **kwargs: Any,
    ) -> None:
        # The power spectrum overflows in half precision.
        super().__init__(**(kwargs | {"dtype": "float32"}))
        if spec_type not in ("mfcc", "log_mel"):
            raise ValueError(f"spec_type: expected 'mfcc' or 'log_mel', got {spec_type!r}")
        self.settings = {
            "spec_type": spec_type,
            "sample_rate": sample_rate,
            "mel_bins": mel_bins,
            "coefficients": coefficients,
            "fft_length": fft_length,
            "frame_length": frame_length,
            "hop_length": hop_length,
            "floor_db": floor_db,
        }
        self.fft_length, self.hop_length, self.floor_db = fft_length, hop_length, floor_db
        # Centred in the FFT's frame as in Keras, so that quiet bins round the same way.
        margin = (fft_length - frame_length) // 2
        self.window = np.zeros(fft_length, np.float32)
        self.window[margin : margin + frame_length] = tf.signal.hamming_window(frame_length)
        self.mel = mel_matrix(mel_bins, fft_length, sample_rate)
        self.dct = dct_matrix(mel_bins, coefficients) if spec_type == "mfcc" else None

    def call(self, waveforms: Any, response: Any = None) -> tf.Tensor:
        """The features of float ``[batch, samples]``.

        Args:
            waveforms: 16 kHz mono in ±1.
            response: power response of a filter, ``[batch, 1, fft_length // 2 + 1]``.
        """
        edge = self.fft_length // 2
        padded = tf.pad(tf.cast(waveforms, tf.float32), [[0, 0], [edge, edge]], "REFLECT")
        frames = tf.signal.frame(padded, self.fft_length, self.hop_length)
        spectrum = tf.signal.rfft(frames * self.window)
        power = tf.math.real(spectrum) ** 2 + tf.math.imag(spectrum) ** 2
        if response is not None:
            power *= response
        decibels = self.decibels(tf.matmul(power, self.mel))
        if self.dct is not None:
            decibels = tf.matmul(decibels, self.dct)
        return tf.transpose(decibels, [0, 2, 1])[..., tf.newaxis]

    def decibels(self, mel_power: tf.Tensor) -> tf.Tensor:
        """Decibels of ``[batch, frame, bin]``, floored below each window's maximum."""
        decibels = tf.math.log(tf.maximum(mel_power, 1e-10)) * np.float32(10 / np.log(10))
        loudest = tf.reduce_max(decibels, axis=[1, 2], keepdims=True)
        return tf.maximum(decibels, loudest - self.floor_db)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the features of ``(batch, samples)`` or ``(samples,)``."""
        frames = None if input_shape[-1] is None else input_shape[-1] // self.hop_length + 1
        rows = self.mel.shape[1] if self.dct is None else self.dct.shape[1]
        return (*input_shape[:-1], rows, frames, 1)

    def get_config(self) -> dict[str, Any]:
        """The arguments from which Keras rebuilds the layer."""
        return super().get_config() | self.settings
