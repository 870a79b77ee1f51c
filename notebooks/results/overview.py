"""Draw `overview.jpg`, the README's picture: a photograph, its map, and the vessels in colour.

The photograph is the first one of the test part of CHASE_DB1, which the shipped model has not
learned from; it was not chosen for its result.

    .venv/bin/python notebooks/results/overview.py
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fundus_utils.data import load_set
from fundus_utils.figures import colour_vessels, encode, panels
from fundus_utils.prediction import predict_map
from fundus_utils.trained_model import load_model

TARGET = Path(__file__).with_suffix(".jpg")
SIDE = 5.0  # inches of a panel: three of them are 1,200 pixels wide
TITLE = 17  # points, to be read where a page shows the picture at half its width


def overview() -> Figure:
    """Return the three panels, for the first test photograph of CHASE_DB1."""
    sample = load_set("chase_db1", "test")[0]
    trained = load_model()
    probability = predict_map(trained, sample.photograph, sample.fov)
    mask = (probability >= trained.threshold).astype(np.float32)
    vessels = colour_vessels(sample.photograph, mask)
    figure = panels(
        [sample.photograph, probability, vessels],
        ["photograph", "probability of a vessel", "vessels in their own colour"],
        side=SIDE,
    )
    for axis in figure.axes:
        axis.title.set_fontsize(TITLE)
        for bar in axis.child_axes:  # the map's
            bar.tick_params(labelsize=TITLE - 4)
    return figure


if __name__ == "__main__":
    _, content = encode(overview(), photograph=True)
    TARGET.write_bytes(content)
    print(f"{TARGET.name}: {len(content) / 1000:.0f} kB")
