"""One drawn eye: its vessels grow, are filled with blood, photographed, and labelled."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, default_rng
from scipy.ndimage import gaussian_filter

from .camera import expose
from .disease import add_lesions
from .fundus import background
from .growth import grow_branches, grow_trunks, tree_widths
from .observers import Observer, observed, two_observers
from .ranges import EyeRanges, Traits, draw_traits
from .raster import Frame, Strokes, blood, centre_lines, crossed, smooth_noise, strokes
from .tree import Array


@dataclass(frozen=True)
class DrawnEye:
    """One drawn photograph with its truth; every picture is (size, size), the photograph RGB."""

    name: str  # "drawn_01L"
    patient: str  # "01"
    photograph: Array  # uint8 (size, size, 3)
    label: Array  # bool: arteries or veins, inside the field of view
    label2: Array  # bool: the same by another observer
    fov: Array  # bool: the field of view
    arteries: Array  # bool: the first observer's, inside the field of view
    veins: Array  # bool: the same
    widths: Array  # float32: the width in pixels on the vessels' centre lines, 0 elsewhere
    disc: tuple[float, float, float]  # x, y and radius in pixels
    fovea: tuple[float, float]  # x, y in pixels; may lie outside the picture


def draw_eye(seed: int, eye: int, size: int = 512, ranges: EyeRanges | None = None) -> DrawnEye:
    """Draw one eye; it depends on nothing but these arguments.

    Args:
        seed: of the set of eyes, from 0 on.
        eye: the eye's number in the set, from 0 on: 01L, 01R, 02L, ...
        size: width and height in pixels; below 256, thin vessels run together.
        ranges: lowest and highest value of each trait; as in `EyeRanges` if None.

    Raises:
        ValueError: if `seed` or `eye` is negative.
    """
    traits = draw_traits(seed, eye, ranges or EyeRanges())
    frame = Frame(size, traits)
    arteries, veins, photograph, fov = _photographed(seed, eye, traits, frame)

    observer_rng = _generator(seed, eye, 4)
    first, second = two_observers(traits, observer_rng)
    artery_label, vein_label = _labels(frame, arteries, veins, first, observer_rng)
    artery_label2, vein_label2 = _labels(frame, arteries, veins, second, observer_rng)

    patient = f"{eye // 2 + 1:02d}"
    disc_x, disc_y = frame.to_pixels(np.zeros(2)).tolist()
    fovea_x, fovea_y = frame.to_pixels(traits.fovea).tolist()
    return DrawnEye(
        name=f"drawn_{patient}{'LR'[eye % 2]}",
        patient=patient,
        photograph=photograph,
        label=(artery_label | vein_label) & fov,
        label2=(artery_label2 | vein_label2) & fov,
        fov=fov,
        arteries=artery_label & fov,
        veins=vein_label & fov,
        widths=centre_lines(frame, [arteries, veins]) * fov,
        disc=(disc_x, disc_y, traits.disc_radius * frame.unit),
        fovea=(fovea_x, fovea_y),
    )


def draw_photograph(seed: int, eye: int, size: int = 512, ranges: EyeRanges | None = None) -> Array:
    """Draw an eye's photograph alone, uint8 (size, size, 3): that of `draw_eye`, a fifth sooner."""
    traits = draw_traits(seed, eye, ranges or EyeRanges())
    return _photographed(seed, eye, traits, Frame(size, traits))[2]


def _photographed(
    seed: int, eye: int, traits: Traits, frame: Frame
) -> tuple[Strokes, Strokes, Array, Array]:
    """Grow an eye and take its photograph: arteries, veins, photograph, field of view."""
    vessel_rng = _generator(seed, eye, 1)
    ground_rng = _generator(seed, eye, 2)
    camera_rng = _generator(seed, eye, 3)
    lesion_rng = _generator(seed, eye, 5)
    arteries, veins = _grow_vessels(traits, vessel_rng)
    depth = _blood_depth(frame, arteries, veins, vessel_rng)
    picture = background(traits, frame, ground_rng)
    add_lesions(picture, traits, frame, lesion_rng)
    _add_vessels(picture, traits, frame, depth, ground_rng)
    photograph, fov = expose(picture, traits, frame, camera_rng)
    return arteries, veins, photograph, fov


def _generator(seed: int, eye: int, step: int) -> Generator:
    """Return the generator of one step of drawing: what one step draws leaves the others alone."""
    return default_rng([seed, eye // 2, 1 + eye % 2, step])


def _grow_vessels(traits: Traits, rng: Generator) -> tuple[Strokes, Strokes]:
    """Grow both trees and cut them into strokes: arteries, veins."""
    trees = grow_trunks(traits, rng)
    grow_branches(trees, traits, rng)
    arteries, veins = trees
    artery_widths, vein_widths = tree_widths(trees, traits)
    return strokes(arteries, artery_widths), strokes(veins, vein_widths)


def _blood_depth(frame: Frame, arteries: Strokes, veins: Strokes, rng: Generator) -> Array:
    """Fill the vessels with blood; its depth, float64 (size, size), arteries' blood counts less."""
    traits = frame.traits
    artery_depth = traits.pale * blood(frame, arteries, traits.reflex)
    vein_depth = blood(frame, veins, 0.5 * traits.reflex)
    return crossed(artery_depth, vein_depth, rng)


def _add_vessels(
    picture: Array, traits: Traits, frame: Frame, depth: Array, rng: Generator
) -> None:
    """Put the vessels over the fundus: bright lines beside them, and the blood's absorbance.

    Args:
        picture: float64 (size, size, 3), grey values; it is changed.
        traits: of the eye.
        frame: see `raster.Frame`.
        depth: of the blood, float64 (size, size).
        rng: where the places that shine come from.
    """
    patches = np.maximum(smooth_noise(rng, 12, frame.size), 0)  # where the inner membrane shines
    around = gaussian_filter(depth, 0.1 * frame.unit)
    beside = np.maximum(around / max(around.max(), 1e-6) - depth, 0)
    picture *= 1 + traits.sheen * (patches * beside)[..., None]
    # Light that passes blood is weakened exponentially (Beer and Lambert).
    picture *= np.exp(-depth[..., None] * traits.absorb)


def _labels(
    frame: Frame, arteries: Strokes, veins: Strokes, observer: Observer, rng: Generator
) -> tuple[Array, Array]:
    """Return the arteries and the veins as an observer draws them, bool (size, size) each."""
    artery_label = observed(frame, arteries, observer, rng)
    vein_label = observed(frame, veins, observer, rng)
    return artery_label, vein_label
