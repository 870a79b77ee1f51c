"""Speeds of the parts, in one run and one table: `make bench`. Compare ratios, not seconds."""

import csv
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fundus_utils import storage, synthetic, training, unet
from fundus_utils.augmentation import augment, merge
from fundus_utils.crops import Crops
from fundus_utils.normalization import augmented_statistics
from fundus_utils.prediction import load_model, predict_map
from fundus_utils.presets import PRESETS
from fundus_utils.quiet import keras

REPEATS = 5


def seconds(action: Callable[[], object]) -> list[float]:
    """Return the wall-clock seconds of REPEATS calls, after one that is not counted."""
    action()
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return times


def step(preset_name: str, merged: list[np.ndarray]) -> Callable[[], object]:
    """Return one training step of a preset's network on one batch of its crops."""
    preset = PRESETS[preset_name]
    batch = next(iter(Crops(merged, 0.3, 0.1, size=preset.crop).batches(preset.batch)))
    model = unet.compact_unet(preset.width, preset.depth)
    model.compile(keras.optimizers.AdamW(), training.cross_entropy())
    return lambda: model.train_on_batch(*batch)


def main() -> None:
    """Print the table and write it to data/derived/benchmarks.csv."""
    eye = synthetic.draw_eye(synthetic.SEED, 0, 512)
    merged = merge(eye.photograph, eye.label, eye.fov)
    crops = Crops([merged], 0.3, 0.1, size=64)
    trained, rng = load_model(), np.random.default_rng(0)
    square = np.ones((2048, 2048), np.float32)
    actions = {
        "matrix product 2048x2048, float32": lambda: square @ square,
        "draw one eye, 512x512": lambda: synthetic.draw_eye(synthetic.SEED, 1, 512),
        "augment one merged picture, 512x512x3": lambda: augment(merged, rng),
        "make 16 crops of 64x64": lambda: [crops[i] for i in range(16)],
        "statistics of 100 augmented images": lambda: augmented_statistics(
            [merged], 100, progress=False
        ),
        "training step, preset lesson": step("lesson", [merged]),
        "training step, preset laptop": step("laptop", [merged]),
        "predict one photograph, 512x512": lambda: predict_map(trained, eye.photograph, eye.fov),
        "the same with flips": lambda: predict_map(trained, eye.photograph, eye.fov, flips=True),
    }
    rows = [("what", "median_seconds", "fastest", "slowest")]
    for what, action in actions.items():
        times = seconds(action)
        rows.append((what, *(f"{f(times):.4f}" for f in (np.median, np.min, np.max))))
        print(f"{what:40} " + "  ".join(f"{value:>8}" for value in rows[-1][1:]), flush=True)
    path: Path = storage.derived_dir() / "benchmarks.csv"
    with storage.writing_whole(path) as room, room.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    print("written:", path)


if __name__ == "__main__":
    main()
