"""What the detector is made of.

Operations run on one thread each, so that sums are added in one order whatever else the machine
does: a seed then means the same bytes. Batches run side by side instead. A GPU's memory is taken as
it is needed. Both must be said before TensorFlow's first operation; where that has happened
already, it stays as it was.
"""

import contextlib

import tensorflow as tf

with contextlib.suppress(RuntimeError):
    tf.config.threading.set_intra_op_parallelism_threads(1)
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
