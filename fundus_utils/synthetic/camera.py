"""What a camera makes of a fundus: light, blur, noise, dust, compression, field of view."""

import io
from types import SimpleNamespace as Traits

import numpy as np
from numpy.random import Generator
from PIL import Image
from scipy.ndimage import gaussian_filter

from .growth import Array
from .raster import Frame

SOFTENED = np.array([1.9, 1.5, 1.9])  # on each channel's noise, which smoothing weakens 2.4 times
NOTCH = 0.5 / 2**0.5  # fields from the middle, right and up: where the rim's mark sits
NOTCH_RADIUS = 0.02  # fields


def lighting(traits: Traits, x: Array, y: Array, rng: Generator) -> Array:
    """Return how much light falls on each place (in fields from the middle), about 1, float64."""
    across, down = traits.tilt  # towards the brighter side, where the beam's middle moves too
    light = 1 - traits.falloff * (2 * np.hypot(x - 0.2 * across, y - 0.2 * down)) ** 3
    light = light + across * x + down * y
    for _ in range(int(traits.dust)):
        at, wide = rng.uniform(-0.45, 0.45, 2), rng.uniform(0.01, 0.06)
        spot = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * wide**2))
        light = light + rng.uniform(-0.08, 0.08) * spot
    return light


def field(traits: Traits, x: Array, y: Array, inset: float = 0.0) -> Array:
    """Return the field of view, bool: a circle, cut off above and below, or with a notch."""
    shape = (x**2 + y**2 < (0.5 - inset) ** 2) & (abs(y) < traits.clip - inset)
    if traits.notch > 0:
        shape |= (x - NOTCH) ** 2 + (y + NOTCH) ** 2 < (NOTCH_RADIUS - inset) ** 2
    return shape


def compressed(photograph: Array, quality: float) -> Array:
    """Return the photograph after JPEG compression, uint8; from quality 95 on as it was."""
    if quality >= 95:
        return photograph
    room = io.BytesIO()
    Image.fromarray(photograph).save(room, "JPEG", quality=int(quality))
    return np.asarray(Image.open(room))


def expose(picture: Array, traits: Traits, frame: Frame, rng: Generator) -> tuple[Array, Array]:
    """Return the photograph of a fundus in grey values, uint8, and its field of view, bool.

    Args:
        picture: float64 (size, size, 3), the fundus in grey values.
        traits: of the camera.
        frame: see `raster.Frame`.
        rng: where dust and noise come from.
    """
    line = (np.arange(frame.size) + 0.5 - frame.size / 2) / (traits.field * frame.size)
    x, y = line[None, :], line[:, None]
    lit = lighting(traits, x, y, rng).clip(0)[..., None] ** [traits.cast, 1, 1]
    lit *= field(traits, x, y, traits.edge)[..., None]
    blur = traits.blur * traits.field * frame.size
    picture = gaussian_filter(picture * lit, blur, axes=(0, 1))
    noise = gaussian_filter(rng.standard_normal(picture.shape), 0.7, axes=(0, 1))
    picture += traits.grain * SOFTENED * noise
    fov = field(traits, x, y)
    exposed = (picture.clip(0, 255).round() * fov[..., None]).astype(np.uint8)
    return compressed(exposed, traits.jpeg) * fov[..., None], fov
