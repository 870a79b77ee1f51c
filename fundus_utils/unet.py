"""The U-Net: the article's network, the one it was made from, and the course's compact one."""

from typing import Any

from .errors import FundusError
from .quiet import keras

layers = keras.layers


def _two_convolutions(x: Any, filters: int) -> Any:
    for _ in range(2):
        x = _convolution(x, filters, 3)
    return x


def _convolution(x: Any, filters: int, kernel: int, activation: str | None = "relu") -> Any:
    return layers.Conv2D(
        filters, kernel, activation=activation, padding="same", kernel_initializer="he_normal"
    )(x)


def article_unet(
    size: int | None = 512,
    width: int = 64,
    *,
    batch_norm: bool = True,
    dropout: bool = False,
    two_relus: bool = True,
) -> keras.Model:
    """Build the article's U-Net, or one of its relatives.

    Four poolings, two 3x3 ReLU convolutions a level, the skips taken before pooling, nearest
    upsampling with a 2x2 convolution, a two-filter 3x3 ReLU convolution and a 1x1 sigmoid.

    Args:
        size: side of the square input in pixels, divisible by 16; None for any such size.
        width: filters of the first level; the article's 64 gives 31,043,461 parameters.
        batch_norm: BatchNormalization after each pooling, after the lowest block and after each
            decoder block, as in the article.
        dropout: Dropout 0.5 after level 4 (its skip carries the dropped tensor) and after the
            lowest block, as in the original.
        two_relus: end the two-filter convolution with ReLU, as both do; False leaves it open.

    Returns:
        A model from float32 (n, size, size, 1) to float32 (n, size, size, 1) in (0, 1).

    Raises:
        FundusError: the size is not divisible by 16.
    """

    def norm(x: Any) -> Any:
        return layers.BatchNormalization()(x) if batch_norm else x

    def drop(x: Any) -> Any:
        return layers.Dropout(0.5)(x) if dropout else x

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
    x = _convolution(x, 2, 3, "relu" if two_relus else None)
    outputs = layers.Conv2D(1, 1, activation="sigmoid")(x)
    return keras.Model(inputs, outputs, name="article_unet")


def original_unet(size: int | None = 512, width: int = 64) -> keras.Model:
    """Build the network that the article very likely changed (zhixuhao/unet, 2019).

    The article names no source. This one agrees with its code in every layer but those that it says
    it changed: two Dropout layers instead of BatchNormalization. 31,031,685 parameters.

    Args and returns: see `article_unet`.
    """
    model = article_unet(size, width, batch_norm=False, dropout=True)
    model.name = "original_unet"
    return model


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
