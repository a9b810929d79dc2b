"""The detector's layers in Keras: the readable reference of what ``kernels`` computes faster."""

from atomicvad.parallel import set_up_tensorflow

set_up_tensorflow()
