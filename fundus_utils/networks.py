"""Networks by name, for presets: those of the course, and relatives that studies compare."""

from collections.abc import Callable
from typing import Any

from .errors import FundusError
from .quiet import keras
from .unet import article_unet, compact_unet, layers, original_unet


def residual_unet(width: int = 8, depth: int = 3, n_channels: int = 1) -> keras.Model:
    """Build the compact network with a shortcut round each block (He et al. 2016).

    A block adds what its two convolutions find to a 1x1 convolution of what went in.

    Args:
        width: filters of the first level, doubled at each of `depth` poolings.
        depth: poolings; input sides must be divisible by 2**depth.
        n_channels: image channels of the input.

    Returns:
        A model from float32 (n, height, width, n_channels) to (n, height, width, 1) in (0, 1).
    """

    def normalized(x: Any, filters: int, kernel: int) -> Any:
        x = layers.Conv2D(
            filters, kernel, padding="same", use_bias=False, kernel_initializer="he_normal"
        )(x)
        return layers.BatchNormalization()(x)

    def block(x: Any, filters: int) -> Any:
        found = layers.ReLU()(normalized(x, filters, 3))
        found = normalized(found, filters, 3)
        return layers.ReLU()(layers.Add()([found, normalized(x, filters, 1)]))

    inputs = x = keras.Input((None, None, n_channels))
    skips = []
    for level in range(depth):
        x = block(x, width * 2**level)
        skips.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = block(x, width * 2**depth)
    for level in reversed(range(depth)):
        x = layers.Concatenate()([skips[level], layers.UpSampling2D(2)(x)])
        x = block(x, width * 2**level)
    outputs = layers.Conv2D(1, 1, activation="sigmoid")(x)
    return keras.Model(inputs, outputs, name="residual_unet")


def cascade_unet(width: int = 8, depth: int = 3, n_channels: int = 1) -> keras.Model:
    """Build two compact networks, the second one seeing the photograph and the first one's map.

    After the little W-Net (Galdran et al. 2022), which is also told by its loss how good the first
    map is; here only the second map is judged.

    Args:
        width: filters of the first level of both, doubled at each of `depth` poolings.
        depth: poolings; input sides must be divisible by 2**depth.
        n_channels: image channels of the input.

    Returns:
        A model from float32 (n, height, width, n_channels) to (n, height, width, 1) in (0, 1).
    """
    first = compact_unet(width, depth, n_channels)
    second = compact_unet(width, depth, n_channels + 1)
    first.name, second.name = "first", "second"
    inputs = keras.Input((None, None, n_channels))
    outputs = second(layers.Concatenate()([inputs, first(inputs)]))
    return keras.Model(inputs, outputs, name="cascade_unet")


def _relative(
    name: str,
    relative: Callable[..., keras.Model] = article_unet,
    **how: bool,
) -> Callable[..., keras.Model]:
    """Return what builds a relative of the article's network for a preset."""

    def build(width: int, depth: int, n_channels: int) -> keras.Model:
        if (depth, n_channels) != (4, 1):
            problem = f"{name} has 4 poolings and 1 channel, not {depth} and {n_channels}"
            raise FundusError(problem, "change the preset, or choose another network")
        model = relative(None, width, **how)
        model.name = name
        return model

    return build


# The networks that a preset may name. To add one: a function of width, depth and n_channels that
# returns a model from float32 (n, h, w, n_channels) to (n, h, w, 1) in (0, 1), for any h and w that
# are multiples of 16, and a line here.
NETWORKS: dict[str, Callable[..., keras.Model]] = {
    "compact_unet": compact_unet,
    "residual_unet": residual_unet,
    "cascade_unet": cascade_unet,
    "article_unet": _relative("article_unet"),
    "original_unet": _relative("original_unet", original_unet),
    "dropout_and_norm_unet": _relative("dropout_and_norm_unet", dropout=True),
    "bare_unet": _relative("bare_unet", batch_norm=False),
    "open_head_unet": _relative("open_head_unet", two_relus=False),
    "original_open_head_unet": _relative(
        "original_open_head_unet",
        batch_norm=False,
        dropout=True,
        two_relus=False,
    ),
}
