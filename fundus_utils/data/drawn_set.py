"""The data set `synthetic`: 60 drawn photographs, drawn at first use and kept."""

from importlib.metadata import version
from pathlib import Path

from .. import storage, synthetic

DRAWN_WITH = ("numpy", "scipy", "pillow")  # another version may draw or save other pixels


def drawn_folder() -> Path:
    """Return the folder of the 60 drawn photographs (two eyes of 30 patients).

    Draws them at first use, in half a minute, into `data/derived/synthetic_KEY`. The key changes
    with the code that draws and with the libraries below it: another way of drawing, another set.
    The folder is laid out like a reader's own (see `own_folder.folder_records`): patients 01-20
    train, 21-30 test.
    """
    versions = {library: version(library) for library in DRAWN_WITH}
    key = storage.key_of(storage.sources(["synthetic"]), versions)
    return storage.made_folder(f"synthetic_{key}", synthetic.draw_set)
