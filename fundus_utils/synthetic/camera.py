"""What a camera makes of a fundus: light, blur, noise, dust, compression, field of view."""

import io

import numpy as np
from numpy.random import Generator
from PIL import Image
from scipy.ndimage import gaussian_filter

from .ranges import Traits
from .raster import Frame
from .tree import Array

SOFTENED = np.array([1.9, 1.5, 1.9])  # on each channel's noise, which smoothing weakens 2.4 times
NOTCH = 0.5 / 2**0.5  # fields from the middle, right and up: where the rim's mark sits
NOTCH_RADIUS = 0.02  # fields
UNCOMPRESSED = 95  # JPEG quality from which on nothing is compressed


def lighting(traits: Traits, x: Array, y: Array, rng: Generator) -> Array:
    """Return how much light falls on each place, float64 (size, size), about 1 in the middle.

    Args:
        traits: of the camera.
        x: of each place in fields from the middle, float64 (1, size).
        y: the same, downwards, float64 (size, 1).
        rng: where dust comes from.
    """
    across, down = traits.tilt  # towards the brighter side, where the beam's middle moves too
    from_beam = np.hypot(x - 0.2 * across, y - 0.2 * down)
    light = 1 - traits.falloff * (2 * from_beam) ** 3
    light = light + across * x + down * y
    for _ in range(int(traits.dust)):
        spot_x, spot_y = rng.uniform(-0.45, 0.45, 2)
        spread = rng.uniform(0.01, 0.06)
        squared = (x - spot_x) ** 2 + (y - spot_y) ** 2
        spot = np.exp(-squared / (2 * spread**2))
        strength = rng.uniform(-0.08, 0.08)
        light = light + strength * spot
    return light


def field(traits: Traits, x: Array, y: Array, inset: float = 0.0) -> Array:
    """Return the field of view, bool: a circle, cut off above and below, or with a notch.

    Args:
        traits: of the camera.
        x: of each place in fields from the middle, float64 (1, size).
        y: the same, downwards, float64 (size, 1).
        inset: how much smaller the field is all round, in fields.
    """
    circle = x**2 + y**2 < (0.5 - inset) ** 2
    uncut = abs(y) < traits.clip - inset
    shape = circle & uncut
    if traits.notch > 0:
        shape |= (x - NOTCH) ** 2 + (y + NOTCH) ** 2 < (NOTCH_RADIUS - inset) ** 2
    return shape


def compressed(photograph: Array, quality: float) -> Array:
    """Return the photograph after JPEG compression, uint8; from quality 95 on as it was."""
    if quality >= UNCOMPRESSED:
        return photograph
    buffer = io.BytesIO()
    Image.fromarray(photograph).save(buffer, "JPEG", quality=int(quality))
    return np.asarray(Image.open(buffer))


def expose(picture: Array, traits: Traits, frame: Frame, rng: Generator) -> tuple[Array, Array]:
    """Photograph a fundus.

    Args:
        picture: float64 (size, size, 3), the fundus in grey values.
        traits: of the camera.
        frame: see `raster.Frame`.
        rng: where dust and noise come from.

    Returns:
        The photograph, uint8 (size, size, 3), black outside the field of view; and the field of
        view, bool (size, size).
    """
    line = (np.arange(frame.size) + 0.5 - frame.size / 2) / (traits.field * frame.size)
    x = line[None, :]
    y = line[:, None]
    light = lighting(traits, x, y, rng).clip(0)
    light_by_colour = np.stack([light**traits.cast, light, light], axis=-1)
    light_by_colour *= field(traits, x, y, inset=traits.edge)[..., None]

    blur = traits.blur * traits.field * frame.size  # pixels
    lit = gaussian_filter(picture * light_by_colour, blur, axes=(0, 1))
    noise = gaussian_filter(rng.standard_normal(lit.shape), 0.7, axes=(0, 1))
    lit += traits.grain * SOFTENED * noise

    fov = field(traits, x, y)
    photograph = (lit.clip(0, 255).round() * fov[..., None]).astype(np.uint8)
    return compressed(photograph, traits.jpeg) * fov[..., None], fov
