"""Is this computer ready, or a reader's own data? One line a question, OK or what to do."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from . import storage
from .errors import FundusError

DISK_GB = 3  # free space: what the notebooks make, and the run's page


Finding = tuple[bool, str]  # is it well, and what was found, or what to do


def _python() -> Finding:
    good = (3, 11, 4) <= sys.version_info < (3, 14)  # TensorFlow has no wheels for later ones yet
    advice = "" if good else ": install Python 3.11.4 or later, 3.12 or 3.13"
    return good, f"Python {platform.python_version()}{advice}"


def _packages() -> Iterator[Finding]:
    """Compare what is installed with the single list of packages and their ranges."""
    try:
        lines = requires("fundus-utils") or []
    except PackageNotFoundError:
        yield False, "fundus-utils itself is not installed: run `make setup`"
        return
    for line in lines:
        wanted = Requirement(line)
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            yield False, f"{wanted.name} is not installed: run `make setup` again"
            continue
        good = wanted.specifier.contains(found, prereleases=True)
        advice = "" if good else f": {wanted.specifier} is wanted, run `make setup` again"
        yield good, f"{wanted.name} {found}{advice}"


def _disk() -> Finding:
    free = shutil.disk_usage(storage.PROJECT).free / 1e9
    good = free > DISK_GB
    advice = "" if good else f": {DISK_GB} GB are wanted"
    return good, f"{free:.0f} GB free on the disk{advice}"


def _sets() -> Iterator[Finding]:
    """Say which of the real sets are here; only that which comes with the project must be."""
    from .data import SOURCES, load_set

    for name in SOURCES:
        if name in ("synthetic", "folder"):
            continue
        try:
            yield True, f"{name}: {len(load_set(name, 'all'))} photographs"
        except (FundusError, OSError) as error:
            if SOURCES[name].comes_along:
                reason = getattr(error, "problem", error)
                yield False, f"{name}: {reason}; it comes with the project: get the project again"
                continue
            if SOURCES[name].find_folder().is_dir():
                yield True, f"{name}: not whole, and not needed; {getattr(error, 'problem', error)}"
                continue
            yield True, f"{name}: not here, and not needed; data/README.md says how to get it"


def findings() -> Iterator[Finding]:
    """Check one thing after the other: is it well, and what was found, or what to do."""
    yield _python()
    yield from _packages()
    yield _disk()
    try:
        from . import data  # noqa: F401  (does it load?)
        from .quiet import tf
    except Exception as error:  # whatever keeps a package from loading is what the reader asks
        yield False, f"a package does not load ({error}): run `make setup` again"
        return
    graphics = len(tf.config.list_physical_devices("GPU"))
    yield True, f"TensorFlow uses {os.cpu_count()} processor cores and {graphics} GPU"
    yield from _sets()


def report() -> bool:
    """Print every finding; return True if all is well."""
    well = True
    for good, text in findings():
        print("OK  " if good else "FAIL", text)
        well = well and good
    return well


def report_folders(photographs: Path, labels: Path | None = None) -> bool:
    """Examine a reader's photographs, with their labels if there are any, and print every finding.

    Returns True if nothing but notes was found.

    Args:
        photographs: the folder of the photographs.
        labels: the folder of their labels.

    Raises:
        FundusError: as `data.examination.examine`.
    """
    from .data.examination import examine
    from .data.own_folder import name_the_rest, pictures_of
    from .quality import photograph_warnings

    # What keeps a map from being read does no harm to a training, and is not asked about there.
    look = photograph_warnings if labels is None else None
    found = examine(photographs, labels, progress=True, look=look)
    for folder in (photographs, labels):
        if folder is not None:
            name_the_rest(folder, pictures_of(folder))
    for fault in found.faults:
        print("NOTE" if fault.note else "FAIL", fault)
    count = sum(not fault.note for fault in found.faults)
    verdict = f"findings: {count}" if count else "nothing was found"
    examined = f"photographs examined: {found.photographs}, without labels"
    if labels is not None:
        examined = f"pairs examined: {found.pairs}"
    print("FAIL" if count else "OK  ", f"{examined}, {verdict}")
    return count == 0
