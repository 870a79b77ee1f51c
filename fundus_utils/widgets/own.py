"""The app for one's own photographs: many at once, their maps, warnings, numbers, and a ZIP."""

import functools
import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ipywidgets

from .. import storage
from ..photograph import Bytes
from ..reading import Reading, numbers_of, read_one, unused_name, warnings_of, zip_files
from ..trained_model import DRAWN, SHIPPED, is_finished, load_model
from .background import Background, in_a_line
from .panels import Panel, dropdown, slider
from .readings import VIEWS, links_html, numbers_html, view_of_reading, warnings_html

SHOWN_SIDE = 768  # pixels: the height of the picture
EXAMPLE = "example"
HELD = "Photographs stay in this computer's memory, and are gone when the kernel ends."
ACCEPTED = "image/*,.tif,.tiff,.ppm,.gz"


def models_here() -> dict[str, Path]:
    """Return the models that can be chosen: the two of the package, and those trained here."""
    models = {SHIPPED.name: SHIPPED, DRAWN.name: DRAWN}
    for folder in sorted(storage.derived_dir().glob("*")):
        if is_finished(folder):
            models[f"./{folder.name}" if folder.name in models else folder.name] = folder
    return models


class OwnPhotographs(Panel):
    """Uploaded photographs, what a model finds in them, and what speaks against it."""

    def __init__(self, example: Path) -> None:
        """Read the example with the shipped model; it stands there until something is uploaded.

        Args:
            example: a photograph's file.
        """
        self.example = example
        self.trained = load_model(SHIPPED)
        self.trained_name = SHIPPED.name
        self.readings = self._example_alone()
        self.field = ipywidgets.FileUpload(
            accept=ACCEPTED,
            multiple=True,
            description="photographs",
        )
        self.forget_button = ipywidgets.Button(description="forget them all")
        self.models = models_here()
        self.model = dropdown("model", list(self.models))
        self.work = Background(self.set_busy)
        self.broken = ipywidgets.HTML()
        self.which = dropdown("photograph", list(self.readings))
        self.view = dropdown("show", VIEWS)
        self.until = slider("from the left (%)", 100, 0, 100, 5)
        self.cut = slider("threshold", self.trained.threshold, 0.01, 0.99, 0.01)
        self.warnings = ipywidgets.HTML()
        self.numbers = ipywidgets.HTML()
        self.pack_button = ipywidgets.Button(description="make a ZIP")
        self.links = ipywidgets.HTML()
        self.exchanging = False
        alt = "A photograph of the retina with its predicted vessels in cyan."
        controls = [self.which, self.view, self.until, self.cut]
        super().__init__(controls, self.drawn, alt, side=SHOWN_SIDE)
        self.picture.layout.align_self = "flex-start"  # at its own size, not stretched to the page
        self.example_picture = self.picture.value
        self.children = self._laid_out()
        self._listen()
        self.say()

    def _laid_out(self) -> tuple[Any, ...]:
        """Return all that is seen, from the top to the bottom."""
        return (
            ipywidgets.Label(HELD),
            ipywidgets.HBox([self.field, self.forget_button]),
            self.model,
            self.work,
            self.broken,
            self.which,
            self.view,
            self.until,
            self.cut,
            self.picture,
            self.warnings,
            self.numbers,
            ipywidgets.HBox([self.pack_button, self.links]),
        )

    def _listen(self) -> None:
        self.field.observe(self.take, names="value")
        self.model.observe(self.change_model, names="value")
        self.forget_button.on_click(self.forget)
        self.pack_button.on_click(self.pack)
        self.which.observe(self.say, names="value")
        self.cut.observe(self.say, names="value")
        self.cut.observe(self._drop_links, names="value")

    @property
    def chosen(self) -> Reading:
        """The photograph that is shown."""
        return self.readings[self.which.value]

    def drawn(self) -> Bytes:
        """Return the picture: a view on the left, the bare photograph on the right."""
        shown = view_of_reading(self.chosen, self.view.value, self.cut.value)
        border = round(self.until.value / 100 * shown.shape[1])
        shown[:, border:] = self.chosen.photograph[:, border:]
        return shown

    def redraw(self, _: Any = None) -> None:
        """Draw the picture anew, but not while the menu is being filled."""
        if not self.exchanging:
            super().redraw()

    def still(self) -> bytes:
        """Return the example's picture: no photograph of a reader's goes into a notebook's file."""
        return self.example_picture

    def say(self, _: Any = None) -> None:
        """Write warnings and numbers of the photograph that is shown."""
        if not self.exchanging:
            self.warnings.value = warnings_html(warnings_of(self.chosen, self.cut.value))
            self.numbers.value = numbers_html(numbers_of(self.chosen, self.cut.value))

    def _drop_links(self, _: Any = None) -> None:
        self.links.value = ""  # what they hold is not what is shown any more

    def set_busy(self, busy: bool) -> None:
        """Let nothing be begun while something runs; take what was uploaded meanwhile."""
        for control in (self.field, self.forget_button, self.model, self.pack_button):
            control.disabled = busy
        if not busy:
            self.take()

    @property
    def is_example(self) -> bool:
        """Whether nothing was uploaded yet."""
        return list(self.readings) == [EXAMPLE]

    def _example_alone(self) -> dict[str, Reading]:
        reading = read_one(self.trained, self.example.name, self.example.read_bytes())
        return {EXAMPLE: reading}

    def _exchange(self, readings: dict[str, Reading], name: str) -> None:
        """Take readings for the present ones, and show one of them."""
        before = self.chosen
        self.exchanging = True
        self.readings = self.readings | readings  # the menu still asks for the old ones
        self.which.options = list(readings)
        self.which.value = name
        self.readings = readings
        self.exchanging = False
        self._drop_links()
        if self.chosen is not before:
            self.redraw()
            self.say()

    def forget(self, _: Any = None) -> None:
        """Forget all photographs and show the example."""
        if self.work.is_running:
            return
        self.broken.value = ""
        self.work.said.value = ""
        self._exchange(self._example_alone(), EXAMPLE)

    def take(self, _: Any = None) -> None:
        """Take what was uploaded and read it in the background, one after another."""
        if not self.field.value or self.work.is_running:
            return
        taken: dict[str, memoryview] = {}
        for file in self.field.value:
            name = unused_name(file["name"], [EXAMPLE, *self.readings, *taken])
            taken[name] = file["content"]
        self.field.value = ()
        self.work.start(functools.partial(self._read, taken))

    def _read(self, files: Mapping[str, memoryview]) -> str:
        """Read new files; a broken one is named, and the others go on."""
        self.broken.value = ""
        done = 0
        for name in self.work.pieces(list(files), str):
            try:
                reading = read_one(self.trained, name, files[name])
            except Exception as error:  # it never ends the batch
                said = in_a_line(error)
                named = said if name in said else f"{name}: {said}"
                self.broken.value += f"<div>Not read: {html.escape(named)}</div>"
                continue
            kept, shown = ({}, name) if self.is_example else (self.readings, self.which.value)
            self._exchange(kept | {name: reading}, shown)
            done += 1
        return f"{done} of {len(files)} read"

    def change_model(self, _: Any = None) -> None:
        """Read all photographs again with the chosen model, or none of them."""
        model = self.model.value
        if self.work.is_running:
            self.model.value = self.trained_name
        elif model != self.trained_name:
            self.work.start(functools.partial(self._read_again, model))

    def _read_again(self, model: str) -> str:
        again: dict[str, Reading] = {}
        try:
            trained = load_model(self.models[model])
            for name in self.work.pieces(list(self.readings), str):
                content = self.readings[name].content
                again[name] = read_one(trained, self.readings[name].name, content)
        except Exception as error:  # a model of one's own may fail in any way
            self.model.value = self.trained_name
            return f"{model} cannot be used: {in_a_line(error)}"
        if len(again) < len(self.readings):  # stopped
            self.model.value = self.trained_name
            return f"stopped: the model is still {self.trained_name}"
        self.trained, self.trained_name = trained, model
        self._exchange(again, self.which.value)
        self.cut.value = trained.threshold
        return f"{len(again)} read by {model}"

    def pack(self, _: Any = None) -> None:
        """Make ZIP files in the background."""
        if not self.work.is_running:
            self._drop_links()
            self.work.start(functools.partial(self._pack, self.cut.value))

    def _pack(self, threshold: float) -> str:
        readings = list(self.readings.values())
        begun = self.work.pieces(readings, lambda one: one.name)
        archives = list(zip_files(begun, threshold, self.trained_name))
        if self.work.asked_to_stop.is_set():
            return "stopped: no ZIP was made"
        if self.cut.value != threshold:
            return "no ZIP: the threshold was moved while it was made"
        self.links.value = links_html(archives)
        return f"{len(readings)} in {len(archives)} ZIP"
