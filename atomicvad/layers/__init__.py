"""The detector's layers in Keras, the readable reference of the compiled ``kernels``."""

from atomicvad.parallel import set_up_tensorflow

set_up_tensorflow()
