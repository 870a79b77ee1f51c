"""Is this computer ready for the workbook? One line a question, OK or what to do."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from . import storage

DISK_GB = 3  # free space: what the notebooks make, and the run's page


def findings() -> Iterator[tuple[bool, str]]:
    """Check one thing after the other: is it well, and what was found, or what to do."""
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)  # TensorFlow has no wheels for others yet
    advice = "" if good else ": install Python 3.11, 3.12 or 3.13"
    yield good, f"Python {platform.python_version()}{advice}"

    for line in requires("fundus-utils") or []:  # the single list of packages, with their ranges
        wanted = Requirement(line)
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(wanted.name)
            good = wanted.specifier.contains(found, prereleases=True)
        except PackageNotFoundError:
            found, good = "is not installed", False
        advice = "" if good else f": {wanted.specifier} is wanted, run `make setup` again"
        yield good, f"{wanted.name} {found}{advice}"

    free = shutil.disk_usage(storage.PROJECT).free / 1e9
    good = free > DISK_GB
    yield good, f"{free:.0f} GB free on the disk" + ("" if good else f": {DISK_GB} GB are wanted")

    try:
        from . import datasets
        from .quiet import tf
    except Exception as error:  # whatever keeps a package from loading is what the reader asks
        yield False, f"a package does not load ({error}): run `make setup` again"
        return

    graphics = len(tf.config.list_physical_devices("GPU"))
    yield True, f"TensorFlow uses {os.cpu_count()} processor cores and {graphics} GPU"

    real = [name for name in datasets.SOURCES if name not in ("synthetic", "folder")]
    for name in real:  # none of them is needed
        try:
            yield True, f"{name}: {len(datasets.load_set(name, 'all'))} photographs"
        except (storage.FundusError, OSError):
            yield True, f"{name}: not here, and not needed; data/README.md says how to get it"


def report() -> bool:
    """Print every finding; return True if all is well."""
    well = True
    for good, text in findings():
        print("OK  " if good else "FAIL", text)
        well = well and good
    return well
