"""A model measured on a part of a data set: one report, for the command and the notebooks alike."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from .calibration import HALFWAY, few_warning, halfway_threshold
from .data import FundusSet
from .errors import FundusError
from .evaluation import MEASURES, evaluate_maps
from .prediction import predict_set
from .resampling import MIN_PATIENTS, Comparison, by_patient, mean_interval, paired
from .seen import is_kept, met_again, refuse_seen
from .trained_model import TrainedModel

SUMMARY = ("mean", "low", "high", "p_value")  # of `resampling.Comparison`: its last rows here
# No photograph may be called like a row that sums up.
SUMS = ("pooled", "mean", "mean, low", "mean, high", *SUMMARY)
UNKNOWN = "its card does not say which photographs it has seen: an older version trained it"


@dataclass(frozen=True)
class Report:
    """What a model reaches on a part of a data set, inside the field of view.

    set, part, note: those of the `FundusSet`. threshold: the model's, or another. pooled: each
    measure over all pixels. photographs: a row a photograph, with the columns patient, seen (how
    the model has seen it before, "" where it has not, see `seen.met_again`) and each of MEASURES.
    warning: what makes the figures doubtful, or "". flips: whether the maps are means over four
    mirror images.
    """

    set: str
    part: str
    note: str
    threshold: float
    threshold_source: str
    pooled: dict[str, float]
    photographs: pd.DataFrame
    warning: str
    flips: bool = False

    @property
    def table(self) -> pd.DataFrame:
        """The measures: a row a photograph, then pooled, the mean, and its interval.

        The interval is 95 % wide and resamples patients, see `resampling.mean_interval`.
        """
        intervals = {name: mean_interval(self.photographs, name) for name in MEASURES}
        rows = self.photographs[list(MEASURES)].copy()
        rows.loc["pooled"] = pd.Series(self.pooled)
        rows.loc["mean"] = {name: one.mean for name, one in intervals.items()}
        rows.loc["mean, low"] = {name: one.low for name, one in intervals.items()}
        rows.loc["mean, high"] = {name: one.high for name, one in intervals.items()}
        return rows

    @property
    def text(self) -> str:
        """The table, and under which protocol it was made."""
        n_patients = self.photographs["patient"].nunique()
        shown = self.table
        if self.warning:
            shown.insert(0, "seen", self.photographs["seen"].reindex(shown.index, fill_value=""))
        lines = [
            f"{self.set}, part {self.part!r}:",
            shown.to_string(float_format="{:.4f}".format),
            f"inside the field of view, threshold {self.threshold:.2f}",
            f"the threshold: {self.threshold_source}",
            f"maps: {'the mean over four mirror images' if self.flips else 'of one view'}",
            f"low and high: 95 % interval of the mean, resampled over {n_patients} patients",
            self.note,
            self.warning,
        ]
        return "\n".join(line for line in lines if line)

    @property
    def entries(self) -> dict[str, Any]:
        """The report as JSON takes it."""
        table = self.table
        marks = self.photographs["seen"]
        intervals = {
            name: [table.loc["mean, low", name], table.loc["mean, high", name]] for name in MEASURES
        }
        return {
            "dataset": self.set,
            "split": self.part,
            "note": self.note,
            "warning": self.warning,
            "threshold": self.threshold,
            "threshold_source": self.threshold_source,
            "flips": self.flips,
            "patients": int(self.photographs["patient"].nunique()),
            "seen": marks[marks != ""].to_dict(),
            "pooled": self.pooled,
            "mean": table.loc["mean"].to_dict(),
            "interval": intervals,
            "photographs": self.photographs[list(MEASURES)].to_dict("index"),
        }

    def rows(self, model: str) -> pd.DataFrame:
        """Return a row a photograph for a table of many sets and models."""
        found = self.photographs.rename_axis("photograph").reset_index()
        found.insert(0, "model", model)
        found.insert(1, "dataset", self.set)
        found.insert(2, "split", self.part)
        found["note"] = self.note
        found["warning"] = self.warning
        return found


def report_on(
    trained: TrainedModel,
    part: FundusSet,
    *,
    flips: bool | None = None,
    seen: bool = False,
    progress: bool = False,
    threshold: float | str | None = None,
) -> Report:
    """Measure a model on a part of a data set.

    Args:
        trained: the model.
        part: photographs with labels.
        flips: see `prediction.predict_map`.
        seen: measure also what the model has seen before, and mark it.
        progress: show a bar.
        threshold: the model's own by default; a number; or `halfway`, found on the maps of this
            part without its labels, see `calibration.halfway_threshold`, so that each map is made
            twice.

    Raises:
        FundusError: the model has seen some of it and `seen` is False; a photograph has no label,
            or the name of a row that sums up.
    """
    taken = sorted(set(part.names) & set(SUMS))
    if taken:
        problem = f"a photograph of {part.name} is called {taken[0]!r}, like a row of the report"
        raise FundusError(problem, "rename it and its label")
    known = met_again(trained.card, part)
    if not seen:
        refuse_seen(known, part)
    cut, source = _threshold_of(trained, part, flips, progress, threshold)
    maps = predict_set(trained, part, flips, progress)
    found = evaluate_maps(maps, cut)
    patients = {record.name: record.patient for record in part.records}
    table = by_patient(found["photographs"], patients)
    table.insert(1, "seen", known.reindex(table.index).fillna(""))
    return Report(
        set=part.name,
        part=part.part,
        note=part.note,
        threshold=cut,
        threshold_source=source,
        pooled=found["pooled"],
        photographs=table,
        warning=_warning(trained, known, part),
        flips=trained.flips if flips is None else flips,
    )


def _threshold_of(
    trained: TrainedModel,
    part: FundusSet,
    flips: bool | None,
    progress: bool,
    wanted: float | str | None,
) -> tuple[float, str]:
    """Return the threshold at which a model is measured, and where it comes from."""
    own = trained.threshold
    if wanted is None:
        return own, trained.card.get("threshold_source", "where it comes from is not known")
    if wanted != HALFWAY:
        return float(wanted), f"given by hand, the model's own is {own:.2f}"
    maps = predict_set(trained, part, flips, progress)
    source = f"halfway from the model's {own:.2f} to that of a tenth of all pixels, without a label"
    if warning := few_warning(len(part)):
        source += f"; {warning}"
    return halfway_threshold((found[fov] for _, _, found, fov in maps), own), source


def _warning(trained: TrainedModel, known: pd.Series, part: FundusSet) -> str:
    if len(known):
        return f"{len(known)} of {len(part)} photographs were seen before: these figures flatter"
    return "" if is_kept(trained.card) else UNKNOWN


@dataclass(frozen=True)
class Pair:
    """Two models on the same photographs; differences are second - first.

    Raises:
        FundusError: the reports are about different parts.
    """

    first: Report
    second: Report

    def __post_init__(self) -> None:
        """Check that the two can be compared."""
        parts = [(one.set, one.part) for one in (self.first, self.second)]
        if parts[0] != parts[1]:
            problem = f"{' '.join(parts[0])} and {' '.join(parts[1])} were measured"
            raise FundusError(problem, "compare two models on the same photographs")

    @property
    def comparisons(self) -> dict[str, Comparison]:
        """By measure, see `resampling.paired`."""
        first = self.first.photographs
        second = self.second.photographs
        return {name: paired(first, second, name) for name in MEASURES}

    @property
    def table(self) -> pd.DataFrame:
        """The differences by photograph, then their mean, its interval, and the p value."""
        found = self.comparisons
        rows = pd.DataFrame({name: one.differences for name, one in found.items()})
        for entry in SUMMARY:
            rows.loc[entry] = {name: getattr(one, entry) for name, one in found.items()}
        return rows

    @property
    def text(self) -> str:
        """The table, and what it can say."""
        any_one = self.comparisons[MEASURES[0]]
        lines = [self.table.to_string(float_format="{:+.4f}".format)]
        lines.append(f"low and high: 95 % interval, resampled over {any_one.patients} patients")
        if any_one.patients < MIN_PATIENTS:
            lines.append(f"fewer than {MIN_PATIENTS} patients: no test is claimed")
        else:
            lines.append("p_value: Wilcoxon's signed-rank test on the patients' mean differences")
        return "\n".join(lines)

    @property
    def entries(self) -> dict[str, Any]:
        """The comparison as JSON takes it: by measure, mean, low, high, p_value, differences."""
        found = {}
        for name, one in self.comparisons.items():
            found[name] = {entry: getattr(one, entry) for entry in SUMMARY}
            found[name]["photographs"] = one.differences.to_dict()
        return found
