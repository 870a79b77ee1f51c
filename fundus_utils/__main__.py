"""The command python -m fundus_utils: doctor, download, run, train, evaluate, predict, study."""

import io
import signal
import sys
import time
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from typing import Any

STARTED = time.monotonic()  # before TensorFlow is loaded: a training's minutes count from here

from . import storage  # noqa: E402
from .errors import FundusError  # noqa: E402
from .options import OPTIONS  # noqa: E402

# Each command is a function that may return how many things went wrong. What it needs is imported
# in it, so that the others start fast and `doctor` works where TensorFlow does not.


def doctor(options: Namespace) -> int:
    """Check this computer, or your own photographs and labels."""
    from . import doctor as checks

    if options.photographs is None:
        return not checks.report()
    return not checks.report_folders(options.photographs, options.labels)


def download(options: Namespace) -> None:
    """Fetch or unpack a data set."""
    from .data import downloads

    print(downloads.download(options.set))


def run(options: Namespace) -> None:
    """Run all notebooks."""
    from . import workbook

    print(f"Notebooks are in {workbook.run(keep=options.store)}")
    for path in sorted((storage.derived_dir() / "results").glob("*.json")):
        figures = storage.load_json(path)
        print(f"{path.stem}: " + ", ".join(f"{name} {value}" for name, value in figures.items()))


def train(options: Namespace) -> None:
    """Train a network."""
    from .data import load_set
    from .training.presets import preset_called

    preset_called(options.preset or "laptop")  # a misspelt name is told before TensorFlow is loaded
    sets = [load_set(name, "train") for name in options.dataset.split(",")]

    from .training.ancestry import chosen_preset
    from .training.train import train as train_network

    preset = chosen_preset(options.preset, options.start)
    if options.no_flips:
        preset = replace(preset, flips=False)
    how = {
        "start": options.start,
        "photographs": options.photographs,
        "minutes": options.minutes,
        "steps": options.steps,
        "seed": options.seed,
    }
    if options.folds:
        from .training.folds import cross_validate

        found = cross_validate(sets, options.out, preset, folds=options.folds, **how)
        measured = found.drop(columns="photographs")
        print(measured.to_string(index=False, float_format="{:.4f}".format))
        return
    trained = train_network(sets, options.out, preset, **how, started=STARTED)
    card = trained.card
    print(f"{options.out}: {card['steps']} steps, threshold {card['threshold']:.2f}")
    print(f"threshold source: {card['threshold_source']}")


def evaluate(options: Namespace) -> None:
    """Measure a trained model, or two."""
    from .data import load_set
    from .seen import met_again, refuse_seen
    from .trained_model import find_model, load_model

    names = [name for name in (options.model, options.compare) if name is not None]
    folders = {find_model(name).resolve() for name in names}
    if len(folders) < len(names):
        raise FundusError(f"{options.model} is compared with itself", "name another model")
    models = {str(name): load_model(name) for name in names}
    parts = [load_set(name, options.split) for name in options.dataset.split(",")]
    if not options.seen:  # said before anything is predicted
        for part in parts:
            for name, trained in models.items():
                refuse_seen(met_again(trained.card, part), part, name)
    entries = []
    rows = []
    for part in parts:
        found, of_part = _measured(models, part, options)
        entries.append(found)
        rows += of_part
    if options.json:
        storage.save_json(options.json, entries[0] if len(entries) == 1 else {"sets": entries})
    if options.csv:
        import pandas as pd

        from .results import save_table

        save_table(options.csv, pd.concat(rows))


def _measured(
    models: dict[str, Any], part: Any, options: Namespace
) -> tuple[dict[str, Any], list[Any]]:
    """Measure one or two models on a part and print it; return its JSON entry and CSV rows."""
    from .reports import Pair, report_on

    made = {}
    for name, trained in models.items():
        made[name] = report_on(
            trained,
            part,
            flips=options.flips,
            seen=options.seen,
            progress=True,
            threshold=options.threshold,
        )
        print(f"{name} on {made[name].text}\n")
    first, *others = made
    entry = {"model": first, **made[first].entries}
    for other in others:
        pair = Pair(made[first], made[other])
        print(f"{other} - {first}:\n{pair.text}\n")
        entry["compared"] = {
            "model": other,
            **made[other].entries,
            "differences": pair.entries,
        }
    return entry, [one.rows(name) for name, one in made.items()]


def predict(options: Namespace) -> int:
    """Map the vessels of photographs."""
    from .mapping import check_names, map_photographs, photographs_among, pictures_given
    from .trained_model import load_model

    if options.out.exists() and not options.out.is_dir():
        raise FundusError(f"{options.out} is a file", "choose a folder for the maps")
    given = pictures_given(options.image)
    images = photographs_among(given)
    check_names(images, options.out, given)
    return map_photographs(
        load_model(options.model),
        images,
        options.out,
        options.flips,
        options.threshold,
    )


def study(options: Namespace) -> None:
    """Run a table of trainings."""
    from .training import study_left

    if not options.list:
        from .training.study import run_study

        run_study(options.file, options.only)
    rows = study_left.listed(options.file)
    print(rows.to_string(index=False) if len(rows) else "nothing is left")
    seconds = study_left.seconds_left(options.file)
    if len(rows):
        known = "unknown: no row is there yet" if seconds is None else f"{seconds / 3600:.1f} hours"
        print(f"time left: {known}")


COMMANDS = (doctor, download, run, train, evaluate, predict, study)


def parser() -> ArgumentParser:
    """Return the command's parser."""
    top = ArgumentParser(prog="python -m fundus_utils", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for action in COMMANDS:
        name = action.__name__
        one = commands.add_parser(name, help=action.__doc__, description=action.__doc__)
        one.set_defaults(action=action)
        if name in OPTIONS:
            OPTIONS[name](one)
    return top


def _terminated(number: int, frame: Any) -> None:
    """End as on Ctrl-C when the process is asked to end, so that nothing half-made is left."""
    sys.exit(128 + number)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code: 0, or 1 after an error that it has explained."""
    options = parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file's name may be in no alphabet
            stream.reconfigure(errors=storage.ODD)
    try:
        return min(1, options.action(options) or 0)
    except (FundusError, OSError) as error:  # the latter: no permission, a full disk
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        later = "; it goes on when the same command is given again"
        print(f"stopped{later if options.action in (train, study) else ''}", file=sys.stderr)
        return 130


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _terminated)
    sys.exit(main())
