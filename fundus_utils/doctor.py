"""Is this computer ready for the workbook? One line a question, OK or what to do."""

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from . import datasets, storage
from .storage import FundusError

Finding = tuple[bool, str]
DISK_GB = 3  # free space: what the notebooks make, and the run's page


def check_python() -> Finding:
    """Python 3.11 to 3.13: TensorFlow has no wheels for others yet."""
    found = ".".join(map(str, sys.version_info[:3]))
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return good, f"Python {found}" + ("" if good else ": install Python 3.11, 3.12 or 3.13")


def check_packages() -> Iterator[Finding]:
    """Every package of the single list, in the range that it names."""
    for line in requires("fundus-utils") or []:
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            yield False, f"{requirement.name} is not installed: run `make setup` again"
            continue
        good = requirement.specifier.contains(found, prereleases=True)
        wanted = "" if good else f": {requirement.specifier} is wanted, run `make setup` again"
        yield good, f"{requirement.name} {found}{wanted}"


def check_disk() -> Finding:
    """Room for what the notebooks make."""
    free = shutil.disk_usage(storage.PROJECT).free / 1e9
    good = free > DISK_GB
    return good, f"{free:.0f} GB free on the disk" + ("" if good else f": {DISK_GB} GB are wanted")


def check_device() -> Finding:
    """The device that TensorFlow will use."""
    from .quiet import tf

    graphics = tf.config.list_physical_devices("GPU")
    names = f"{len(graphics)} GPU" if graphics else f"{os.cpu_count()} processor cores, no GPU"
    return True, f"TensorFlow uses {names}"


def check_sets() -> Iterator[Finding]:
    """Which real data sets are there; none of them is needed."""
    for name in datasets.SOURCES:
        if name in ("synthetic", "folder"):
            continue
        try:
            found = len(datasets.load_set(name, "all"))
            yield True, f"{name}: {found} photographs"
        except FundusError as error:
            yield True, f"{name}: not here, not needed ({error})"


def report() -> bool:
    """Print every finding; return True if all is well."""
    findings = [check_python(), *check_packages(), check_disk(), check_device(), *check_sets()]
    for good, text in findings:
        print("OK  " if good else "FAIL", text)
    return all(good for good, _ in findings)
