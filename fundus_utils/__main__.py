"""The command: python -m fundus_utils doctor | download | run | train | evaluate | predict."""

import math
import os
import signal
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

STARTED = time.monotonic()  # before TensorFlow is loaded: a training's minutes count from here

from . import storage  # noqa: E402
from .errors import FundusError  # noqa: E402

# Each command is a function that may return how many things went wrong. What it needs is imported
# in it, so that the others start fast and `doctor` works where TensorFlow does not.


def doctor(_: Namespace) -> int:
    """Check this computer."""
    from . import doctor as checks

    return not checks.report()


def download(options: Namespace) -> None:
    """Fetch or unpack a data set."""
    from .data import downloads

    print(downloads.download(options.set))


def run(options: Namespace) -> None:
    """Run all notebooks."""
    from . import workbook

    print(f"Notebooks and workbook.html are in {workbook.run(keep=options.store)}")
    for path in sorted((storage.derived_dir() / "results").glob("*.json")):
        figures = storage.load_json(path)
        print(f"{path.stem}: " + ", ".join(f"{name} {value}" for name, value in figures.items()))


def train(options: Namespace) -> None:
    """Train a network."""
    from .data import load_set
    from .training.presets import preset_called

    preset = preset_called(options.preset)  # a misspelt name is told before TensorFlow is loaded
    sets = [load_set(name, "train") for name in options.dataset.split(",")]

    from .training.train import train as train_network

    trained = train_network(
        sets=sets,
        out=options.out,
        preset=preset,
        minutes=options.minutes,
        steps=options.steps,
        seed=options.seed,
        started=STARTED,
    )
    card = trained.card
    print(f"{options.out}: {card['steps']} steps, threshold {card['threshold']:.2f}")
    print(f"threshold source: {card['threshold_source']}")


def evaluate(options: Namespace) -> None:
    """Measure a trained model."""
    from . import results
    from .data import load_set
    from .evaluation import evaluate_maps
    from .prediction import predict_set
    from .trained_model import load_model

    trained = load_model(options.model)
    samples = load_set(options.dataset, options.split)
    maps = predict_set(trained, samples, progress=True)
    found = evaluate_maps(maps, trained.threshold)
    print(results.measures_table(found).to_string(float_format="{:.4f}".format))
    print(f"inside the field of view, threshold {trained.threshold:.2f} (from training images)")
    if options.json:
        about = {
            "dataset": options.dataset,
            "split": options.split,
            "threshold": trained.threshold,
        }
        storage.save_json(options.json, about | found)


def predict(options: Namespace) -> int:
    """Map the vessels of photographs."""
    from .trained_model import SHIPPED, load_model

    if options.out.exists() and not options.out.is_dir():
        raise FundusError(f"{options.out} is a file", "choose a folder for the maps")
    _check_names(options.image, options.out)
    trained = load_model(options.model or SHIPPED)
    failed = 0
    for path in options.image:
        try:
            _predict_one(trained, path, options.out)
        except (FundusError, OSError, MemoryError) as error:  # it never ends the batch
            named = str(path) in str(error)
            print(error if named else f"{path}: {error}", file=sys.stderr)
            failed += 1
    return failed


def _predict_one(trained: Any, path: Path, out: Path) -> None:
    """Map one photograph and print where its map and overlay are."""
    from .data import read_photograph
    from .prediction import predict_map, save_prediction

    photograph = read_photograph(path)
    probability = predict_map(trained, photograph)
    for made in save_prediction(out, path.stem, photograph, probability, trained.threshold):
        print(made)


def _check_names(images: Sequence[Path], out: Path) -> None:
    """Raise FundusError if two photographs would share a map, or a map replace a photograph."""
    from .prediction import output_paths

    names = [path.stem for path in images]
    given = {os.path.realpath(path) for path in images}  # also of links that lead in a circle
    for name in names:
        if names.count(name) > 1:
            problem = f"two photographs are called {name}"
            raise FundusError(problem, "their maps would be one file, rename one")
        if any(os.path.realpath(path) in given for path in output_paths(out, name)):
            raise FundusError(f"the map of {name} would replace a photograph", "rename it")


def parser() -> ArgumentParser:
    """Return the command's parser. What a name may be is left to the code that looks it up."""
    top = ArgumentParser(prog="python -m fundus_utils", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(action: Callable) -> ArgumentParser:
        one = commands.add_parser(action.__name__, help=action.__doc__, description=action.__doc__)
        one.set_defaults(action=action)
        return one

    command(doctor)

    one = command(download)
    one.add_argument("set", metavar="SET", help="drive, chase_db1, stare or hrf")

    one = command(run)
    one.add_argument("--store", action="store_true", help="also write outputs into notebooks/")

    one = command(train)
    one.add_argument("--dataset", required=True, metavar="SET[,SET]", help="sets to learn from")
    one.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder of the model")
    one.add_argument("--preset", default="laptop", help="lesson, laptop (the default) or drawn")
    length = one.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=_number(float, 0, math.inf), help="for all of it")
    length.add_argument("--steps", type=_number(int, 0, 10**9), help="how many training steps")
    one.add_argument("--seed", type=_number(int, -1, 2**32), default=0)

    one = command(evaluate)
    one.add_argument("--model", required=True, type=Path, metavar="DIR")
    one.add_argument("--dataset", required=True, metavar="SET")
    one.add_argument("--split", default="test", help="train, test (the default) or all")
    one.add_argument("--json", type=Path, metavar="FILE", help="write the measures there too")

    one = command(predict)
    one.add_argument("image", nargs="+", type=Path, metavar="IMAGE")
    one.add_argument("--model", type=Path, metavar="DIR", help="the shipped model by default")
    one.add_argument("--out", required=True, type=Path, metavar="DIR")
    return top


def _number(kind: type, low: float, high: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = kind(text)
        if not low < value < high:
            raise ArgumentTypeError(f"{text} is not above {low} and below {high}")
        return value

    return number


def _terminated(number: int, frame: Any) -> None:
    """End as on Ctrl-C when the process is asked to end, so that nothing half-made is left."""
    sys.exit(128 + number)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code: 0, or 1 after an error that it has explained."""
    options = parser().parse_args(arguments)
    try:
        return min(1, options.action(options) or 0)
    except (FundusError, OSError) as error:  # the latter: no permission, a full disk
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        later = "; it goes on when the same command is given again"
        print(f"stopped{later if options.action is train else ''}", file=sys.stderr)
        return 130


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _terminated)
    sys.exit(main())
