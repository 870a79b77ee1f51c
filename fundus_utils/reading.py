"""Photographs read in whole: map, doubt, warnings and vessel numbers of each, and all as ZIP files.

Everything stays in memory: nothing is written to the disk. What is shown and measured is scaled so
that the field of view has one diameter; only the files in a ZIP have the photographs' own size.
"""

import io
import re
import unicodedata
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from . import storage
from .data import read_photograph
from .data.faults import Fault, frame_faults
from .evaluation import UNDEFINED
from .figures import vessel_overlay
from .photograph import Bools, Bytes, Floats, find_fov, resize, scaled_size
from .prediction import own_size, predict_views
from .quality import map_warnings, photograph_warnings
from .trained_model import TrainedModel
from .vessel_numbers import vessel_numbers

SHOWN_DIAMETER = 720  # pixels: that of the field of view in what is shown and measured
MOST_FILLED = 0.5  # a mask that fills more of the field of view than this is no vessel tree
LONGEST_STEM = 55  # characters, of up to 4 bytes each: a file system takes 255 bytes
UNSAFE = r'[\x00-\x1f\x7f<>:"/\\|?*]'  # in a file's name, here or on another system
LENGTHS = ("length", "width", "dimension", "tortuosity")  # what is measured on lines
PART = 2**24  # bytes (16 MB): more make another ZIP, as browsers take no link of any length
ABOUT = """Vessel maps of photographs of the retina. For teaching and research, not for diagnosis.

Model: {model}. A pixel is called a vessel from a probability of {threshold:.2f} on.

NAME_probability.png  grey, 0 to 255; 255 is probability 1; 0 outside the field of view
NAME_vessels.png      white where the probability is at least the threshold
NAME_overlay.jpg      the photograph with these vessels in cyan
numbers.csv           a row a photograph, measured with the field of view {diameter} pixels across:
    density           share of the field of view that is vessel
    length            of all centre lines, in diameters of the field of view
    width             the median along the centre lines, in percent of that diameter
    dimension         fractal dimension, by counting boxes
    tortuosity        length of a segment over the distance of its ends, 1 is straight
    warnings          what speaks against the photograph or its map
Lengths and widths of cameras with other angles of view cannot be compared.
"""


@dataclass(frozen=True, eq=False)
class Reading:
    """One photograph and what a model found in it.

    name: unique among those that are read together. content: its file, as it was uploaded.
    photograph: uint8 (h, w, 3), scaled so that the field of view is SHOWN_DIAMETER pixels across.
    fov: bool (h, w). scaled_map, spread: float32 at the model's scale, in [0, 1]: the map, and the
    standard deviation of four views. warnings: what speaks against the photograph; what speaks
    against its map hangs on the threshold, see `warnings_of`.
    """

    name: str
    content: memoryview
    photograph: Bytes
    fov: Bools
    scaled_map: Floats
    spread: Floats
    warnings: tuple[Fault, ...]

    @property
    def probability(self) -> Floats:
        """The map at the size of `photograph`, float32 (h, w), 0 outside the field of view."""
        return own_size(self.scaled_map, self.fov)


def unused_name(name: str, used: Collection[str]) -> str:
    """Return a file's name that is safe in a ZIP, and whose stem none of the used ones has.

    Args:
        name: as a browser gives it; its folders are dropped, and what no file may be called is `_`.
        used: the names that are taken.
    """
    bare = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    plain = Path(re.sub(UNSAFE, "_", bare).strip(". ") or "photograph")
    stems = {Path(one).stem.casefold() for one in used}
    first = plain.stem[:LONGEST_STEM]
    stem = first
    count = 1
    while stem.casefold() in stems:
        count += 1
        stem = f"{first} ({count})"
    return stem + plain.suffix


def read_one(trained: TrainedModel, name: str, content: bytes | memoryview) -> Reading:
    """Read one photograph: its field of view, its map, the spread of four views, and warnings.

    Args:
        trained: the model; its map is the mean of four views or one view, as its card says.
        name: of the file, for errors.
        content: the file's bytes.

    Raises:
        FundusError: it is no picture, or has too many pixels.
    """
    path = Path(name)
    file = bytes(content)
    whole = read_photograph(path, file)
    whole_fov = find_fov(whole)
    size = scaled_size(whole_fov, SHOWN_DIAMETER)
    views = predict_views(trained, whole, whole_fov, flips=True)
    scaled_map = views.mean(axis=0, dtype=np.float32) if trained.flips else views[0]
    fov = resize(whole_fov, size)
    against = [*frame_faults(path, file), *photograph_warnings(path, whole, whole_fov)]
    return Reading(
        name=name,
        content=memoryview(content),
        photograph=resize(whole, size),
        fov=fov,
        scaled_map=scaled_map,
        spread=views.std(axis=0, dtype=np.float32),
        warnings=tuple(against),
    )


def warnings_of(reading: Reading, threshold: float) -> list[Fault]:
    """Return what speaks against a photograph, and against its map cut at a threshold."""
    vessels = reading.probability >= threshold
    return [*reading.warnings, *map_warnings(Path(reading.name), vessels, reading.fov)]


def numbers_of(reading: Reading, threshold: float) -> dict[str, float]:
    """Return a photograph's vessel numbers, in units that do not hang on its size.

    Args:
        reading: the photograph.
        threshold: the probability from which on a pixel is a vessel.

    Returns:
        As `vessel_numbers`, but length in diameters of the field of view, and width in percent of
        that diameter. Where more than half of the field of view is called vessel, all but the
        density are nan.
    """
    vessels = reading.probability >= threshold
    density = float(vessels[reading.fov].mean())
    if density > MOST_FILLED:
        return {"density": density} | dict.fromkeys(LENGTHS, UNDEFINED)
    found = vessel_numbers(vessels, reading.fov)
    length = found["length"] / SHOWN_DIAMETER
    width = 100 * found["width"] / SHOWN_DIAMETER
    return found | {"length": length, "width": width}


def row_of(reading: Reading, threshold: float) -> dict[str, str | float]:
    """Return a photograph's row of a table: its name, its vessel numbers, its warnings."""
    return {
        "photograph": reading.name,
        **numbers_of(reading, threshold),
        "warnings": "; ".join(fault.problem for fault in warnings_of(reading, threshold)),
    }


def _files_of(reading: Reading, threshold: float) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of a photograph's three files, at its own size."""
    photograph = read_photograph(Path(reading.name), bytes(reading.content))
    probability = own_size(reading.scaled_map, find_fov(photograph))
    vessels = probability >= threshold
    stem = Path(reading.name).stem
    pictures = {
        f"{stem}_probability.png": np.rint(probability * 255).astype(np.uint8),
        f"{stem}_vessels.png": vessels,
        f"{stem}_overlay.jpg": vessel_overlay(photograph, vessels),
    }
    for name, picture in pictures.items():
        written = io.BytesIO()
        kind = "JPEG" if name.endswith("jpg") else "PNG"
        Image.fromarray(picture).save(written, format=kind, quality=90)
        yield name, written.getvalue()


def zip_files(
    readings: Iterable[Reading], threshold: float, model: str, part: int = PART
) -> Iterator[bytes]:
    """Yield ZIP files of photographs: words in the first, numbers of all in the last one.

    Args:
        readings: read one by one.
        threshold: the probability from which on a pixel is a vessel.
        model: its name, for the words.
        part: bytes from which on another ZIP is begun; no photograph is divided.
    """
    about = ABOUT.format(
        model=model,
        threshold=threshold,
        diameter=SHOWN_DIAMETER,
    )
    files = {"ABOUT.txt": about.encode(storage.UTF8)}
    rows = []
    for one in readings:
        if sum(len(content) for content in files.values()) >= part:
            yield _packed(files)
            files = {}
        files |= dict(_files_of(one, threshold))
        rows.append(row_of(one, threshold))
    written = io.BytesIO()
    # With a mark at its beginning: spreadsheets take UTF-8 for Latin otherwise.
    pd.DataFrame(rows).to_csv(written, index=False, float_format="%.5g", encoding="utf-8-sig")
    files["numbers.csv"] = written.getvalue()
    yield _packed(files)


def _packed(files: Mapping[str, bytes]) -> bytes:
    """Return a ZIP file; PNG and JPEG files are small already, and stored as they are."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, date_time=(2000, 1, 1, 0, 0, 0)), content)
    return written.getvalue()
