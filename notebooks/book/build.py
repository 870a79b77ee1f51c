"""Make an HTML book of the notebooks, from the outputs that they hold: nothing runs, offline.

python notebooks/book/build.py
python notebooks/book/build.py data/derived/run
"""

import shutil
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path

from pages import collect, contents, write_pages
from sphinx.cmd.build import build_main

from fundus_utils import storage
from fundus_utils.errors import FundusError

HERE = Path(__file__).parent
MARK = "searchindex.js"  # what only a book holds


def check_place(out: Path) -> None:
    """Raise FundusError if `out` holds something else than a book: it is going to be replaced."""
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / MARK).exists()):
        problem = f"{out} is there, and is no book that could be replaced"
        raise FundusError(problem, "choose a new folder for the book")


def build(folder: Path, out: Path, root: Path = storage.PROJECT) -> Path:
    """Make the book of a folder's notebooks.

    Args:
        folder: of the numbered notebooks.
        out: where the book comes; an old book there is replaced as a whole, once the new one is
            done.
        root: of the project, see `pages.collect`.

    Returns:
        The book's first page.

    Raises:
        FundusError: there are no notebooks, `out` is no place for a book, or Sphinx complained.
    """
    check_place(out)
    pages = collect(folder, root)
    with tempfile.TemporaryDirectory() as work, storage.writing_whole(out) as target:
        source = Path(work, "source")
        write_pages(pages, source, root)
        first = (HERE / "index.md").read_text(encoding=storage.UTF8)
        (source / "index.md").write_text(f"{first}\n{contents(pages)}", encoding=storage.UTF8)
        options = ["-q", "-W", "--keep-going", "-c", str(HERE), "-d", str(Path(work, "doctrees"))]
        if build_main([*options, str(source), str(target)]):
            problem = "Sphinx found something wrong with the pages, see above"
            raise FundusError(problem, "mend the page that it names, and build the book again")
        for own in (".buildinfo", "objects.inv"):  # for Sphinx, not for readers
            (target / own).unlink(missing_ok=True)
        shutil.rmtree(out, ignore_errors=True)
    return out / "index.html"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = ArgumentParser(description="Make an HTML book of the notebooks.")
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=storage.PROJECT / "notebooks",
        help="of the notebooks, with the outputs that are shown (%(default)s)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=storage.derived_dir() / "book" / "html",
        help="where the book comes; an old one there is replaced (%(default)s)",
    )
    options = parser.parse_args(arguments)
    try:
        print(build(options.folder, options.out))
    except (FundusError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
