"""Studies: each row once, whatever stops them, and the file's mistakes named."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from test_training import equal, weights_of

from fundus_utils import results, storage
from fundus_utils.__main__ import main
from fundus_utils.augmentation import Ranges
from fundus_utils.data import load_set
from fundus_utils.errors import FundusError
from fundus_utils.synthetic import SICK
from fundus_utils.trained_model import DRAWN, is_finished, load_model
from fundus_utils.training import study, study_file
from fundus_utils.training.ancestry import weights_checksum
from fundus_utils.training.study_file import commit_of, read_study
from fundus_utils.training.study_left import left_of, seconds_left
from fundus_utils.training.study_parts import is_here, parts_of

TINY_STUDY = """
sets = ["folder:{folder}"]
preset = "lesson"
steps = 20
seeds = [0, 1]
tests = ["folder:{folder} validation"]

[[training]]
name = "first"
changes = {{ width = 2, depth = 1, crop = 32, fov_diameter = 96, normalization = "photograph" }}

[[training]]
name = "second"
seeds = [5]
steps = 10
photographs = 1
changes = {{ width = 2, depth = 1, crop = 32, fov_diameter = 96, normalization = "photograph" }}
"""
# As `python -m fundus_utils study FILE`, which would wait for all that runs beside it.
STUDY_AT_FULL_PRIORITY = """
import os, sys
os.nice = lambda more: 0
from fundus_utils.__main__ import main
sys.exit(main(["study", sys.argv[1]]))
"""
# What differs from run to run.
TIMES = ["seconds", "load", "date"]


@pytest.fixture
def file(drawn_folder, tmp_path, monkeypatch):
    """A study of three trainings, in a folder of its own."""
    monkeypatch.setenv("FUNDUS_DERIVED", str(tmp_path / "derived"))
    monkeypatch.setattr(os, "nice", lambda more: 0)  # the tests keep their priority
    path = tmp_path / "tiny.toml"
    path.write_text(TINY_STUDY.format(folder=drawn_folder), encoding="utf-8")
    return path


def row_of(name, seed, **more):
    return {"name": name, "seed": seed, "steps": 10, "key": "0123456789"} | more


def changed(file, old, new):
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_the_top_counts_unless_a_training_says_otherwise(file):
    one, two, three = read_study(file)
    assert [(t.name, t.seed, t.steps, t.photographs) for t in (one, two, three)] == [
        ("first", 0, 20, None),
        ("first", 1, 20, None),
        ("second", 5, 10, 1),
    ]
    assert one.preset.width == 2 and one.preset.learning_rate == 1e-2
    assert one.key == two.key != three.key


def test_with_a_turn_each_seed_is_another_choice_of_photographs(file):
    plain = {one.key for one in read_study(file)}
    changed(file, "photographs = 1", "photographs = 2\nseeds = [0, 1, 2]")
    changed(file, "seeds = [5]\n", "")
    changed(file, 'preset = "lesson"', 'preset = "lesson"\nturn = 1')
    few = [one for one in read_study(file) if one.name == "second"]
    chosen = [[part.names for part in one.learned_from] for one in few]
    names = load_set(few[0].sets[0], "train").names  # of two patients
    assert chosen == [[names[:2]], [names[2:]], [names[:2]]]
    assert plain.isdisjoint(one.key for one in few)


@pytest.fixture(scope="module")
def whole(drawn_folder, tmp_path_factory):
    """A study that was run, first its second training alone: its file, what was made, both tables.

    The tests change neither.
    """
    folder = tmp_path_factory.mktemp("whole")
    path = folder / "tiny.toml"
    path.write_text(TINY_STUDY.format(folder=drawn_folder), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("FUNDUS_DERIVED", str(folder / "derived"))
        patched.setattr(os, "nice", lambda more: 0)
        study.run_study(path, only="second")
        first = path.with_suffix(".csv").read_bytes()
        study.run_study(path)
    return SimpleNamespace(file=path, derived=folder / "derived", first=first)


@pytest.mark.slow
def test_each_row_is_written_once_and_nothing_is_run_again(whole, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FUNDUS_DERIVED", str(whole.derived))
    monkeypatch.setattr(os, "nice", lambda more: 0)
    file = whole.file
    alone = tmp_path / "alone.csv"
    alone.write_bytes(whole.first)
    table = results.read_table(alone)
    assert table[["name", "seed", "steps"]].values.tolist() == [["second", 5, 10]]
    first_line = whole.first.splitlines()[1]
    table = results.read_table(file.with_suffix(".csv"))
    assert table["seed"].tolist() == [5, 0, 1] and table["parameters"].nunique() == 1
    part = f"{read_study(file)[0].tests[0]}"
    for measure in study.MEASURED:
        assert table[f"{part} {measure}"].between(-1, 1).all()
    assert "was given, which flatters" in table["threshold_source"][0]  # one patient, no ancestor
    assert (table["seconds"] > 0).all() and table["versions"].str.contains("tensorflow").all()
    assert file.with_suffix(".csv").read_bytes().splitlines()[1] == first_line
    monkeypatch.setattr(study, "run_training", lambda *_: pytest.fail("run again"))
    study.run_study(file)
    assert left_of(file) == [] and seconds_left(file) == 0
    capsys.readouterr()
    assert main(["study", str(file), "--list"]) == 0
    assert capsys.readouterr().out == "nothing is left\n"


def models_of(derived):
    return sorted((derived / "studies" / "tiny").glob("*/model"))


@pytest.mark.slow
def test_killed_at_random_moments_each_row_comes_once_with_the_same_weights(file, whole, tmp_path):
    expected = results.read_table(whole.file.with_suffix(".csv"))
    expected = pd.concat([expected[1:], expected[:1]], ignore_index=True)  # in the file's order
    whole_models = models_of(whole.derived)
    environment = os.environ | {"FUNDUS_DERIVED": str(tmp_path / "killed")}
    command = [sys.executable, "-c", STUDY_AT_FULL_PRIORITY, str(file)]
    rng = random.Random(time.time())
    for _ in range(2):  # a start takes some seconds; later moments of it lie in the trainings
        process = subprocess.Popen(
            command, cwd=storage.PROJECT, env=environment, stderr=subprocess.DEVNULL
        )
        time.sleep(rng.uniform(4, 12))
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(
        command,
        cwd=storage.PROJECT,
        env=environment,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    parts = results.read_table(file.with_suffix(".csv"))
    pd.testing.assert_frame_equal(parts.drop(columns=TIMES), expected.drop(columns=TIMES))
    killed_models = models_of(tmp_path / "killed")
    assert len(killed_models) == len(whole_models) == 3
    for one, other in zip(whole_models, killed_models, strict=True):
        assert equal(weights_of(one), weights_of(other))


@pytest.mark.slow
def test_what_older_code_has_left_is_trained_anew(file, tmp_path, monkeypatch):
    (one,) = [t for t in read_study(file) if t.name == "second"]
    rows = study.run_training(one, tmp_path / "run")
    again = study.run_training(one, tmp_path / "run")
    assert again[0]["seconds"] == rows[0]["seconds"]  # not trained
    trained = []
    monkeypatch.setattr(study, "train", lambda *_, **__: trained.append(True))
    monkeypatch.setattr(storage, "sources", lambda names: {"unet.py": "another"})
    with pytest.raises(AttributeError):  # the stand-in returns no model
        study.run_training(one, tmp_path / "run")
    assert trained == [True]


BEGUN = 'seeds = [1]\nsteps = 10\npreset = "quick"'
BEGINS_WITH = f'{BEGUN}\nbegins_with = "first"'


def test_a_training_begins_with_another_of_its_seed_and_changes_with_it(file):
    changed(file, "seeds = [5]\nsteps = 10", BEGUN)
    changed(file, "width = 2, depth = 1", 'start = "nothing", width = 2, depth = 1')
    alone = read_study(file)[-1].key
    changed(file, 'start = "nothing", ', "")
    changed(file, BEGUN, BEGINS_WITH)
    _, of_its_seed, second = read_study(file)
    assert second.begins_with == of_its_seed
    assert second.preset.start == "nothing"  # not the drawn eyes of `quick`
    before = second.key
    assert before != alone
    changed(file, 'name = "first"', 'name = "first"\nsteps = 30')
    assert read_study(file)[-1].key != before


@pytest.mark.slow
def test_what_a_training_begins_with_is_trained_once_and_its_weights_are_kept(file, tmp_path):
    changed(file, "seeds = [5]\nsteps = 10", BEGINS_WITH)
    study.run_study(file, only="second")
    table = results.read_table(file.with_suffix(".csv"))
    assert table[["name", "seed"]].values.tolist() == [["second", 1]]
    assert "that of first: nobody" in table["threshold_source"][0]  # by its name
    models = {}
    for folder in models_of(tmp_path / "derived"):
        models[len(storage.load_json(folder / "card.json")["ancestors"])] = folder
    (ancestor,) = storage.load_json(models[1] / "card.json")["ancestors"]
    assert ancestor["name"] == "first"
    assert ancestor["weights"] == weights_checksum(load_model(models[0]).model)
    made = (models[0] / "model.keras").stat().st_mtime_ns
    study.run_study(file)  # the others, of which one is trained already
    assert len(results.read_table(file.with_suffix(".csv"))) == 3
    assert (models[0] / "model.keras").stat().st_mtime_ns == made


@pytest.mark.slow
def test_stopped_in_the_training_that_it_begins_with_it_ends_with_the_same_weights(
    file, tmp_path, monkeypatch
):
    changed(file, "seeds = [5]\nsteps = 10", BEGINS_WITH)
    second = read_study(file)[-1]
    study.run_training(second, tmp_path / "whole" / "second")

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(study.Clock, "stop", stop)  # called after the first epoch
        with pytest.raises(KeyboardInterrupt):
            study.run_training(second, tmp_path / "stopped" / "second")
    (begun,) = (tmp_path / "stopped").glob("*/model")
    assert begun.parent.name != "second" and not is_finished(begun)
    study.run_training(second, tmp_path / "stopped" / "second")
    ended = [weights_of(tmp_path / way / "second" / "model") for way in ("whole", "stopped")]
    assert equal(*ended)


def test_where_the_first_training_fails_the_second_says_so(file, monkeypatch):
    def fail(*_, **__):
        raise FundusError("the loss became nan", "lower the rate")

    changed(file, "seeds = [5]\nsteps = 10", BEGINS_WITH)
    monkeypatch.setattr(study, "train", fail)
    with pytest.raises(FundusError, match="what it begins with, 'first', failed: the loss became"):
        study.run_study(file, only="second")


@pytest.mark.slow
def test_a_diagnosed_training_is_looked_into_as_it_was_begun(file, drawn_folder, monkeypatch):
    """With the statistics of the training that it begins with, not with those of its own set."""
    known = []
    gather = study.gather
    changed(file, 'tests = ["folder', '# tests = ["folder')
    changed(file, "seeds = [0, 1]", "seeds = [0, 1]\ndiagnosed = true")
    changed(file, "seeds = [5]\nsteps = 10\nphotographs = 1", BEGINS_WITH)
    file.write_text(
        file.read_text(encoding="utf-8").replace('"photograph"', '"dataset"'), encoding="utf-8"
    )
    monkeypatch.setattr(
        study, "gather", lambda *a, **more: known.append(more["known"]) or gather(*a, **more)
    )
    study.run_study(file, only="second")
    (first,) = {one.mean for one in known if one is not None}
    assert known[0] is None and first > 0  # the first has its own, the second that of the first


@pytest.mark.slow
def test_a_diagnosed_training_has_a_row_for_each_epoch(file):
    changed(file, 'tests = ["folder', '# tests = ["folder')
    changed(file, "seeds = [0, 1]", "seeds = [0, 1]\ndiagnosed = true")
    study.run_study(file, only="first")
    table = results.read_table(file.with_suffix(".csv"))
    assert table[["seed", "steps"]].values.tolist() == [[0, 10], [0, 20], [1, 10], [1, 20]]
    assert table["silent"].between(0, 1).all() and (table["loss_bias"] <= table["loss"]).all()
    assert table["seconds"].groupby(table["seed"]).is_monotonic_increasing.all()
    assert [(t.name, t.seed) for t in left_of(file)] == [("second", 5)]
    with pytest.raises(FundusError, match="'second' cannot be diagnosed: nobody is held out"):
        study.run_study(file)


def test_a_row_that_means_something_else_now_is_refused(file):
    one = read_study(file)[0]
    results.append_rows(file.with_suffix(".csv"), [row_of("first", 0, key=one.key, seconds=3)])
    assert [(t.name, t.seed) for t in left_of(file)] == [("first", 1), ("second", 5)]
    assert seconds_left(file) == pytest.approx(0.3 * (20 + 10))
    changed(file, 'preset = "lesson"', 'preset = "drawn"')
    with pytest.raises(FundusError, match=r"'first', seed 0, was made with other settings: rename"):
        left_of(file)


def test_other_weights_to_start_from_are_another_training(file, monkeypatch):
    one = read_study(file)[0]
    before = one.key
    monkeypatch.setattr(study_file, "start_checksum", lambda start: "others")
    assert one.key != before


def test_a_model_with_another_threshold_is_another_model(tmp_path):
    shutil.copytree(DRAWN, tmp_path / "model")
    file = tmp_path / "measured.toml"
    entries = f'name = "mine"\nmodel = "{(tmp_path / "model").as_posix()}"\n'
    file.write_text(f'tests = ["synthetic"]\n[[training]]\n{entries}', encoding="utf-8")
    one = read_study(file)[0]
    before = one.key
    card = storage.load_json(tmp_path / "model" / "card.json")
    storage.save_json(tmp_path / "model" / "card.json", card | {"threshold": 0.6})
    assert one.key != before


@pytest.mark.parametrize(
    ("usual", "other"),
    [
        ("scales = [1.0]", "scales = [1.0, 1.5]"),
        ("ranges = { noise = [0, 0] }", "ranges = { noise = [0, 4] }"),
    ],
)
def test_a_later_entry_leaves_old_keys_and_another_value_is_another_training(file, usual, other):
    one = read_study(file)[0]
    changed(file, "changes = {", f"changes = {{ {usual},")
    assert read_study(file)[0].key == one.key
    changed(file, usual, other)
    assert read_study(file)[0].key != one.key


def test_a_study_that_is_over_keeps_its_rows_and_is_not_run(file):
    results.append_rows(file.with_suffix(".csv"), [row_of("first", 0, key="of an older code")])
    with pytest.raises(FundusError, match="other settings"):
        left_of(file)
    text = file.read_text(encoding="utf-8")
    file.write_text(f'commit = "0123abc"\n{text}', encoding="utf-8")
    assert [(t.name, t.seed) for t in left_of(file)] == [("first", 1), ("second", 5)]
    with pytest.raises(FundusError, match=r"was run at commit 0123abc.* check that"):
        study.run_study(file)


def test_a_training_that_fails_does_not_stop_the_others(file, monkeypatch):
    def run(one, folder):
        if one.seed == 0:
            raise FundusError("the loss became nan", "lower the rate")
        return [row_of(one.name, one.seed, key=one.key)]

    monkeypatch.setattr(study, "run_training", run)
    with pytest.raises(FundusError, match=r"1 of 3 trainings failed.*'first', seed 0.*became nan"):
        study.run_study(file)
    assert [(t.name, t.seed) for t in left_of(file)] == [("first", 0)]


def test_names_that_look_like_numbers_stay_names(file):
    changed(file, '"first"', '"12"')
    changed(file, '"second"', '"NA"')
    for one in read_study(file):
        results.append_rows(file.with_suffix(".csv"), [row_of(one.name, one.seed, key=one.key)])
    assert left_of(file) == []


def test_ranges_can_be_changed_one_by_one(file):
    changed(
        file, "photographs = 1\nchanges = { width", "changes = { ranges = { scale = [1, 1] }, width"
    )
    one = read_study(file)[-1]
    assert one.preset.ranges == replace(Ranges(), scale=(1.0, 1.0))
    changed(file, "scale = [1, 1]", "skale = [1, 1]")
    with pytest.raises(FundusError, match="says 'skale'"):
        read_study(file)


def test_ranges_of_drawn_eyes_can_be_changed_one_by_one(file):
    usual = read_study(file)[-1]
    eyes = "eyes = { fovea = [[4.6, 0.4], [4.6, 0.4]], disease = [0.0, 0.0] }"
    changed(file, "photographs = 1\nchanges = {", f"photographs = 1\nchanges = {{ {eyes},")
    one = read_study(file)[-1]
    same_place = ((4.6, 0.4), (4.6, 0.4))
    assert one.preset.eyes == replace(SICK, fovea=same_place, disease=(0.0, 0.0))
    assert one.key == usual.key  # its photographs are real: no eye is drawn
    changed(file, "changes = { eyes", "changes = { endless = true, eyes")
    narrow = read_study(file)[-1].key
    changed(file, "[0.0, 0.0]", "[0, 0]")
    assert read_study(file)[-1].key == narrow
    changed(file, "[0, 0]", "[0, 0.5]")
    assert read_study(file)[-1].key != narrow
    changed(file, "[[4.6, 0.4], [4.6, 0.4]]", "[4.6, 0.4]")
    with pytest.raises(FundusError, match=r"fovea is \(4.6, 0.4\): write it as"):
        read_study(file)
    changed(file, "fovea =", "foveae =")
    with pytest.raises(FundusError, match="says 'foveae'"):
        read_study(file)


def test_two_processes_do_not_run_one_study(file):
    with (
        storage.locked(storage.derived_dir() / "studies" / "tiny", wait=False),
        pytest.raises(FundusError, match="another process works"),
    ):
        study.run_study(file)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("width = 2", "widht = 2", "says 'widht': choose from .*width"),
        ("photographs = 1", "photos = 1", "says 'photos': choose from"),
        ('preset = "lesson"', 'presets = "lesson"', "says 'presets': choose from sets, preset"),
        ("steps = 20", "", "lacks steps: write it there, or at the top"),
        ('"second"', '"first"', "'first' with seed 5 twice"),
        ("[[training]]", "[[trainings]]", "says 'trainings'"),
        ("seeds = [0, 1]", "seeds = [0, 1", "cannot be read"),
        ("photographs = 1", 'begins_with = "first"', "begins with 'first', seed 5, which is not"),
        ("photographs = 1", 'begins_with = "1"\nmodel = "drawn"', "both model and begins_with"),
        (
            "photographs = 1\nchanges = {",
            'begins_with = "first"\nchanges = { start = "drawn",',
            "both start and begins_with",
        ),
        (
            "seeds = [5]\nsteps = 10\nphotographs = 1\nchanges = { width = 2",
            'begins_with = "first"\nchanges = { width = 3',
            "begins with 'first', seed 0, which has another width",
        ),
        (
            "photographs = 1\nchanges = {",
            "changes = { ranges = { noise = [4, 0] },",
            r"noise is \(4.0, 0.0\)",
        ),
    ],
)
def test_a_mistake_in_the_file_is_named(file, old, new, said):
    if "twice" in said:
        changed(file, "seeds = [0, 1]", "seeds = [0, 5]")
    changed(file, old, new)
    with pytest.raises(FundusError, match=said):
        read_study(file)


def test_a_training_cannot_begin_with_what_is_only_measured(file):
    changed(
        file, 'name = "first"', 'name = "as it is"\nmodel = "drawn"\n[[training]]\nname = "first"'
    )
    changed(file, "seeds = [5]\nsteps = 10", 'begins_with = "as it is"')
    with pytest.raises(FundusError, match="which is only measured: say changes"):
        read_study(file)


def test_a_name_that_is_not_there_is_refused(file, capsys):
    assert main(["study", str(file), "--only", "third"]) == 1
    assert "no training 'third'" in capsys.readouterr().err


# The table


def test_rows_are_appended_and_other_columns_refused(tmp_path):
    path = tmp_path / "table.csv"
    results.append_rows(path, [row_of("ä, b", 0, dice=0.5)])
    before = path.read_bytes()
    results.append_rows(path, [row_of("c", 1, dice=float("nan"))])
    assert path.read_bytes().startswith(before)
    table = results.read_table(path)
    assert table["name"].tolist() == ["ä, b", "c"] and table["key"].tolist() == ["0123456789"] * 2
    with pytest.raises(FundusError, match="other columns"):
        results.append_rows(path, [row_of("d", 2)])
    assert results.read_table(tmp_path / "none.csv").empty


def test_summary_by_hand():
    rows = [("a", 0.1), ("b", 0.5), ("a", 0.2), ("a", 0.3)]
    found = results.summary(pd.DataFrame(rows, columns=["name", "dice"]), "dice")
    assert found.index.tolist() == ["b", "a"] and found["seeds"].tolist() == [1, 3]
    assert found.loc["a", "mean"] == pytest.approx(0.2)
    assert found.loc["a", "std"] == pytest.approx(0.1)
    # Student's t for two degrees of freedom and 95 %: 4.303, times 0.1 over the root of 3.
    assert found.loc["a", "low"] == pytest.approx(0.2 - 4.303 * 0.1 / 3**0.5, abs=1e-4)
    assert found.loc["a", "high"] == pytest.approx(0.2 + 4.303 * 0.1 / 3**0.5, abs=1e-4)
    assert np.isnan(found.loc["b", ["std", "low", "high"]].astype(float)).all()


STUDIES = sorted((storage.PROJECT / "notebooks" / "results").glob("*.toml"))


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_the_studies_of_the_project_are_sound(path: Path):
    trainings = read_study(path)
    keys = {(one.name, one.seed): one.key for one in trainings}
    over = commit_of(path)
    for row in results.read_table(path.with_suffix(".csv")).to_dict("records"):
        key = keys[row["name"], row["seed"]]
        assert row["commit"] == over if over else row["key"] == key
        assert row["commit"] and "+" not in row["commit"]


EACH_STUDY = """
tests = ["folder:{folder} validation", "folder:{folder} test", "hrf"]
each = true

[[training]]
name = "small"
sets = ["folder:{folder}"]
preset = "lesson"
steps = 10
changes = {{ width = 2, depth = 1, crop = 32, fov_diameter = 96, normalization = "photograph" }}

[[training]]
name = "as it is"
model = "drawn"
"""


@pytest.fixture
def each_file(drawn_folder, tmp_path, monkeypatch, data):
    monkeypatch.setattr(os, "nice", lambda more: 0)
    path = tmp_path / "each.toml"
    path.write_text(EACH_STUDY.format(folder=drawn_folder), encoding="utf-8")
    return path


@pytest.mark.slow
def test_each_photograph_has_a_row_and_what_is_not_here_is_left_open(each_file, drawn_folder):
    study.run_study(each_file)
    table = results.read_table(each_file.with_suffix(".csv"))
    assert set(table["test"]) == {
        f"folder:{drawn_folder} {part}" for part in ("validation", "test")
    }
    of_one = table[(table["name"] == "small") & table["test"].str.endswith("validation")]
    assert of_one["photograph"].iloc[-1] == "pooled" and len(of_one) == 3
    assert set(of_one["seen"].dropna()) == {"judged"}  # epoch and threshold were chosen there
    as_it_is = table[table["name"] == "as it is"]
    assert as_it_is["seen"].isna().all() and set(as_it_is["steps"]) == {20000}
    assert left_of(each_file) == []  # HRF is not on this disk
    changed(each_file, 'validation", "folder', 'fit", "folder')
    assert [one.tests for one in left_of(each_file)] == [(f"folder:{drawn_folder} fit",)] * 2


def test_a_test_of_no_set_is_refused(each_file):
    changed(each_file, '"hrf"', '"hfr"')
    with pytest.raises(FundusError, match="no data set is called 'hfr'"):
        left_of(each_file)


def test_a_test_of_no_part_is_refused(each_file):
    changed(each_file, " test", " tset")
    with pytest.raises(FundusError, match="no part is called 'tset'"):
        left_of(each_file)


def test_a_folder_may_have_a_blank_in_its_path(tmp_path):
    folder = tmp_path / "my eyes"
    (folder / "images").mkdir(parents=True)
    for text in (f"folder:{folder}", f"folder:{folder} validation"):
        assert not is_here(text)  # it is found, and is empty
    with pytest.raises(FundusError, match="holds no pictures"):
        parts_of((f"folder:{folder} train",))
    assert not is_here(f"folder:{tmp_path / 'other eyes'}")  # it is not there at all


def test_a_study_is_diagnosed_or_measured_photograph_by_photograph(each_file):
    changed(each_file, "each = true", "each = true\ndiagnosed = true")
    with pytest.raises(FundusError, match="both diagnosed and each"):
        read_study(each_file)


def test_patients_and_photographs_of_digits_stay_text(tmp_path):
    rows = [{"name": "1", "photograph": "01", "patient": "01", "seen": "", "dice": 0.5}]
    rows.append(rows[0] | {"photograph": "pooled", "patient": ""})
    results.append_rows(tmp_path / "t.csv", rows)
    table = results.read_table(tmp_path / "t.csv")
    assert table["patient"][0] == "01" and table["photograph"][0] == "01"
