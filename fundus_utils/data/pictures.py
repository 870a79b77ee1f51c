"""Picture files read as arrays, whatever their format: one clear error for each broken one."""

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ..errors import FundusError
from ..photograph import LARGEST, Bools, Bytes

# Not all that Pillow knows: it hands some to other programs, which would run on an upload.
FORMATS = ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP", "PPM", "JPEG2000", "AVIF")
GZIP = b"\x1f\x8b"  # the first bytes of a gzipped file
CHECK_PATH = "check the path, and put one with blanks into quotation marks"
UNPACKED_LIMIT = 2**29  # bytes (512 MB): a small packed file may unpack to more than the memory


def _unreadable(path: Path, error: Exception) -> FundusError:
    """Return the error of a file that is broken in one way or another."""
    cause = str(error) or type(error).__name__
    problem = f"{path} cannot be read as a picture ({cause})"
    return FundusError(problem, "copy or download it again")


def _read_content(path: Path) -> bytes:
    """Read a file's bytes. Raises FundusError if there is none or it cannot be opened."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise FundusError(f"{path} does not exist", CHECK_PATH) from None
    except Exception as error:  # a folder, links in a circle, a file that may not be read
        if path.is_dir():
            advice = "name a picture, or a folder that holds some"
            raise FundusError(f"{path} is a folder, not a picture", advice) from None
        raise _unreadable(path, error) from None


def _unpack(path: Path, content: bytes) -> bytes:
    """Unpack gzipped bytes. Raises FundusError if they are broken or become too many."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            unpacked = packed.read(UNPACKED_LIMIT + 1)
    except Exception as error:
        raise _unreadable(path, error) from None
    if len(unpacked) > UNPACKED_LIMIT:
        problem = f"{path} unpacks to more than {UNPACKED_LIMIT >> 20} MB"
        raise FundusError(problem, "shrink the picture, or cut a part out")
    return unpacked


def _decode(path: Path, content: bytes) -> Image.Image:
    """Decode a picture in one of FORMATS. Raises FundusError if that cannot be done."""
    try:
        image: Image.Image = Image.open(io.BytesIO(content), formats=FORMATS)
        if image.width * image.height > LARGEST:
            raise Image.DecompressionBombError
        image.load()
        if (image.mode, image.format) == ("I", "PPM"):  # Pillow's way with 16-bit PGM files
            image = image.convert("I;16")
    except Image.UnidentifiedImageError:
        problem = f"{path} is in no picture format that can be read here"
        raise FundusError(problem, "copy it again, or save it as PNG") from None
    except Image.DecompressionBombError:
        raise FundusError(f"{path} has too many pixels", "shrink it, or cut a part out") from None
    except Exception as error:  # decoders raise anything: RuntimeError, KeyError, struct.error ...
        raise _unreadable(path, error) from None
    return image


def _upright(image: Image.Image) -> Image.Image:
    """Turn a picture as its EXIF data says; take it as it lies if they are broken."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # broken EXIF data do not spoil the pixels
        return image


def open_picture(path: Path, content: bytes | None = None) -> Image.Image:
    """Open and decode a picture file, also a gzipped one (`.ppm.gz`), upright (EXIF).

    Args:
        path: the file.
        content: the bytes of a file that is not on the disk; `path` is then only its name in
            errors.

    Raises:
        FundusError: the file is missing, empty, cut short, too large or no picture.
    """
    path = Path(path)
    if content is None:
        content = _read_content(path)
    if not content:
        raise FundusError(f"{path} is empty", "copy or download it again")
    if content.startswith(GZIP):
        content = _unpack(path, content)
    return _upright(_decode(path, content))


def read_photograph(path: Path, content: bytes | None = None) -> Bytes:
    """Read a photograph as uint8 (height, width, 3) RGB, 0 to 255.

    Grey pictures get three equal channels, 16-bit ones are scaled to 0-255, where an alpha channel
    is 0 the picture becomes black, CMYK is converted.

    Args:
        path: the file.
        content: the bytes of a file that is not on the disk, such as an upload; `path` is then
            only its name in errors.

    Raises:
        FundusError: as `open_picture`, or a pixel format that cannot be scaled to 0-255.
    """
    image = open_picture(path, content)
    if image.mode.startswith("I;16"):
        scaled = np.asarray(image).astype(np.float64) / 257  # 65535 / 255
        grey = np.rint(scaled).clip(0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode in ("I", "F"):
        problem = f"{path} holds 32-bit values of unknown range"
        raise FundusError(problem, "save it as an 8-bit picture")
    if image.has_transparency_data:
        return _opaque(image)
    return np.asarray(image.convert("RGB"))


def _opaque(image: Image.Image) -> Bytes:
    """Return a picture's colours, black where its alpha channel is 0: that is no field of view.

    One that is transparent all over was saved by mistake, and keeps its colours.
    """
    layers = np.asarray(image.convert("RGBA"))
    seen = layers[..., 3] > 0
    return np.where(seen[..., None] | ~seen.any(), layers[..., :3], np.uint8(0))


def _refuse_unfit(path: Path, image: Image.Image, size: tuple[int, ...], what: str) -> None:
    """Raise FundusError if a mask is partly transparent or has not its photograph's size."""
    if image.has_transparency_data and np.asarray(image.convert("RGBA"))[..., 3].min() < 255:
        problem = f"{path} is partly transparent, which leaves open what is {what}"
        raise FundusError(problem, "save it without transparency, white on black")
    width, height = image.size
    if (height, width) != tuple(size):
        own = f"{width}x{height}"
        other = f"{size[1]}x{size[0]}"
        problem = f"{path} is {own} pixels, its photograph {other}"
        raise FundusError(problem, f"a {what} must have its photograph's size")


def _ranked(image: Image.Image) -> NDArray[Any]:
    """Return one number a pixel, (height, width), that is larger the brighter the pixel is.

    The brightness counts first: programs put a palette in any order. Then what tells two equally
    bright values apart, such as red and green, or the indices of a palette without colours.
    """
    if image.mode != "P" and len(image.getbands()) == 1:
        return np.asarray(image)
    bands = image.convert("RGB").split()
    red, green, blue = (np.asarray(band, np.int32) for band in bands)
    brightness = red + green + blue
    second = np.asarray(image) if image.mode == "P" else red << 8 | green
    return brightness << 16 | second


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
    _refuse_unfit(path, image, size, what)
    values = _ranked(image)
    found = np.unique(values)  # sorted
    if found.size > 2 or not np.isfinite(found).all():
        problem = f"{path} holds {found.size} different values; a {what} must hold two"
        advice = "if it was resized or saved as JPEG, cut it at one half and save it as PNG"
        raise FundusError(problem, advice)
    brighter = found[-1]
    if brighter <= 0:
        return np.zeros(values.shape, bool)
    return values == brighter
