"""Interactive figures: a picture that answers to sliders, and what it shows where nothing runs."""

import base64
import functools
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
from PIL import Image

from . import storage, synthetic
from .augmentation import STILL, draw_affine, jitter, split, warp
from .data import SOURCES, FundusSet, read_photograph
from .errors import FundusError
from .evaluation import confusion, dice
from .figures import colour_vessels, error_overlay, vessel_overlay
from .photograph import Bools, Bytes, Floats, image_channel
from .prediction import predict_map
from .trained_model import TrainedModel

SIDE = 512  # pixels: the height of a picture in a widget, and the width of each one in a row
STYLE = {"description_width": "9em"}


def as_jpeg(picture: np.ndarray) -> bytes:
    """Encode a picture as JPEG, shrunk to at most SIDE pixels of height.

    Args:
        picture: uint8 (H, W, 3), uint8 (H, W) or bool (H, W). Its width is at most SIDE times the
            number of whole squares of side H that fit beside each other in it.
    """
    if picture.dtype == bool:
        picture = picture.astype(np.uint8) * 255
    height, width = picture.shape[:2]
    squares = max(1, width // height)
    image = Image.fromarray(picture)
    image.thumbnail((SIDE * squares, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=80)
    return buffer.getvalue()


class Panel(ipywidgets.VBox):
    """Controls over one picture; where no kernel runs, the picture and its text stay."""

    def __init__(self, controls: Sequence[Any], draw: Callable[[], np.ndarray], alt: str) -> None:
        """Show `draw()` under the controls, anew whenever one of them changes.

        Args:
            controls: their `value` is watched.
            draw: returns the picture for the controls' present values.
            alt: the picture in words.
        """
        self.picture = ipywidgets.Image(value=as_jpeg(draw()), format="jpeg")
        self.picture.layout.max_width = "100%"
        self.draw = draw
        self.alt = alt
        for control in controls:
            control.observe(self.redraw, names="value")
        super().__init__([*controls, self.picture])

    def redraw(self, _: Any = None) -> None:
        """Draw the picture for the controls' present values."""
        self.picture.value = as_jpeg(self.draw())

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict]:
        bundle = super()._repr_mimebundle_(**kwargs) or {}
        still = base64.b64encode(self.picture.value).decode()
        bundle |= {"text/plain": self.alt, "image/jpeg": still}
        return bundle, {"image/jpeg": {"alt": self.alt}}


def _slider(label: str, value: float, low: float, high: float, step: float) -> Any:
    return ipywidgets.FloatSlider(
        value=value,
        min=low,
        max=high,
        step=step,
        description=label,
        style=STYLE,
        continuous_update=False,
    )


def _dropdown(label: str, options: Sequence[str]) -> Any:
    return ipywidgets.Dropdown(description=label, options=options, style=STYLE)


class _Chooser(ipywidgets.VBox):
    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        words = "A menu of the data sets. It needs a running kernel, as all controls do."
        return (super()._repr_mimebundle_(**kwargs) or {}) | {"text/plain": words}


def set_chooser() -> ipywidgets.VBox:
    """Return a menu that saves the data set which all notebooks then use."""
    menu = _dropdown("data set", list(SOURCES))
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
        slider = _slider(label, (low + high) / 2, low, high, (high - low) / 20)
        slider.readout_format = ".4g"
        sliders[name] = slider

    def draw() -> Bytes:
        fixed = {name: (slider.value, slider.value) for name, slider in sliders.items()}
        chosen = replace(ranges, **fixed)
        return synthetic.draw_eye(synthetic.SEED, eye, 320, chosen).photograph

    return Panel(list(sliders.values()), draw, "A drawn fundus, with sliders for eight ranges.")


def browser(photographs: FundusSet) -> Panel:
    """Return a browser of photographs, their channels, labels and fields of view."""
    which = _dropdown("photograph", photographs.names)
    channel = _dropdown("channel", ["colour", "red", "green", "blue", "grey"])
    over = _dropdown("overlay", ["none", "label", "field of view"])
    read = functools.lru_cache(1)(photographs.__getitem__)

    def draw() -> Bytes:
        sample = read(which.index)
        picture = sample.photograph
        if channel.value != "colour":
            picture = np.repeat(image_channel(picture, channel.value)[..., None], 3, axis=2)
        mask = {"label": sample.label, "field of view": sample.fov}.get(over.value)
        return picture if mask is None else vessel_overlay(picture, mask)

    return Panel([which, channel, over], draw, "A photograph, with menus for channel and overlay.")


def augmentation_playground(merged: Bytes) -> Panel:
    """Return sliders over one merged picture: the image and its label after one transform.

    Args:
        merged: uint8 (h, w, 3): one image channel, label, field of view.
    """
    sliders = {
        "rotation": _slider("rotation (degrees)", 30, -180, 180, 5),
        "scale": _slider("scale", 1, 0.5, 2, 0.05),
        "shear": _slider("shear (degrees)", 0, -20, 20, 1),
        "contrast": _slider("contrast", 1, 0.5, 1.5, 0.05),
        "brightness": _slider("brightness", 0, -0.3, 0.3, 0.05),
    }
    mirror = ipywidgets.Checkbox(description="mirror", value=False)
    height, width = merged.shape[:2]

    def draw() -> Bytes:
        fixed: dict[str, Any] = {
            name: (slider.value, slider.value) for name, slider in sliders.items()
        }
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


def threshold_explorer(
    photograph: Bytes, label: Bools, probability: Floats, fov: Bools, threshold: float
) -> Panel:
    """Return a slider over the threshold: the photograph, its map's errors, and their measures."""
    slider = _slider("threshold", threshold, 0.01, 0.99, 0.01)
    message = ipywidgets.Label()

    def draw() -> Bytes:
        vessels = probability >= slider.value
        tp, fp, fn, _ = confusion(label[fov], vessels[fov])
        sensitivity = tp / max(1, tp + fn)
        precision = tp / max(1, tp + fp)
        both = dice(label[fov], vessels[fov])
        message.value = f"sensitivity {sensitivity:.3f}, precision {precision:.3f}, Dice {both:.3f}"
        return np.concatenate([photograph, error_overlay(label, vessels, fov)], axis=1)

    panel = Panel([slider], draw, "A photograph, and a map's errors at the slider's threshold.")
    panel.children += (message,)
    return panel


def upload(trained: TrainedModel, example: Bytes) -> Panel:
    """Return an upload field: the reader's own photograph, its overlay or its coloured vessels.

    Args:
        trained: the model.
        example: uint8 (H, W, 3), shown until something is uploaded.
    """
    field = ipywidgets.FileUpload(accept="image/*", multiple=False, description="photograph")
    threshold = _slider("threshold", trained.threshold, 0.01, 0.99, 0.01)
    view = _dropdown("show", ["overlay", "coloured vessels", "probability map"])
    message = ipywidgets.Label("Photographs stay on this computer.")
    kept: dict[str, Any] = {"photograph": example, "map": predict_map(trained, example)}

    def take(_: Any) -> None:
        if not field.value:
            return
        file = field.value[0]
        try:
            photograph = read_photograph(Path(file["name"]), content=bytes(file["content"]))
            kept["map"] = predict_map(trained, photograph)
            kept["photograph"] = photograph
        except FundusError as error:
            message.value = str(error)
            return
        height, width = kept["map"].shape
        message.value = f"{file['name']}: {width}x{height} pixels"

    def draw() -> np.ndarray:
        if view.value == "probability map":
            return np.rint(kept["map"] * 255).astype(np.uint8)
        paint = vessel_overlay if view.value == "overlay" else colour_vessels
        return paint(kept["photograph"], kept["map"] >= threshold.value)

    field.observe(take, names="value")
    alt = "The example photograph with its predicted vessels in cyan."
    panel = Panel([field, threshold, view], draw, alt)
    panel.children += (message,)
    return panel
