"""The networks: the article's numbers and connections, sizes, and how far one pixel reaches."""

from collections.abc import Callable

import numpy as np
import pytest

from fundus_utils.errors import FundusError
from fundus_utils.networks import NETWORKS
from fundus_utils.quiet import keras
from fundus_utils.unet import (
    article_unet,
    check_size,
    compact_unet,
    original_unet,
    receptive_field,
)

layers = keras.layers


def of_kind(model: keras.Model, kind: type) -> list:
    return [layer for layer in model.layers if isinstance(layer, kind)]


def makers_of_skips(model: keras.Model) -> list:
    """Return the layer that makes each skip, the lowest first."""
    joins = of_kind(model, layers.Concatenate)
    return [join.input[0]._keras_history.operation for join in joins]


def random_images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    ("build", "parameters"),
    [(article_unet, 31_043_461), (original_unet, 31_031_685)],
)
def test_parameters_of_the_article(build: Callable[..., keras.Model], parameters: int) -> None:
    model = build()
    assert model.count_params() == parameters
    assert model.input_shape == model.output_shape == (None, 512, 512, 1)


def test_article_normalizes_nine_times_and_drops_nothing() -> None:
    model = article_unet(width=2)
    assert len(of_kind(model, layers.BatchNormalization)) == 9  # 4 poolings, bottom, 4 decoders
    assert not of_kind(model, layers.Dropout)
    before = [
        layer.input._keras_history.operation for layer in of_kind(model, layers.BatchNormalization)
    ]
    assert [type(layer) for layer in before] == [layers.MaxPooling2D] * 4 + [layers.Conv2D] * 5
    skips = makers_of_skips(model)
    assert all(isinstance(layer, layers.Conv2D) for layer in skips)  # taken before it normalizes
    assert [layer.filters for layer in skips] == [16, 8, 4, 2]


def test_original_drops_twice_and_its_lowest_skip_is_dropped() -> None:
    model = original_unet(width=2)
    assert not of_kind(model, layers.BatchNormalization)
    assert [layer.rate for layer in of_kind(model, layers.Dropout)] == [0.5, 0.5]
    skips = makers_of_skips(model)
    assert skips[0] is of_kind(model, layers.Dropout)[0]
    assert all(isinstance(layer, layers.Conv2D) for layer in skips[1:])


@pytest.mark.parametrize("build", [article_unet, original_unet])
def test_convolutions_of_the_article(build: Callable[..., keras.Model]) -> None:
    convolutions = of_kind(build(width=2), layers.Conv2D)
    assert len(convolutions) == 24
    assert [layer.kernel_size[0] for layer in convolutions].count(2) == 4
    assert [layer.activation.__name__ for layer in convolutions] == ["relu"] * 23 + ["sigmoid"]
    assert [layer.filters for layer in convolutions[-2:]] == [2, 1]


@pytest.fixture(scope="module", params=["article", "original", "compact"])
def small(request: pytest.FixtureRequest) -> keras.Model:
    """Return a narrow network for pictures of any size."""
    keras.utils.set_random_seed(0)
    if request.param == "compact":
        return compact_unet(2, depth=4)
    return NETWORKS[f"{request.param}_unet"](2, 4, 1)


@pytest.mark.parametrize("size", [(16, 16), (48, 32), (80, 112)])
def test_probabilities_of_the_same_size(small: keras.Model, size: tuple[int, int]) -> None:
    images = random_images(2, *size, 1)
    probability = np.asarray(small(images))
    assert probability.shape == images.shape
    assert probability.dtype == np.float32
    assert (probability > 0).all()
    assert (probability < 1).all()


@pytest.mark.parametrize("n_channels", [1, 3])
def test_compact_network_answers_to_its_image(n_channels: int) -> None:
    keras.utils.set_random_seed(0)
    model = compact_unet(width=2, depth=3, n_channels=n_channels)
    assert model.input_shape == (None, None, None, n_channels)
    probability = np.asarray(model(random_images(1, 64, 64, n_channels)))
    assert probability.shape == (1, 64, 64, 1)
    assert probability.std() > 0.01
    assert all(not layer.use_bias for layer in of_kind(model, layers.Conv2D)[:-1])
    assert len(of_kind(model, layers.BatchNormalization)) == 14
    assert all(isinstance(layer, layers.ReLU) for layer in makers_of_skips(model))


@pytest.mark.parametrize(("depth", "side"), [(4, 16), (4, 512), (3, 24), (0, 7)])
def test_sides_that_can_be_halved_pass(depth: int, side: int) -> None:
    check_size(side, 2 * side, depth)


@pytest.mark.parametrize(
    ("height", "width", "said"),
    [
        (512, 565, r"565 pixels.*Pad it to 576 or crop it to 560\."),
        (584, 576, r"584 pixels.*Pad it to 592 or crop it to 576\."),
        (16, 9, r"9 pixels.*Pad it to 16\.$"),
        (0, 16, r"0 pixels.*Pad it to 16\.$"),
    ],
)
def test_side_that_cannot_be_halved_is_told_where_to_go(height: int, width: int, said: str) -> None:
    with pytest.raises(FundusError, match=said):
        check_size(height, width)


def rows_that_move(model: keras.Model, row: int, side: int) -> np.ndarray:
    """Return which rows of the output move when one input pixel does, through positive weights."""
    for layer in of_kind(model, layers.Conv2D):
        weights = layer.get_weights()
        layer.set_weights([np.full_like(weights[0], 1 / 9), *(0 * bias for bias in weights[1:])])
    image = np.zeros((1, side, side, 1), np.float32)
    image[0, row, side // 2] = 1e9
    linear = keras.Model(model.input, model.layers[-1].input)
    return np.flatnonzero(np.asarray(linear(image))[0].any(axis=(1, 2)))


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_one_pixel_moves_as_much_as_the_receptive_field_says(depth: int) -> None:
    model = compact_unet(1, depth)
    step = 2**depth
    field = receptive_field(depth)
    moved = [np.ptp(rows_that_move(model, 64 + i, 128)) + 1 for i in range(step)]
    assert np.mean(moved) == field
    assert all(abs(reached - field) < step for reached in moved)  # by the pixel's position


def test_known_receptive_fields() -> None:
    assert [receptive_field(depth) for depth in range(5)] == [5, 18, 44, 96, 200]
    # 4 poolings: 200, 1 pixel more for each 2x2 convolution at levels 0-3, 2 for the last 3x3.
    assert receptive_field(4, article=True) == 200 + (1 + 2 + 4 + 8) + 2


def test_article_network_refuses_a_size_that_cannot_be_halved() -> None:
    with pytest.raises(FundusError, match=r"500 pixels.*Pad it to 512"):
        article_unet(500, width=2)


# The networks that a preset may name


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_the_table_maps_any_size_and_is_saved_and_loaded(name, tmp_path) -> None:
    depth = 3 if name in ("compact_unet", "residual_unet", "cascade_unet") else 4
    keras.utils.set_random_seed(0)
    model = NETWORKS[name](width=2, depth=depth, n_channels=1)
    images = random_images(2, 48, 64, 1)
    found = np.asarray(model(images))
    assert found.shape == (2, 48, 64, 1) and model.name == name
    assert found.min() > 0 and found.max() < 1
    model.save(tmp_path / "model.keras")
    again = np.asarray(keras.models.load_model(tmp_path / "model.keras")(images))
    assert np.array_equal(found, again)


def test_a_residual_block_adds_what_went_in() -> None:
    model = NETWORKS["residual_unet"](width=2, depth=1, n_channels=1)
    assert len(of_kind(model, layers.Add)) == 3  # down, lowest, up
    for layer in of_kind(model, layers.Conv2D)[:-1]:
        if layer.kernel_size == (3, 3):
            layer.set_weights([np.zeros_like(layer.kernel)])
        else:
            layer.set_weights([np.ones_like(layer.kernel)])
    images = random_images(1, 16, 16, 1)
    assert np.asarray(model(images)).std() > 0  # what the shortcuts let through


def test_the_second_network_of_a_cascade_sees_photograph_and_map() -> None:
    model = NETWORKS["cascade_unet"](width=2, depth=1, n_channels=3)
    first, second = model.get_layer("first"), model.get_layer("second")
    assert first.input_shape[-1] == 3 and second.input_shape[-1] == 4
    images = random_images(1, 16, 16, 3)
    both = np.concatenate([images, np.asarray(first(images))], axis=-1)
    np.testing.assert_allclose(np.asarray(model(images)), np.asarray(second(both)), atol=1e-6)


def test_the_articles_network_is_not_built_with_another_depth() -> None:
    with pytest.raises(FundusError, match="4 poolings and 1 channel"):
        NETWORKS["article_unet"](width=2, depth=3, n_channels=1)
