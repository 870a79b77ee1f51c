"""The field of view: found, measured, and used to bring every photograph to one scale.

The field of view (FOV) is the disc of retina that the camera shows; the rest is black. Its
diameter is the one length that every camera gives for free, so it sets the scale: a network that
has learned vessels 5 pixels wide must be shown vessels about 5 pixels wide.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

RED_SHARE = 0.1  # of the red maximum: darker is outside
SPECK = 0.05  # of the picture: what is smaller is no field of view


def find_fov(photograph: Bytes) -> Bools:
    """Derive the field of view of a photograph that comes without a mask.

    The red channel above 10 % of its maximum, holes filled, the largest connected part.

    Args:
        photograph: uint8 (height, width, 3), RGB, 0 to 255.

    Returns:
        bool (height, width), True inside. All True if nothing but specks stands out from black.
    """
    red = photograph[..., 0]
    bright = ndimage.binary_fill_holes(red > RED_SHARE * red.max())
    parts, _ = ndimage.label(bright)
    sizes = np.bincount(parts.ravel(), minlength=2)[1:]
    if sizes.max() < SPECK * red.size:
        return np.ones(red.shape, bool)
    return parts == 1 + sizes.argmax()


def fov_diameter(fov: Bools) -> int:
    """Return the field of view's diameter in pixels: the longer side of its bounding box.

    A camera may cut the circle at the top and bottom; its width is then still the diameter.
    """
    sides = [np.flatnonzero(fov.any(axis=axis)) for axis in (0, 1)]
    return int(max(np.ptp(side) for side in sides)) + 1 if fov.any() else 0


def scaled_size(fov: Bools, diameter: int) -> tuple[int, int]:
    """Return the (height, width) at which a picture's field of view has the given diameter."""
    factor = diameter / max(1, fov_diameter(fov))
    height, width = fov.shape
    return max(1, round(height * factor)), max(1, round(width * factor))


def resize(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize a picture, a mask or a map to `size` = (height, width) in pixels.

    Averages over the source pixels when it shrinks and interpolates linearly when it grows.
    A bool array stays two-valued: it is resized as 0 and 255 and cut at one half.

    Args:
        picture: uint8 (H, W) or (H, W, 3), bool (H, W) or float32 (H, W).
        size: the new (height, width).

    Returns:
        An array of the same dtype and of the new height and width.
    """
    if picture.shape[:2] == tuple(size):
        return picture
    if picture.dtype == bool:
        return resize(picture.astype(np.uint8) * 255, size) >= 128
    height, width = size
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR))
