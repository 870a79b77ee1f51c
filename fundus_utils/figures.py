"""Figures with a caption and an alternative text, light enough to be stored in a notebook."""

import io
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from matplotlib.figure import Figure

from . import storage
from .photograph import Bools, Bytes, Floats

# Okabe and Ito's colours (2008), told apart with any kind of colour vision.
BLUE = "#0072B2"
ORANGE = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
AMBER = "#E69F00"
SKY = "#56B4E9"
GREY = "#8C8C8C"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, AMBER, SKY)
CYAN = (0, 255, 255)  # RGB: far from every colour of a fundus, also for the colour-blind
DPI = 80


def live() -> bool:
    """Say whether figures may change while a cell runs; `FUNDUS_LIVE=0` switches that off."""
    return os.environ.get("FUNDUS_LIVE", "1") != "0"


def encode(figure: Figure, photograph: bool = False) -> tuple[str, bytes]:
    """Return (MIME type, bytes) of a figure: JPEG for photographs, PNG for curves; close it."""
    kind = "jpeg" if photograph else "png"
    buffer = io.BytesIO()
    figure.savefig(
        buffer,
        format=kind,
        dpi=DPI,
        bbox_inches="tight",
        pil_kwargs={"quality": 80} if photograph else {},
    )
    plt.close(figure)
    return f"image/{kind}", buffer.getvalue()


def show(figure: Figure, caption: str, alt: str, photograph: bool = False) -> None:
    """Show a figure in a notebook, its alternative text stored with it and its caption below.

    Args:
        figure: a Matplotlib figure; it is closed.
        caption: one or two sentences, Markdown.
        alt: what a reader who cannot see the figure needs to know.
        photograph: store as JPEG, a tenth of the size for pictures without sharp lines.
    """
    mime, content = encode(figure, photograph)
    display({mime: content, "text/plain": alt}, raw=True, metadata={mime: {"alt": alt}})
    display(Markdown(f"*{caption}*"))


def panels(
    pictures: Sequence[np.ndarray], titles: Sequence[str], columns: int = 3, side: float = 3.2
) -> Figure:
    """Lay pictures out in a grid: RGB as they are, masks, grey pictures and maps in grey.

    A map (float) gets a colour bar from 0 to 1.

    Args:
        pictures: uint8 (h, w, 3), uint8 (h, w), bool (h, w) or float (h, w) in [0, 1].
        titles: one for each.
        columns: pictures a row.
        side: of one picture, in inches.
    """
    columns = min(columns, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    maps = any(picture.dtype.kind == "f" for picture in pictures)
    around = 0.6 if maps else 0.35  # inches for the title, and for a colour bar
    height = side * pictures[0].shape[0] / pictures[0].shape[1] + around
    figure = plt.figure(figsize=(side * columns, height * rows), layout="constrained")
    for place, (picture, title) in enumerate(zip(pictures, titles, strict=True), start=1):
        axis = figure.add_subplot(rows, columns, place)
        axis.axis("off")
        top = 255 if picture.dtype == np.uint8 else 1
        drawn = axis.imshow(picture, cmap="gray", vmin=0, vmax=top, interpolation="antialiased")
        axis.set_title(title, fontsize=10)
        if picture.dtype.kind == "f":
            below = axis.inset_axes((0.2, -0.06, 0.6, 0.03))
            bar = figure.colorbar(drawn, cax=below, orientation="horizontal", ticks=(0, 0.5, 1))
            bar.ax.tick_params(labelsize=8, length=2, pad=1)
    return figure


def vessel_overlay(photograph: Bytes, vessels: Bools) -> Bytes:
    """Return the photograph with its vessels in cyan, half transparent: uint8 (H, W, 3)."""
    result = photograph.copy()
    result[vessels] = (0.4 * photograph[vessels] + 0.6 * np.array(CYAN)).astype(np.uint8)
    return result


def colour_vessels(photograph: Bytes, probability: Floats) -> Bytes:
    """Multiply the map back onto the photograph, so that the vessels keep their colour.

    Args:
        photograph: uint8 (H, W, 3).
        probability: float32 (H, W) in [0, 1], or a bool vessel mask.

    Returns:
        uint8 (H, W, 3): the photograph's colours on vessels, black elsewhere.
    """
    return np.rint(photograph * probability[..., None].astype(np.float32)).astype(np.uint8)


def error_overlay(label: Bools, vessels: Bools, fov: Bools) -> Bytes:
    """Colour a vessel mask by its errors: white right, sky blue missed, orange false, grey outside.

    Returns:
        uint8 (H, W, 3); true negatives are black.
    """
    result = np.zeros((*label.shape, 3), np.uint8)
    result[label & vessels] = (255, 255, 255)
    result[label & ~vessels] = (86, 180, 233)
    result[vessels & ~label] = (213, 94, 0)
    result[~fov] = (60, 60, 60)
    return result


def curves(curve: pd.DataFrame, title: str = "") -> Figure:
    """Draw training and validation loss against the step, from the table of a curve.csv."""
    figure, axis = plt.subplots(figsize=(6, 3.5), layout="constrained")
    axis.plot(curve["step"], curve["loss"], "-o", ms=3, color=BLUE, label="training")
    axis.plot(curve["step"], curve["val_loss"], "-s", ms=3, color=ORANGE, label="validation")
    axis.set(xlabel="step", ylabel="binary cross-entropy (nats)", title=title)
    axis.set_ylim(0, 1)  # a loss above 1 nat says only that nothing was learned yet
    axis.legend()
    return figure


def watched(curve: pd.DataFrame, maps: Sequence[Floats] = ()) -> Figure:
    """Draw a training so far: losses, Dice and learning rate, and one place's map by epoch.

    Args:
        curve: the table of a curve.csv, see `results.read_curve`.
        maps: float32 (h, w) in [0, 1], one for each epoch or none; at most the last 8 are shown.
    """
    figure = plt.figure(figsize=(9, 4.6 if maps else 3), layout="constrained")
    above: Any = figure
    below: Any = None
    if maps:
        halves: Any = figure.subfigures(2, 1, height_ratios=(3, 1.6))
        above, below = halves
    loss, dice, rate = above.subplots(1, 3)
    loss.plot(curve["step"], curve["loss"], "-o", ms=3, color=BLUE, label="training")
    loss.plot(curve["step"], curve["val_loss"], "-s", ms=3, color=ORANGE, label="validation")
    highest = curve[["loss", "val_loss"]].max(axis=None)
    loss.set(xlabel="step", ylabel="loss", ylim=(0, min(1, 1.2 * highest)))
    loss.legend(fontsize=8)
    dice.plot(curve["step"], curve["val_dice"], "-s", ms=3, color=ORANGE)
    dice.set(xlabel="step", ylabel="Dice on validation, cut at 0.5", ylim=(0, 1))
    rate.plot(curve["step"], curve["learning_rate"], "-o", ms=3, color=GREY)
    rate.set(xlabel="step", ylabel="learning rate")
    rate.set_ylim(bottom=0)
    if maps:
        axes = np.atleast_1d(below.subplots(1, len(maps[-8:])))
        steps = curve["step"].to_numpy()[-len(axes) :]
        for axis, step, found in zip(axes, steps, maps[-8:], strict=True):
            axis.imshow(found, cmap="gray", vmin=0, vmax=1)
            axis.set_title(f"step {step:.0f}", fontsize=8)
            axis.set_axis_off()
    return figure


class LiveCurve:
    """One figure that grows while a network trains; pass it to `train` as `on_epoch`."""

    SIDE = 160  # pixels of the place whose map is shown, in the photograph's middle

    def __init__(self, batch: Any = None, keep: Path | None = None) -> None:
        """Show nothing yet.

        Args:
            batch: a prepared photograph, such as `next(iter(data.validation))`: its map is shown
                after each epoch.
            keep: a file of NumPy (.npz) that the maps are written to, one by one, named by step;
                those of a training that was stopped and goes on stay in it.
        """
        self.keep = keep
        self.image = None if batch is None else np.asarray(batch[0])
        self.maps: dict[str, Any] = {}  # by step
        if keep and keep.exists():
            with np.load(keep) as kept:
                self.maps = dict(kept)
        self.handle: Any = None

    @classmethod
    def middle_of(cls, picture: np.ndarray) -> np.ndarray:
        """Return the place that is shown: the middle, at most SIDE pixels a side."""
        top, left = ((side - cls.SIDE) // 2 for side in picture.shape[:2])
        return picture[max(0, top) :, max(0, left) :][: cls.SIDE, : cls.SIDE]

    def __call__(self, model: Any, curve: pd.DataFrame) -> None:
        """Draw the training so far in the same place; nothing is drawn where `live()` is False."""
        if self.image is not None and (live() or self.keep):
            found = np.asarray(model.predict_on_batch(self.image))[0, ..., 0]
            *earlier, last = curve["step"].astype(int).astype(str)
            self.maps = {step: self.maps[step] for step in earlier if step in self.maps}
            self.maps[last] = self.middle_of(found)
        if self.keep:
            with storage.writing_whole(self.keep) as target:
                np.savez_compressed(target, **self.maps)
        if not live():
            return
        mime, content = encode(watched(curve, list(self.maps.values())))
        last = curve.iloc[-1]
        alt = f"Loss so far: training {last['loss']:.3f}, validation {last['val_loss']:.3f}"
        bundle = {mime: content, "text/plain": alt}
        metadata = {mime: {"alt": alt}}
        if self.handle is None:
            self.handle = display(bundle, raw=True, display_id=True, metadata=metadata)
        else:
            self.handle.update(bundle, raw=True, metadata=metadata)


def outlined(
    pictures: Sequence[np.ndarray],
    labels: Sequence[Bools],
    titles: Sequence[str],
    columns: int = 3,
    side: float = 3.2,
) -> Figure:
    """Lay pictures out in a grid, each with the outline of a label on it, in cyan.

    An outline leaves the vessels free, so that the reader sees whether they lie inside it.

    Args:
        pictures: see `panels`.
        labels: bool (h, w), one for each picture and of its size.
        titles: one for each.
        columns: pictures a row.
        side: of one picture, in inches.
    """
    figure = panels(pictures, titles, columns, side)
    for axis, label in zip(figure.axes, labels, strict=True):
        if label.any() and not label.all():  # else it has no outline
            axis.contour(label, levels=[0.5], colors=["cyan"], linewidths=1)
    return figure
