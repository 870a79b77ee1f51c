"""Interactive figures of photographs: which set, which photograph, warped or drawn."""

import functools
import os
from dataclasses import replace
from typing import Any

import ipywidgets
import numpy as np

from .. import storage, synthetic
from ..augmentation import STILL, draw_affine, jitter, split, warp
from ..data import SOURCES, FundusSet
from ..figures import vessel_overlay
from ..photograph import Bytes, image_channel
from .panels import Panel, dropdown, slider


class _Chooser(ipywidgets.VBox):
    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        words = "A menu of the data sets. It needs a running kernel, as all controls do."
        return (super()._repr_mimebundle_(**kwargs) or {}) | {"text/plain": words}


def set_chooser() -> ipywidgets.VBox:
    """Return a menu that saves the data set which all notebooks then use."""
    menu = dropdown("data set", list(SOURCES))
    chosen = storage.chosen_set().partition(":")[0]
    menu.value = chosen if chosen in SOURCES else None  # a misspelt name: nothing is chosen yet
    menu.observe(lambda change: storage.save_choice(change["new"]), names="value")
    stronger = "FUNDUS_DATASET is set and comes before this choice."
    note = ipywidgets.Label(stronger if os.environ.get("FUNDUS_DATASET") else "")
    return _Chooser([menu, note])


EYE = {  # what the sliders of `eye_drawer` are called; their ranges are those of the drawing
    "angle": "field (degrees)",
    "vein": "widest vein (mm)",
    "spacing": "spacing (mm)",
    "tortuosity": "tortuosity",
    "reflex": "light reflex",
    "choroid": "choroid",
    "blur": "blur",
    "grain": "grain",
}


def eye_drawer(eye: int = 0) -> Panel:
    """Return sliders over the eight ranges that change a drawn eye most."""
    ranges = synthetic.EyeRanges()
    sliders = {}
    for name, label in EYE.items():
        low, high = getattr(ranges, name)
        sliders[name] = slider(label, (low + high) / 2, low, high, (high - low) / 20)
        sliders[name].readout_format = ".4g"

    def draw() -> Bytes:
        fixed = {name: (one.value, one.value) for name, one in sliders.items()}
        chosen = replace(ranges, **fixed)
        return synthetic.draw_photograph(synthetic.SEED, eye, 320, chosen)

    return Panel(list(sliders.values()), draw, "A drawn fundus, with sliders for eight ranges.")


def browser(photographs: FundusSet) -> Panel:
    """Return a browser of photographs, their channels, labels and fields of view."""
    which = dropdown("photograph", photographs.names)
    channel = dropdown("channel", ["colour", "red", "green", "blue", "grey"])
    over = dropdown("overlay", ["none", "label", "field of view"])
    until = slider("overlay from the left (%)", 100, 0, 100, 5)
    read = functools.lru_cache(1)(photographs.__getitem__)

    def draw() -> Bytes:
        sample = read(which.index)
        picture = sample.photograph
        if channel.value != "colour":
            picture = np.repeat(image_channel(picture, channel.value)[..., None], 3, axis=2)
        mask = {"label": sample.label, "field of view": sample.fov}.get(over.value)
        if mask is None:
            return picture
        picture = picture.copy()
        covered = round(until.value / 100 * picture.shape[1])
        picture[:, :covered] = vessel_overlay(picture[:, :covered], mask[:, :covered])
        return picture

    alt = "A photograph, with menus for channel and overlay."
    return Panel([which, channel, over, until], draw, alt)


def augmentation_playground(merged: Bytes) -> Panel:
    """Return sliders over one merged picture: the image and its label after one transform.

    Args:
        merged: uint8 (h, w, 3): one image channel, label, field of view.
    """
    sliders = {
        "rotation": slider("rotation (degrees)", 30, -180, 180, 5),
        "scale": slider("scale", 1, 0.5, 2, 0.05),
        "shear": slider("shear (degrees)", 0, -20, 20, 1),
        "contrast": slider("contrast", 1, 0.5, 1.5, 0.05),
        "brightness": slider("brightness", 0, -0.3, 0.3, 0.05),
    }
    mirror = ipywidgets.Checkbox(description="mirror", value=False)
    height, width = merged.shape[:2]

    def draw() -> Bytes:
        fixed: dict[str, Any] = {name: (one.value, one.value) for name, one in sliders.items()}
        ranges = replace(STILL, **fixed)
        rng = np.random.default_rng(0)
        source = merged[:, ::-1] if mirror.value else merged
        moved = warp(source, draw_affine(rng, ranges, (height, width)))
        image, label, _ = split(moved)
        grey = np.repeat(jitter(image, rng, ranges), 3, axis=2)
        drawn = np.repeat(label[..., None].astype(np.uint8) * 255, 3, axis=2)
        return np.concatenate([grey, drawn, vessel_overlay(grey, label)], axis=1)

    alt = "Image, label and overlay after one transform: the vessels lie under the label."
    return Panel([*sliders.values(), mirror], draw, alt)
