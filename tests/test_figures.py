"""Figures: colours by hand, panels, curves, and one figure that grows where it may."""

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fundus_utils import diagrams, figures

BLACK = [0, 0, 0]
WHITE = [255, 255, 255]
SKY = [86, 180, 233]
ORANGE = [213, 94, 0]
GREY = [60, 60, 60]


def curve(rows: int = 3) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "epoch": np.arange(1.0, rows + 1),
            "step": 10 * np.arange(1.0, rows + 1),
            "loss": 0.5 / np.arange(1, rows + 1),
            "val_loss": 0.7 / np.arange(1, rows + 1),
            "val_dice": 1 - 0.5 / np.arange(1, rows + 1),
            "learning_rate": 1e-3,
        }
    )


@pytest.fixture(autouse=True)
def closed():
    """Let no test leave a figure open."""
    plt.close("all")
    yield
    plt.close("all")


# Colours


def test_errors_have_their_colours() -> None:
    label = np.array([[True, True, False], [False, True, False]])
    vessels = np.array([[True, False, True], [False, True, True]])
    fov = np.array([[True, True, True], [True, False, False]])
    coloured = figures.error_overlay(label, vessels, fov)
    assert coloured.dtype == np.uint8
    assert coloured.tolist() == [
        [WHITE, SKY, ORANGE],  # right, missed, false
        [BLACK, GREY, GREY],  # background; outside, whatever stands there
    ]


def test_vessels_keep_their_colour_and_the_rest_is_black() -> None:
    photograph = np.random.default_rng(0).integers(0, 128, (6, 8, 3), np.uint8) * 2
    vessels = np.zeros((6, 8), bool)
    vessels[2:4] = True
    coloured = figures.colour_vessels(photograph, vessels)
    assert coloured.dtype == np.uint8
    assert np.array_equal(coloured[vessels], photograph[vessels])
    assert not coloured[~vessels].any()
    half = figures.colour_vessels(photograph, vessels * np.float32(0.5))
    assert np.array_equal(half, coloured // 2)


def test_overlay_is_cyan_over_the_photograph_and_leaves_it_alone() -> None:
    photograph = np.full((1, 2, 3), (200, 100, 50), np.uint8)
    kept = photograph.copy()
    drawn = figures.vessel_overlay(photograph, np.array([[True, False]]))
    assert np.array_equal(photograph, kept)
    assert drawn.dtype == np.uint8
    # four tenths of the photograph and six tenths of (0, 255, 255)
    assert drawn.tolist() == [[[80, 193, 173], [200, 100, 50]]]


# Panels


def pictures() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "colours": rng.integers(0, 256, (6, 8, 3), np.uint8),
        "grey": rng.integers(0, 256, (6, 8), np.uint8),
        "mask": rng.random((6, 8)) < 0.5,
        "map": rng.random((6, 8)).astype(np.float32),
    }


def test_panels_have_an_axis_and_a_title_a_picture_and_a_bar_a_map() -> None:
    shown = pictures()
    figure = figures.panels(list(shown.values()), list(shown), columns=3)
    drawn = [axis for axis in figure.axes if axis.get_title()]
    assert [axis.get_title() for axis in drawn] == list(shown)
    rows = [axis.get_subplotspec().rowspan.start for axis in drawn]
    assert rows == [0, 0, 0, 1]
    bars = [bar for axis in drawn for bar in axis.child_axes]
    assert len(bars) == 1
    assert bars[0] in drawn[3].child_axes
    assert bars[0].get_xlim() == (0, 1)


def test_panels_show_each_kind_of_picture_from_black_to_white() -> None:
    shown = pictures()
    figure = figures.panels(list(shown.values()), list(shown))
    ends = {}
    for axis in figure.axes:
        for image in axis.get_images():
            ends[axis.get_title()] = image.get_clim()
            assert np.array_equal(image.get_array(), shown[axis.get_title()])
    assert ends["grey"] == (0, 255)
    assert ends["mask"] == (0, 1)
    assert ends["map"] == (0, 1)


def test_panels_without_a_map_have_no_bar() -> None:
    shown = pictures()
    del shown["map"]
    figure = figures.panels(list(shown.values()), list(shown))
    assert len(figure.axes) == 3
    assert not any(axis.child_axes for axis in figure.axes)


@pytest.mark.parametrize("name", list(pictures()))
def test_one_picture_alone_is_a_panel_too(name: str) -> None:
    figure = figures.panels([pictures()[name]], [name])
    assert figure.axes[0].get_title() == name
    mime, content = figures.encode(figure)
    assert mime == "image/png"
    assert len(content) > 100


def test_each_picture_needs_its_title() -> None:
    with pytest.raises(ValueError, match="shorter"):
        figures.panels([pictures()["grey"], pictures()["mask"]], ["one"])


# Curves, encoding, showing


def test_curves_draw_both_losses_against_the_step() -> None:
    axis = figures.curves(curve(), "a title").axes[0]
    training, validation = axis.get_lines()
    assert training.get_label() == "training"
    assert validation.get_label() == "validation"
    assert training.get_xdata().tolist() == [10, 20, 30]
    assert training.get_ydata().tolist() == curve()["loss"].tolist()
    assert validation.get_xdata().tolist() == [10, 20, 30]
    assert validation.get_ydata().tolist() == curve()["val_loss"].tolist()
    assert axis.get_title() == "a title"
    assert axis.get_xlabel() == "step"
    assert "nats" in axis.get_ylabel()
    assert axis.get_ylim() == (0, 1)


@pytest.mark.parametrize(("photograph", "kind"), [(False, "PNG"), (True, "JPEG")])
def test_figure_is_encoded_and_closed(photograph: bool, kind: str) -> None:
    figure = figures.panels([pictures()["grey"]], ["grey"])
    mime, content = figures.encode(figure, photograph)
    assert mime == f"image/{kind.lower()}"
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == kind
        assert image.width > 100
    assert not plt.get_fignums()


class Screen:
    """What a notebook would show, in order."""

    def __init__(self) -> None:
        self.shown: list[Any] = []
        self.updated: list[Any] = []

    def display(self, content: Any, **more: Any) -> SimpleNamespace:
        self.shown.append((content, more))
        return SimpleNamespace(update=self.update)

    def update(self, content: Any, **more: Any) -> None:
        self.updated.append((content, more))


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    found = Screen()
    monkeypatch.setattr(figures, "display", found.display)
    return found


def test_shown_figure_has_its_words_and_its_caption(screen: Screen) -> None:
    figures.show(figures.curves(curve()), "Figure 1. A caption.", "Two falling lines.")
    (picture, more), (caption, _) = screen.shown
    assert picture["text/plain"] == "Two falling lines."
    assert picture["image/png"].startswith(b"\x89PNG")
    assert more["metadata"] == {"image/png": {"alt": "Two falling lines."}}
    assert caption.data == "*Figure 1. A caption.*"


@pytest.mark.parametrize("value", ["1", "", None])
def test_live_curve_is_shown_once_and_then_updated(
    value: str | None, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FUNDUS_LIVE", raising=False)
    if value is not None:
        monkeypatch.setenv("FUNDUS_LIVE", value)
    live = figures.LiveCurve()
    for rows in (1, 2, 3):
        live(None, curve(rows))
    assert len(screen.shown) == 1
    assert len(screen.updated) == 2
    first, more = screen.shown[0]
    assert more["display_id"] is True
    assert first["text/plain"] == "Loss so far: training 0.500, validation 0.700"
    last, more = screen.updated[-1]
    assert last["text/plain"] == "Loss so far: training 0.167, validation 0.233"
    assert more["metadata"]["image/png"]["alt"] == last["text/plain"]
    assert last["image/png"] != first["image/png"]
    assert not plt.get_fignums()


def test_second_training_gets_a_figure_of_its_own(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUNDUS_LIVE", "1")
    figures.LiveCurve()(None, curve())
    figures.LiveCurve()(None, curve())
    assert len(screen.shown) == 2


def test_no_live_curve_where_nothing_may_change(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUNDUS_LIVE", "0")
    live = figures.LiveCurve()
    live(None, curve(1))
    live(None, curve(2))
    assert not screen.shown
    assert not screen.updated
    assert not plt.get_fignums()


def test_the_map_of_one_place_grows_beside_the_curves(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUNDUS_LIVE", "1")
    image = np.zeros((1, 320, 400, 1), np.float32)
    values = iter((0.1, 0.2, 0.3))
    seen = []
    monkeypatch.setattr(
        figures, "watched", lambda table, maps: seen.append(maps) or figures.curves(table)
    )

    class Model:
        def predict_on_batch(self, batch: np.ndarray) -> np.ndarray:
            return np.full_like(batch, next(values))

    live = figures.LiveCurve([image, None, None])
    for rows in (1, 2, 3):
        live(Model(), curve(rows))
    assert [len(maps) for maps in seen] == [1, 2, 3]
    assert seen[-1][2].shape == (160, 160) and seen[-1][2][0, 0] == np.float32(0.3)


def test_maps_are_kept_by_step_also_where_nothing_is_shown(
    screen: Screen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FUNDUS_LIVE", "0")
    image = np.zeros((1, 64, 64, 1), np.float32)
    values = iter((0.1, 0.2))

    class Model:
        def predict_on_batch(self, batch: np.ndarray) -> np.ndarray:
            return np.full_like(batch, next(values))

    live = figures.LiveCurve([image, None, None], keep=tmp_path / "maps.npz")
    for rows in (1, 2):
        live(Model(), curve(rows))
    kept = np.load(tmp_path / "maps.npz")
    assert kept.files == [str(int(step)) for step in curve(2)["step"]]
    assert [kept[step][0, 0] for step in kept.files] == [np.float32(0.1), np.float32(0.2)]
    assert not screen.shown

    # Stopped, and gone on in another kernel: the maps from before stay.
    values = iter((0.3,))
    figures.LiveCurve([image, None, None], keep=tmp_path / "maps.npz")(Model(), curve(3))
    kept = np.load(tmp_path / "maps.npz")
    assert kept.files == [str(int(step)) for step in curve(3)["step"]]
    assert [kept[step][0, 0] for step in kept.files] == pytest.approx([0.1, 0.2, 0.3])


@pytest.mark.parametrize("maps", [0, 1, 12])
def test_a_watched_training_shows_losses_dice_rate_and_the_last_maps(maps: int) -> None:
    table = curve(12)
    figure = figures.watched(table, [np.zeros((8, 8), np.float32)] * maps)
    axes = figure.get_axes()
    assert [axis.get_ylabel() for axis in axes[:3]] == [
        "loss",
        "Dice on validation, cut at 0.5",
        "learning rate",
    ]
    assert len(axes) == 3 + min(maps, 8)
    if maps == 12:
        assert axes[-1].get_title() == f"step {table['step'].iloc[-1]:.0f}"
    plt.close(figure)


# Outlines, numbers, and the network


def test_outlines_lie_on_the_border_of_their_label() -> None:
    label = np.zeros((6, 8), bool)
    label[2:4, 3:6] = True
    nothing = np.zeros((6, 8), bool)
    grey = pictures()["grey"]
    figure = figures.outlined([grey, grey], [label, nothing], ["label", "no label"])
    drawn, bare = figure.axes
    assert len(drawn.collections) == 1
    assert not bare.collections  # and no warning: an empty label has no outline
    corners = drawn.collections[0].get_paths()[0].vertices
    assert corners.min(axis=0).tolist() == [2.5, 1.5]  # column and row, half a pixel outside
    assert corners.max(axis=0).tolist() == [5.5, 3.5]


def test_each_number_stands_in_its_square() -> None:
    grids = [np.array([[1, -2.5], [0, 7]]), np.ones((1, 3))]
    figure = diagrams.number_panels(grids, ["four", "the same"])
    first, second = figure.axes
    assert [text.get_text() for text in first.texts] == ["1", "-2.5", "0", "7"]
    assert [text.get_position() for text in first.texts] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert [text.get_text() for text in second.texts] == ["1", "1", "1"]
    assert [axis.get_title() for axis in (first, second)] == ["four", "the same"]


def test_the_diagram_has_the_articles_levels_operations_and_norms() -> None:
    axis = diagrams.unet_diagram().axes[0]
    words = [text.get_text() for text in axis.texts]
    assert words.count("BN") == 9
    sizes = {512: 6, 256: 4, 128: 4, 64: 4, 32: 2}
    assert {side: words.count(f"{side} x {side}") for side in sizes} == sizes
    assert {"64+64", "128+128", "256+256", "512+512", "1024"} <= set(words)
    operations = [text.get_text() for text in axis.get_legend().get_texts()]
    assert operations == [words for words, _, _ in diagrams.OPERATIONS.values()]
    arrows = [text for text in axis.texts if getattr(text, "arrow_patch", None) is not None]
    assert len(arrows) == 9 + 4 + 4 + 4 + 2  # convolutions, poolings, skips, upsamplings, head
