"""A reader's photographs and labels, examined before a training is spoilt by them unnoticed.

Every picture is looked at: photographs one by one (`photograph_faults`), labels by themselves
(`label_files`) and against photographs (`label_faults`), and here what only whole folders tell.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ..errors import FundusError
from ..photograph import Bools, Bytes, find_fov, photograph_checksum
from .faults import Fault, frame_faults, header_of, unreadable
from .label_faults import (
    AGREES,
    TAUGHT_WRONG,
    View,
    agreement,
    pair_fault,
    shows_vessels,
    view_of,
)
from .label_files import LabelFile, examine_label
from .own_folder import pairs_by_name, pictures_of, stem_of
from .photograph_faults import photograph_faults, spoiled
from .pictures import read_photograph

Pairs = list[tuple[Path, Path]]
Look = Callable[[Path, Bytes, Bools], list[Fault]]


@dataclass(frozen=True)
class Examination:
    """What was found in two folders, or in one of photographs alone.

    photographs: how many were examined. pairs: how many pairs of photograph and label. faults: in
    the order in which they were found, notes among them.
    """

    photographs: int
    pairs: int
    faults: tuple[Fault, ...]


def _pictures(folder: Path) -> list[Path]:
    """List the picture files of a folder. Raises FundusError if there are none."""
    if not folder.is_dir():
        raise FundusError(f"{folder} is no folder", "name the one that holds the pictures")
    found = pictures_of(folder)
    if not found:
        raise FundusError(f"{folder} holds no pictures", "name the folder that holds them")
    return found


def _same_stem_faults(files: Sequence[Path]) -> list[Fault]:
    """Look for files of a folder that differ in their endings alone."""
    faults = []
    first_of: dict[str, Path] = {}
    for path in files:
        first = first_of.setdefault(stem_of(path), path)
        if first != path:
            fault = Fault(
                path,
                f"has the stem of {first.name}",
                "A training here refuses the folder: one label cannot belong to both",
                "Remove one of the two",
            )
            faults.append(fault)
    return faults


def _lonely_faults(files: Sequence[Path], pairs: Pairs, partner: str) -> Iterator[Fault]:
    """Look for files of a folder that stand in no pair; those of a stem with others apart."""
    paired = {stem_of(path) for pair in pairs for path in pair if path.parent == files[0].parent}
    for path in files:
        if stem_of(path) not in paired:
            yield Fault(
                path,
                f"has no {partner}",
                "Where files are paired in sorted order, all pairs after it are wrong",
                f"Name its {partner} like it, or put it elsewhere",
            )


def _pair(images: Sequence[Path], masks: Sequence[Path]) -> tuple[Pairs, list[Fault]]:
    """Pair photographs and labels by name, or if no name fits, in sorted order."""
    faults = [*_same_stem_faults(images), *_same_stem_faults(masks)]
    pairs = pairs_by_name(images, masks)
    if not pairs and len(images) == len(masks):
        guess = Fault(
            masks[0].parent,
            "holds no label with the name of a photograph: they are paired in sorted order here",
            "One file too many or too few would shift all pairs after it",
            "Name every label like its photograph",
        )
        return list(zip(images, masks, strict=True)), [*faults, guess]
    faults += _lonely_faults(images, pairs, "label")
    faults += _lonely_faults(masks, pairs, "photograph")
    unlike = [pair for pair in pairs if stem_of(pair[0]) != stem_of(pair[1])]
    if unlike:
        example = f"{unlike[0][1].name} for {unlike[0][0].name}"
        note = Fault(
            masks[0].parent,
            f"names {len(unlike)} labels otherwise than their photographs, such as {example}",
            "They are paired here, but a set `folder:PATH` takes equal stems alone",
            "Name every label like its photograph to train with them",
            note=True,
        )
        faults.append(note)
    return pairs, faults


def _label_folder_faults(read: dict[Path, LabelFile]) -> Iterator[Fault]:
    """Say once what concerns many labels of a folder: JPEG files, and the values 0 and 1."""
    smeared = [path for path in read if header_of(path)[0] in ("JPEG", "MPO")]
    if smeared:
        yield Fault(
            smeared[0].parent,
            f"holds {len(smeared)} JPEG files among {len(read)} labels, such as {smeared[0].name}",
            "JPEG puts grey values round every vessel, and more with every saving",
            "Export the labels as PNG; what is left only as JPEG must be cut at one half",
        )
    zero_one = [path for path, file in read.items() if file.zero_one]
    if zero_one:
        count = f"{len(zero_one)} of {len(read)} labels"
        yield Fault(
            zero_one[0].parent,
            f"holds the values 0 and 1, not 0 and 255, in {count}, such as {zero_one[0].name}",
            "They are read rightly here, but a tool that divides by 255 reads empty labels",
            "Save them as 0 and 255 for other tools",
            note=True,
        )


def _twin_faults(path: Path, photograph: Bytes, first_of: dict[str, Path]) -> Iterator[Fault]:
    """Look for a photograph that came before; `first_of` remembers them by their checksums."""
    twin = first_of.setdefault(photograph_checksum(photograph), path)
    if twin != path:
        yield Fault(
            path,
            f"shows the same pixels as {twin.name}",
            "If one is trained with and the other measured, the measure flatters",
            "Remove one of them together with its label",
        )


def _look_at(
    path: Path, first_of: dict[str, Path], look: Look | None
) -> tuple[View | None, list[Fault]]:
    """Examine one photograph; there is no view of it if no vessel can be seen in it."""
    faults = list(frame_faults(path))
    try:
        photograph = read_photograph(path)
    except FundusError as error:
        return None, [*faults, unreadable(path, error)]
    faults += _twin_faults(path, photograph, first_of)
    spoilt = spoiled(path, photograph)
    if spoilt:
        return None, [*faults, spoilt]
    view = view_of(path, photograph)
    if look is not None:
        return view, [*faults, *look(path, photograph, find_fov(photograph))]
    return view, [*faults, *photograph_faults(path, view.small, view.fov)]


def _pair_faults(view: View, own: Sequence[Path], read: dict[Path, LabelFile]) -> Iterator[Fault]:
    """Compare a photograph with its own labels; where one does not agree, with all."""
    for path in own:
        label = read[path].label
        if label is None:
            continue
        fault = pair_fault(view, path, read[path])
        if fault is None and agreement(view, label) < AGREES:
            fault = _stranger_fault(view, path, label, read)
        if fault is not None:
            yield fault


def _stranger_fault(
    view: View, path: Path, label: Bools, read: dict[Path, LabelFile]
) -> Fault | None:
    """Look among all labels for that of a photograph which does not agree with its own."""
    agreements = {
        other: agreement(view, file.label)
        for other, file in read.items()
        if file.label is not None and file.label.shape == view.fov.shape
    }
    own = agreements[path]
    best = max(agreements, key=lambda other: agreements[other])
    if agreements[best] >= AGREES:
        return Fault(
            view.path,
            f"is paired with {path.name} (agreement {own:.2f}), but shows the vessels of"
            f" {best.name} ({agreements[best]:.2f})",
            TAUGHT_WRONG,
            "Pair files by name, or sort both lists: a folder is listed in any order",
        )
    if shows_vessels(view, label):
        return None
    return Fault(
        view.path,
        f"shows no dark lines where {path.name} has vessels, nor where another label has them",
        TAUGHT_WRONG,
        "Lay the label over the photograph: is it another eye's, cut otherwise, or no vessels",
    )


def examine(
    photographs: Path,
    labels: Path | None = None,
    progress: bool = False,
    look: Look | None = None,
) -> Examination:
    """Examine a folder of photographs and a folder of their labels, every picture of both.

    Args:
        photographs: the folder of the photographs.
        labels: the folder of their labels; None where there are none.
        progress: show bars.
        look: finds the faults of a photograph; by default those alone that spoil a training.

    Raises:
        FundusError: one is no folder, or holds no pictures, or both are the same.
    """
    if labels is not None and photographs.resolve() == labels.resolve():
        problem = f"{photographs} is named for both photographs and labels"
        raise FundusError(problem, "put the labels into a folder of their own")
    images = _pictures(photographs)
    masks = [] if labels is None else _pictures(labels)
    bar = partial(tqdm, unit="file", file=sys.stderr, disable=not progress)
    pairs, faults = _pair(images, masks) if masks else ([], _same_stem_faults(images))
    read: dict[Path, LabelFile] = {}
    if masks:
        read = {path: examine_label(path) for path in bar(masks, desc="labels")}
    for file in read.values():
        faults += file.faults
    faults += _label_folder_faults(read)
    first_of: dict[str, Path] = {}
    for image in bar(images, desc="photographs"):
        view, found = _look_at(image, first_of, look)
        faults += found
        if view is not None:
            own = [mask for photograph, mask in pairs if photograph == image]
            faults += _pair_faults(view, own, read)
    return Examination(len(images), len(pairs), tuple(faults))
