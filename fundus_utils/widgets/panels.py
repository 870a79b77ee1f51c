"""A picture under controls: drawn anew at each move, and left as it is where no kernel runs."""

import base64
import io
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
import numpy as np
from PIL import Image

SIDE = 512  # pixels: the height of a picture in a widget, and the width of each one in a row
STYLE = {"description_width": "9em"}


def as_jpeg(picture: np.ndarray, side: int = SIDE) -> bytes:
    """Encode a picture as JPEG, shrunk to at most `side` pixels of height.

    Args:
        picture: uint8 (H, W, 3), uint8 (H, W) or bool (H, W). Its width is at most `side` times the
            number of whole squares of side H that fit beside each other in it.
        side: in pixels.
    """
    if picture.dtype == bool:
        picture = picture.astype(np.uint8) * 255
    height, width = picture.shape[:2]
    squares = max(1, width // height)
    image = Image.fromarray(picture)
    image.thumbnail((side * squares, side))
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=80)
    return buffer.getvalue()


class Panel(ipywidgets.VBox):
    """Controls over one picture; where no kernel runs, the picture and its text stay."""

    def __init__(
        self,
        controls: Sequence[Any],
        draw: Callable[[], np.ndarray],
        alt: str,
        message: ipywidgets.Label | None = None,
        side: int = SIDE,
    ) -> None:
        """Show `draw()` under the controls, anew whenever one of them changes.

        Args:
            controls: their `value` is watched.
            draw: returns the picture for the controls' present values.
            alt: the picture in words.
            message: a line of text under the picture, which `draw` may change.
            side: the picture's greatest height in pixels.
        """
        self.side = side
        self.picture = ipywidgets.Image(value=as_jpeg(draw(), side), format="jpeg")
        self.picture.layout.max_width = "100%"
        self.draw = draw
        self.alt = alt
        for control in controls:
            control.observe(self.redraw, names="value")
        under = [] if message is None else [message]
        super().__init__([*controls, self.picture, *under])

    def redraw(self, _: Any = None) -> None:
        """Draw the picture for the controls' present values."""
        self.picture.value = as_jpeg(self.draw(), self.side)

    def still(self) -> bytes:
        """Return the picture that stays where no kernel runs, as JPEG."""
        return self.picture.value

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict]:
        bundle = super()._repr_mimebundle_(**kwargs) or {}
        still = base64.b64encode(self.still()).decode()
        bundle |= {"text/plain": self.alt, "image/jpeg": still}
        return bundle, {"image/jpeg": {"alt": self.alt}}


def slider(label: str, value: float, low: float, high: float, step: float) -> Any:
    """Return a slider with its label beside it; it answers when it is let go, or to arrow keys."""
    return ipywidgets.FloatSlider(
        value=value,
        min=low,
        max=high,
        step=step,
        description=label,
        style=STYLE,
        continuous_update=False,
    )


def dropdown(label: str, options: Sequence[str]) -> Any:
    """Return a menu with its label beside it."""
    return ipywidgets.Dropdown(description=label, options=options, style=STYLE)
