"""Interactive figures answer to their controls, and keep a picture where nothing runs."""

import base64
import io
from dataclasses import replace
from pathlib import Path

import ipywidgets
import numpy as np
import pytest
from conftest import DISC, PHOTOGRAPH, VESSELS, save
from PIL import Image

from fundus_utils import storage, widgets
from fundus_utils.augmentation import merge
from fundus_utils.data import FundusSet, load_set
from fundus_utils.errors import FundusError
from fundus_utils.photograph import Sample, resize
from fundus_utils.quiet import keras
from fundus_utils.trained_model import TrainedModel, load_model
from fundus_utils.unet import receptive_field
from fundus_utils.widgets.network import fields_of, stages_of


def controls(panel: widgets.Panel) -> dict[str, ipywidgets.Widget]:
    return {child.description: child for child in panel.children if hasattr(child, "description")}


def decoded(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.fixture
def photographs(data: Path) -> FundusSet:
    for name, photograph in (("a", PHOTOGRAPH), ("b", PHOTOGRAPH // 2)):
        save(data / "folder" / "images" / f"{name}.png", photograph)
        save(data / "folder" / "labels" / f"{name}.png", VESSELS)
        save(data / "folder" / "masks" / f"{name}.png", DISC)
    return load_set("folder", "all")


@pytest.mark.parametrize(
    ("picture", "size"),
    [
        (np.zeros((30, 40, 3), np.uint8), (40, 30)),
        (np.zeros((1024, 1024), np.uint8), (512, 512)),
        (np.zeros((600, 1800, 3), np.uint8), (1536, 512)),
        (np.ones((30, 40), bool), (40, 30)),
    ],
)
def test_pictures_become_small_jpegs(picture: np.ndarray, size: tuple[int, int]) -> None:
    with Image.open(io.BytesIO(widgets.as_jpeg(picture))) as image:
        assert image.format == "JPEG" and image.size == size
        assert np.asarray(image).max() == (255 if picture.dtype == bool else 0)


def test_every_slider_changes_the_drawn_eye() -> None:
    panel = widgets.eye_drawer()
    assert len(controls(panel)) == 8
    for slider in controls(panel).values():
        before = panel.picture.value
        slider.value = slider.max
        assert panel.picture.value != before, slider.description


def test_browser_answers_to_every_menu(photographs: FundusSet) -> None:
    panel = widgets.browser(photographs)
    menus = controls(panel)
    assert menus["photograph"].options == ("a", "b")
    shown = [panel.picture.value]
    for menu, choice in (
        ("photograph", "b"),
        ("channel", "red"),
        ("overlay", "label"),
        ("overlay", "field of view"),
        ("channel", "grey"),
        ("photograph", "a"),
    ):
        menus[menu].value = choice
        shown.append(panel.picture.value)
    assert len(set(shown)) == len(shown)
    menus["channel"].value = "colour"
    menus["overlay"].value = "none"
    assert panel.picture.value == shown[0]


def test_browser_shows_photographs_without_labels(data: Path) -> None:
    save(data / "folder" / "images" / "a.png", PHOTOGRAPH)
    panel = widgets.browser(load_set("folder", "unlabelled"))
    before = panel.picture.value
    controls(panel)["overlay"].value = "label"
    assert panel.picture.value == before


def test_playground_answers_to_every_slider() -> None:
    merged = merge(PHOTOGRAPH + np.arange(40, dtype=np.uint8)[:, None], VESSELS, DISC)
    panel = widgets.augmentation_playground(merged)
    assert decoded(panel.picture.value).shape == (30, 3 * 40, 3)
    sliders = controls(panel)
    shown = [panel.picture.value]
    for name, value in (
        ("rotation (degrees)", 0),
        ("scale", 1.5),
        ("shear (degrees)", 10),
        ("contrast", 1.4),
        ("brightness", 0.2),
        ("mirror", True),
    ):
        sliders[name].value = value
        shown.append(panel.picture.value)
    assert len(set(shown)) == len(shown)


def test_the_overlay_can_be_drawn_aside(photographs: FundusSet) -> None:
    panel = widgets.browser(photographs)
    menus = controls(panel)
    plain = decoded(panel.picture.value).astype(int)
    menus["overlay"].value = "field of view"
    whole = decoded(panel.picture.value).astype(int)
    menus["overlay from the left (%)"].value = 50
    half = decoded(panel.picture.value).astype(int)
    assert np.abs(half[:, :16] - whole[:, :16]).mean() < 4  # JPEG
    assert np.abs(half[:, 24:] - plain[:, 24:]).mean() < 4
    assert np.abs(whole[:, 24:] - plain[:, 24:]).mean() > 20
    menus["overlay from the left (%)"].value = 0
    assert np.abs(decoded(panel.picture.value) - plain).mean() < 4


@pytest.fixture(scope="module")
def real() -> tuple[TrainedModel, Sample]:
    return load_model("drawn"), load_set("chase_db1", "train")[0]


def message_of(panel: widgets.Panel) -> str:
    return panel.children[-1].value


def dice_of(panel: widgets.Panel) -> float:
    return float(message_of(panel).rpartition("Dice ")[2])


def test_the_input_may_be_moved_and_the_map_answers(real: tuple) -> None:
    panel = widgets.input_explorer(*real)
    sliders = controls(panel)
    assert dice_of(panel) > 0.7
    sliders["mean of the input"].value = -20
    assert dice_of(panel) < 0.6
    sliders["mean of the input"].value = 0
    assert dice_of(panel) > 0.7
    sliders["its std (log10)"].value = -2
    assert dice_of(panel) < 0.2


def test_a_camera_may_change_and_the_map_answers(real: tuple) -> None:
    panel = widgets.camera_explorer(*real)
    sliders = controls(panel)
    first = dice_of(panel)
    assert first > 0.7
    sliders["brightness (times)"].value = 0.6
    assert abs(dice_of(panel) - first) < 0.03  # normalized by itself
    sliders["brightness (times)"].value = 1
    sliders["blur (pixels)"].value = 4
    assert dice_of(panel) < first - 0.1
    sliders["blur (pixels)"].value = 0
    assert dice_of(panel) == first
    sliders["grain (grey levels)"].value = 40
    assert dice_of(panel) < first - 0.1


@pytest.mark.parametrize("explorer", [widgets.input_explorer, widgets.camera_explorer])
@pytest.mark.parametrize("side", [580, 607, 633, 701])
def test_an_explorer_takes_a_photograph_of_any_size(explorer, side: int, real: tuple) -> None:
    """Scaled twice, a photograph may end a pixel larger than scaled once."""
    trained, sample = real
    rows, columns = np.indices((side, side))
    fov = np.hypot(rows - side / 2, columns - side / 2) < 0.478 * side
    photograph = resize(sample.photograph, (side, side)) * fov[..., None].astype(np.uint8)
    label = resize(np.asarray(sample.label), (side, side))
    one = replace(sample, photograph=photograph, label=label, fov=fov, label2=None)
    assert message_of(explorer(trained, one))


@pytest.mark.parametrize("explorer", [widgets.input_explorer, widgets.camera_explorer])
def test_an_explorer_needs_a_label(explorer, real: tuple) -> None:
    trained, sample = real
    with pytest.raises(FundusError, match="Image_01L has no label"):
        explorer(trained, replace(sample, label=None))


def test_each_level_of_the_unet_shows_its_shape(real: tuple) -> None:
    trained, sample = real
    panel = widgets.unet_explorer(trained, sample.photograph, sample.fov)
    menu = controls(panel)["level"]
    said = {}
    shown = set()
    for level in menu.options:
        menu.value = level
        said[level] = message_of(panel)
        shown.add(panel.picture.value)
    assert list(said) == [
        "level 0, down",
        "level 1, down",
        "level 2, down",
        "level 3, lowest",
        "level 2, up",
        "level 1, up",
        "level 0, up",
    ]
    assert len(shown) == len(said)
    assert said["level 0, down"].startswith("256 x 256 pixels, 12 features")
    assert said["level 0, down"].endswith("has seen 5 x 5 pixels of the input")
    assert said["level 3, lowest"].startswith("32 x 32 pixels, 96 features")
    assert said["level 0, up"].endswith(
        f"has seen {receptive_field(3)} x {receptive_field(3)} pixels of the input"
    )


def test_a_receptive_field_is_what_moves_a_number(real: tuple) -> None:
    """The formula of each stage against the network itself: a pixel that is seen changes it."""
    model = real[0].model
    stages = stages_of(model)
    inside = keras.Model(model.inputs, list(stages.values()))
    rng = np.random.default_rng(0)
    image = rng.normal(size=(1, 256, 256, 1)).astype(np.float32)
    before = inside.predict_on_batch(image)
    image[0, 128, 128] += 100
    after = inside.predict_on_batch(image)
    for old, new, expected in zip(before, after, fields_of(3), strict=True):
        moved = np.argwhere(np.abs(np.asarray(new) - np.asarray(old))[0].max(axis=-1) > 1e-4)
        scale = 256 // np.asarray(new).shape[1]
        reach = (np.ptp(moved[:, 0]) + 1) * scale
        assert abs(reach - expected) <= 2 * scale + 8  # by where it lies on the poolings' grid


def test_pictures_follow_the_slider() -> None:
    pictures = {str(step): np.full((8, 8), step, np.uint8) for step in (0, 100, 200)}
    panel = widgets.picture_slider(pictures, "step", "squares that grow brighter")
    slider = controls(panel)["step"]
    assert decoded(panel.picture.value).mean() == 0
    slider.value = "200"
    assert abs(decoded(panel.picture.value).mean() - 200) < 3


def test_small_maps_are_enlarged_and_drawn_in_grey() -> None:
    panel = widgets.picture_slider({"a": np.full((64, 64), 0.5, np.float32)}, "step", "grey")
    shown = decoded(panel.picture.value)
    assert shown.shape == (512, 512)
    assert abs(shown.mean() - 128) < 3


def test_the_threshold_moves_picture_and_numbers_together() -> None:
    label = np.zeros((4, 4), bool)
    label[0] = True
    probability = np.zeros((4, 4), np.float32)
    probability[0, :3] = 0.9, 0.8, 0.4
    probability[1, :2] = 0.7, 0.6
    photograph = np.full((4, 4, 3), 90, np.uint8)
    everywhere = np.ones_like(label)
    panel = widgets.threshold_explorer(photograph, label, probability, everywhere, 0.5)
    assert decoded(panel.picture.value).shape == (4, 2 * 4, 3)  # beside the map's errors
    before = panel.picture.value
    words = panel.children[-1]
    # Two of four are found, two are false.
    assert words.value == "accuracy 0.750, sensitivity 0.500, precision 0.500, Dice 0.500"
    controls(panel)["threshold"].value = 0.75
    assert words.value == "accuracy 0.875, sensitivity 0.500, precision 1.000, Dice 0.667"
    assert panel.picture.value != before


def test_panel_keeps_its_picture_and_its_words_where_no_kernel_runs() -> None:
    slider = ipywidgets.IntSlider(value=10, max=200)

    def draw() -> np.ndarray:
        return np.full((16, 16, 3), slider.value, np.uint8)

    panel = widgets.Panel([slider], draw, "a grey square")
    slider.value = 120
    bundle, metadata = panel._repr_mimebundle_()
    assert bundle["text/plain"] == "a grey square"
    assert metadata["image/jpeg"]["alt"] == "a grey square"
    assert isinstance(bundle["image/jpeg"], str)
    assert abs(decoded(base64.b64decode(bundle["image/jpeg"])).mean() - 120) < 2
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_chosen_set_is_saved(data: Path) -> None:
    menu = widgets.set_chooser().children[0]
    assert menu.value == "chase_db1"
    menu.value = "drive"
    assert storage.chosen_set() == "drive"
    assert widgets.set_chooser().children[0].value == "drive"


def test_chooser_says_that_the_environment_comes_first(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert widgets.set_chooser().children[1].value == ""
    monkeypatch.setenv("FUNDUS_DATASET", "chase_db1")
    assert "FUNDUS_DATASET" in widgets.set_chooser().children[1].value


def test_chooser_has_words_where_no_kernel_runs(data: Path) -> None:
    assert "menu of the data sets" in widgets.set_chooser()._repr_mimebundle_()["text/plain"]


@pytest.mark.parametrize("name", ["dirve", ""])
def test_misspelt_choice_can_be_mended_in_the_menu(name: str, data: Path) -> None:
    storage.save_choice(name)
    menu = widgets.set_chooser().children[0]
    assert menu.value is None
    menu.value = "synthetic"
    assert storage.chosen_set() == "synthetic"


def test_readers_own_folder_stays_chosen(data: Path) -> None:
    storage.save_choice("folder:/my/eyes")
    assert widgets.set_chooser().children[0].value == "folder"
    assert storage.chosen_set() == "folder:/my/eyes"
