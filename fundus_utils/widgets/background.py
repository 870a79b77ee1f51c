"""Work that goes on behind a widget: piece by piece, shown on a bar, ended by a button."""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import ipywidgets

Piece = TypeVar("Piece")


def in_a_line(error: BaseException) -> str:
    """Return what an error says, in one line without colours."""
    said = re.sub(r"\x1b\[[0-9;]*m", "", str(error)) or type(error).__name__
    return " ".join(said.split())


class Background(ipywidgets.HBox):
    """A bar and a button: one task at a time runs behind them, in a thread of its own."""

    def __init__(self, busy: Callable[[bool], None]) -> None:
        """Show an empty bar.

        Args:
            busy: called with True when a task begins and with False when it has ended.
        """
        self.bar = ipywidgets.IntProgress(min=0, max=1, layout={"width": "20em"})
        self.said = ipywidgets.Label()
        self.stop_button = ipywidgets.Button(description="stop", disabled=True)
        self.stop_button.on_click(self.stop)
        self.busy = busy
        self.is_running = False
        self.asked_to_stop = threading.Event()
        self.thread: threading.Thread | None = None
        super().__init__([self.bar, self.stop_button, self.said])

    def stop(self, _: Any = None) -> None:
        """Ask the task to end after the piece that it is at."""
        if self.is_running:
            self.asked_to_stop.set()
            self.said.value = "stopping ..."

    def wait(self) -> None:
        """Wait until the task has ended."""
        if self.thread is not None:
            self.thread.join()

    def start(self, task: Callable[[], str]) -> None:
        """Run a task, which returns what is said at its end; it goes through `pieces`.

        Nothing is begun while another one runs.
        """
        if self.is_running:
            return
        self.is_running = True
        self.asked_to_stop.clear()
        self.stop_button.disabled = False
        self.busy(True)
        self.thread = threading.Thread(target=self._run, args=[task], daemon=True)
        self.thread.start()

    def _run(self, task: Callable[[], str]) -> None:
        try:
            said = task()
        except Exception as error:  # a thread's error is seen by nobody
            said = f"it ended with an error: {in_a_line(error)}"
        self.stop_button.disabled = True
        self.bar.value = 0
        self.said.value = said
        self.is_running = False
        self.busy(False)

    def pieces(self, items: Sequence[Piece], said: Callable[[Piece], str]) -> Iterator[Piece]:
        """Go through the pieces of a task, and move the bar; the button ends it.

        Args:
            items: one for each piece.
            said: what stands beside the bar while a piece is worked on.
        """
        self.bar.max = len(items)
        for done, item in enumerate(items):
            if self.asked_to_stop.is_set():
                return
            self.bar.value = done
            self.said.value = f"{done + 1} of {len(items)}: {said(item)}"
            yield item
