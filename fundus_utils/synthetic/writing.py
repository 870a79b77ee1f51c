"""Writes drawn eyes as files: the default photographs of the course."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from .eye import DrawnEye, draw_eye
from .tree import Array

COUNT = 60
SEED = 2026
FOLDERS = ("images", "labels", "labels2", "masks", "arteries", "veins")


def draw_set(
    folder: Path, count: int = COUNT, seed: int = SEED, size: int = 512, progress: bool = True
) -> None:
    """Draw eyes and write each as `folder`/KIND/NAME.png for each KIND in `FOLDERS`.

    `folder`/patients.csv gets a line NAME,PATIENT for each eye.

    Args:
        folder: it is made if it is not there.
        count: number of eyes; two make a patient.
        seed: see `draw_eye`.
        size: width and height in pixels.
        progress: whether to show a bar.
    """
    for kind in FOLDERS:
        (folder / kind).mkdir(parents=True, exist_ok=True)

    def draw(eye: int) -> DrawnEye:
        return draw_eye(seed, eye, size)

    patients = folder / "patients.csv"
    with ThreadPoolExecutor(2) as pool, patients.open("w", encoding="utf-8", newline="\n") as file:
        eyes = pool.map(draw, range(count))
        try:
            for drawn in tqdm(eyes, total=count, unit="eye", file=sys.stderr, disable=not progress):
                _save_pictures(drawn, folder)
                file.write(f"{drawn.name},{drawn.patient}\n")
        finally:
            pool.shutdown(cancel_futures=True)  # after a stop no other eye is begun


def _save_pictures(drawn: DrawnEye, folder: Path) -> None:
    """Write an eye's pictures, one into each of `FOLDERS`."""
    pictures = {
        "images": drawn.photograph,
        "labels": _black_and_white(drawn.label),
        "labels2": _black_and_white(drawn.label2),
        "masks": _black_and_white(drawn.fov),
        "arteries": _black_and_white(drawn.arteries),
        "veins": _black_and_white(drawn.veins),
    }
    for kind in FOLDERS:
        path = folder / kind / f"{drawn.name}.png"
        Image.fromarray(pictures[kind]).save(path, compress_level=3)


def _black_and_white(mask: Array) -> Array:
    """Return a mask, bool (h, w), as grey values 0 and 255, uint8 (h, w)."""
    return mask.astype(np.uint8) * 255
