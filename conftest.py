"""What nbval does not compare in any notebook: progress bars, written to standard error."""

import os

os.environ["FUNDUS_LIVE"] = "0"  # no figure may change while a cell runs


def pytest_collectstart(collector: object) -> None:
    """Leave standard error out of every comparison."""
    if getattr(collector, "skip_compare", None) is not None:
        collector.skip_compare += ("stderr",)
