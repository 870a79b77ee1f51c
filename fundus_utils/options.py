"""What each command takes. What a name may be is left to the code that looks it up."""

import math
from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction
from collections.abc import Callable
from pathlib import Path

MODELS_HELP = "a model's folder, drawn or shipped (the default)"
FLIPS_HELP = "take the mean over three mirror images too, or not; else as the model's card says"


def _number(kind: type, low: float, high: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = kind(text)
        if not low < value < high:
            raise ArgumentTypeError(f"{text} is not above {low} and below {high}")
        return value

    return number


def _threshold(text: str) -> float | str:
    if text == "halfway":
        return text
    try:
        return _number(float, 0, 1)(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is neither a number nor halfway") from None


def _add_threshold(one: ArgumentParser) -> None:
    one.add_argument(
        "--threshold",
        type=_threshold,
        metavar="T",
        help="instead of the model's own: a number, or the word halfway, for photographs of a "
        "camera that the model has not seen: halfway to where a tenth of all pixels is vessel",
    )


def _doctor(one: ArgumentParser) -> None:
    photographs = "a folder of photographs to examine, instead of this computer"
    one.add_argument("photographs", nargs="?", type=Path, metavar="PHOTOS", help=photographs)
    one.add_argument(
        "labels",
        nargs="?",
        type=Path,
        metavar="LABELS",
        help="that of their labels, if there are any",
    )


def _download(one: ArgumentParser) -> None:
    one.add_argument("set", metavar="SET", help="drive, chase_db1, stare or hrf")


def _run(one: ArgumentParser) -> None:
    one.add_argument("--store", action="store_true", help="also write outputs into notebooks/")


def _train(one: ArgumentParser) -> None:
    count = _number(int, 0, 10**9)
    one.add_argument("--dataset", required=True, metavar="SET[,SET]", help="sets to learn from")
    one.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder of the model")
    presets = "lesson, quick, laptop (the default), scratch, full, shipped, drawn, article"
    one.add_argument("--preset", help=presets)
    one.add_argument(
        "--from",
        dest="start",
        metavar="DIR",
        help="begin with a model's weights: its folder, drawn, shipped, or nothing",
    )
    one.add_argument("--photographs", type=count, metavar="N", help="the first N of each set alone")
    one.add_argument("--folds", type=count, metavar="K", help="cross-validate by patient")
    one.add_argument("--no-flips", action="store_true", help="judge the map of one view, not four")
    length = one.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=_number(float, 0, math.inf), help="for all of it")
    length.add_argument("--steps", type=count, help="how many training steps")
    one.add_argument("--seed", type=_number(int, -1, 2**32), default=0)


def _evaluate(one: ArgumentParser) -> None:
    one.add_argument("--model", default="shipped", metavar="DIR", help=MODELS_HELP)
    one.add_argument(
        "--dataset", "--set", required=True, metavar="SET[,SET]", help="sets to measure"
    )
    one.add_argument("--split", default="test", help="train, validation, test (the default), all")
    one.add_argument("--flips", action=BooleanOptionalAction, help=FLIPS_HELP)
    _add_threshold(one)
    one.add_argument("--compare", metavar="DIR", help="another model, on the same photographs")
    one.add_argument(
        "--seen",
        action="store_true",
        help="measure also photographs that the model has seen, and mark them",
    )
    one.add_argument("--json", type=Path, metavar="FILE", help="write the measures there too")
    one.add_argument("--csv", type=Path, metavar="FILE", help="write a row a photograph there")


def _predict(one: ArgumentParser) -> None:
    one.add_argument("image", nargs="+", type=Path, metavar="IMAGE", help="or a folder of them")
    one.add_argument("--model", default="shipped", metavar="DIR", help=MODELS_HELP)
    one.add_argument("--flips", action=BooleanOptionalAction, help=FLIPS_HELP)
    _add_threshold(one)
    one.add_argument("--out", required=True, type=Path, metavar="DIR")


def _study(one: ArgumentParser) -> None:
    one.add_argument("file", type=Path, metavar="FILE.toml", help="see notebooks/results/README.md")
    one.add_argument("--only", metavar="NAME", help="run the trainings of this name alone")
    one.add_argument("--list", action="store_true", help="say what is left, and for how long")


# The commands that take anything, by name.
OPTIONS: dict[str, Callable[[ArgumentParser], None]] = {
    "doctor": _doctor,
    "download": _download,
    "run": _run,
    "train": _train,
    "evaluate": _evaluate,
    "predict": _predict,
    "study": _study,
}
