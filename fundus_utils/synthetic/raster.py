"""From a tree in millimetres to pixels: the depth of blood, masks, and what an observer draws."""

from dataclasses import dataclass
from types import SimpleNamespace as Traits

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from .growth import STEP, Array, Tree

FINER = 3  # subpixels a pixel; odd, so that no coverage is one half and no label hangs on rounding
THINNEST = 3.6  # subpixels: drawn as 4, which fill most of a pixel wherever they fall: no gaps
FULL = 0.15  # millimetres: a vein of this width has the whole absorbance
# A round column of blood seen from above: depth (share of the deepest) inside this share of the
# radius, drawn one over the other.
COLUMN = ((1.0, 0.45), (0.85, 0.7), (0.6, 0.92), (0.35, 1.0))


@dataclass(frozen=True)
class Strokes:
    """The short straight strokes that a tree is drawn with, thin ones first."""

    ends: Array  # float64 (n, 4): x0, y0, x1, y1 in millimetres
    widths: Array  # float64 (n,), millimetres
    faint: Array  # float64 (n,), 0 to 1


def strokes(tree: Tree, widths: Array) -> Strokes:
    """Cut a tree into strokes, two between a node and its parent, along the curve through them."""
    parents = np.array(tree.parents)
    here = np.flatnonzero(parents >= 0)
    there = parents[here]
    a, b = tree.nodes[there], tree.nodes[here]
    # The middle of the cubic through both ends in their headings (Hermite).
    lean = np.stack([np.cos(a[:, 2]) - np.cos(b[:, 2]), np.sin(a[:, 2]) - np.sin(b[:, 2])], 1)
    middle = (a[:, :2] + b[:, :2]) / 2 + STEP / 8 * lean
    ends = [np.hstack([a[:, :2], middle]), np.hstack([middle, b[:, :2]])]
    order = np.argsort(np.tile(widths[here], 2), kind="stable")
    faint = np.tile(np.array(tree.faint)[here], 2)
    return Strokes(np.concatenate(ends)[order], np.tile(widths[here], 2)[order], faint[order])


@dataclass(frozen=True)
class Frame:
    """How millimetres become pixels: a picture of (size, size), and what the camera looks at."""

    size: int
    traits: Traits

    @property
    def unit(self) -> float:
        """Pixels a millimetre."""
        return self.traits.field * self.size / self.traits.width

    def places(self) -> tuple[Array, Array]:
        """Millimetres (x, y) of each pixel's middle: float64 (1, size) and (size, 1)."""
        line = (np.arange(self.size) + 0.5 - self.size / 2) / self.unit
        x, y = self.traits.centre
        return x + self.traits.side * line[None, :], y + line[:, None]

    def to_pixels(self, points: Array) -> Array:
        """Bring points (..., 2) from millimetres to pixels (x, y)."""
        x, y = self.traits.centre
        return self.size / 2 + (points - [x, y]) * [self.traits.side * self.unit, self.unit]

    def draw(self, drawn: Strokes, layers: list[tuple[Array, Array]]) -> Image.Image:
        """Draw strokes as layers of (widths in millimetres, fills 0 to 255), FINER times finer."""
        canvas = Image.new("L", (self.size * FINER, self.size * FINER))
        pen, unit = ImageDraw.Draw(canvas), self.unit * FINER
        places = FINER * self.to_pixels(drawn.ends.reshape(-1, 2))
        ends = places.reshape(-1, 4).tolist()
        beyond = max(50.0, 0.3 * unit)
        edge = self.size * FINER + beyond
        seen = [i for i, (*_, u, v) in enumerate(ends) if -beyond < min(u, v) and max(u, v) < edge]
        for widths, fills in layers:
            for i in seen:
                width, fill = max(widths[i] * unit, THINNEST), int(fills[i])
                u, v, r = *ends[i][2:], width / 2
                pen.line(ends[i], fill=fill, width=max(round(width), 1))
                pen.ellipse([u - r, v - r, u + r, v + r], fill=fill)
        return canvas


def centre_lines(frame: Frame, trees: list[Strokes]) -> Array:
    """Width in pixels on the vessels' centre lines, 0 elsewhere, float32 (size, size)."""
    picture = np.zeros((frame.size, frame.size), np.float32)
    for drawn in trees:
        begin, end = (frame.to_pixels(drawn.ends[:, at : at + 2]) for at in (0, 2))
        along = np.linspace(0, 1, int(np.abs(end - begin).max()) + 2)[:, None]
        points = np.floor(begin[:, None] + along * (end - begin)[:, None]).astype(int)
        inside = ((points >= 0) & (points < frame.size)).all(axis=-1)
        wide = np.broadcast_to((drawn.widths * frame.unit)[:, None], inside.shape)
        column, row = points[inside].T
        picture[row, column] = wide[inside]  # of one tree the widest last, as when they are drawn
    return picture


def mask_of(canvas: Image.Image) -> Array:
    """Which pixels are covered at least by half, bool (size, size)."""
    return np.asarray(canvas.point([0] + [255] * 255).reduce(FINER)) >= 128


def blood(frame: Frame, drawn: Strokes, reflex: float) -> Array:
    """Depth of blood with its round profile and reflex, float64 (size, size), about 0 to 1."""
    depth = 255 * drawn.faint * np.minimum(drawn.widths / FULL, 1.2) ** frame.traits.thin / 1.2
    layers = [(drawn.widths * share, depth * value) for share, value in COLUMN]
    canvas = frame.draw(drawn, layers)
    wide = drawn.widths * frame.unit > 3  # pixels: on a thin one no reflex is seen
    line = Strokes(drawn.ends[wide], drawn.widths[wide], drawn.faint[wide])
    reflected = frame.draw(
        line, [(line.widths * frame.traits.line, np.full(wide.sum(), 255 * reflex))]
    )
    shine = np.asarray(reflected.reduce(FINER)) / 255
    return np.asarray(canvas.reduce(FINER)) / 255 * 1.2 * (1 - shine)


def smooth_noise(rng: Generator, cells: int, size: int) -> Array:
    """Noise of about unit strength with `cells` bumps across, float64 (size, size)."""
    coarse = Image.fromarray(rng.standard_normal((cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), dtype=float)


def over(above: Array, below: Array) -> Array:
    """Depth where one vessel hides the other: the lower shows through by a fifth."""
    hidden = np.minimum(1, above / np.maximum(gaussian_filter(above, 1), 1e-6)) * (above > 0.05)
    return above + below * (1 - 0.8 * hidden)


def crossed(arteries: Array, veins: Array, rng: Generator) -> Array:
    """Put arteries and veins over each other; which is above changes from place to place."""
    artery_above = smooth_noise(rng, 9, len(veins)) > -0.5  # in most of the crossings
    return np.where(artery_above, over(arteries, veins), over(veins, arteries))
