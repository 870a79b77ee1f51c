"""The command: python -m fundus_utils doctor | download | run | train | evaluate | predict."""

import argparse
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

STARTED = time.monotonic()  # before TensorFlow is loaded: a training's minutes count from here

from . import datasets, storage  # noqa: E402
from .storage import FundusError  # noqa: E402


def doctor(_: argparse.Namespace) -> int:
    """Check this computer."""
    from . import doctor as checks

    return 0 if checks.report() else 1


def download(options: argparse.Namespace) -> int:
    """Fetch or unpack a data set."""
    from . import downloads

    print(downloads.download(options.set))
    return 0


def run(options: argparse.Namespace) -> int:
    """Run all notebooks."""
    from . import workbook

    out = workbook.run(keep=options.store)
    print(f"Notebooks and workbook.html are in {out}")
    for path in sorted((storage.derived_dir() / "results").glob("*.json")):
        measured = storage.load_json(path)
        print(f"{path.stem}: " + ", ".join(f"{k} {v}" for k, v in measured.items()))
    return 0


def train(options: argparse.Namespace) -> int:
    """Train a network."""
    from . import training

    sets = [datasets.load_set(name, "train") for name in options.dataset.split(",")]
    trained = training.train(
        sets,
        options.out,
        options.preset,
        minutes=options.minutes,
        steps=options.steps,
        seed=options.seed,
        started=STARTED,
    )
    card = trained.card
    print(f"{options.out}: {card['steps']} steps, threshold {card['threshold']:.2f}")
    print(f"threshold source: {card['threshold_source']}")
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """Measure a trained model."""
    from . import evaluation, prediction

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
        storage.save_json(options.json, _without_nan({**about, **found}))
    return 0


def _without_nan(content: object) -> object:
    """Return JSON-able content with None for every nan, which JSON does not know."""
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    return None if isinstance(content, float) and math.isnan(content) else content


def predict(options: argparse.Namespace) -> int:
    """Map the vessels of photographs."""
    from . import prediction
    from .pictures import read_photograph

    names = [path.stem for path in options.image]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FundusError(f"two photographs are called {twice[0]}: their maps would be one file.")
    trained = prediction.load_model(options.model or prediction.SHIPPED)
    failed = 0
    for path in options.image:
        try:
            photograph = read_photograph(path)
        except FundusError as error:
            print(error, file=sys.stderr)
            failed += 1
            continue
        probability = prediction.predict_map(trained, photograph)
        for file in prediction.save_prediction(
            options.out, path.stem, photograph, probability, trained.threshold
        ):
            print(file)
    return 1 if failed else 0


def parser() -> argparse.ArgumentParser:
    """Return the command's parser."""
    top = argparse.ArgumentParser(prog="python -m fundus_utils", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def add(action: object, name: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=action.__doc__, description=action.__doc__)
        one.set_defaults(action=action)
        return one

    add(doctor, "doctor")
    one = add(download, "download")
    one.add_argument("set", choices=["drive", "chase_db1", "stare", "hrf"])
    one = add(run, "run")
    one.add_argument("--store", action="store_true", help="also write outputs into notebooks/")
    one = add(train, "train")
    one.add_argument("--dataset", required=True, metavar="SET[,SET]", help="sets to learn from")
    one.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder of the model")
    one.add_argument("--preset", default="laptop", choices=["lesson", "laptop"])
    length = one.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=_positive(float), help="how long all of it may take")
    length.add_argument("--steps", type=_positive(int), help="how many training steps")
    one.add_argument("--seed", type=int, default=0)
    one = add(evaluate, "evaluate")
    one.add_argument("--model", required=True, type=Path, metavar="DIR")
    one.add_argument("--dataset", required=True, metavar="SET")
    one.add_argument("--split", default="test", choices=["train", "test", "all"])
    one.add_argument("--json", type=Path, metavar="FILE", help="write the measures there too")
    one = add(predict, "predict")
    one.add_argument("image", nargs="+", type=Path, metavar="IMAGE")
    one.add_argument("--model", type=Path, metavar="DIR", help="the shipped model by default")
    one.add_argument("--out", required=True, type=Path, metavar="DIR")
    return top


def _positive(kind: type) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = kind(text)
        if not value > 0 or value == math.inf:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    return number


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code: 0, or 1 after an error that it has explained."""
    options = parser().parse_args(arguments)
    try:
        return options.action(options)
    except FundusError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
