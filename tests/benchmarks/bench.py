"""Speeds of the parts, in one run and one table: `make bench`. Compare ratios, not seconds."""

import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from fundus_utils import results, storage, synthetic, unet
from fundus_utils.augmentation import augment, merge
from fundus_utils.normalization import augmented_statistics
from fundus_utils.prediction import predict_map
from fundus_utils.preparation import Preparation
from fundus_utils.trained_model import load_model
from fundus_utils.training.crops import Crops
from fundus_utils.training.fitting import compile_for, cross_entropy
from fundus_utils.training.presets import PRESETS

REPEATS = 5
PREPARATION = Preparation(mean=0.3, std=0.1)


def seconds(action: Callable[[], object]) -> list[float]:
    """Return the wall-clock seconds of REPEATS calls, after one that is not counted."""
    action()
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return times


def step(preset_name: str, merged: np.ndarray) -> Callable[[], object]:
    """Return one training step of a preset's network on one batch of its crops."""
    preset = PRESETS[preset_name]
    crops = Crops([merged], PREPARATION, size=preset.crop)
    batch = next(iter(crops.batches(preset.batch)))
    model = unet.compact_unet(preset.width, preset.depth)
    compile_for(model, cross_entropy(), preset, steps=100)
    return lambda: model.train_on_batch(*batch)


def actions() -> dict[str, Callable[[], object]]:
    """Return what is timed, by name."""
    eye = synthetic.draw_eye(synthetic.SEED, 0, 512)
    merged = merge(eye.photograph, eye.label, eye.fov)
    crops = Crops([merged], PREPARATION, size=64)
    trained = load_model()
    rng = np.random.default_rng(0)
    square = np.ones((2048, 2048), np.float32)
    return {
        "matrix product 2048x2048, float32": lambda: square @ square,
        "draw one eye, 512x512": lambda: synthetic.draw_eye(synthetic.SEED, 1, 512),
        "augment one merged picture, 512x512x3": lambda: augment(merged, rng),
        "make 16 crops of 64x64": lambda: [crops[i] for i in range(16)],
        "statistics of 100 augmented images": lambda: augmented_statistics(
            [merged], 100, progress=False
        ),
        "training step, preset lesson": step("lesson", merged),
        "training step, preset laptop": step("laptop", merged),
        "predict one photograph, 512x512": lambda: predict_map(trained, eye.photograph, eye.fov),
        "the same with flips": lambda: predict_map(trained, eye.photograph, eye.fov, flips=True),
    }


def main() -> None:
    """Print the table and write it to data/derived/benchmarks.csv."""
    rows = []
    for what, action in actions().items():
        times = seconds(action)
        row = {
            "what": what,
            "median_seconds": np.median(times),
            "fastest": min(times),
            "slowest": max(times),
        }
        rows.append(row)
        print(f"{what:40} {row['median_seconds']:.4f} s", flush=True)
    table = pd.DataFrame(rows).round(4)
    print(table.to_string(index=False))
    path = storage.derived_dir() / "benchmarks.csv"
    results.save_table(path, table)
    print("written:", path)


if __name__ == "__main__":
    main()
