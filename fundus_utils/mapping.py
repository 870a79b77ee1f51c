"""Many photographs, as the command `predict` maps them: their files, and one threshold for all."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from .calibration import HALFWAY, few_warning, halfway_threshold
from .data import read_photograph
from .data.faults import frame_faults
from .data.own_folder import JPEG, name_the_rest, pictures_of, stem_of
from .data.pictures import CHECK_PATH, open_picture
from .errors import FundusError
from .photograph import Floats, find_fov
from .prediction import output_paths, predict_map, read_map, save_overlay, save_prediction
from .quality import photograph_warnings
from .trained_model import TrainedModel


def check_names(images: Sequence[Path], out: Path, given: Sequence[Path] = ()) -> None:
    """Raise FundusError if two photographs would share a map, or a map replace a given picture.

    Args:
        images: the photographs' files.
        out: the folder of their maps.
        given: all pictures among which they were, see `photographs_among`.
    """
    names = [stem_of(path) for path in images]
    folded = [name.casefold() for name in names]  # Windows and macOS do not tell `Eye` from `eye`
    # Also of links that lead in a circle.
    kept = {os.path.realpath(path) for path in (*images, *given)}
    for name in names:
        pairs = zip(images, folded, strict=True)
        alike = [str(path) for path, other in pairs if other == name.casefold()]
        if len(alike) > 1:
            problem = f"the maps of {' and '.join(alike)} would be one file"
            raise FundusError(problem, "rename one of the photographs")
        if any(os.path.realpath(path) in kept for path in output_paths(out, name)):
            problem = f"the map of {name} would replace a picture that was given"
            raise FundusError(problem, "give another --out, or remove that one if it is an old map")


def pictures_given(paths: Sequence[Path]) -> list[Path]:
    """Return files as they are given, and for each folder its pictures.

    What else lies in a folder is named on standard error. A folder without pictures stays as it is:
    whoever opens it will say so.

    Raises:
        FundusError: none of the paths exists, or there is nothing but folders without pictures.
    """
    if not any(os.path.lexists(path) for path in paths):
        problem = f"{', '.join(str(path) for path in paths)}: there is no such file"
        raise FundusError(problem, CHECK_PATH)
    given = []
    for path in paths:
        pictures = pictures_of(path) if path.is_dir() else []
        if path.is_dir():
            name_the_rest(path, pictures)
        given += pictures or [path]
    if all(path.is_dir() for path in given):
        named = ", ".join(str(path) for path in given)
        raise FundusError(f"{named}: no picture lies in it", "name the folder that holds them")
    return given


def photographs_among(images: Sequence[Path]) -> list[Path]:
    """Return the photographs among some pictures; name the others on standard error.

    Labels and masks have at most two greys. (A JPEG is never taken for one: its compression adds
    greys.) Maps and overlays are called as `predict` calls them, and lie beside their photograph.

    Raises:
        FundusError: there is no photograph among them.
    """
    photographs = []
    made = {one for path in images for one in output_paths(path.parent, stem_of(path))}
    for path in images:
        if path in made:
            print(f"{path}: left out, it is what `predict` has made of another", file=sys.stderr)
        elif path.suffix.lower() not in JPEG and _is_label(path):
            print(f"{path}: left out, it is a label or a mask", file=sys.stderr)
        else:
            photographs.append(path)
    if not photographs:
        problem = f"there is no photograph among {len(images)} pictures"
        raise FundusError(f"{problem}: all are labels or masks", "give the photographs")
    return photographs


def _is_label(path: Path) -> bool:
    """Return whether a picture has at most two greys; one that cannot be read has not."""
    try:
        picture = open_picture(path)
        if picture.getcolors(2) is None:
            return False
        return not np.ptp(np.asarray(picture.convert("RGB")), axis=2).any()
    except (FundusError, OSError, ValueError, MemoryError):  # whoever maps it will say why
        return False


class Mapping:
    """The maps and overlays of some photographs in a folder.

    done: the photographs that were mapped. failed: how often a map or an overlay could not be
    written.
    """

    def __init__(self, trained: TrainedModel, out: Path, flips: bool | None = None) -> None:
        """Map by a model into a folder; `flips` as in `prediction.predict_map`."""
        self.trained = trained
        self.out = out
        self.flips = flips
        self.done: list[Path] = []
        self.failed = 0

    def maps(self, images: Sequence[Path], threshold: float) -> Iterator[Floats]:
        """Write map and overlay of each photograph, print their paths, and yield the map inside.

        What speaks against a photograph is told on standard error, also that it cannot be read; the
        others go on.

        Args:
            images: the photographs' files.
            threshold: at which the overlay calls a pixel a vessel.

        Yields:
            float32 (n,): the probabilities of the pixels inside a photograph's field of view.
        """
        for path in images:
            with self._never_ending_the_batch(path):
                photograph = read_photograph(path)
                fov = find_fov(photograph)
                for fault in (*frame_faults(path), *photograph_warnings(path, photograph, fov)):
                    print(f"beware: {fault}", file=sys.stderr)
                found = predict_map(self.trained, photograph, fov, self.flips)
                made = save_prediction(self.out, stem_of(path), photograph, found, threshold)
                for file in made:
                    print(file)
                self.done.append(path)
                yield found[fov]

    def cut_again(self, threshold: float) -> None:
        """Write the overlays anew from the maps that are there, at another threshold."""
        for path in self.done:
            with self._never_ending_the_batch(path):
                map_path, overlay_path = output_paths(self.out, stem_of(path))
                save_overlay(overlay_path, read_photograph(path), read_map(map_path) >= threshold)

    @contextlib.contextmanager
    def _never_ending_the_batch(self, path: Path) -> Iterator[None]:
        """Name a photograph that cannot be mapped, count it, and go on."""
        try:
            yield
        except (FundusError, OSError, MemoryError) as error:
            named = str(path) in str(error)
            print(error if named else f"{path}: {error}", file=sys.stderr)
            self.failed += 1


def map_photographs(
    trained: TrainedModel,
    images: Sequence[Path],
    out: Path,
    flips: bool | None = None,
    threshold: float | str | None = None,
) -> int:
    """Write the map and the overlay of each photograph.

    Args:
        trained: see `trained_model.load_model`.
        images: the photographs' files, whose names `check_names` accepts.
        out: the folder to write.
        flips: see `prediction.predict_map`.
        threshold: the model's own by default; a number; or `halfway`, see
            `calibration.halfway_threshold`.

    Returns:
        How many photographs could not be mapped.

    Raises:
        FundusError: no photograph could be mapped to find a threshold on.
    """
    mapping = Mapping(trained, out, flips)
    if threshold != HALFWAY:
        cut = trained.threshold if threshold is None else float(threshold)
        for _ in mapping.maps(images, cut):
            pass
        return mapping.failed
    found = halfway_threshold(mapping.maps(images, trained.threshold), trained.threshold)
    print(f"threshold {found:.3f}: halfway from the model's {trained.threshold} to that of a tenth")
    if warning := few_warning(len(mapping.done)):
        print(f"beware: {warning}", file=sys.stderr)
    mapping.cut_again(found)
    return mapping.failed
