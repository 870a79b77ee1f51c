import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import PHOTOGRAPH, save
from PIL import Image
from test_training import TINY, equal, weights_of

from fundus_utils.__main__ import main, parser
from fundus_utils.data import load_set, read_photograph
from fundus_utils.mapping import pictures_given
from fundus_utils.prediction import read_map
from fundus_utils.storage import PROJECT
from fundus_utils.training.presets import PRESETS

RETINA = str(PROJECT / "data" / "retina.jpg")


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "fundus_utils", *map(str, arguments)],
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_error_is_one_line_without_a_traceback(tmp_path, capsys):
    assert main(["predict", str(tmp_path / "none.jpg"), "--out", str(tmp_path / "out")]) == 1
    text = capsys.readouterr().err
    assert "none.jpg" in text and "Traceback" not in text
    assert not (tmp_path / "out").exists()


def test_a_set_that_is_not_there_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FUNDUS_DATA", str(tmp_path))
    out = str(tmp_path / "model")
    assert main(["train", "--dataset", "hrf", "--out", out, "--steps", "1"]) == 1
    assert "HRF" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_a_file_in_the_way_is_named(tmp_path, capsys):
    (tmp_path / "out").write_text("")
    assert main(["predict", RETINA, "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert said.startswith("error: ") and str(tmp_path / "out") in said and "Traceback" not in said


def test_minutes_must_be_above_0():
    for bad in ("0", "-1", "inf", "x"):
        with pytest.raises(SystemExit):
            main(["train", "--dataset", "synthetic", "--out", "x", "--minutes", bad])


def test_two_photographs_of_one_name_are_refused(tmp_path, capsys):
    for other in ("eye.png", "eye.jpg", "Eye.png", "eye.ppm.gz"):
        files = [str(tmp_path / "a" / "eye.png"), str(tmp_path / "b" / other)]
        for file in map(Path, files):
            file.parent.mkdir(exist_ok=True)
            file.touch()
        assert main(["predict", *files, "--out", str(tmp_path)]) == 1
        said = capsys.readouterr().err
        assert f"the maps of {files[0]} and {files[1]} would be one file" in said


def test_predict_writes_a_16_bit_map_and_an_overlay(tmp_path):
    assert main(["predict", RETINA, "--out", str(tmp_path)]) == 0
    probability = Image.open(tmp_path / "retina_probability.png")
    assert probability.mode.startswith("I;16") and probability.size == (1411, 1411)
    values = np.asarray(probability)
    assert values.max() > 0.9 * 65535 and values[0, 0] == 0
    overlay = Image.open(tmp_path / "retina_overlay.png")
    assert overlay.mode == "RGB" and overlay.size == (1411, 1411)


def test_a_broken_photograph_does_not_stop_the_others(tmp_path, capsys):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    good = RETINA
    assert main(["predict", str(broken), good, "--out", str(tmp_path / "out")]) == 1
    assert "broken.png" in capsys.readouterr().err
    assert (tmp_path / "out" / "retina_overlay.png").exists()


def test_a_map_that_would_replace_a_photograph_is_refused(tmp_path, capsys):
    photograph = (PROJECT / "data" / "retina.jpg").read_bytes()
    for name in ("eye.jpg", "eye_overlay.png"):
        (tmp_path / name).write_bytes(photograph)
    both = [str(tmp_path / name) for name in ("eye.jpg", "eye_overlay.png")]
    assert main(["predict", *both, "--out", str(tmp_path)]) == 1
    assert "would replace a picture that was given" in capsys.readouterr().err
    assert (tmp_path / "eye_overlay.png").read_bytes() == photograph


def test_what_predict_has_made_is_no_photograph(tmp_path, capsys):
    photograph = (PROJECT / "data" / "retina.jpg").read_bytes()
    for name in ("eye.jpg", "eye_overlay.png"):
        (tmp_path / name).write_bytes(photograph)
    assert main(["predict", str(tmp_path), "--no-flips", "--out", str(tmp_path / "maps")]) == 0
    assert "eye_overlay.png: left out, it is what `predict` has made" in capsys.readouterr().err
    made = sorted(path.name for path in (tmp_path / "maps").iterdir())
    assert made == ["eye_overlay.png", "eye_probability.png"]


def test_a_folder_without_pictures_is_named_as_such(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("eyes", encoding="utf-8")
    assert main(["predict", str(tmp_path), "--out", str(tmp_path / "maps")]) == 1
    said = capsys.readouterr().err
    assert f"{tmp_path}: no picture lies in it" in said and "copy" not in said


def test_paths_that_do_not_exist_are_told_before_a_model_is_loaded(tmp_path, capsys):
    with_blank = [str(tmp_path / "Anna"), "Berta.jpg"]
    assert main(["predict", *with_blank, "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert f"{with_blank[0]}, Berta.jpg: there is no such file" in said
    assert "quotation marks" in said


def test_what_is_no_picture_in_a_folder_is_named(tmp_path, capsys):
    for name in ("eye.png", "b.heic", "c.dcm", ".hidden"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "inner").mkdir()
    assert pictures_given([tmp_path]) == [tmp_path / "eye.png"]
    folders, files = capsys.readouterr().err.splitlines()
    assert "left out 2 (b.heic, c.dcm): not named as pictures" in files
    assert "left out 1 (inner): folders, which are not searched" in folders


@pytest.mark.slow
def test_two_eyes_in_one_picture_are_told_beside_their_map(drawn_folder, tmp_path, capsys):
    first = sorted((drawn_folder / "images").iterdir())[0]
    photograph = read_photograph(first)
    save(tmp_path / "two.png", np.hstack([photograph, photograph]))
    assert main(["predict", str(tmp_path / "two.png"), "--out", str(tmp_path / "maps")]) == 0
    assert "beware: " in (said := capsys.readouterr().err) and "more than one field" in said


@pytest.mark.parametrize("seed", ["-1", str(2**32), "x"])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(SystemExit):
        main(["train", "--dataset", "synthetic", "--out", "x", "--seed", seed])


@pytest.fixture(scope="module")
def shell(drawn_folder, tmp_path_factory):
    """A training of 20 steps by the command: its arguments, where made things lie, its folder."""
    folder = tmp_path_factory.mktemp("shell")
    name = f"folder:{drawn_folder}"
    arguments = ["train", "--dataset", name, "--preset", "quick", "--from", "nothing"]
    arguments += ["--steps", "20"]
    made = {"FUNDUS_DERIVED": str(folder / "derived")}
    model = folder / "model"
    done = run(*arguments, "--out", model, **made)
    assert done.returncode == 0, done.stderr
    return SimpleNamespace(arguments=arguments, made=made, model=model, name=name)


@pytest.mark.slow
def test_what_was_trained_from_the_shell_is_evaluated_and_predicts(
    shell, drawn_folder, tmp_path, capsys
):
    model = ["--model", str(shell.model)]
    measures = tmp_path / "m.json"
    assert main(["evaluate", *model, "--dataset", shell.name, "--json", str(measures)]) == 0
    shown = capsys.readouterr().out
    assert "pooled" in shown and "average_precision" in shown
    measured = json.loads(measures.read_text(encoding="utf-8"))
    assert set(measured["pooled"]) == {
        *("dice", "auc", "average_precision", "mcc"),
        *("accuracy", "sensitivity", "specificity", "cldice"),
    }
    assert measured["photographs"].keys() and measured["split"] == "test"
    photograph = next((drawn_folder / "images").iterdir())
    assert main(["predict", str(photograph), *model, "--out", str(tmp_path / "maps")]) == 0
    assert len(list((tmp_path / "maps").iterdir())) == 2


@pytest.fixture
def own_set(drawn_folder, tmp_path, monkeypatch):
    """The six small drawn eyes as a data set; what is made lies beside them."""
    monkeypatch.setenv("FUNDUS_DERIVED", str(tmp_path / "derived"))
    return f"folder:{drawn_folder}"


@pytest.mark.slow
def test_fine_tuning_from_the_shell(own_set, tmp_path, capsys):
    out = tmp_path / "tuned"
    words = ["train", "--dataset", own_set, "--from", "drawn", "--photographs", "2"]
    assert main([*words, "--no-flips", "--steps", "1", "--out", str(out)]) == 0
    card = json.loads((out / "card.json").read_text(encoding="utf-8"))
    assert card["start"] == "drawn" and card["flips"] is False and card["steps"] == 1
    assert card["photographs"] == [load_set(own_set, "train").names[:2]]  # of one patient
    assert "threshold source: that of drawn" in capsys.readouterr().out
    written = tmp_path / "found.json"
    words = ["evaluate", "--model", str(out), "--dataset", own_set, "--json", str(written)]
    assert main([*words, "--split", "validation"]) == 0
    found = json.loads(written.read_text(encoding="utf-8"))
    assert sorted(found["photographs"]) == sorted(load_set(own_set, "validation").names)


@pytest.mark.slow
def test_folds_from_the_shell(own_set, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(PRESETS, "tiny", TINY)
    out = tmp_path / "folds"
    words = ["train", "--dataset", own_set, "--preset", "tiny", "--folds", "2", "--steps", "1"]
    assert main([*words, "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["fold", "dice"] and len(lines) == 3
    assert len(pd.read_csv(out / "folds.csv")) == 2
    assert main([*words, "--folds", "9", "--out", str(out)]) == 1
    assert "choose 2 to" in capsys.readouterr().err


def test_one_unreadable_file_of_many_does_not_stop_the_others(tmp_path, capsys):
    """A link that leads to itself, a folder, a name that is too long for its map."""
    loop = tmp_path / "LOOP.png"
    loop.symlink_to(loop)
    long = tmp_path / f"{'a' * 245}.jpg"
    long.symlink_to(RETINA)
    folder = tmp_path / "folder.png"
    folder.mkdir()
    files = [str(loop), str(folder), str(long), RETINA]
    assert main(["predict", *files, "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert all(name in said for name in ("LOOP.png", "folder.png", "a" * 245))
    assert "Traceback" not in said
    assert (tmp_path / "out" / "retina_overlay.png").exists()
    assert not list((tmp_path / "out").glob(".making_*"))


def test_a_folder_stands_for_its_pictures(tmp_path, capsys):
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in ("b.jpg", "a.png"):
        save(mine / name, PHOTOGRAPH)
    (mine / "notes.txt").write_text("no picture", encoding="utf-8")
    assert main(["predict", str(mine), RETINA, "--no-flips", "--out", str(tmp_path / "out")]) == 0
    made = sorted(path.name for path in (tmp_path / "out").glob("*_overlay.png"))
    assert made == ["a_overlay.png", "b_overlay.png", "retina_overlay.png"]


def test_labels_among_the_photographs_are_left_out(tmp_path, capsys):
    mine = tmp_path / "mine"
    mine.mkdir()
    save(mine / "eye.jpg", PHOTOGRAPH)
    label = np.zeros(PHOTOGRAPH.shape[:2], bool)
    save(mine / "nothing_drawn.png", label)
    label[10:20] = True
    labels = ("eye.tif", "eye_manual.png", "eye_mask.gif")  # the first as HRF names them
    for name in labels:
        save(mine / name, label)
    command = ["predict", "--no-flips", "--out", str(tmp_path / "out")]
    assert main([*command, str(mine)]) == 0
    said = capsys.readouterr().err
    for name in (*labels, "nothing_drawn.png"):
        assert f"{name}: left out" in said
    assert [path.name for path in (tmp_path / "out").glob("*_overlay.png")] == ["eye_overlay.png"]
    assert main([*command, str(mine / "eye_manual.png")]) == 1
    assert "no photograph" in capsys.readouterr().err


@pytest.mark.slow
def test_a_threshold_is_chosen_for_the_overlay(drawn_folder, tmp_path, capsys):
    """By a number, or by the photographs; the map stays the same."""
    mine = tmp_path / "mine"
    mine.mkdir()
    first = sorted((drawn_folder / "images").iterdir())[0]
    photograph = read_photograph(first)
    save(mine / "eye.png", photograph)
    (mine / "broken.png").write_bytes(b"no picture")
    coloured = {}
    maps = set()
    for threshold in ("0.2", "0.9", "halfway"):
        out = tmp_path / threshold
        assert main(["predict", str(mine), "--threshold", threshold, "--out", str(out)]) == 1
        said = capsys.readouterr()
        assert "broken.png" in said.err
        maps.add((out / "eye_probability.png").read_bytes())
        overlay = np.asarray(Image.open(out / "eye_overlay.png"))
        coloured[threshold] = int((overlay != photograph).any(-1).sum())
    assert len(maps) == 1
    assert coloured["0.9"] < coloured["0.2"]
    found = float(re.search(r"threshold ([\d.]+): halfway", said.out)[1])
    probability = read_map(tmp_path / "halfway" / "eye_probability.png")
    sooner, later = ((probability >= found + apart).sum() for apart in (0.0005, -0.0005))
    assert sooner <= coloured["halfway"] <= later
    assert "beware: a guess from so few photographs (1)" in said.err


@pytest.mark.parametrize("threshold", ["0", "1.5", "half", "nan"])
def test_a_threshold_that_is_none_is_refused(threshold, capsys):
    with pytest.raises(SystemExit):
        main(["predict", RETINA, "--threshold", threshold, "--out", "x"])
    said = capsys.readouterr().err
    assert "neither a number nor halfway" in said or "not above 0 and below 1" in said


def test_a_mask_of_one_pixel_is_refused(tmp_path, capsys):
    for name, place in (("images", 0), ("labels", 1), ("masks", 2)):
        (tmp_path / "own" / name).mkdir(parents=True)
        for stem in "abc":
            picture = np.full((96, 99), 100 if place == 0 else 0, np.uint8)
            if place == 1:
                picture[40:44, 10:80] = 255
            if place == 2:
                picture[50, 50] = 255
            Image.fromarray(picture).save(tmp_path / "own" / name / f"{stem}.png")
    model = str(PROJECT / "fundus_utils" / "models" / "shipped")
    name = f"folder:{tmp_path / 'own'}"
    assert main(["evaluate", "--model", model, "--dataset", name]) == 1
    said = capsys.readouterr().err
    assert "field of view is 1 pixels across" in said and "check its mask" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["train", "--dataset", "synthetic", "--preset", "labtop"],
            "laptop, scratch, full, shipped, drawn",
        ),
        (["download", "dirve"], "hrf, stare, drive, chase_db1"),
        (["evaluate", "--dataset", "hrf", "--model", "none"], "none"),
    ],
)
def test_a_misspelt_name_lists_the_known(arguments, said, data, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")] if arguments[0] == "train" else []
    assert main([*arguments, *out]) == 1
    shown = capsys.readouterr().err
    assert said in shown and "Traceback" not in shown


def test_the_help_of_a_name_lists_the_known(capsys):
    from fundus_utils.data import downloads

    for command, names in (("train", PRESETS), ("download", downloads.ARCHIVES)):
        with pytest.raises(SystemExit):
            parser().parse_args([command, "--help"])
        shown = capsys.readouterr().out
        assert all(name in shown for name in names)


def test_installed_without_the_notebooks_run_says_where_they_are(tmp_path, monkeypatch, capsys):
    from fundus_utils import storage

    monkeypatch.setattr(storage, "PROJECT", tmp_path)
    assert main(["run"]) == 1
    said = capsys.readouterr().err
    assert str(tmp_path / "notebooks") in said and "clone" in said
    assert not (tmp_path / "data").exists()


def start(*arguments, **environment):
    """Start a command that is going to be stopped."""
    return subprocess.Popen(
        [sys.executable, "-m", "fundus_utils", *map(str, arguments)],
        cwd=PROJECT,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_for(process, folder, pattern):
    """Wait until a file is there, while the process runs."""
    while process.poll() is None and not list(folder.glob(pattern)):
        time.sleep(0.02)
    assert process.poll() is None, "it was over before it could be stopped"


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(shell, tmp_path, monkeypatch):
    parts = tmp_path / "parts"
    process = start(*shell.arguments, "--out", parts, **shell.made)
    wait_for(process, parts, "unfinished/epoch_*")
    process.kill()
    process.wait()
    assert not (parts / "model.keras").exists()
    monkeypatch.setenv("FUNDUS_DERIVED", shell.made["FUNDUS_DERIVED"])
    assert main([*shell.arguments, "--out", str(parts)]) == 0
    assert equal(weights_of(shell.model), weights_of(parts))
    for name in ("curve.csv", "card.json"):
        assert (parts / name).read_bytes() == (shell.model / name).read_bytes()


@pytest.mark.slow
def test_what_a_killed_drawing_left_is_swept_and_a_terminated_one_leaves_nothing(tmp_path):
    derived = tmp_path / "derived"
    common = ["train", "--dataset", "synthetic", "--preset", "lesson", "--steps", 1]
    command = [*common, "--out", tmp_path / "model"]
    begun = "synthetic_*/images/drawn_01L.png"

    process = start(*command, FUNDUS_DERIVED=str(derived))
    wait_for(process, derived, f".making_*/{begun}")
    process.kill()
    process.wait()
    (left,) = derived.glob(".making_*")
    an_hour_ago = time.time() - 3600
    os.utime(left, (an_hour_ago, an_hour_ago))

    process = start(*command, FUNDUS_DERIVED=str(derived))
    while process.poll() is None and left.exists():
        time.sleep(0.02)
    wait_for(process, derived, f".making_*/{begun}")
    process.terminate()
    assert process.wait() == 128 + signal.SIGTERM
    assert not list(derived.glob(".making_*"))
