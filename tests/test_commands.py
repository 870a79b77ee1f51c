import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from fundus_utils.__main__ import main
from fundus_utils.storage import PROJECT


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
    assert main(["train", "--dataset", "chase_db1", "--out", out, "--steps", "1"]) == 1
    assert "CHASE_DB1" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_a_file_in_the_way_is_named(tmp_path, capsys):
    (tmp_path / "out").write_text("")
    assert main(["predict", str(PROJECT / "data" / "retina.jpg"), "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert said.startswith("error: ") and str(tmp_path / "out") in said and "Traceback" not in said


def test_minutes_must_be_above_0():
    for bad in ("0", "-1", "inf", "x"):
        with pytest.raises(SystemExit):
            main(["train", "--dataset", "synthetic", "--out", "x", "--minutes", bad])


def test_two_photographs_of_one_name_are_refused(tmp_path, capsys):
    files = [str(tmp_path / "a" / "eye.png"), str(tmp_path / "b" / "eye.png")]
    assert main(["predict", *files, "--out", str(tmp_path)]) == 1
    assert "eye" in capsys.readouterr().err


def test_predict_writes_a_16_bit_map_and_an_overlay(tmp_path):
    assert main(["predict", str(PROJECT / "data" / "retina.jpg"), "--out", str(tmp_path)]) == 0
    probability = Image.open(tmp_path / "retina_probability.png")
    assert probability.mode.startswith("I;16") and probability.size == (1411, 1411)
    values = np.asarray(probability)
    assert values.max() > 0.9 * 65535 and values[0, 0] == 0
    overlay = Image.open(tmp_path / "retina_overlay.png")
    assert overlay.mode == "RGB" and overlay.size == (1411, 1411)


def test_a_broken_photograph_does_not_stop_the_others(tmp_path, capsys):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    good = str(PROJECT / "data" / "retina.jpg")
    assert main(["predict", str(broken), good, "--out", str(tmp_path / "out")]) == 1
    assert "broken.png" in capsys.readouterr().err
    assert (tmp_path / "out" / "retina_overlay.png").exists()


def test_a_map_that_would_replace_a_photograph_is_refused(tmp_path, capsys):
    photograph = (PROJECT / "data" / "retina.jpg").read_bytes()
    for name in ("eye.jpg", "eye_overlay.png"):
        (tmp_path / name).write_bytes(photograph)
    both = [str(tmp_path / name) for name in ("eye.jpg", "eye_overlay.png")]
    assert main(["predict", *both, "--out", str(tmp_path)]) == 1
    assert "would replace a photograph" in capsys.readouterr().err
    assert (tmp_path / "eye_overlay.png").read_bytes() == photograph


@pytest.mark.parametrize("seed", ["-1", str(2**32), "x"])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(SystemExit):
        main(["train", "--dataset", "synthetic", "--out", "x", "--seed", seed])


@pytest.mark.slow
def test_train_evaluate_predict_from_the_shell(drawn_folder, tmp_path):
    model, name = tmp_path / "model", f"folder:{drawn_folder}"
    made = {"FUNDUS_DERIVED": str(tmp_path / "derived")}
    steps = ["--preset", "lesson", "--steps", 20]
    done = run("train", "--dataset", name, "--out", model, *steps, **made)
    assert done.returncode == 0, done.stderr
    found = run("evaluate", "--model", model, "--dataset", name, "--json", tmp_path / "m.json")
    assert found.returncode == 0, found.stderr
    measured = json.loads((tmp_path / "m.json").read_text())
    assert set(measured["pooled"]) == {
        *("dice", "auc", "average_precision", "mcc"),
        *("accuracy", "sensitivity", "specificity"),
    }
    assert measured["photographs"].keys() and measured["split"] == "test"
    photograph = next((drawn_folder / "images").iterdir())
    mapped = run("predict", photograph, "--model", model, "--out", tmp_path / "maps")
    assert mapped.returncode == 0, mapped.stderr
    assert len(list((tmp_path / "maps").iterdir())) == 2


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(drawn_folder, tmp_path):
    from fundus_utils.quiet import keras

    made = {"FUNDUS_DERIVED": str(tmp_path / "derived")}
    common = ["train", "--dataset", f"folder:{drawn_folder}", "--preset", "lesson", "--steps", "40"]
    assert run(*common, "--out", tmp_path / "whole", **made).returncode == 0
    parts = tmp_path / "parts"
    process = subprocess.Popen(
        [sys.executable, "-m", "fundus_utils", *common, "--out", str(parts)],
        cwd=PROJECT,
        env=os.environ | made,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and not list(parts.glob("unfinished/epoch_00[3-9]*")):
        time.sleep(0.05)
    assert process.poll() is None, "it was over before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (parts / "model.keras").exists()
    assert run(*common, "--out", parts, **made).returncode == 0
    one, two = (
        keras.models.load_model(folder / "model.keras").get_weights()
        for folder in (tmp_path / "whole", parts)
    )
    assert all((a == b).all() for a, b in zip(one, two, strict=True))
