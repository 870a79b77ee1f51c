"""Diagrams: small arrays of numbers, and the article's U-Net with its operations."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from .figures import AMBER, BLUE, GREEN, GREY, ORANGE, PURPLE


def number_panels(grids: Sequence[np.ndarray], titles: Sequence[str], cell: float = 0.45) -> Figure:
    """Draw small arrays in a row: each number in its square, the lowest black, the highest white.

    Args:
        grids: numbers (h, w), of few rows and columns.
        titles: one for each.
        cell: side of one square, in inches.
    """
    apart = 1.6 * cell
    tallest = cell * max(grid.shape[0] for grid in grids)
    width = sum(cell * grid.shape[1] + apart for grid in grids)
    figure = plt.figure(figsize=(width, tallest))
    left = 0.0
    for grid, title in zip(grids, titles, strict=True):
        height, across = (cell * side for side in grid.shape)
        below = (tallest - height) / 2
        place = (left / width, below / tallest, across / width, height / tallest)
        axis = figure.add_axes(place)
        left += across + apart
        low, high = grid.min(), grid.max()
        axis.imshow(grid, cmap="gray", vmin=low, vmax=high if high > low else low + 1)
        for (row, column), number in np.ndenumerate(grid):
            colour = "black" if number > (low + high) / 2 else "white"
            axis.text(column, row, f"{number:g}", color=colour, ha="center", va="center")
        axis.set_xticks(np.arange(-0.5, grid.shape[1]), [])
        axis.set_yticks(np.arange(-0.5, grid.shape[0]), [])
        axis.tick_params(length=0)
        axis.grid(color=GREY, lw=0.8)
        axis.set_title(title, fontsize=10)
    return figure


# How `unet_diagram` draws each operation: its words, its colour, its line.
OPERATIONS = {
    "convolve": ("two 3x3 convolutions, each with ReLU", BLUE, "-"),
    "pool": ("max pooling 2x2", ORANGE, "-"),
    "up": ("upsampling, then a 2x2 convolution with ReLU", GREEN, "-"),
    "skip": ("skip, concatenated on the other side", GREY, "--"),
    "narrow": ("3x3 convolution to 2 features, with ReLU", AMBER, "-"),
    "sigmoid": ("1x1 convolution to 1 feature, with sigmoid", PURPLE, "-"),
}


def _box(axis: Any, column: int, level: int, features: str, pixels: int, mark: str = "") -> None:
    """Draw one box of `unet_diagram`: its features, its sides, and a mark such as BN."""
    room = {"ha": "center", "va": "center"}
    corner = (column - 0.36, -level - 0.22)
    axis.add_patch(plt.Rectangle(corner, 0.72, 0.44, facecolor="white", edgecolor="black"))
    axis.text(column, -level + 0.08, features, fontsize=9, weight="bold", **room)
    axis.text(column, -level - 0.11, f"{pixels} x {pixels}", fontsize=8, **room)
    axis.text(column + 0.3, -level + 0.32, mark, fontsize=8, color=ORANGE, weight="bold", **room)


def _arrow(axis: Any, operation: str, start: tuple, end: tuple) -> None:
    """Draw one operation of `unet_diagram` between two (column, level) boxes."""
    _, colour, line = OPERATIONS[operation]
    (left, above), (right, below) = start, end
    across = 0.38 if right > left else 0
    down = 0.24 * np.sign(below - above)
    axis.annotate(
        "",
        xy=(right - across, -below + down),
        xytext=(left + across, -above - down),
        arrowprops={
            "arrowstyle": "-|>",
            "color": colour,
            "ls": (0, (2, 1.5)) if line == "--" else line,
            "lw": 1.8,
        },
    )


def unet_diagram(width: int = 64, side: int = 512) -> Figure:
    """Draw the article's U-Net: every level, what it holds, and the operations between.

    Args:
        width: features of the first level.
        side: of the input, in pixels.
    """
    figure, axis = plt.subplots(figsize=(11.5, 5.6), layout="constrained")
    for level in range(4):
        features = width * 2**level
        pixels = side // 2**level
        before = f"{features // 2}" if level else "1"
        _box(axis, level, level, before, pixels, "BN" if level else "")
        _box(axis, level + 1, level, f"{features}", pixels)
        _box(axis, 8 - level, level, f"{features}+{features}", pixels)
        _box(axis, 9 - level, level, f"{features}", pixels, "BN")
        _arrow(axis, "convolve", (level, level), (level + 1, level))
        _arrow(axis, "pool", (level + 1, level), (level + 1, level + 1))
        _arrow(axis, "skip", (level + 1, level), (8 - level, level))
        _arrow(axis, "up", (8 - level, level + 1), (8 - level, level))
        _arrow(axis, "convolve", (8 - level, level), (9 - level, level))
    for level in range(5):
        axis.text(-0.36, 0.32 - level, f"level {level}", fontsize=9, va="center")
    _box(axis, 4, 4, f"{8 * width}", side // 16, "BN")
    _box(axis, 5, 4, f"{16 * width}", side // 16, "BN")
    _arrow(axis, "convolve", (4, 4), (5, 4))
    _box(axis, 10, 0, "2", side)
    _arrow(axis, "narrow", (9, 0), (10, 0))
    _box(axis, 11, 0, "1 (map)", side)
    _arrow(axis, "sigmoid", (10, 0), (11, 0))
    for words, colour, line in OPERATIONS.values():
        axis.plot([], [], color=colour, ls=line, lw=1.8, label=words)
    axis.legend(loc="lower right", fontsize=9, frameon=False)
    axis.set(xlim=(-0.5, 11.5), ylim=(-4.6, 0.5))
    axis.axis("off")
    return figure
