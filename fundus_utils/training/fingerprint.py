"""Fingerprints that tell one training from another: network, loss, augmentation, versions.

Two things that would train differently must never have the same fingerprint, or a stopped training
would go on with another network, and a made model would outlive the code that made it.
"""

import functools
import hashlib
import inspect
import platform
from collections.abc import Callable
from importlib.metadata import version
from types import CodeType
from typing import Any

import numpy as np

PACKAGES = ("fundus-utils", "tensorflow", "keras", "numpy", "scipy", "pillow")
DEPTH = 5  # of values in values: deeper ones are named by their type alone
PLAIN = (str, int, float, bool, type(None))


def versions() -> dict[str, str]:
    """Return the version of Python and of each package that a trained model depends on."""
    found = {name: version(name) for name in PACKAGES}
    found["python"] = platform.python_version()
    return found


def name_of(thing: Any) -> str:
    """Return what a loss, an augmentation or a network is called."""
    return getattr(thing, "name", getattr(thing, "__qualname__", type(thing).__qualname__))


def fingerprint_of(value: Any, depth: int = DEPTH) -> Any:
    """Describe a function, an object or a value by what it does, for `storage.key_of`.

    A function is described by its source, its defaults and the values that it has closed over; an
    object by the source of its class and its attributes.

    Args:
        value: a loss, an augmentation, or anything that one of them refers to.
        depth: how far to follow values in values.
    """
    if isinstance(value, PLAIN):
        return value
    if depth == 0:
        return type(value).__qualname__
    inner = functools.partial(fingerprint_of, depth=depth - 1)
    if isinstance(value, np.ndarray):
        return hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
    if isinstance(value, (list, tuple)):
        return [inner(one) for one in value]
    if isinstance(value, dict):
        return {str(key): inner(one) for key, one in value.items()}
    if isinstance(value, functools.partial):
        return [inner(value.func), inner(value.args), inner(value.keywords)]
    if inspect.isfunction(value):
        return _function(value, inner)
    if inspect.ismethod(value):
        return [inner(value.__func__), inner(value.__self__)]
    attributes = getattr(value, "__dict__", {})
    return [_source(type(value)), {name: inner(one) for name, one in attributes.items()}]


def _function(function: Callable, inner: Callable) -> dict[str, Any]:
    """Describe a function by its source and all values that it takes from elsewhere."""
    outside = inspect.getclosurevars(function)
    constants = {name: value for name, value in outside.globals.items() if isinstance(value, PLAIN)}
    helpers = {
        name: inner(value)
        for name, value in outside.globals.items()
        if inspect.isfunction(value) and value.__module__ == function.__module__
    }
    return {
        "source": _source(function),
        "defaults": inner(function.__defaults__),
        "named defaults": inner(function.__kwdefaults__),
        "closed over": inner(dict(outside.nonlocals)),
        "constants": constants,
        "helpers": helpers,
    }


def _source(thing: Any) -> Any:
    """Return the source of a function or class, and what it was compiled to.

    Two lambdas may stand in one line, and what was typed into a bare Python has no source at all.
    """
    code = getattr(thing, "__code__", None)
    compiled = None if code is None else _compiled(code)
    try:
        return [inspect.getsource(thing), compiled]
    except (OSError, TypeError):
        return [f"{thing.__module__}.{thing.__qualname__}", compiled]


def _compiled(code: CodeType) -> list[Any]:
    """Describe compiled code by its instructions, names and constants, not by where it stands."""
    constants = [
        _compiled(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts
    ]
    return [code.co_code.hex(), code.co_names, constants]


def network_fingerprint(model: Any) -> Any:
    """Describe a network: every layer's configuration and how they are joined.

    Keras numbers its layers through the whole process (`conv2d_7`), so that the same network gets
    other names when it is built again: here each layer is called by its place.

    Args:
        model: a functional or sequential Keras model.
    """
    config = model.get_config()
    places = {str(config.get("name")): "network"}  # Keras numbers networks without a name too
    _collect_names(config, places)
    return _renamed(config, places)


def _collect_names(config: Any, places: dict[str, str]) -> None:
    """Give each layer's name, in the order of the configuration, the name of its place."""
    if isinstance(config, dict):
        inner = config.get("config")
        if "class_name" in config and isinstance(inner, dict) and "name" in inner:
            places.setdefault(inner["name"], f"layer {len(places)}")
        for value in config.values():
            _collect_names(value, places)
    elif isinstance(config, (list, tuple)):
        for value in config:
            _collect_names(value, places)


def _renamed(config: Any, places: dict[str, str]) -> Any:
    """Return a configuration whose layers are called by their places."""
    if isinstance(config, dict):
        return {str(key): _renamed(value, places) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return [_renamed(value, places) for value in config]
    if isinstance(config, str):
        return places.get(config, config)
    return config if isinstance(config, PLAIN) else str(config)
