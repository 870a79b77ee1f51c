"""Figures with a caption and an alternative text, light enough to be stored in a notebook."""

import io
import os
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display
from matplotlib.figure import Figure

from .fov import Bools, Bytes

# Okabe and Ito's colours (2008), told apart with any kind of colour vision.
BLUE, ORANGE, GREEN, YELLOW, GREY = "#0072B2", "#D55E00", "#009E73", "#F0E442", "#8C8C8C"
COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#E69F00", "#56B4E9")
DPI = 80


def live() -> bool:
    """Say whether figures may change while a cell runs; `FUNDUS_LIVE=0` switches that off."""
    return os.environ.get("FUNDUS_LIVE", "1") != "0"


def encode(figure: Figure, photograph: bool = False) -> tuple[str, bytes]:
    """Return (MIME type, bytes) of a figure: JPEG for photographs, PNG for curves; close it."""
    kind, quality = ("jpeg", {"quality": 80}) if photograph else ("png", {})
    room = io.BytesIO()
    figure.savefig(room, format=kind, dpi=DPI, bbox_inches="tight", pil_kwargs=quality)
    plt.close(figure)
    return f"image/{kind}", room.getvalue()


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
    rows = -(-len(pictures) // columns)
    maps = any(picture.dtype.kind == "f" for picture in pictures)
    height = side * pictures[0].shape[0] / pictures[0].shape[1] + (0.6 if maps else 0.35)
    figure = plt.figure(figsize=(side * columns, height * rows), layout="constrained")
    for place, (picture, title) in enumerate(zip(pictures, titles, strict=True), start=1):
        axis = figure.add_subplot(rows, columns, place)
        axis.axis("off")
        top = 255 if picture.dtype == np.uint8 else 1
        drawn = axis.imshow(picture, cmap="gray", vmin=0, vmax=top, interpolation="antialiased")
        axis.set_title(title, fontsize=10)
        if picture.dtype.kind == "f":
            room = axis.inset_axes((0.2, -0.06, 0.6, 0.03))
            bar = figure.colorbar(drawn, cax=room, orientation="horizontal", ticks=(0, 0.5, 1))
            bar.ax.tick_params(labelsize=8, length=2, pad=1)
    return figure


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


def curves(rows: Sequence[dict[str, float]], title: str = "") -> Figure:
    """Draw training and validation loss against the step, from the rows of a curve.csv."""
    figure, axis = plt.subplots(figsize=(6, 3.5), layout="constrained")
    steps = [row["step"] for row in rows]
    lines = ("loss", "-o", BLUE, "training"), ("val_loss", "-s", ORANGE, "validation")
    for key, style, colour, label in lines:
        axis.plot(steps, [row[key] for row in rows], style, ms=3, color=colour, label=label)
    axis.set(xlabel="step", ylabel="binary cross-entropy (nats)", title=title)
    axis.set_ylim(0, 1)  # a loss above 1 nat says only that nothing was learned yet
    axis.legend()
    return figure


class LiveCurve:
    """One figure that grows while a network trains; pass it to `train` as `on_epoch`."""

    handle: Any = None  # nothing is shown yet

    def __call__(self, model: Any, rows: Sequence[dict[str, float]]) -> None:
        """Draw the rows so far in the same place; nothing where `live()` is False."""
        if not live():
            return
        mime, content = encode(curves(rows, "while it trains"))
        alt = f"Loss so far: training {rows[-1]['loss']:.3f}, validation {rows[-1]['val_loss']:.3f}"
        bundle = {mime: content, "text/plain": alt}
        if self.handle is None:
            self.handle = display(bundle, raw=True, display_id=True, metadata={mime: {"alt": alt}})
        else:
            self.handle.update(bundle, raw=True, metadata={mime: {"alt": alt}})
