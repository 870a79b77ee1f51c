"""From a tree in millimetres to pixels: strokes, the depth of blood, masks and smooth noise."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from .growth import STEP
from .ranges import Traits
from .tree import Array, Tree

FINER = 3  # subpixels a pixel; odd, so that no coverage is one half and no label hangs on rounding
THINNEST = 3.6  # subpixels: drawn as 4, which fill most of a pixel wherever they fall: no gaps
FULL = 0.15  # millimetres: a vein of this width has the whole absorbance
DEEPEST = 1.2  # times the whole absorbance: no vessel has more; grey value 255 stands for it
# A round column of blood seen from above: depth (share of the deepest) inside this share of the
# radius, drawn one over the other.
COLUMN = ((1.0, 0.45), (0.85, 0.7), (0.6, 0.92), (0.35, 1.0))


@dataclass(frozen=True)
class Strokes:
    """The short straight strokes that a tree is drawn with, thin ones first."""

    ends: Array  # float64 (n, 4): x0, y0, x1, y1 in millimetres
    widths: Array  # float64 (n,), millimetres
    faint: Array  # float64 (n,), how much of the blood shows, 0 to 1

    def only(self, chosen: Array) -> "Strokes":
        """Return the strokes for which `chosen`, bool (n,), holds."""
        return Strokes(self.ends[chosen], self.widths[chosen], self.faint[chosen])


def strokes(tree: Tree, widths: Array) -> Strokes:
    """Cut a tree into strokes, two between a node and its parent, along the curve through them.

    Args:
        tree: of arteries or of veins.
        widths: of the tree's nodes in millimetres, float64 (nodes,).
    """
    parents = np.array(tree.parents)
    children = np.flatnonzero(parents >= 0)
    begin = tree.nodes[parents[children]]
    end = tree.nodes[children]
    # The middle of the cubic through both ends in their headings (Hermite).
    lean_x = np.cos(begin[:, 2]) - np.cos(end[:, 2])
    lean_y = np.sin(begin[:, 2]) - np.sin(end[:, 2])
    lean = np.stack([lean_x, lean_y], axis=1)
    middle = (begin[:, :2] + end[:, :2]) / 2 + STEP / 8 * lean
    first_halves = np.hstack([begin[:, :2], middle])
    second_halves = np.hstack([middle, end[:, :2]])
    both = Strokes(
        ends=np.concatenate([first_halves, second_halves]),
        widths=np.tile(widths[children], 2),
        faint=np.tile(np.array(tree.faint)[children], 2),
    )
    return both.only(np.argsort(both.widths, kind="stable"))


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
        """Bring points (..., 2) from millimetres to pixels (x, y), float64 (..., 2)."""
        from_centre = points - self.traits.centre
        return self.size / 2 + from_centre * [self.traits.side * self.unit, self.unit]

    def draw(self, drawn: Strokes, layers: list[tuple[Array, Array]]) -> Image.Image:
        """Draw strokes in grey, FINER times finer than the picture.

        Args:
            drawn: the strokes.
            layers: one drawn over the other, each as the strokes' widths in millimetres, (n,), and
                their grey values, (n,), 0 to 255.

        Returns:
            A picture of mode "L", FINER * size pixels wide and high.
        """
        side = self.size * FINER
        unit = self.unit * FINER
        canvas = Image.new("L", (side, side))
        pen = ImageDraw.Draw(canvas)
        ends = FINER * self.to_pixels(drawn.ends.reshape(-1, 2)).reshape(-1, 4)
        # What ends far outside is left out: it cannot reach into the picture.
        margin = max(50.0, 0.3 * unit)
        last = ends[:, 2:]
        near = ((last > -margin) & (last < side + margin)).all(axis=1)
        for widths, greys in layers:
            thick = np.maximum(widths * unit, THINNEST)
            for i in np.flatnonzero(near):
                _draw_stroke(pen, ends[i].tolist(), float(thick[i]), int(greys[i]))
        return canvas


def _draw_stroke(pen: ImageDraw.ImageDraw, ends: list[float], width: float, grey: int) -> None:
    """Draw a line from x0, y0 to x1, y1 with a round end, so that the next one joins it."""
    pen.line(ends, fill=grey, width=round(width))
    _, _, x, y = ends
    radius = width / 2
    pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=grey)


def centre_lines(frame: Frame, trees: list[Strokes]) -> Array:
    """Width in pixels on the vessels' centre lines, 0 elsewhere, float32 (size, size)."""
    picture = np.zeros((frame.size, frame.size), np.float32)
    for drawn in trees:
        begin = frame.to_pixels(drawn.ends[:, :2])
        end = frame.to_pixels(drawn.ends[:, 2:])
        longest = np.abs(end - begin).max()
        along = np.linspace(0, 1, int(longest) + 2)[:, None]  # no pixel of a stroke is missed
        points = np.floor(begin[:, None] + along * (end - begin)[:, None]).astype(int)
        inside = ((points >= 0) & (points < frame.size)).all(axis=-1)
        widths = np.broadcast_to((drawn.widths * frame.unit)[:, None], inside.shape)
        column, row = points[inside].T
        picture[row, column] = widths[inside]  # of one tree the widest last, as they are drawn
    return picture


def mask_of(canvas: Image.Image) -> Array:
    """Which pixels are covered at least by half, bool (size, size).

    Args:
        canvas: as `Frame.draw` returns it; what is not black counts as covered.
    """
    covered = canvas.point([0] + [255] * 255)
    return np.asarray(covered.reduce(FINER)) >= 128


def blood(frame: Frame, drawn: Strokes, reflex: float) -> Array:
    """Depth of blood with its round profile and reflex, float64 (size, size), 0 to 1.2.

    Args:
        frame: see `Frame`.
        drawn: a tree's strokes.
        reflex: central light reflex, share of the absorbance that it hides.
    """
    depth = np.minimum(drawn.widths / FULL, DEEPEST) ** frame.traits.thin
    greys = 255 * drawn.faint * depth / DEEPEST
    layers = []
    for radius_share, depth_share in COLUMN:
        layers.append((drawn.widths * radius_share, greys * depth_share))
    column = np.asarray(frame.draw(drawn, layers).reduce(FINER)) / 255 * DEEPEST

    wide = drawn.only(drawn.widths * frame.unit > 3)  # pixels: on a thin one no reflex is seen
    bright = np.full(len(wide.widths), 255 * reflex)
    reflected = frame.draw(wide, [(wide.widths * frame.traits.line, bright)])
    shine = np.asarray(reflected.reduce(FINER)) / 255
    return column * (1 - shine)


def smooth_noise(rng: Generator, cells: int, size: int) -> Array:
    """Noise of about unit strength with `cells` bumps across, float64 (size, size)."""
    coarse = Image.fromarray(rng.standard_normal((cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), dtype=float)


def over(above: Array, below: Array) -> Array:
    """Depth where one vessel hides the other: the lower shows through by a fifth.

    Args:
        above: depth of the upper vessels' blood, float64 (size, size).
        below: the same of the lower vessels.
    """
    around = np.maximum(gaussian_filter(above, 1), 1e-6)
    hidden = np.minimum(1, above / around) * (above > 0.05)
    return above + below * (1 - 0.8 * hidden)


def crossed(arteries: Array, veins: Array, rng: Generator) -> Array:
    """Put arteries and veins over each other; which is above changes from place to place.

    Args:
        arteries: depth of their blood, float64 (size, size).
        veins: the same.
        rng: where chance comes from.

    Returns:
        The depth of both together, float64 (size, size).
    """
    artery_above = smooth_noise(rng, 9, len(veins)) > -0.5  # in most of the crossings
    return np.where(artery_above, over(arteries, veins), over(veins, arteries))
