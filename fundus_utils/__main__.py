"""The command: python -m fundus_utils doctor | download | run | train | evaluate | predict."""

import math
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from pathlib import Path

STARTED = time.monotonic()  # before TensorFlow is loaded: a training's minutes count from here

from . import storage  # noqa: E402

# Each command is a function that may return how many things went wrong. What it needs is imported
# in it, so that the others start fast and `doctor` works where TensorFlow does not.


def doctor(_: Namespace) -> int:
    """Check this computer."""
    from . import doctor as checks

    return not checks.report()


def download(options: Namespace) -> None:
    """Fetch or unpack a data set."""
    from . import downloads

    print(downloads.download(options.set))


def run(options: Namespace) -> None:
    """Run all notebooks."""
    from . import workbook

    print(f"Notebooks and workbook.html are in {workbook.run(keep=options.store)}")
    for path in sorted((storage.derived_dir() / "results").glob("*.json")):
        print(f"{path.stem}: " + ", ".join(f"{k} {v}" for k, v in storage.load_json(path).items()))


def train(options: Namespace) -> None:
    """Train a network."""
    from . import datasets, training

    sets = [datasets.load_set(name, "train") for name in options.dataset.split(",")]
    chosen = {name: getattr(options, name) for name in ("preset", "minutes", "steps", "seed")}
    card = training.train(sets, options.out, started=STARTED, **chosen).card
    print(f"{options.out}: {card['steps']} steps, threshold {card['threshold']:.2f}")
    print(f"threshold source: {card['threshold_source']}")


def evaluate(options: Namespace) -> None:
    """Measure a trained model."""
    from . import datasets, evaluation, prediction

    trained = prediction.load_model(options.model)
    samples = datasets.load_set(options.dataset, options.split)
    maps = prediction.predict_set(trained, samples, progress=True)
    found = evaluation.evaluate_maps(maps, trained.threshold)
    width = max(map(len, found["photographs"])) + 2
    print(" " * width + " ".join(f"{name[:12]:>12}" for name in evaluation.MEASURES))
    for name, row in [*found["photographs"].items(), ("pooled", found["pooled"])]:
        print(f"{name:{width}}" + " ".join(f"{row[key]:12.4f}" for key in evaluation.MEASURES))
    print(f"inside the field of view, threshold {trained.threshold:.2f} (from training images)")
    if options.json:
        about = {"dataset": options.dataset, "split": options.split, "threshold": trained.threshold}
        storage.save_json(options.json, about | found)


def predict(options: Namespace) -> int:
    """Map the vessels of photographs."""
    from . import pictures, prediction

    names = [path.stem for path in options.image]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        problem = f"two photographs are called {twice[0]}"
        raise storage.FundusError(f"{problem}: their maps would be one file, rename one.")
    given = {path.resolve() for path in options.image}
    for name in names:
        if given & {path.resolve() for path in prediction.output_paths(options.out, name)}:
            raise storage.FundusError(f"the map of {name} would replace a photograph: rename it.")
    trained = prediction.load_model(options.model or prediction.SHIPPED)
    failed = 0
    for path in options.image:
        try:
            photograph = pictures.read_photograph(path)
        except storage.FundusError as error:
            print(error, file=sys.stderr)
            failed += 1
            continue
        made = prediction.predict_map(trained, photograph), trained.threshold
        print(*prediction.save_prediction(options.out, path.stem, photograph, *made), sep="\n")
    return failed


def parser() -> ArgumentParser:
    """Return the command's parser."""
    top = ArgumentParser(prog="python -m fundus_utils", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for action in (doctor, download, run, train, evaluate, predict):
        one = commands.add_parser(action.__name__, help=action.__doc__, description=action.__doc__)
        one.set_defaults(action=action)
    add = {name: one.add_argument for name, one in commands.choices.items()}
    add["download"]("set", choices=["drive", "chase_db1", "stare", "hrf"])
    add["run"]("--store", action="store_true", help="also write outputs into notebooks/")
    add["train"]("--dataset", required=True, metavar="SET[,SET]", help="sets to learn from")
    add["train"]("--out", required=True, type=Path, metavar="DIR", help="folder of the model")
    add["train"]("--preset", default="laptop", choices=["lesson", "laptop", "drawn"])
    length = commands.choices["train"].add_mutually_exclusive_group()
    length.add_argument(
        "--minutes", type=_number(float, 0, math.inf), help="how long all of it may take"
    )
    length.add_argument("--steps", type=_number(int, 0, 10**9), help="how many training steps")
    add["train"]("--seed", type=_number(int, -1, 2**32), default=0)
    add["evaluate"]("--model", required=True, type=Path, metavar="DIR")
    add["evaluate"]("--dataset", required=True, metavar="SET")
    add["evaluate"]("--split", default="test", choices=["train", "test", "all"])
    add["evaluate"]("--json", type=Path, metavar="FILE", help="write the measures there too")
    add["predict"]("image", nargs="+", type=Path, metavar="IMAGE")
    add["predict"]("--model", type=Path, metavar="DIR", help="the shipped model by default")
    add["predict"]("--out", required=True, type=Path, metavar="DIR")
    return top


def _number(kind: type, low: float, high: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = kind(text)
        if not low < value < high:
            raise ArgumentTypeError(f"{text} is not above {low} and below {high}")
        return value

    return number


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code: 0, or 1 after an error that it has explained."""
    options = parser().parse_args(arguments)
    try:
        return min(1, options.action(options) or 0)
    except (storage.FundusError, OSError) as error:  # the latter: no permission, a full disk
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; a training goes on when the same command is given again", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
