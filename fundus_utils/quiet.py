"""TensorFlow and Keras without the start-up messages that they write past Python.

Import this before `keras` or `tensorflow`. Errors still reach the reader as Python exceptions.
"""

import contextlib
import os
import sys
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read at the first import


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Send what native code writes to the standard error stream nowhere, for a moment."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


with _silence():
    import tensorflow as tf

    tf.config.list_physical_devices()
    tf.get_logger().setLevel("ERROR")  # its hints on graph building are not for a reader
    import keras

__all__ = ["keras", "tf"]
