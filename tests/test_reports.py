"""One report for the command and the notebooks: what is in it, what it refuses, two models."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fundus_utils import reports
from fundus_utils.__main__ import main
from fundus_utils.calibration import SHARE
from fundus_utils.data import load_set
from fundus_utils.errors import FundusError
from fundus_utils.evaluation import MEASURES, evaluate_maps
from fundus_utils.prediction import predict_set
from fundus_utils.reports import Pair, Report, report_on
from fundus_utils.resampling import by_patient
from fundus_utils.seen import FITTED, SAME_PATIENT, seen_entries
from fundus_utils.trained_model import SHIPPED, load_model

NAMES = ["a", "b", "c", "d"]


def made(dice: list[float], patients: list[str], part: str = "test", seen: str = "") -> Report:
    """Return a report in which every measure of a photograph is the same number."""
    table = pd.DataFrame({name: dice for name in MEASURES}, index=NAMES[: len(dice)])
    table.insert(0, "patient", patients)
    table.insert(1, "seen", seen)
    return Report(
        set="folder",
        part=part,
        note="split by hand",
        threshold=0.5,
        threshold_source="highest Dice on two patients",
        pooled={name: 0.77 for name in MEASURES},
        photographs=table,
        warning="4 of 4 were seen" if seen else "",
    )


def test_pooled_mean_and_interval_stand_below_the_photographs() -> None:
    table = made([0.6, 0.8, 0.7, 0.7], ["p", "p", "q", "q"]).table
    assert list(table.index) == [*NAMES, "pooled", "mean", "mean, low", "mean, high"]
    assert table.loc["pooled", "dice"] == 0.77
    assert table.loc["mean", "dice"] == pytest.approx(0.7)
    # Both patients have the mean 0.7: whoever is drawn, it stays.
    assert table.loc["mean, low", "dice"] == pytest.approx(0.7)
    assert table.loc["mean, high", "dice"] == pytest.approx(0.7)


def test_measures_keep_the_photographs_order_and_what_is_undefined() -> None:
    label = np.array([[True, True, False, False]])
    everywhere = np.ones_like(label)
    good = np.array([[0.9, 0.8, 0.1, 0.2]], np.float32)
    none = np.zeros_like(good)
    items = [("b", label, good, everywhere), ("a", ~label & False, none, everywhere)]
    found = evaluate_maps(items, 0.5)
    photographs = by_patient(found["photographs"], {"a": "p", "b": "q"})
    shown = replace(made([1, 1], ["p", "q"]), photographs=photographs, pooled=found["pooled"]).table
    assert list(shown.index[:3]) == ["b", "a", "pooled"]
    assert tuple(shown.columns) == MEASURES
    assert shown.loc["b", "dice"] == 1
    assert math.isnan(shown.loc["a", "auc"])
    assert shown.loc["pooled"].to_dict() == found["pooled"]


def test_the_text_says_threshold_patients_split_and_what_was_seen() -> None:
    text = made([0.6, 0.8], ["p", "q"], seen="fitted").text
    for words in ("threshold 0.50", "highest Dice on two", "2 patients", "split by hand"):
        assert words in text
    for words in ("4 of 4 were seen", "fitted"):
        assert words in text
    assert "fitted" not in made([0.6, 0.8], ["p", "q"]).text


def test_a_report_becomes_json_and_rows() -> None:
    one = made([0.6, 0.8], ["p", "q"], seen="fitted")
    entries = json.loads(json.dumps(one.entries))
    assert entries["photographs"]["b"]["dice"] == 0.8
    assert entries["seen"] == {"a": "fitted", "b": "fitted"}
    assert entries["patients"] == 2 and entries["interval"]["auc"] == [0.6, 0.8]
    rows = one.rows("mine")
    assert list(rows["photograph"]) == ["a", "b"]
    assert set(rows["model"]) == {"mine"} and set(rows["dataset"]) == {"folder"}
    assert set(rows["note"]) == {"split by hand"} and set(rows["warning"]) == {"4 of 4 were seen"}


def test_two_models_are_compared_photograph_by_photograph() -> None:
    patients = ["p", "p", "q", "q"]
    pair = Pair(made([0.6, 0.8, 0.7, 0.7], patients), made([0.7, 0.8, 0.7, 0.9], patients))
    assert pair.table["dice"][:5].tolist() == pytest.approx([0.1, 0, 0, 0.2, 0.075])
    assert pair.table.loc["low", "dice"] == pytest.approx(0.05)
    assert pair.table.loc["high", "dice"] == pytest.approx(0.1)
    assert "no test is claimed" in pair.text and math.isnan(pair.table.loc["p_value", "dice"])
    assert pair.entries["auc"]["photographs"]["d"] == pytest.approx(0.2)


def test_different_photographs_are_not_compared() -> None:
    with pytest.raises(FundusError, match="folder test and folder train were measured"):
        Pair(made([0.6], ["p"]), made([0.6], ["p"], part="train"))


@pytest.fixture(scope="module")
def own(drawn_folder):
    """The reader's own folder of six drawn eyes."""
    return f"folder:{drawn_folder}"


def test_the_models_own_photographs_are_refused_or_marked(own: str) -> None:
    trained = load_model("drawn")
    test = load_set(own, "test")
    trained.card["seen"] = seen_entries([test[:1]], FITTED)
    with pytest.raises(FundusError, match=f"seen 2 of {len(test)} photographs"):
        report_on(trained, test, flips=False)
    found = report_on(trained, test, flips=False, seen=True)
    # The second photograph is the same patient's other eye.
    assert found.photographs["seen"].tolist() == [FITTED, SAME_PATIENT] + [""] * (len(test) - 2)
    assert "flatter" in found.warning


def test_a_photograph_called_like_a_sum_is_refused(own: str, monkeypatch) -> None:
    part = load_set(own, "test")[:1]
    monkeypatch.setattr(reports, "SUMS", (*reports.SUMS, part.names[0]))
    with pytest.raises(FundusError, match="like a row of the report"):
        report_on(load_model("drawn"), part, flips=False)
    assert {"pooled", "mean", "low", "p_value"} <= set(reports.SUMS)


def test_another_threshold_is_taken_and_its_source_is_told(own: str) -> None:
    trained = load_model("drawn")
    part = load_set(own, "test")[:2]
    low = report_on(trained, part, flips=False, threshold=0.2)
    high = report_on(trained, part, flips=False, threshold=0.9)
    assert low.pooled["sensitivity"] > high.pooled["sensitivity"]
    assert (low.threshold, high.threshold) == (0.2, 0.9)
    assert "given by hand" in low.text and low.pooled["auc"] == high.pooled["auc"]
    found = report_on(trained, part, flips=False, threshold="halfway")
    inside = [probability[fov] for _, _, probability, fov in predict_set(trained, part, False)]
    by_share = np.quantile(np.concatenate(inside), 1 - SHARE)
    assert found.threshold == pytest.approx((trained.threshold + by_share) / 2, abs=1e-4)
    assert "without a label; a guess from so few photographs (2)" in found.text


@pytest.mark.slow
def test_mirror_images_are_asked_for_or_left_out(own: str, capsys) -> None:
    shown = {}
    for words in ((), ("--flips",), ("--no-flips",)):
        assert main(["evaluate", "--set", own, "--model", "drawn", *words]) == 0
        shown[words] = capsys.readouterr().out
    assert shown["--no-flips",] == shown[()]  # the card of `drawn` says: one view
    assert "maps: of one view" in shown[()]
    assert "maps: the mean over four mirror images" in shown["--flips",]
    pooled = {words: re.search(r"^pooled .*$", said, re.M)[0] for words, said in shown.items()}
    assert pooled["--flips",] != pooled["--no-flips",]


def test_a_card_of_an_older_version_is_named(own: str) -> None:
    trained = load_model("drawn")
    del trained.card["seen"]
    found = report_on(trained, load_set(own, "test")[:1], flips=False)
    assert found.warning == reports.UNKNOWN


@pytest.mark.slow
def test_several_sets_two_models_json_and_csv_from_the_shell(own, tmp_path, capsys) -> None:
    chosen = ["--set", f"{own},{own}", "--model", "drawn", "--compare", "shipped", "--no-flips"]
    written = ["--json", str(tmp_path / "found.json"), "--csv", str(tmp_path / "found.csv")]
    assert main(["evaluate", *chosen, *written]) == 0
    said = capsys.readouterr().out
    assert "shipped - drawn" in said and "no test is claimed" in said
    one, _ = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["sets"]
    names = load_set(own, "test").names
    assert sorted(one["photographs"]) == sorted(names)
    difference = one["compared"]["differences"]["dice"]["photographs"]
    for name in names:
        first = one["photographs"][name]["dice"]
        second = one["compared"]["photographs"][name]["dice"]
        assert difference[name] == pytest.approx(second - first)
    rows = pd.read_csv(tmp_path / "found.csv")
    assert len(rows) == 2 * 2 * len(names)
    assert np.isfinite(rows["cldice"]).all()


def test_what_the_shipped_model_saw_is_refused_by_the_command(capsys) -> None:
    words = ["evaluate", "--set", "chase_db1", "--split", "validation", "--compare", "drawn"]
    assert main(words) == 1
    said = capsys.readouterr().err
    assert "shipped has seen 4 of 4" in said and "Image_09L (judged)" in said and "--seen" in said


def test_a_model_is_not_compared_with_itself(capsys) -> None:
    for name in ("shipped", str(SHIPPED), f"{SHIPPED}/"):
        assert main(["evaluate", "--set", "chase_db1", "--compare", name]) == 1
        assert "compared with itself" in capsys.readouterr().err


def test_an_empty_name_is_no_model(capsys) -> None:
    assert main(["evaluate", "--set", "chase_db1", "--model", ""]) == 1
    assert "card.json is missing" in capsys.readouterr().err
