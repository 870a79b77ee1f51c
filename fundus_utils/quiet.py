"""TensorFlow and Keras without the start-up messages that they write past Python.

Import this before `keras` or `tensorflow`. Errors still reach the reader as Python exceptions.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read at the first import
os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # whatever a keras.json at home says


# What native code writes to the standard error stream goes nowhere for a moment.
sys.stderr.flush()
kept = os.dup(2)
with Path(os.devnull).open("wb") as nowhere:
    os.dup2(nowhere.fileno(), 2)
try:
    import tensorflow as tf

    tf.config.list_physical_devices()
    tf.get_logger().setLevel("ERROR")  # its hints on graph building are not for a reader
    import keras
finally:
    os.dup2(kept, 2)
    os.close(kept)

__all__ = ["keras", "tf"]
