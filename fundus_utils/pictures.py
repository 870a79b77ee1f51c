"""Picture files read as arrays, whatever their format: one clear error for each broken one."""

import gzip
import io
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from .fov import Bools, Bytes
from .storage import FundusError

GZIP = b"\x1f\x8b"
BROKEN = (OSError, EOFError, SyntaxError, ValueError, zlib.error)


def open_picture(path: Path) -> Image.Image:
    """Open and decode a picture file, also a gzipped one (`.ppm.gz`), upright (EXIF).

    Raises:
        FundusError: the file is missing, empty, cut short or no picture.
    """
    path = Path(path)
    if not path.exists():
        raise FundusError(f"{path} does not exist: check the path.")
    if path.stat().st_size == 0:
        raise FundusError(f"{path} is empty: copy or download it again.")
    try:
        content = path.read_bytes()
        if content.startswith(GZIP):
            content = gzip.decompress(content)
        image: Image.Image = Image.open(io.BytesIO(content))
        image.load()
        if (image.mode, image.format) == ("I", "PPM"):  # Pillow's way with 16-bit PGM files
            image = image.convert("I;16")
        return ImageOps.exif_transpose(image)
    except Image.UnidentifiedImageError:
        problem = f"{path} is in no picture format that can be read here"
        raise FundusError(f"{problem}: copy it again, or save it as PNG.") from None
    except Image.DecompressionBombError:
        raise FundusError(f"{path} has too many pixels: shrink it, or cut a part out.") from None
    except BROKEN as error:
        problem = f"{path} cannot be read as a picture ({error})"
        raise FundusError(f"{problem}: copy or download it again.") from None


def read_photograph(path: Path) -> Bytes:
    """Read a photograph as uint8 (height, width, 3) RGB.

    Grey pictures get three equal channels, 16-bit ones are scaled to 0-255, transparency is
    dropped, CMYK is converted.

    Raises:
        FundusError: as `open_picture`, or a pixel format that cannot be scaled to 0-255.
    """
    image = open_picture(path)
    if image.mode.startswith("I;16"):
        grey = np.asarray(image).astype(np.float64) / 257
        return np.repeat(np.rint(grey).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode in ("I", "F"):
        problem = f"{path} holds 32-bit values of unknown range"
        raise FundusError(f"{problem}: save it as an 8-bit picture.")
    return np.asarray(image.convert("RGB"))


def read_mask(path: Path, size: tuple[int, ...], what: str = "label") -> Bools:
    """Read a label or a mask as bool (height, width): the brighter of its two values is True.

    {0, 255}, {0, 1}, 1-bit, palette and RGB files are all read; a threshold at 127 would turn a
    {0, 1} file into an empty label. A file with one value is all True, or all False if that is 0.

    Args:
        path: the file.
        size: the (height, width) of its photograph.
        what: the word for it in an error.

    Raises:
        FundusError: as `open_picture`, another size, transparency, or more than two values.
    """
    image = open_picture(path)
    values = np.asarray(image)
    if "A" in image.getbands() and np.asarray(image.getchannel("A")).min() < 255:
        problem = f"{path} is partly transparent, which leaves open what is {what}"
        raise FundusError(f"{problem}: save it without transparency, white on black.")
    if image.mode == "P" or len(image.getbands()) > 1:
        red, green, blue = (np.asarray(c, np.int32) for c in image.convert("RGB").split())
        # The brightness first: programs put a palette in any order. Then what tells two equally
        # bright values apart, such as red and green, or the indices of a palette without colours.
        values = (red + green + blue) << 16 | (values if image.mode == "P" else red << 8 | green)
    if values.shape != tuple(size):
        own, other = (f"{width}x{height}" for height, width in (values.shape, size))
        rule = f"a {what} must have its photograph's size"
        raise FundusError(f"{path} is {own} pixels, its photograph {other}: {rule}.")
    found = np.unique(values)
    if found.size > 2 or not np.isfinite(found).all():
        problem = f"{path} holds {found.size} different values; a {what} must hold two"
        advice = "If it was resized or saved as JPEG, cut it at one half and save it as PNG."
        raise FundusError(f"{problem}. {advice}")
    return values == found[-1] if found[-1] > 0 else np.zeros(values.shape, bool)
