"""The fundus without vessels: pigment, choroid, nerve fibres, macula and disc."""

from types import SimpleNamespace as Traits

import numpy as np
from numpy.random import Generator
from scipy.ndimage import map_coordinates

from .growth import Array
from .raster import Frame, smooth_noise

GRAINS = ((6, 0.05), (14, 0.025), (34, 0.022), (80, 0.020), (160, 0.016))  # bumps, strength


def texture(traits: Traits, size: int, rng: Generator) -> Array:
    """Pigment and choroid as shares of the brightness, float64 (size, size, 3)."""
    grain = sum(strength * smooth_noise(rng, cells, size) for cells, strength in GRAINS)
    # Choroidal vessels: bright bands where two fields of noise pass through zero.
    bands = (np.exp(-4 * abs(smooth_noise(rng, cells, size))) for cells in (16, 24))
    choroid = traits.choroid * (1 - 0.8 * traits.pigment) * (sum(bands) - 0.6)
    patches = smooth_noise(rng, 4, size)[..., None] * np.array([0.03, 0.06, 0.08])
    grey = (traits.mottle * grain)[..., None] * np.array([0.5, 1.0, 1.0])
    here = np.clip(0.7 + 0.6 * smooth_noise(rng, 4, size), 0.2, 1.5)[..., None]  # nowhere the same
    return patches + here * (grey + choroid[..., None] * np.array([0.7, 1.0, 0.6]))


def fibres(traits: Traits, x: Array, y: Array, rng: Generator) -> Array:
    """Bright streaks of nerve fibres that leave the disc, a share of the brightness (h, w)."""
    from_disc, angle = np.hypot(x, y), np.arctan2(y, x)
    lanes = rng.standard_normal((360, 12))
    at = [np.mod(angle / np.pi + 1, 2) * 180, np.minimum(from_disc * 1.5, 11)]
    streaks = map_coordinates(lanes, at, order=1, mode="grid-wrap")
    thick = np.exp(-(((from_disc - 1.6) / 1.6) ** 2)) * (0.4 + np.abs(np.sin(angle)))
    return traits.fibres * np.maximum(streaks, 0) * thick


def background(traits: Traits, frame: Frame, rng: Generator) -> Array:
    """The fundus without vessels in grey values, float64 (size, size, 3)."""
    x, y = frame.places()
    colour = traits.red * np.array([1.0, traits.green, traits.green * traits.blue])
    radius, tall = traits.disc_radius, traits.disc_tall
    from_fovea = (x - traits.fovea[0]) ** 2 + (y - traits.fovea[1]) ** 2
    dark = traits.macula * (np.exp(-from_fovea / 2.0) + 0.6 * np.exp(-from_fovea / 0.14))
    rough = 1 + 0.03 * smooth_noise(rng, 24, frame.size)
    from_disc = np.hypot(x, y / tall) / radius * rough
    glow = traits.halo * np.exp(-(((from_disc - 1.15) / 0.45) ** 2)) + 0.10 * np.exp(
        -((from_disc / 3) ** 2)
    )
    share = texture(traits, frame.size, rng) + fibres(traits, x, y, rng)[..., None]
    picture = colour * (1 + share + (glow - dark)[..., None] * np.array([0.35, 1.0, 1.0]))
    rim = np.clip((1 - from_disc) / rng.uniform(0.15, 0.5) + 0.5, 0, 1)
    cup = np.clip((traits.cup - np.hypot(x - 0.1, y) / radius) / 0.4 + 0.5, 0, 1)
    disc = colour * rng.uniform([1.0, 1.5, 1.2], [1.35, 2.4, 2.2])  # lit as the rest is
    disc[1] = min(disc[1], 0.7 * disc[0])  # orange, yellow or pink
    pale = disc * [1.05, rng.uniform(1.1, 1.45), 1.3]
    uneven = 1 + 0.08 * smooth_noise(rng, 40, frame.size)[..., None]
    for inside, tint in ((rim, disc), (cup, pale)):
        picture += rng.uniform(0.6, 0.9) * inside[..., None] * (tint * uneven - picture)
    return picture
