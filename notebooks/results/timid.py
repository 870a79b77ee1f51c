"""Draw `timid.jpg`: a map that is timid, cut at two thresholds (notebook 05).

The photograph is the first one held out, child 09 of CHASE_DB1. The network is one of the study
`article_changes`: "neither", seed 0. Its row is in the table, so train it anew from a copy of the
study's file in another folder:

    .venv/bin/python -m fundus_utils study FOLDER/article_changes.toml --only neither
    .venv/bin/python notebooks/results/timid.py
"""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from fundus_utils import storage
from fundus_utils.data import load_set
from fundus_utils.evaluation import best_threshold, dice
from fundus_utils.figures import encode, panels
from fundus_utils.prediction import predict_map
from fundus_utils.trained_model import load_model

TARGET = Path(__file__).with_suffix(".jpg")
NETWORK = ("neither", 0)


def timid() -> Figure:
    """Return the middle of the photograph, its label, its map, and the map cut at two places."""
    sample = load_set("chase_db1", "validation")[0]
    folder = storage.derived_dir() / "studies" / "article_changes" / storage.key_of(*NETWORK)
    found = predict_map(load_model(folder / "model"), sample.photograph, sample.fov)
    label, inside = sample.label, sample.fov
    assert label is not None
    cut, best = best_threshold([(label[inside], found[inside])])
    half = dice(label[inside], found[inside] >= 0.5)
    print(f"{sample.name}: Dice {half:.3f} at 0.5, {best:.3f} at {cut:.2f}")
    print(f"median of the map {np.median(found[inside]):.2f}, spread {found[inside].std():.2f}")
    height, width = inside.shape
    middle = slice(height // 4, height * 3 // 4), slice(width // 4, width * 3 // 4)
    shown: dict[str, Any] = {
        "photograph": sample.photograph,
        "label": label,
        "map": found,
        "cut at 0.5": found >= 0.5,
        f"cut at {cut:.2f}": found >= cut,
    }
    return panels([one[middle] for one in shown.values()], list(shown), columns=5, side=2.4)


if __name__ == "__main__":
    _, content = encode(timid(), photograph=True)
    TARGET.write_bytes(content)
    print(f"{TARGET.name}: {len(content) / 1000:.0f} kB")
