"""The focal loss as Keras computes it, with the same gradients on every processor.

TensorFlow begins the gradient of a logarithm with the processor's approximation of a reciprocal,
which is each maker's own. Written out, that of the cross entropy has none.
"""

import keras
import tensorflow as tf


@tf.custom_gradient
def cross_entropy(targets: tf.Tensor, logits: tf.Tensor) -> tuple:
    """Sigmoid cross entropy of float32 ``[n, classes]``; its gradient is sigmoid minus target."""

    def gradient(upstream: tf.Tensor) -> tuple[None, tf.Tensor]:
        return None, upstream * (tf.sigmoid(logits) - targets)

    return tf.nn.sigmoid_cross_entropy_with_logits(targets, logits), gradient


class FocalLoss(keras.losses.BinaryFocalCrossentropy):
    """Keras' loss, of probabilities that carry their logits (``kernels.keras_call.softmax``)."""

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """The loss of each item, ``[n]``, from one-hot targets and probabilities ``[n, 2]``."""
        targets = tf.cast(y_true, y_pred.dtype)
        of_target = targets * y_pred + (1 - targets) * (1 - y_pred)
        losses = (1 - of_target) ** self.gamma * cross_entropy(targets, y_pred._keras_logits)
        if self.apply_class_balancing:
            losses *= targets * self.alpha + (1 - targets) * (1 - self.alpha)
        return tf.reduce_mean(losses, axis=-1)
