"""Drawn (synthetic) fundus photographs with their vessel labels: the default data set.

ranges -> growth -> raster -> fundus, disease -> camera; `draw_eye` goes the whole way.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import default_rng
from PIL import Image
from scipy.ndimage import gaussian_filter
from tqdm import tqdm

from .camera import expose
from .disease import add_lesions
from .fundus import background
from .growth import Array, grow_branches, grow_trunks, vessel_widths
from .observers import observed, observers
from .ranges import CAMERAS, SICK, Ranges, draw_traits
from .raster import Frame, blood, centre_lines, crossed, smooth_noise, strokes

__all__ = ["CAMERAS", "SICK", "DrawnEye", "Ranges", "draw_eye", "draw_set"]
COUNT, SEED = 60, 2026
FOLDERS = ("images", "labels", "labels2", "masks", "arteries", "veins")


@dataclass(frozen=True)
class DrawnEye:
    """One drawn photograph with its truth; every picture is (size, size), the photograph RGB."""

    name: str  # "drawn_01L"
    patient: str  # "01"
    photograph: Array  # uint8 (size, size, 3)
    label: Array  # bool: arteries or veins, inside the field of view
    label2: Array  # bool: the same by another observer
    fov: Array  # bool: the field of view
    arteries: Array  # bool
    veins: Array  # bool
    widths: Array  # float32: the width in pixels on the vessels' centre lines, 0 elsewhere
    disc: tuple[float, float, float]  # x, y and radius in pixels
    fovea: tuple[float, float]  # x, y in pixels; may lie outside the picture


def draw_eye(seed: int, eye: int, size: int = 512, ranges: Ranges | None = None) -> DrawnEye:
    """Draw eye number `eye` (0-based: 01L, 01R, ...) of the set `seed`; any size from 256 px on."""
    traits = draw_traits(seed, eye, ranges or Ranges())
    uses = (default_rng([seed, eye // 2, 1 + eye % 2, use]) for use in range(1, 6))
    shape, ground, light, hand, sick = uses
    frame, trees = Frame(size, traits), grow_trunks(traits, shape)
    grow_branches(trees, traits, shape)
    drawn = [strokes(*pair) for pair in zip(trees, vessel_widths(trees, traits), strict=True)]
    arteries, veins = drawn
    thin_blood = traits.pale * blood(frame, arteries, traits.reflex)
    depth = crossed(thin_blood, blood(frame, veins, 0.5 * traits.reflex), shape)
    picture = background(traits, frame, ground)
    add_lesions(picture, traits, frame, sick)
    beside = gaussian_filter(depth, 0.1 * frame.unit)
    patches = np.maximum(smooth_noise(ground, 12, size), 0)  # where the inner membrane shines
    beside = np.maximum(beside / max(beside.max(), 1e-6) - depth, 0)
    picture *= 1 + traits.sheen * (patches * beside)[..., None]
    picture *= np.exp(-depth[..., None] * traits.absorb)
    photograph, fov = expose(picture, traits, frame, light)
    first, second = (
        [observed(frame, one, person, hand) & fov for one in drawn]
        for person in observers(traits, hand)
    )
    disc, fovea = frame.to_pixels(np.array([[0.0, 0.0], traits.fovea])).tolist()
    return DrawnEye(
        name=f"drawn_{eye // 2 + 1:02d}{'LR'[eye % 2]}",
        patient=f"{eye // 2 + 1:02d}",
        photograph=photograph,
        label=first[0] | first[1],
        label2=second[0] | second[1],
        fov=fov,
        arteries=first[0],
        veins=first[1],
        widths=centre_lines(frame, drawn) * fov,
        disc=(*disc, traits.disc_radius * frame.unit),
        fovea=tuple(fovea),
    )


def draw_set(
    folder: Path, count: int = COUNT, seed: int = SEED, size: int = 512, progress: bool = True
) -> None:
    """Draw `count` eyes and write each as `folder`/KIND/NAME.png for each KIND in `FOLDERS`."""
    for kind in FOLDERS:
        (folder / kind).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool, (folder / "patients.csv").open("w") as patients:
        eyes = pool.map(lambda eye: draw_eye(seed, eye, size), range(count))
        for drawn in tqdm(eyes, total=count, unit="eye", file=sys.stderr, disable=not progress):
            masks = (drawn.label, drawn.label2, drawn.fov, drawn.arteries, drawn.veins)
            pictures = (drawn.photograph, *(mask.astype(np.uint8) * 255 for mask in masks))
            patients.write(f"{drawn.name},{drawn.patient}\n")
            for kind, picture in zip(FOLDERS, pictures, strict=True):
                Image.fromarray(picture).save(folder / kind / f"{drawn.name}.png", compress_level=3)
