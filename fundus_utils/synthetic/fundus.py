"""The fundus without vessels: pigment, choroid, nerve fibres, macula and disc."""

import numpy as np
from numpy.random import Generator
from scipy.ndimage import map_coordinates

from .ranges import Traits
from .raster import Frame, smooth_noise
from .tree import Array

# Pigment: bumps across the picture, and their strength.
GRAINS = ((6, 0.05), (14, 0.025), (34, 0.022), (80, 0.020), (160, 0.016))
CHOROID = (16, 24)  # bumps across the picture, of each field of noise that makes choroidal vessels


def texture(traits: Traits, size: int, rng: Generator) -> Array:
    """Pigment and choroid as shares of the brightness, float64 (size, size, 3)."""
    grain = np.zeros((size, size))
    for cells, strength in GRAINS:
        grain += strength * smooth_noise(rng, cells, size)
    # Choroidal vessels: bright bands where a field of noise passes through zero.
    bands = np.zeros((size, size))
    for cells in CHOROID:
        bands += np.exp(-4 * abs(smooth_noise(rng, cells, size)))
    choroid = traits.choroid * (1 - 0.8 * traits.pigment) * (bands - 0.6)

    patches = smooth_noise(rng, 4, size)
    amount = np.clip(0.7 + 0.6 * smooth_noise(rng, 4, size), 0.2, 1.5)  # nowhere the same
    # Each of them has its own strength in red, green and blue.
    patches_rgb = patches[..., None] * np.array([0.03, 0.06, 0.08])
    grain_rgb = (traits.mottle * grain)[..., None] * np.array([0.5, 1.0, 1.0])
    choroid_rgb = choroid[..., None] * np.array([0.7, 1.0, 0.6])
    return patches_rgb + amount[..., None] * (grain_rgb + choroid_rgb)


def fibres(traits: Traits, x: Array, y: Array, rng: Generator) -> Array:
    """Bright streaks of nerve fibres that leave the disc, shares of the brightness.

    Args:
        traits: of the eye.
        x: of each pixel in millimetres from the disc, float64 (1, size).
        y: the same, float64 (size, 1).
        rng: where chance comes from.

    Returns:
        float64 (size, size), 0 or more.
    """
    from_disc = np.hypot(x, y)
    angle = np.arctan2(y, x)
    lanes = rng.standard_normal((360, 12))  # a row for each direction, a column for a distance
    lane = np.mod(angle / np.pi + 1, 2) * 180
    column = np.minimum(from_disc * 1.5, 11)
    streaks = map_coordinates(lanes, [lane, column], order=1, mode="grid-wrap")
    # The layer is thickest 1.6 mm from the disc's middle, and above and below it.
    thickness = np.exp(-(((from_disc - 1.6) / 1.6) ** 2)) * (0.4 + np.abs(np.sin(angle)))
    return traits.fibres * np.maximum(streaks, 0) * thickness


def background(traits: Traits, frame: Frame, rng: Generator) -> Array:
    """The fundus without vessels in grey values, float64 (size, size, 3)."""
    x, y = frame.places()
    colour = traits.red * np.array([1.0, traits.green, traits.green * traits.blue])
    rough = 1 + 0.03 * smooth_noise(rng, 24, frame.size)
    rim_distance = np.hypot(x, y / traits.disc_tall) / traits.disc_radius * rough  # 1 at the rim

    share = texture(traits, frame.size, rng) + fibres(traits, x, y, rng)[..., None]
    shade = _ring(traits, rim_distance) - _macula(traits, x, y)
    picture = colour * (1 + share + shade[..., None] * np.array([0.35, 1.0, 1.0]))

    cup_distance = np.hypot(x - 0.1, y) / traits.disc_radius
    _paint_disc(picture, traits, colour, rim_distance, cup_distance, rng)
    return picture


def _ring(traits: Traits, rim_distance: Array) -> Array:
    """Return what is brighter or darker round the disc, shares of the brightness (size, size)."""
    halo = traits.halo * np.exp(-(((rim_distance - 1.15) / 0.45) ** 2))
    glow = 0.10 * np.exp(-((rim_distance / 3) ** 2))
    return halo + glow


def _macula(traits: Traits, x: Array, y: Array) -> Array:
    """Return the darkening at the macula and the fovea, shares of the brightness (size, size)."""
    fovea_x, fovea_y = traits.fovea
    squared = (x - fovea_x) ** 2 + (y - fovea_y) ** 2
    return traits.macula * (np.exp(-squared / 2.0) + 0.6 * np.exp(-squared / 0.14))


def _paint_disc(
    picture: Array,
    traits: Traits,
    colour: Array,
    rim_distance: Array,
    cup_distance: Array,
    rng: Generator,
) -> None:
    """Paint the optic disc, and the paler cup in it, over the fundus.

    Args:
        picture: float64 (size, size, 3), grey values; it is changed.
        traits: of the eye.
        colour: of the fundus in grey values, float64 (3,).
        rim_distance: from the disc's middle, float64 (size, size), 1 at its rim.
        cup_distance: from the cup's middle, float64 (size, size), in radii of the disc.
        rng: where chance comes from.
    """
    disc = np.clip((1 - rim_distance) / rng.uniform(0.15, 0.5) + 0.5, 0, 1)
    cup = np.clip((traits.cup - cup_distance) / 0.4 + 0.5, 0, 1)
    disc_colour = colour * rng.uniform([1.0, 1.5, 1.2], [1.35, 2.4, 2.2])  # lit as the rest is
    disc_colour[1] = min(disc_colour[1], 0.7 * disc_colour[0])  # orange, yellow or pink
    cup_colour = disc_colour * [1.05, rng.uniform(1.1, 1.45), 1.3]
    uneven = 1 + 0.08 * smooth_noise(rng, 40, len(picture))[..., None]
    for inside, own_colour in ((disc, disc_colour), (cup, cup_colour)):
        blend = rng.uniform(0.6, 0.9) * inside[..., None]
        picture += blend * (own_colour * uneven - picture)
