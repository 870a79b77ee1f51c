"""What a camera makes of a fundus: light, blur, noise, dust, compression, field of view."""

import io
from types import SimpleNamespace as Traits

import numpy as np
from numpy.random import Generator
from PIL import Image
from scipy.ndimage import gaussian_filter

from .growth import Array
from .raster import Frame


def expose(picture: Array, traits: Traits, frame: Frame, rng: Generator) -> tuple[Array, Array]:
    """Return the photograph of a fundus in grey values, uint8, and its field of view, bool."""
    line = (np.arange(frame.size) + 0.5 - frame.size / 2) / (traits.field * frame.size)
    x, y = line[None, :], line[:, None]  # fields, from the middle
    light = 1 - traits.falloff * (2 * np.hypot(x, y)) ** 3
    light = light + traits.tilt[0] * x + traits.tilt[1] * y
    for _ in range(int(traits.dust)):
        at, wide, strength = (
            rng.uniform(-0.45, 0.45, 2),
            rng.uniform(0.01, 0.06),
            rng.uniform(-1, 1),
        )
        light = light + 0.08 * strength * np.exp(
            -((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * wide**2)
        )
    fov = (x**2 + y**2 < 0.25) & (abs(y) < traits.clip)
    lit = (x**2 + y**2 < (0.5 - traits.edge) ** 2) & (abs(y) < traits.clip - traits.edge)
    picture = gaussian_filter(
        picture * (light * lit)[..., None], traits.blur * traits.field * frame.size, axes=(0, 1)
    )
    noise = rng.standard_normal(picture.shape)
    soft = gaussian_filter(noise, 0.7, axes=(0, 1)) * 1.9  # cameras smooth their noise
    picture += traits.grain * np.array([1.0, 0.8, 1.0]) * soft
    exposed = (picture.clip(0, 255).round() * fov[..., None]).astype(np.uint8)
    if traits.jpeg < 95:
        room = io.BytesIO()
        Image.fromarray(exposed).save(room, "JPEG", quality=int(traits.jpeg))
        exposed = np.asarray(Image.open(room)) * fov[..., None]
    return exposed, fov
