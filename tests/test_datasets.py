"""Data sets in their official layouts: what is found, how it is split, what is said of a gap."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import BUILDERS, DISC, PHOTOGRAPH, VESSELS, build_drive, build_hrf, build_stare, save
from PIL import Image

from fundus_utils import storage
from fundus_utils.data import SOURCES, drawn_set, load_set
from fundus_utils.errors import FundusError

COUNTS = {"drive": (20, 20), "chase_db1": (20, 8), "stare": (10, 10), "hrf": (15, 30)}


@pytest.mark.parametrize("name", BUILDERS)
def test_official_set_is_read_and_split(name: str, data: Path) -> None:
    folder, build = BUILDERS[name]
    build(data / folder)
    train, test, everything = (load_set(name, part) for part in ("train", "test", "all"))
    assert (len(train), len(test)) == COUNTS[name]
    assert len(everything) == sum(COUNTS[name])
    assert not set(train.patients) & set(test.patients)
    for sample in everything:
        assert sample.photograph.shape == (*VESSELS.shape, 3)
        assert sample.label is not None and sample.label.dtype == bool
        assert np.array_equal(sample.label, VESSELS)  # also from {0, 1}, 1-bit and packed files
        assert (sample.fov == DISC).mean() > 0.98  # JPEG blurs the rim that is derived
    second = [sample.label2 for sample in test]
    assert all(label2 is None for label2 in second) == (name == "hrf")
    assert all(np.array_equal(label2, VESSELS) for label2 in second if label2 is not None)


def test_chase_db1_keeps_both_eyes_of_a_child_together(data: Path) -> None:
    folder, build = BUILDERS["chase_db1"]
    build(data / folder)
    train, test = load_set("chase_db1", "train"), load_set("chase_db1", "test")
    assert (train.names[0], train.names[-1]) == ("Image_01L", "Image_10R")
    assert (test.names[0], test.names[-1]) == ("Image_11L", "Image_14R")
    fit, validation = train.hold_out(0.3)
    assert (len(fit), len(validation)) == (14, 6)
    assert not set(fit.patients) & set(validation.patients)
    assert all(len(side) == 2 * len(side.patients) for side in (fit, validation))


def test_slice_is_a_smaller_set(data: Path) -> None:
    build_stare(data / "STARE")
    whole = load_set("stare", "train")
    assert whole[2:5].names == whole.names[2:5] and len(whole[2:5]) == 3
    assert np.array_equal(whole[2:5][0].photograph, whole[2].photograph)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 1.0])
def test_hold_out_leaves_patients_on_both_sides(share: float, data: Path) -> None:
    build_stare(data / "STARE")
    fit, validation = load_set("stare", "train").hold_out(share)
    assert len(fit) and len(validation) and len(fit) + len(validation) == 10


def test_one_patient_cannot_be_held_out(data: Path) -> None:
    save(data / "folder" / "images" / "a.png", PHOTOGRAPH)
    save(data / "folder" / "labels" / "a.png", VESSELS)
    with pytest.raises(FundusError, match="one patient"):
        load_set("folder").hold_out()


@pytest.mark.parametrize("with_test_photographs", [True, False])
def test_drive_without_test_labels_holds_training_out(
    with_test_photographs: bool, data: Path
) -> None:
    build_drive(data / "DRIVE", test=with_test_photographs, test_labels=False)
    assert load_set("drive", "train").names == [str(n) for n in range(21, 36)]
    assert load_set("drive", "test").names == [str(n) for n in range(36, 41)]
    assert len(load_set("drive", "all")) == 20
    if with_test_photographs:
        unlabelled = load_set("drive", "unlabelled")
        assert len(unlabelled) == 20 and unlabelled[0].label is None
        assert np.array_equal(unlabelled[0].fov, DISC)
    else:
        with pytest.raises(FundusError, match="01_test"):
            load_set("drive", "unlabelled")


def test_drive_with_labels_has_no_unlabelled_part(data: Path) -> None:
    build_drive(data / "DRIVE")
    with pytest.raises(FundusError, match="'unlabelled'"):
        load_set("drive", "unlabelled")


def test_unpacked_stare_is_read_too(data: Path) -> None:
    build_stare(data / "STARE", packed=False)
    sample = load_set("stare", "test")[0]
    assert sample.name == "im0162" and np.array_equal(sample.label, VESSELS)
    assert np.array_equal(sample.fov, DISC) and np.array_equal(sample.label2, VESSELS)


def test_the_part_that_is_on_disk_loads_and_the_absent_one_is_named(data: Path) -> None:
    build_hrf(data / "HRF")
    for file in [f for n in range(6, 16) for f in (data / "HRF").rglob(f"{n:02d}_*")]:
        file.unlink()
    assert len(load_set("hrf", "train")) == len(load_set("hrf", "all")) == 15
    with pytest.raises(FundusError, match=r"'test'.*06_dr\.jpg.*86 more.*download hrf"):
        load_set("hrf", "test")


def test_missing_file_is_named(data: Path) -> None:
    build_hrf(data / "HRF")
    (data / "HRF" / "manual1" / "03_g.tif").unlink()
    with pytest.raises(FundusError, match=r"lacks .*03_g\.tif: "):
        load_set("hrf", "train")
    assert len(load_set("hrf", "test")) == 30


def test_relative_fundus_data_counts_from_the_project(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_stare(data / "STARE")
    monkeypatch.setenv("FUNDUS_DATA", os.path.relpath(data, storage.PROJECT))
    monkeypatch.chdir(data.parent)
    assert len(load_set("stare", "all")) == 20


def test_absent_or_empty_set_says_how_to_get_it(data: Path) -> None:
    with pytest.raises(FundusError, match=r"HRF is not there: .*download hrf"):
        load_set("hrf")
    (data / "STARE").mkdir()
    for part in ("train", "all"):
        with pytest.raises(FundusError, match="download stare"):
            load_set("stare", part)


@pytest.mark.parametrize(
    ("name", "part", "said"),
    [
        ("dirve", "train", "'dirve'.*drive"),
        ("hrf:x", "all", "'hrf:x'"),
        ("stare", "valid", "no part 'valid', .*STARE holds test, train"),
    ],
)
def test_unknown_set_or_part_lists_the_known(name: str, part: str, said: str, data: Path) -> None:
    build_stare(data / "STARE")
    with pytest.raises(FundusError, match=said):
        load_set(name, part)


def own_folder(root: Path, stems: str = "abcdef", **folders: np.ndarray) -> Path:
    for stem in stems:
        save(root / "images" / f"{stem}.jpg", PHOTOGRAPH)
        for folder, picture in folders.items():
            save(root / folder / f"{stem}.png", picture)
    return root


def test_own_folder_with_masks_and_patients(data: Path) -> None:
    root = own_folder(data / "folder", labels=VESSELS, masks=DISC, labels2=VESSELS)
    lines = "a,p1\nb, p1\nc,p2\nd,p2\ne,p3\nf,p3\n"
    (root / "patients.csv").write_text(lines, encoding="utf-8-sig")  # as Excel writes it
    train, test = load_set("folder", "train"), load_set("folder", "test")
    assert (train.names, test.names) == (list("abcd"), list("ef"))
    assert (train.patients, test.patients) == (["p1", "p2"], ["p3"])
    assert np.array_equal(train[0].fov, DISC) and np.array_equal(train[0].label2, VESSELS)


def test_patients_file_must_name_every_photograph(data: Path) -> None:
    root = own_folder(data / "folder", labels=VESSELS)
    (root / "patients.csv").write_text("a.jpg,p1\nb.jpg,p1\n", encoding="utf-8")
    with pytest.raises(FundusError, match=r"patients\.csv: no line with a patient for a, b"):
        load_set("folder")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,p1\nb,p2\na,p3\n", "gives a to two patients"),
        ("a,\xe4".encode("cp1252"), "save it as CSV UTF-8"),
        (b"a,\nb,p\nc,p\nd,p\ne,p\nf,p\n", "no line with a patient for a"),
        (b"a," + b"p" * 140_000, "cannot be read as a table .*field"),
    ],
)
def test_a_doubtful_patients_file_is_refused(content: bytes, said: str, data: Path) -> None:
    root = own_folder(data / "folder", labels=VESSELS)
    (root / "patients.csv").write_bytes(content)
    with pytest.raises(FundusError, match=rf"patients\.csv.*{said}"):
        load_set("folder")


def test_a_patients_file_with_semicolons_counts_and_a_change_of_it_shows(data: Path) -> None:
    root = own_folder(data / "folder", labels=VESSELS)
    prints = []
    for patients in ("112233", "121233"):
        lines = [f"{stem};{patient}" for stem, patient in zip("abcdef", patients, strict=True)]
        (root / "patients.csv").write_text("\n".join(lines), encoding="utf-8")
        prints.append(load_set("folder").fingerprint)
    assert load_set("folder", "all").patients == ["1", "2", "3"]
    assert prints[0] != prints[1]  # else a model of the old split would be taken for the new one
    assert all(re.fullmatch("[0-9a-f]{10}", fingerprint) for fingerprint in prints)


def test_names_written_by_a_mac_and_by_others_are_the_same(data: Path) -> None:
    for stem in ("gr\u00f6\u00dfe", "b", "c"):
        save(data / "folder" / "images" / f"{stem}.png", PHOTOGRAPH)
        save(
            data / "folder" / "labels" / f"{stem.replace(chr(0xF6), 'o' + chr(0x308))}.png", VESSELS
        )
    assert len(load_set("folder", "all")) == 3


def test_drive_in_capitals_keeps_its_labelled_test_part(data: Path) -> None:
    build_drive(data / "DRIVE")
    for path in sorted((data / "DRIVE").rglob("*.gif")):
        path.rename(path.with_suffix(".GIF"))
    assert (len(load_set("drive")), len(load_set("drive", "test"))) == (20, 20)


def test_a_label_black_on_white_is_refused(data: Path) -> None:
    own_folder(data / "folder", labels=~VESSELS)
    with pytest.raises(FundusError, match=r"a\.png calls more than half .* invert it"):
        load_set("folder")[0]


def test_a_black_mask_is_refused(data: Path) -> None:
    own_folder(data / "folder", labels=VESSELS, masks=np.zeros_like(VESSELS))
    with pytest.raises(FundusError, match=r"masks/a\.png is black"):
        load_set("folder")[0]


def test_an_inverted_mask_is_refused(data: Path) -> None:
    own_folder(data / "folder", labels=VESSELS, masks=~DISC)
    with pytest.raises(FundusError, match=r"masks/a\.png marks the black surround.* invert it"):
        load_set("folder")[0]


def test_an_inverted_mask_of_a_photograph_without_red_is_refused(data: Path) -> None:
    own_folder(data / "folder", labels=VESSELS, masks=~DISC)
    green = PHOTOGRAPH * np.array([0, 1, 0], np.uint8)
    (data / "folder" / "images" / "a.jpg").unlink()
    save(data / "folder" / "images" / "a.png", green)
    with pytest.raises(FundusError, match=r"masks/a\.png marks the black surround.* invert it"):
        load_set("folder")[0]


def dark_photograph() -> np.ndarray:
    """Return a photograph whose retina is as dark as its surround, but for one bright spot."""
    photograph = PHOTOGRAPH // 20
    photograph[14:16, 18:22] = 255
    return photograph


@pytest.mark.parametrize(
    ("photograph", "mask"),
    [
        (np.zeros_like(PHOTOGRAPH), DISC),
        (np.zeros_like(PHOTOGRAPH), ~DISC),
        (PHOTOGRAPH, np.ones_like(DISC)),
        (dark_photograph(), DISC),
        (dark_photograph(), np.ones_like(DISC)),
        (np.full_like(PHOTOGRAPH, 90), DISC),  # no surround at all
    ],
    ids=["black", "black, other side", "all True", "dark", "dark, all True", "even"],
)
def test_a_mask_that_may_be_right_is_taken(
    photograph: np.ndarray, mask: np.ndarray, data: Path
) -> None:
    save(data / "folder" / "images" / "a.png", photograph)
    save(data / "folder" / "masks" / "a.png", mask)
    assert np.array_equal(load_set("folder", "unlabelled")[0].fov, mask)


@pytest.mark.parametrize("kind", ["masks", "labels2"])
def test_a_mask_or_second_label_without_its_photograph_is_named(data: Path, kind: str) -> None:
    root = own_folder(data / "folder", labels=VESSELS, masks=DISC, labels2=VESSELS)
    save(root / kind / "misspelt.png", DISC)
    with pytest.raises(FundusError, match=rf"{kind}: no photograph for misspelt"):
        load_set("folder", "all")


def test_a_masks_folder_in_which_no_mask_is_found_is_said(data: Path) -> None:
    root = own_folder(data / "folder", labels=VESSELS, masks=DISC)
    (root / "masks").rename(root / "inner")
    (root / "masks").mkdir()
    (root / "inner").rename(root / "masks" / "masks")
    with pytest.raises(FundusError, match="no mask for a, b, c"):
        load_set("folder", "all")


def test_an_inverted_second_label_is_refused(data: Path) -> None:
    own_folder(data / "folder", labels=VESSELS, masks=DISC, labels2=~VESSELS)
    with pytest.raises(FundusError, match=r"labels2/a\.png calls more than half"):
        load_set("folder", "all")[0]


def test_a_patient_is_one_however_the_name_is_composed(data: Path) -> None:
    root = own_folder(data / "folder", labels=VESSELS)
    names = [path.stem for path in sorted((root / "images").iterdir())]
    patients = ["M\u00fcller", "Mu\u0308ller", *["Zoe"] * (len(names) - 2)]
    lines = [f"{name},{patient}" for name, patient in zip(names, patients, strict=True)]
    (root / "patients.csv").write_text("\n".join(lines), encoding="utf-8")
    assert len(load_set("folder", "all").patients) == 2


def test_a_remark_with_a_semicolon_does_not_change_the_table(data: Path) -> None:
    root = own_folder(data / "folder", labels=VESSELS)
    lines = [f"{path.stem},p1,left; blurred" for path in (root / "images").iterdir()]
    (root / "patients.csv").write_text("\n".join(lines), encoding="utf-8")
    assert {one.patient for one in load_set("folder", "all")} == {"p1"}


def test_own_folder_elsewhere_without_masks(data: Path, tmp_path: Path) -> None:
    root = own_folder(tmp_path / "mine", labels=VESSELS)
    train = load_set(f"folder:{root}", "train")
    assert train.names == list("abcd") and (train[0].fov == DISC).mean() > 0.98


def test_own_folder_without_labels_is_unlabelled(data: Path) -> None:
    own_folder(data / "folder")
    unlabelled = load_set("folder", "unlabelled")
    assert len(unlabelled) == 6 and unlabelled[0].label is None
    with pytest.raises(FundusError, match=r"'train'.* no label: to train or measure"):
        load_set("folder", "train")


@pytest.mark.parametrize("gone", ["images/c.jpg", "labels/c.png", "masks/c.png"])
def test_lonely_file_of_an_own_folder_is_named(gone: str, data: Path) -> None:
    root = own_folder(data / "folder", labels=VESSELS, masks=DISC)
    (root / gone).unlink()
    if gone.startswith("images"):
        (root / "masks/c.png").unlink()
    with pytest.raises(FundusError, match=r"no (photograph|label|mask) for c:"):
        load_set("folder")


def test_own_folder_without_photographs_or_with_a_stem_twice(data: Path) -> None:
    (data / "folder" / "images").mkdir(parents=True)
    with pytest.raises(FundusError, match="holds no pictures"):
        load_set("folder")
    own_folder(data / "folder")
    save(data / "folder" / "images" / "a.tif", PHOTOGRAPH)
    with pytest.raises(FundusError, match=r"a\.tif and a\.jpg have one stem"):
        load_set("folder")


def spoil_size(path: Path) -> None:
    save(path, VESSELS[:-1])


def spoil_values(path: Path) -> None:
    save(path, np.linspace(0, 255, VESSELS.size).astype(np.uint8).reshape(VESSELS.shape))


def spoil_empty(path: Path) -> None:
    path.write_bytes(b"")


def spoil_cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:60])


def spoil_text(path: Path) -> None:
    path.write_text("not a picture", encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_size, r"40x29 pixels, its photograph 40x30"),
        (spoil_values, "256 different values"),
        (spoil_empty, "is empty"),
        (spoil_cut, "cannot be read as a picture"),
        (spoil_text, "in no picture format that can be read"),
    ],
)
def test_broken_file_is_named_when_it_is_read(spoil, said: str, data: Path) -> None:
    root = own_folder(data / "folder", labels=VESSELS)
    spoil(root / "labels" / "b.png")
    train = load_set("folder")
    assert train[0].label is not None  # the others stay readable
    with pytest.raises(FundusError, match=rf"b\.png.*{said}"):
        train[1]


def test_black_photograph_counts_as_all_field_of_view(data: Path) -> None:
    save(data / "folder" / "images" / "a.png", Image.new("RGB", (3, 2)))
    assert load_set("folder", "unlabelled")[0].fov.all()


@pytest.mark.parametrize("link", ["", "images/g.jpg", "masks", "patients.csv"])
def test_a_link_that_leads_in_a_circle_is_named(link: str, data: Path) -> None:
    own_folder(data / "folder", labels=VESSELS)
    if link:
        (data / "folder" / link).symlink_to(data / "folder" / link)
    else:
        (data / "folder").rename(data / "away")
        (data / "folder").symlink_to(data / "folder")
    with pytest.raises(FundusError, match=f"folder/?{link} (is|cannot|has)"):
        load_set("folder", "all")


@pytest.mark.parametrize("path", ["~nobody_is_called_so/eyes", "a\0b", "a" * 300])
def test_a_folder_that_cannot_be_is_named(path: str, data: Path) -> None:
    with pytest.raises(FundusError, match=f"{path} (cannot be opened as a folder|is not there)"):
        load_set(f"folder:{path}")


def test_synthetic_is_drawn_once_and_anew_with_another_library(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []

    def draw_set(folder: Path) -> None:
        drawn.append(folder)
        own_folder(folder, labels=VESSELS)

    monkeypatch.setattr(drawn_set.synthetic, "draw_set", draw_set)
    first = load_set("synthetic")
    assert load_set("synthetic").records == first.records and len(drawn) == 1
    assert first.records[0].photograph.is_relative_to(storage.derived_dir())
    monkeypatch.setattr(drawn_set, "version", lambda library: "0")
    assert load_set("synthetic").records != first.records and len(drawn) == 2


def test_reading_needs_no_network_and_no_tensorflow() -> None:
    program = "import sys, fundus_utils.data; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=storage.PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"pooch", "requests", "tensorflow", "ipywidgets"} & set(ran.stdout.split())


def test_the_order_of_the_sets_and_their_licences() -> None:
    assert list(SOURCES) == ["chase_db1", "synthetic", "drive", "stare", "hrf", "folder"]
    assert all(source.licence for source in SOURCES.values())


# The set that comes with the project


def test_chase_db1_comes_along_unchanged() -> None:
    folder = storage.PROJECT / "data" / "CHASE_DB1"
    pictures = sorted([*folder.glob("*.jpg"), *folder.glob("*.png")])
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in pictures]
    assert len(pictures) == 84
    assert hashlib.sha256("".join(lines).encode()).hexdigest() == (
        "3327799e07b78318181353b7a7e58fa86bd08ad3cee118f9f51abf5e121653dc"
    )
    said = (folder / "README.md").read_text(encoding="utf-8")
    assert "CC BY 4.0" in said and "10.1109/TBME.2012.2205687" in said and "Kingston" in said


def test_it_is_found_also_where_another_folder_is_named_that_lacks_it(data: Path) -> None:
    assert len(load_set("chase_db1", "all")) == 28
    with pytest.raises(FundusError, match="hrf"):
        load_set("hrf", "train")
    folder, build = BUILDERS["chase_db1"]
    build(data / folder)
    assert load_set("chase_db1", "train").records[0].photograph.parent == data / folder
