"""Every random quantity of a drawn eye, its range and where the range comes from, in one table."""

from dataclasses import dataclass, fields, replace
from types import SimpleNamespace

import numpy as np
from numpy.random import default_rng

Traits = SimpleNamespace  # what `draw_traits` returns
MM_A_DEGREE = 0.288  # on the retina, for a degree of visual angle (Drasdo and Fowler 1974)


@dataclass(frozen=True)
class EyeRanges:
    """Lowest and highest value of each trait, drawn uniformly. Widen one to vary the eyes more.

    Lengths are millimetres on the retina, seen from the middle of the optic disc, x to the temple
    and y down. "Measured" means on the training photographs of CHASE_DB1 and HRF.
    """

    # The eye: the same for both eyes of a patient where `SHARED` says so.
    disc_radius: tuple = (0.78, 1.0)  # half the width; 1.77 mm on average (Quigley 1990)
    disc_tall: tuple = (1.0, 1.15)  # height / width; 1.06 on average (Quigley 1990)
    cup: tuple = (0.25, 0.75)  # cup / disc
    fovea: tuple = ((4.2, 0.0), (5.0, 0.9))  # 2.5 disc diameters away, a little below
    vein: tuple = (0.090, 0.215)  # width of the widest vein, measured on labels
    ratio: tuple = (0.68, 0.88)  # arteries / veins (Hubbard 1999)
    spacing: tuple = (0.42, 0.90)  # few places are farther from a vessel; measured as length a mm²
    tortuosity: tuple = (0.03, 0.07)  # random turn at each step, standard deviation, radians
    fork: tuple = (60.0, 85.0)  # largest angle of a branch, degrees, +-15; measured 75-80
    # What lies under and over the vessels, as shares of the brightness.
    pigment: tuple = (0.0, 1.0)  # light to dark fundus: dark hides the choroid
    choroid: tuple = (0.0, 0.20)  # its vessels showing through, in a light fundus
    mottle: tuple = (0.5, 2.6)  # granular texture, times the usual
    fibres: tuple = (0.0, 0.10)  # streaks of nerve fibres round the disc
    sheen: tuple = (0.0, 0.25)  # bright lines beside vessels, strong in children
    macula: tuple = (0.12, 0.40)  # darkening at the fovea, green and blue
    halo: tuple = (-0.15, 0.30)  # darker or brighter ring round the disc
    # Blood: natural absorbance of a vein 0.15 mm wide in red, green and blue; contrasts measured.
    absorb: tuple = ((0.02, 0.45, 0.05), (0.24, 1.45, 0.50))
    thin: tuple = (0.40, 0.80)  # absorbance falls with width to this power
    reflex: tuple = (0.10, 0.95)  # central light reflex of arteries, share of their absorbance
    line: tuple = (0.18, 0.50)  # its width, share of the artery's
    pale: tuple = (0.38, 0.95)  # absorbance of arteries / veins
    # The camera.
    angle: tuple = (26.0, 64.0)  # field in degrees: CHASE_DB1 30, STARE 35, DRIVE 45, HRF 60
    view: tuple = ((-0.1, -0.12), (1.1, 0.12))  # centre: share of the way to the fovea; y, fields
    red: tuple = (120.0, 265.0)  # background grey values, measured 123-215
    green: tuple = (0.28, 0.52)  # green / red
    blue: tuple = (0.15, 0.62)  # blue / green
    field: tuple = (0.94, 0.99)  # field diameter / picture size
    clip: tuple = (0.36, 0.64)  # the field is cut at this height, fields; from 0.5 on a circle
    notch: tuple = (-1.0, 1.0)  # above 0: the rim bears a round mark at the upper right
    falloff: tuple = (0.10, 0.65)  # loss of light from centre to rim
    tilt: tuple = ((-0.5, -0.4), (0.5, 0.4))  # rise of the light across the field in x, y
    cast: tuple = (0.6, 1.5)  # how fast red fades with the light: below 1 red rims, above 1 olive
    edge: tuple = (0.0, 0.005)  # dark rim inside the field of view, fields
    blur: tuple = (0.0003, 0.0020)  # standard deviation, fields
    grain: tuple = (1.2, 5.0)  # sensor noise in grey values; 0.6 (green) to 0.8 of it is left
    jpeg: tuple = (70.0, 100.0)  # quality; from 95 on not compressed
    dust: tuple = (0.0, 4.0)  # spots on the lens
    # The observer who draws the label.
    generous: tuple = (0.82, 1.18)  # drawn width / width
    eyesight: tuple = (0.0007, 0.0020)  # the thinnest vessel that is drawn, fields
    disease: tuple = (0.0, 0.0)  # share of the lesions that a picture can hold: off


SHARED = ("disc_radius", "disc_tall", "cup", "vein", "ratio", "spacing", "tortuosity", "pigment")
SICK = replace(EyeRanges(), disease=(0.0, 1.0))
# Three cameras that differ as real ones do: for the lesson on generalization.
CAMERAS = {
    "clear": replace(
        EyeRanges(),
        angle=(45, 45),
        red=(180, 210),
        blur=(0.001, 0.0014),
        grain=(1, 2),
    ),
    "soft": replace(
        EyeRanges(),
        angle=(30, 30),
        red=(120, 160),
        blur=(0.0024, 0.003),
        grain=(2, 3),
    ),
    "wide": replace(
        EyeRanges(),
        angle=(60, 60),
        green=(0.29, 0.35),
        clip=(0.36, 0.38),
        jpeg=(70, 80),
    ),
}


def draw_traits(seed: int, eye: int, ranges: EyeRanges) -> Traits:
    """Draw each trait of `ranges`; those in `SHARED` are the same in both eyes of a patient.

    Args:
        seed: of the set of eyes, from 0 on.
        eye: the eye's number, from 0 on; even ones are left eyes, each odd one is the right eye of
            the same patient.
        ranges: lowest and highest value of each trait.

    Returns:
        Traits with an entry for each name in `EyeRanges`: a float, or float64 (2,) or (3,). Besides
        `side`, 1 in a left eye and -1 in a right one (the temple is right or left in the picture);
        `width`, of the field of view in millimetres; and `centre`, the place that the camera looks
        at, float64 (2,), millimetres.

    Raises:
        ValueError: if `seed` or `eye` is negative.
    """
    patient = eye // 2
    right = eye % 2
    patient_rng = default_rng([seed, patient, 0])
    eye_rng = default_rng([seed, patient, 1 + right])
    traits = Traits()
    for trait in fields(ranges):
        low, high = getattr(ranges, trait.name)
        setattr(traits, trait.name, eye_rng.uniform(low, high))
    for name in SHARED:
        low, high = getattr(ranges, name)
        setattr(traits, name, patient_rng.uniform(low, high))
    traits.side = 1 - 2 * right
    traits.width = traits.angle * MM_A_DEGREE
    along, down = traits.view
    traits.centre = along * traits.fovea + np.array([0.0, down * traits.width])
    return traits
