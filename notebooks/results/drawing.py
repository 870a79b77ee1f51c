"""Draw `drawing.jpg`: what networks see that have learned from narrowed drawn eyes (notebook 10).

The photograph is the first one of the training part of CHASE_DB1; it was not chosen for its result.
The networks are those of the study `drawing`, seed 0, so run that first:

    .venv/bin/python -m fundus_utils study notebooks/results/drawing.toml
    .venv/bin/python notebooks/results/drawing.py
"""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from fundus_utils import storage
from fundus_utils.data import load_set
from fundus_utils.figures import encode, panels
from fundus_utils.prediction import predict_map
from fundus_utils.trained_model import load_model

TARGET = Path(__file__).with_suffix(".jpg")
SHOWN = ("all ranges", "without blood", "without optics", "1 eye, drawn once")
SEED = 0


def maps() -> Figure:
    """Return the middle of the photograph, and of the map of each network."""
    sample = load_set("chase_db1", "train")[0]
    height, width = sample.fov.shape
    middle = slice(height // 4, height * 3 // 4), slice(width // 4, width * 3 // 4)
    shown: dict[str, Any] = {"photograph": sample.photograph[middle]}
    for name in SHOWN:
        folder = storage.derived_dir() / "studies" / "drawing" / storage.key_of(name, SEED)
        trained = load_model(folder / "model")
        shown[name] = predict_map(trained, sample.photograph, sample.fov)[middle]
    return panels(list(shown.values()), list(shown), columns=5, side=2.4)


if __name__ == "__main__":
    _, content = encode(maps(), photograph=True)
    TARGET.write_bytes(content)
    print(f"{TARGET.name}: {len(content) / 1000:.0f} kB")
