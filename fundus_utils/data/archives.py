"""The archives of the public data sets: where each lies, its checksum, and what it holds."""

# ruff: noqa: E501  (the table: one archive a line)

from dataclasses import dataclass


@dataclass(frozen=True)
class Archive:
    """One archive of a set, and what becomes of it.

    site: the address before its name, or the page where a person gets it. checksum: `sha256:` or
    `md5:` and the digits. top: what lies at the top of the part that fills `folder` (below the
    set's folder). optional: the set is of use without it.
    """

    site: str
    file: str
    checksum: str
    top: str
    folder: str = ""
    optional: bool = False


HRF = "https://www5.cs.fau.de/fileadmin/research/datasets/fundus-images/"
STARE = "http://cecas.clemson.edu/~ahoover/stare/probing/"
DRIVE = "https://drive.grand-challenge.org"
CHASE = "https://researchdata.kingston.ac.uk/96/"
BY_HAND = {"drive": "register and get", "chase_db1": "get"}  # no program may or can fetch them
ARCHIVES = {
    "hrf": (Archive(HRF, "all.zip", "sha256:a914d02cda161b7f33f25d0397c276d50e9a6cbc705e9b364a54f0adafed57e4", "images"),),
    "stare": (
        Archive(STARE, "stare-images.tar", "sha256:5f7b509b6067cad4f1be84933145d783de9ec087b3eaaf4db0103dd0144dd433", "im0001.*", "stare-images"),
        Archive(STARE, "labels-ah.tar", "sha256:ebf2f1e17ca955f24579d9edd990e2dae79a5c82def69f0985d8e24f826ddd2f", "im0001.*", "labels-ah"),
        Archive(STARE, "labels-vk.tar", "sha256:47474a701536b0cfdb369fdce012be36141e9f44d80387f0179446b5cb0f5576", "im0001.*", "labels-vk"),
    ),
    "drive": (
        Archive(DRIVE, "training.zip", "sha256:7101e19598e2b7aacdbd5e6e7575057b9154a4aaec043e0f4e28902bf4e2e209", "images", "training"),
        Archive(DRIVE, "test.zip", "sha256:d76c95c98a0353487ffb63b3bb2663c00ed1fde7d8fdfd8c3282c6e310a02731", "images", "test", optional=True),
    ),
    "chase_db1": (Archive(CHASE, "CHASEDB1.zip", "md5:d9e47c4bac125b29996fae4380a68db1", "Image_01L.jpg"),),
}  # fmt: skip
