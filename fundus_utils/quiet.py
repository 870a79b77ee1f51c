"""TensorFlow and Keras, without the start-up messages that they write past Python.

They take seconds to load, and do so when `keras` or `tf` is first asked for. A module that trains
or builds networks asks at once: `from .quiet import keras`. One that may never need them asks
where it does: `from . import quiet`, and then `quiet.keras`.

Ask here before `keras` or `tensorflow` is imported. Errors still reach the reader as Python
exceptions.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read at the first import
os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # whatever a keras.json at home says
_LOADING = threading.Lock()  # two threads at once would lose the standard error stream


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Let what native code writes to the standard error stream go nowhere for a moment."""
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def __getattr__(name: str) -> Any:
    """Load TensorFlow and Keras when one of them is asked for the first time (PEP 562)."""
    if name not in ("keras", "tf"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with _LOADING, _silence():
        import tensorflow as tf

        tf.config.list_physical_devices()
        tf.get_logger().setLevel("ERROR")  # its hints on graph building are not for a reader
        import keras
    loaded = {"keras": keras, "tf": tf}
    globals().update(loaded)  # from now on they are found without asking
    return loaded[name]
