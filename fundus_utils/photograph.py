"""One photograph: its field of view, its channels by name, its scale, and its padding.

The field of view (FOV) is the disc of retina that the camera shows; the rest is black. Its
diameter is the one length that every camera gives for free, so it sets the scale: a network that
has learned vessels 5 pixels wide must be shown vessels about 5 pixels wide.
"""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from .errors import FundusError

Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

RGB = ("red", "green", "blue")
CHANNELS = (*RGB, "grey")  # that an image can be made of
RED_SHARE = 0.1  # of the red maximum: darker is outside
SPECK = 0.02  # of the picture: what is smaller is no field of view, but a bright disc at most
MULTIPLE = 16  # pixels: sides are padded to multiples of it, so that they can be halved four times
LARGEST = 2**26  # pixels of a picture, as it is or scaled: a larger one would fill the memory


@dataclass(frozen=True, eq=False)
class Sample:
    """One photograph, read, with what is known of it.

    photograph: uint8 (H, W, 3) RGB. label: bool (H, W), True on vessels, None if there is none.
    fov: bool (H, W), True inside the field of view. label2: the second observer's label or None.
    """

    name: str
    patient: str
    photograph: Bytes
    label: Bools | None
    fov: Bools
    label2: Bools | None = None


def photograph_checksum(photograph: Bytes) -> str:
    """Return the SHA-256 checksum of a photograph's size and pixels, uint8 (H, W, 3)."""
    size = str(photograph.shape).encode()
    return hashlib.sha256(size + photograph.tobytes()).hexdigest()


def lit_pixels(photograph: Bytes) -> Bools:
    """Return where the red channel lies above a tenth of its maximum: the retina, not the surround.

    Where there is no red, as in a photograph of green light, the brightest channel stands for it.

    Args:
        photograph: uint8 (height, width, 3), RGB, 0 to 255.

    Returns:
        bool (height, width).
    """
    red = photograph[..., 0]
    if red.max() < RED_SHARE * photograph.max():
        red = photograph.max(axis=2)
    return red > RED_SHARE * red.max()


def find_fov(photograph: Bytes) -> Bools:
    """Derive the field of view of a photograph that comes without a mask.

    The lit pixels, holes filled, the largest connected part.

    Args:
        photograph: uint8 (height, width, 3), RGB, 0 to 255.

    Returns:
        bool (height, width), True inside. All True if nothing but specks stands out from black.
    """
    parts, _ = ndimage.label(ndimage.binary_fill_holes(lit_pixels(photograph)))
    sizes = np.bincount(parts.ravel(), minlength=2)[1:]  # part 0 is what lies outside
    if sizes.max() < SPECK * parts.size:
        return np.ones(parts.shape, bool)
    return parts == 1 + sizes.argmax()


def diameter_of(fov: Bools) -> int:
    """Return the field of view's diameter in pixels: the longer side of its bounding box.

    A camera may cut the circle at the top and bottom; its width is then still the diameter.
    An empty field of view has the diameter 0.
    """
    if not fov.any():
        return 0
    rows = np.flatnonzero(fov.any(axis=1))
    columns = np.flatnonzero(fov.any(axis=0))
    return 1 + int(max(np.ptp(rows), np.ptp(columns)))


def image_channel(photograph: Bytes, name: str) -> Bytes:
    """Return one channel of an RGB photograph as uint8 (height, width).

    Args:
        photograph: uint8 (height, width, 3).
        name: `red`, `green`, `blue` or `grey` (luminance 0.299 R + 0.587 G + 0.114 B, ITU-R
            BT.601, which is what "read as grey" means in Keras and Pillow).

    Raises:
        FundusError: another name.
    """
    if name == "grey":
        return np.asarray(Image.fromarray(photograph).convert("L"))
    if name not in RGB:
        raise FundusError(f"no channel is called {name!r}", f"choose from {', '.join(CHANNELS)}")
    return photograph[..., RGB.index(name)]


def scaled_size(fov: Bools, diameter: int) -> tuple[int, int]:
    """Return the (height, width) at which a picture's field of view has the given diameter.

    Raises:
        FundusError: the field of view is so small in its picture that this would fill the memory.
    """
    height, width = fov.shape
    own = diameter_of(fov)
    factor = diameter / max(1, own)
    size = max(1, round(height * factor)), max(1, round(width * factor))
    if size[0] * size[1] > LARGEST:
        problem = f"the field of view is {own} pixels across in a picture of {width}x{height}"
        raise FundusError(problem, "check its mask: it must be white where the retina is")
    return size


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
    resized = Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized)


def rescale(sample: Sample, diameter: int) -> Sample:
    """Return the sample resized, aspect kept, so that its field of view has that diameter (px).

    Raises:
        FundusError: as `scaled_size`.
    """
    size = scaled_size(sample.fov, diameter)
    return replace(
        sample,
        photograph=resize(sample.photograph, size),
        label=None if sample.label is None else resize(sample.label, size),
        fov=resize(sample.fov, size),
        label2=None if sample.label2 is None else resize(sample.label2, size),
    )


def pad_to_multiple(
    picture: np.ndarray, multiple: int = MULTIPLE, reflect: bool = True
) -> np.ndarray:
    """Pad a picture at the bottom and right until its sides are multiples.

    Args:
        picture: (height, width) or (height, width, n), any dtype.
        multiple: in pixels.
        reflect: by the picture's mirror image, as images are; by 0, as labels and weights are.
    """
    below = -picture.shape[0] % multiple
    right = -picture.shape[1] % multiple
    others = [(0, 0)] * (picture.ndim - 2)
    return np.pad(
        picture,
        [(0, below), (0, right), *others],
        mode="symmetric" if reflect else "constant",
    )
