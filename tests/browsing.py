"""What the tests in a real browser share: Chromium, a page that is watched, a server that answers.

`make test-browser` installs what they need besides Debian's Chromium.
"""

import contextlib
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from fundus_utils import storage

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
IN_A_BROWSER = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this computer"),
]
MOVE_SECONDS = 60  # at most, on a busy computer: it says that something moved, not how fast
START_SECONDS = 150
OWN = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "file:")


class Watched:
    """A page in the browser, and what went wrong on it."""

    def __init__(self, chromium: Any) -> None:
        context = chromium.new_context(viewport={"width": 1400, "height": 1600})
        self.page = context.new_page()
        self.page.set_default_timeout(1000 * START_SECONDS)
        self.errors: list[str] = []
        self.outside: list[str] = []
        self.page.on("pageerror", self.note_error)
        self.page.on("request", self.note_request)
        self.page.on("requestfailed", self.note_failure)

    def note_error(self, error: Any) -> None:
        if "Canceled future" not in str(error):  # JupyterLab's own, where a page closes
            self.errors.append(str(error))

    def note_request(self, request: Any) -> None:
        if not request.url.startswith(OWN):
            self.outside.append(request.url)

    def note_failure(self, request: Any) -> None:
        if request.failure == "csp" and request.url in self.outside:
            self.outside.remove(request.url)  # the page's own rules stopped it: it never left

    def wait_for_another(self, before: Any, look: Callable[[], Any]) -> Any:
        """Wait until `look()` is something else than `before`, and return it."""
        end = time.monotonic() + MOVE_SECONDS
        while time.monotonic() < end:
            now = look()
            if now != before:
                return now
            time.sleep(0.02)
        pytest.fail(f"nothing moved in {MOVE_SECONDS} seconds")

    def photograph(self, name: str) -> None:
        """Keep a picture of the page under `data/derived/screenshots/`, to be looked at."""
        shots = storage.derived_dir() / "screenshots"
        shots.mkdir(parents=True, exist_ok=True)
        number = len(list(shots.glob(f"{name}_*.png")))
        self.page.screenshot(path=shots / f"{name}_{number:02d}.png")

    def close(self, name: str) -> None:
        """Close the page; it fails the test if it had an error or asked for anything outside."""
        self.photograph(name)
        self.page.context.close()
        assert self.errors == []
        assert self.outside == []


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def serving(
    command: Sequence[str], address: str, asked: str, folder: Path, environment: Mapping[str, str]
) -> Iterator[str]:
    """Run a server as long as it is needed, from when it answers at `address + asked`."""
    log_path = folder.parent / f"{folder.name}.log"
    with log_path.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment)
    try:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(OSError), urllib.request.urlopen(address + asked, timeout=5):
                break
            time.sleep(0.5)
        else:
            pytest.fail(log_path.read_text(encoding="utf-8"))
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)
