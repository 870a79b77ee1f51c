"""Fingerprints that tell one training from another: network, loss, augmentation, versions.

Two things that would train differently must not have the same fingerprint, or a stopped training
would go on with another network, and a made model would outlive the code that made it. Two that
train alike must have the same one, or nothing could be gone on with.
"""

import hashlib
import inspect
import platform
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from .. import quiet, storage

PACKAGES = ("fundus-utils", "tensorflow", "keras", "numpy", "scipy", "pillow")
DEPTH = 6  # of values in values: deeper ones are named by their type alone
PLAIN = (str, int, float, bool, type(None))
VALUES = (*PLAIN, list, tuple, set, frozenset, dict, np.ndarray, np.generic)


def versions() -> dict[str, str]:
    """Return the version of Python and of each package that a trained model depends on."""
    found = {name: version(name) for name in PACKAGES}
    found["python"] = platform.python_version()
    return found


def name_of(thing: Any) -> str:
    """Return what a loss or an augmentation is called."""
    if isinstance(thing, str):
        return thing
    return getattr(thing, "name", getattr(thing, "__qualname__", type(thing).__qualname__))


def fingerprint_of(value: Any, depth: int = DEPTH) -> Any:
    """Describe a function, an object or a value by what it does, for `storage.key_of`.

    A function is described by its code, its defaults, and the values and functions that it takes
    from elsewhere; an object by its class and its attributes. What comes from a library is
    described by its name: its version is part of each key.

    Args:
        value: a loss, an augmentation, or anything that one of them refers to.
        depth: how far to follow values in values.
    """
    if isinstance(value, PLAIN):
        return value
    if depth == 0:
        return type(value).__qualname__
    inner = partial(fingerprint_of, depth=depth - 1)
    if isinstance(value, np.ndarray | np.generic):
        content = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return [str(value.dtype), list(value.shape), content]
    if isinstance(value, list | tuple):
        return [inner(one) for one in value]
    if isinstance(value, set | frozenset):
        return sorted(str(inner(one)) for one in value)
    if isinstance(value, dict):
        return {str(key): inner(one) for key, one in value.items()}
    if isinstance(value, partial):
        return [inner(value.func), inner(value.args), inner(value.keywords)]
    if isinstance(value, MethodType):
        return [inner(value.__func__), inner(value.__self__)]
    if isinstance(value, FunctionType):
        return _qualified(value) if _is_library(value) else _function(value, inner)
    if isinstance(value, type):
        return _qualified(value) if _is_library(value) else _class(value, inner)
    return _object(value, inner)


def _qualified(thing: Any) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"


def _is_library(thing: Any) -> bool:
    """Say whether a function or class is installed, or part of this package: its version tells."""
    module = sys.modules.get(thing.__module__ or "")
    return module is not None and _is_installed(module)


def _is_installed(module: ModuleType) -> bool:
    """Say whether a module is installed, or part of this package."""
    if module.__name__ == "__main__":
        return False
    if module.__name__.partition(".")[0] == __name__.partition(".")[0]:
        return True
    file = getattr(module, "__file__", None)
    if file is None:  # built in
        return True
    path = Path(file).resolve()
    return any(path.is_relative_to(Path(home).resolve()) for home in (sys.prefix, sys.base_prefix))


def _function(function: FunctionType, inner: Callable) -> dict[str, Any]:
    """Describe a function by its code and all values that it takes from elsewhere."""
    taken = {}
    for name in sorted(_names_in(function.__code__)):
        value = function.__globals__.get(name)
        if isinstance(value, ModuleType):
            file = getattr(value, "__file__", None)
            if file and not _is_installed(value):
                taken[name] = storage.sha256(Path(file))  # any of it may be used
        elif value is not None and value is not function:
            taken[name] = inner(value)
    return {
        "code": _compiled(function.__code__),
        "defaults": inner(function.__defaults__),
        "named defaults": inner(function.__kwdefaults__),
        "closed over": inner(dict(inspect.getclosurevars(function).nonlocals)),
        "taken": taken,
    }


def _names_in(code: CodeType) -> set[str]:
    """Return the names that compiled code looks up, also in the functions that stand in it."""
    names = set(code.co_names)
    for one in code.co_consts:
        if isinstance(one, CodeType):
            names |= _names_in(one)
    return names


def _compiled(code: CodeType) -> list[Any]:
    """Describe compiled code by its instructions, names and constants, not by where it stands."""
    constants: list[Any] = []
    for one in code.co_consts:
        if isinstance(one, CodeType):
            constants.append(_compiled(one))
        elif isinstance(one, frozenset):  # its order changes from process to process
            constants.append(sorted(map(repr, one)))
        else:
            constants.append(repr(one))
    return [code.co_code.hex(), code.co_names, constants]


def _class(kind: type, inner: Callable) -> list[Any]:
    """Describe a reader's class: its bases, and its methods and attributes."""
    members = {}
    for name, value in vars(kind).items():
        if isinstance(value, FunctionType):
            members[name] = inner(value)
        elif isinstance(value, property):
            members[name] = inner(value.fget)
        elif isinstance(value, staticmethod | classmethod):
            members[name] = inner(value.__func__)
        elif isinstance(value, VALUES) and not name.startswith("__"):
            members[name] = inner(value)
    return [kind.__qualname__, [inner(base) for base in kind.__bases__], members]


def _object(value: Any, inner: Callable) -> list[Any]:
    """Describe an object by its class and its attributes, or where it has none by its text."""
    attributes = dict(getattr(value, "__dict__", {}))
    if isinstance(value, quiet.keras.losses.Loss):
        # Keras numbers those without a name: it says nothing.
        attributes.pop("name", None)
        attributes.pop("_name", None)
    if not attributes:
        return [inner(type(value)), re.sub(r" at 0x[0-9a-f]+", "", repr(value))]
    return [inner(type(value)), {name: inner(one) for name, one in attributes.items()}]


def network_fingerprint(model: Any) -> Any:
    """Describe a network: every layer's configuration, how they are joined, a reader's own layers.

    Keras numbers its layers through the whole process (`conv2d_7`), so that the same network gets
    other names when it is built again: here each layer is called by its place.

    Args:
        model: a functional or sequential Keras model.
    """
    config = model.get_config()
    places = {str(config.get("name")): "network"}  # Keras numbers networks without a name too
    for name in _layer_names(config):
        places.setdefault(name, f"layer {len(places)}")
    own = [fingerprint_of(type(one)) for one in _layers_of(model) if not _is_library(type(one))]
    return [_renamed(config, places), own]


def _layer_names(config: dict[str, Any]) -> Iterator[str]:
    """Name the layers of a network's configuration, those of networks inside it too, in order."""
    for layer in config.get("layers", []):
        inner = layer["config"]
        yield str(inner.get("name"))
        yield from _layer_names(inner)


def _layers_of(model: Any) -> Iterator[Any]:
    """Return the layers of a network, those of networks inside it too, in order."""
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _layers_of(layer)


def _renamed(config: Any, places: dict[str, str]) -> Any:
    """Return a configuration whose layers are called by their places."""
    if isinstance(config, dict):
        return {str(key): _renamed(value, places) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return [_renamed(value, places) for value in config]
    if isinstance(config, str):
        return places.get(config, config)
    return config if isinstance(config, PLAIN) else str(config)
