"""The U-Net: the article's network, the one it was made from, and the course's compact one."""

from collections.abc import Callable
from typing import Any

from .errors import FundusError
from .quiet import keras

layers = keras.layers


def _two_convolutions(x: Any, filters: int) -> Any:
    for _ in range(2):
        x = _convolution(x, filters, 3)
    return x


def _convolution(x: Any, filters: int, kernel: int) -> Any:
    return layers.Conv2D(
        filters, kernel, activation="relu", padding="same", kernel_initializer="he_normal"
    )(x)


def article_unet(size: int | None = 512, width: int = 64, original: bool = False) -> keras.Model:
    """Build the article's U-Net, or the original that it modified (zhixuhao/unet, 2019).

    Four poolings, two 3x3 ReLU convolutions a level, the skips taken before pooling, nearest
    upsampling with a 2x2 convolution, a two-filter 3x3 ReLU convolution and a 1x1 sigmoid.
    The article's has BatchNormalization after each pooling, after the lowest block and after
    each decoder block. The original has none, but Dropout 0.5 after level 4 (its skip carries
    the dropped tensor) and after the lowest block.

    Args:
        size: side of the square input in pixels, divisible by 16; None for any such size.
        width: filters of the first level; the article's 64 gives 31,043,461 parameters, the
            original 31,031,685.
        original: build the original.

    Returns:
        A model from float32 (n, size, size, 1) to float32 (n, size, size, 1) in (0, 1).

    Raises:
        FundusError: the size is not divisible by 16.
    """

    def norm(x: Any) -> Any:
        return x if original else layers.BatchNormalization()(x)

    def drop(x: Any) -> Any:
        return layers.Dropout(0.5)(x) if original else x

    check_size(size or 16, size or 16)
    inputs = x = keras.Input((size, size, 1))
    skips = []
    for level in range(4):
        x = _two_convolutions(x, width * 2**level)
        x = drop(x) if level == 3 else x
        skips.append(x)
        x = norm(layers.MaxPooling2D(2)(x))
    x = norm(drop(_two_convolutions(x, width * 16)))
    for level in reversed(range(4)):
        x = _convolution(layers.UpSampling2D(2)(x), width * 2**level, 2)
        x = layers.Concatenate()([skips[level], x])
        x = norm(_two_convolutions(x, width * 2**level))
    x = _convolution(x, 2, 3)
    outputs = layers.Conv2D(1, 1, activation="sigmoid")(x)
    return keras.Model(inputs, outputs, name="original_unet" if original else "article_unet")


def compact_unet(width: int = 8, depth: int = 3, n_channels: int = 1) -> keras.Model:
    """Build the network that this course trains: small enough for a laptop's processor.

    Every 3x3 convolution is followed by BatchNormalization and ReLU, the skips carry normalized
    tensors, and nothing stands between the last block and the sigmoid, so no ReLU can die there.

    Args:
        width: filters of the first level, doubled at each of `depth` poolings.
        depth: poolings; input sides must be divisible by 2**depth.
        n_channels: image channels of the input.

    Returns:
        A model from float32 (n, height, width, n_channels) to (n, height, width, 1) in (0, 1).
    """

    def block(x: Any, filters: int) -> Any:
        for _ in range(2):
            x = layers.Conv2D(
                filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal"
            )(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
        return x

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
    return keras.Model(inputs, outputs, name="compact_unet")


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


def _article(width: int, depth: int, n_channels: int) -> keras.Model:
    """Build the article's network for a preset, which must ask for what it can be."""
    if (depth, n_channels) != (4, 1):
        problem = (
            f"the article's network has 4 poolings and 1 channel, not {depth} and {n_channels}"
        )
        raise FundusError(problem, "change the preset, or choose another network")
    return article_unet(None, width)


# The networks that a preset may name. To add one: a function of width, depth and n_channels that
# returns a model from float32 (n, h, w, n_channels) to (n, h, w, 1) in (0, 1), for any h and w that
# are multiples of 16, and a line here.
NETWORKS: dict[str, Callable[..., keras.Model]] = {
    "compact_unet": compact_unet,
    "residual_unet": residual_unet,
    "cascade_unet": cascade_unet,
    "article_unet": _article,
}


def check_size(height: int, width: int, depth: int = 4) -> None:
    """Raise FundusError unless both sides can be halved `depth` times without a remainder."""
    step = 2**depth
    for side in (height, width):
        if side > 0 and side % step == 0:
            continue
        below = side // step * step
        above = max(step, -(-side // step) * step)
        problem = f"a side of {side} pixels cannot be halved {depth} times"
        crop = f" or crop it to {below}" if below > 0 else ""
        raise FundusError(problem, f"the skips would not fit. Pad it to {above}{crop}")


def receptive_field(depth: int, article: bool = False) -> int:
    """Return the side, in input pixels, of the square that one output pixel can see.

    Each k x k convolution at level l adds (k - 1) 2^l pixels, each pooling adds 2^l. This is the
    mean over all positions: by where it lies on the poolings' grid a pixel sees some more or fewer
    (92 or 100 with 3 poolings, never 2^depth more or fewer).

    Args:
        depth: poolings; two 3x3 convolutions a level.
        article: also count the article's 2x2 convolutions after upsampling and its last 3x3 one.
    """
    levels = sum(2**level for level in range(depth))  # a pixel at each level but the lowest
    encoder = 4 * levels + levels  # two 3x3 convolutions and a pooling a level
    lowest = 4 * 2**depth
    decoder = 4 * levels
    extra = levels + 2 if article else 0
    return 1 + encoder + lowest + decoder + extra
