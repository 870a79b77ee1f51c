"""No photograph on both sides: copies, other eyes, ancestors, and a test part that is none."""

from pathlib import Path

import numpy as np
import pytest
from conftest import PHOTOGRAPH, build_chase_db1, build_drive, build_stare, save

from fundus_utils.data import load_set
from fundus_utils.errors import FundusError
from fundus_utils.photograph import photograph_checksum
from fundus_utils.seen import (
    FITTED,
    JUDGED,
    SAME_PATIENT,
    all_seen,
    is_kept,
    judged_though_fitted,
    met_again,
    refuse_seen,
    seen_entries,
)
from fundus_utils.trained_model import DRAWN, SHIPPED, load_model
from fundus_utils.training.ancestry import Ancestor


def each_another(root: Path, pattern: str) -> None:
    """Make the photographs of a made-up set differ: by one pixel in the middle."""
    for number, path in enumerate(sorted(root.rglob(pattern))):
        picture = PHOTOGRAPH.copy()
        picture[12:18, 16:24] = 40 + 5 * number
        save(path, picture)


@pytest.fixture
def chase(data: Path) -> Path:
    build_chase_db1(data / "CHASE_DB1")
    each_another(data / "CHASE_DB1", "*.jpg")
    return data


def test_the_test_part_is_new_to_a_model_of_the_training_part(chase: Path) -> None:
    fit, held = load_set("chase_db1", "train").hold_out()
    card = {"seen": [*seen_entries([fit], FITTED), *seen_entries([held], JUDGED)]}
    test = load_set("chase_db1", "test")
    assert met_again(card, test).empty
    refuse_seen(met_again(card, test), test)  # nothing is raised
    found = met_again(card, load_set("chase_db1", "all"))
    assert found.value_counts().to_dict() == {FITTED: 16, JUDGED: 4}
    assert found["Image_08R"] == FITTED and found["Image_09L"] == JUDGED


def test_the_other_eye_of_a_child_is_met(chase: Path) -> None:
    test = load_set("chase_db1", "test")
    card = {"seen": seen_entries([test[:1]], FITTED)}
    assert met_again(card, test).to_dict() == {"Image_11L": FITTED, "Image_11R": SAME_PATIENT}


def test_a_copy_under_another_name_and_format_is_met(chase: Path) -> None:
    test = load_set("chase_db1", "test")
    card = {"seen": seen_entries([test], FITTED)}
    own = chase / "own"
    pictures = {"renamed": test[0].photograph, "new": np.roll(PHOTOGRAPH, 3, axis=1)}
    for name, picture in pictures.items():
        save(own / "images" / f"{name}.png", picture)
    part = load_set(f"folder:{own}", "unlabelled")
    assert met_again(card, part).to_dict() == {"renamed": FITTED}


def test_patients_of_one_name_in_two_own_folders_may_be_two_people(data: Path) -> None:
    for folder, shift in (("one", 0), ("other", 3)):
        save(data / folder / "images" / "a.png", np.roll(PHOTOGRAPH, shift, axis=1))
    card = {"seen": seen_entries([load_set(f"folder:{data / 'one'}", "unlabelled")], FITTED)}
    assert met_again(card, load_set(f"folder:{data / 'other'}", "unlabelled")).empty


def test_the_other_eye_in_an_own_folder_is_met_beside_the_first(data: Path) -> None:
    for number, stem in enumerate("abc"):
        save(data / "own" / "images" / f"{stem}.png", np.roll(PHOTOGRAPH, number, axis=1))
    (data / "own" / "patients.csv").write_text("a,p1\nb,p1\nc,p2\n", encoding="utf-8")
    part = load_set(f"folder:{data / 'own'}", "unlabelled")
    card = {"seen": seen_entries([part[:1]], FITTED)}
    assert met_again(card, part).to_dict() == {"a": FITTED, "b": SAME_PATIENT}


def test_a_model_of_all_twenty_is_refused_where_36_to_40_stand_for_the_test(data: Path) -> None:
    build_drive(data / "DRIVE")
    each_another(data / "DRIVE", "*.tif")
    whole = load_set("drive", "train")
    assert len(whole) == 20 and whole.note == ""
    card = {"seen": seen_entries([whole], FITTED)}
    official = load_set("drive", "test")
    refuse_seen(met_again(card, official), official)  # it is new
    for label in (data / "DRIVE" / "test" / "1st_manual").iterdir():
        label.unlink()
    substitute = load_set("drive", "test")
    assert substitute.names == ["36", "37", "38", "39", "40"]
    assert "36-40 of its training part" in substitute.note
    with pytest.raises(FundusError, match=r"seen 5 of 5 .* part 'test': 36 \(fitted\)") as refused:
        refuse_seen(met_again(card, substitute), substitute)
    assert "--seen" in str(refused.value)


def test_a_split_of_our_own_is_said(data: Path) -> None:
    build_stare(data / "STARE")
    assert "no official split" in load_set("stare", "test").note
    assert "no official split" in load_set("stare", "validation").note


def test_what_an_ancestor_saw_is_seen(chase: Path) -> None:
    test = load_set("chase_db1", "test")
    card = {"ancestors": [{"name": "x", "seen": seen_entries([test[2:3]], FITTED)}], "seen": []}
    assert met_again(card, test).to_dict() == {"Image_12L": FITTED, "Image_12R": SAME_PATIENT}
    assert is_kept(card)
    assert not is_kept({"ancestors": [{"name": "x"}], "seen": []})
    assert not is_kept({})


def test_a_descendant_of_an_older_model_does_not_pass_for_one_that_saw_nothing() -> None:
    old = load_model(DRAWN)
    del old.card["seen"]
    entries = Ancestor("old", "old", old).entries
    assert not is_kept({"ancestors": entries, "seen": []})
    assert is_kept({"ancestors": Ancestor("drawn", "drawn", load_model(DRAWN)).entries, "seen": []})


def test_fitted_counts_more_than_judged(chase: Path) -> None:
    test = load_set("chase_db1", "test")[:1]
    for roles in ((FITTED, JUDGED), (JUDGED, FITTED)):
        card = {"seen": [entry for role in roles for entry in seen_entries([test], role)]}
        assert met_again(card, test).to_dict() == {"Image_11L": FITTED}


def test_size_and_pixels_make_the_checksum() -> None:
    flat = np.zeros((2, 6, 3), np.uint8)
    assert photograph_checksum(flat) != photograph_checksum(flat.reshape(3, 4, 3))
    other = flat.copy()
    other[1, 2, 0] = 1
    assert photograph_checksum(flat) != photograph_checksum(other)


def test_the_models_that_come_along_say_what_they_saw() -> None:
    """CHASE_DB1 comes along too, so its pixels can be compared."""
    shipped = load_model(SHIPPED).card
    found = met_again(shipped, load_set("chase_db1", "all"))
    assert found.value_counts().to_dict() == {FITTED: 16, JUDGED: 4}
    assert "Image_11L" not in found
    by_set = [entry["set"] for entry in all_seen(shipped)]
    assert by_set.count("hrf") == 15
    assert by_set.count("synthetic") == 8 + 40  # those of `drawn`, and its own
    assert met_again(load_model(DRAWN).card, load_set("chase_db1", "all")).empty


@pytest.mark.slow
def test_the_drawn_model_meets_the_eyes_that_gave_its_threshold_again() -> None:
    found = met_again(load_model(DRAWN).card, load_set("synthetic", "validation"))
    assert found.value_counts().to_dict() == {JUDGED: 8}


def test_a_broken_photograph_is_named(chase: Path) -> None:
    path = chase / "CHASE_DB1" / "Image_11L.jpg"
    path.write_bytes(b"no picture")
    with pytest.raises(FundusError, match=r"Image_11L\.jpg"):
        seen_entries([load_set("chase_db1", "test")], FITTED)


def test_a_photograph_that_judged_and_was_learned_from_is_named() -> None:
    def entry(name: str, role: str) -> dict[str, str]:
        return {"name": name, "role": role, "sha256": name[-1]}

    own = [entry("a1", FITTED), entry("b2", JUDGED), entry("c3", JUDGED)]
    assert judged_though_fitted({"seen": own}) == []
    assert judged_though_fitted({"seen": [*own, entry("copy1", JUDGED)]}) == ["copy1"]
    ancestor = {"seen": [entry("x3", FITTED), entry("y2", JUDGED)]}
    assert judged_though_fitted({"seen": own, "ancestors": [ancestor]}) == ["c3"]
