"""`hlsflow compress`: make a smaller model out of a trained one."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.foundation.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from hlsflow.foundation.workspace import Workspace
    from hlsflow.models.recipe import Recipe, Training
    from hlsflow.training.record import TrainingRecord

# What fine-tunes a model whose source has no training of its own to take these from.
LEARNING_RATE, BATCH_SIZE = 1e-3, 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `hlsflow compress`."""
    parser.add_argument("source", metavar="SOURCE", help="the trained model: a folder of models/")
    parser.add_argument("name", metavar="NAME", help="the model to make: a new folder of models/")
    parser.add_argument("--method", required=True, metavar="M", help="such as magnitude_pruning or low_rank")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a parameter of the method, such as ratio=0.5 or layers=[fc1,fc2]; may stand several times",
    )
    parser.add_argument("--fine-tune", type=int, metavar="EPOCHS", help="train the smaller model for so many epochs")
    parser.add_argument("--learning-rate", type=float, metavar="R", help="of --fine-tune (default: as SOURCE had it)")
    parser.add_argument(
        "--learning-rate-decay", choices=["constant", "cosine"], help="of --fine-tune (default: as SOURCE had it)"
    )
    parser.add_argument("--batch-size", type=int, metavar="N", help="of --fine-tune (default: as SOURCE had it)")
    parser.add_argument("--title", metavar="T", help="of the new model (default: the method's name and parameters)")
    parser.add_argument("--data-dir", metavar="DIR", help="a folder with mnist.npz ... (else HLSFLOW_DATA, then Keras)")
    parser.add_argument("--force", action="store_true", help="make a model anew that was made in this way before")
    parser.add_argument("--verbose", action="store_true", help="show TensorFlow's own messages too")
    parser.add_argument(
        "--workspace", metavar="DIR", help="folder with models/ (default: the current one, or the nearest above it)"
    )


def run(args: argparse.Namespace) -> int:
    """Makes the model whole, or leaves everything as it was. Gives the exit code."""
    from hlsflow.compression.derivation import parse_method
    from hlsflow.foundation.log import Log
    from hlsflow.foundation.workspace import find_workspace
    from hlsflow.models.recipe import CARD_FILE, load_recipe

    method = {"name": args.method, **_parameters(args.set)}
    workspace = find_workspace(args.workspace)
    source_dir = workspace.model_dir(args.source)
    _check_name(workspace, args)
    parse_method(method, "the command line")
    if (source_dir / CARD_FILE).is_file():
        return _of_added(workspace, args, method)
    recipe = load_recipe(source_dir)
    training = _training(args, recipe)

    from hlsflow.datasets.dataset import load_dataset

    log = Log(verbose=args.verbose)
    with log.step("dataset") as step:
        dataset = load_dataset(recipe.dataset, args.data_dir)
        step.detail = f"{len(dataset.x_train):,} + {len(dataset.x_test):,} samples, {dataset.source}"

    from hlsflow.frontends.keras.runtime import prepare_tensorflow
    from hlsflow.training.making import make_derived

    prepare_tensorflow(verbose=args.verbose)
    checkpoint = workspace.build / "training" / args.name / "checkpoint.npz"
    if args.force:
        checkpoint.unlink(missing_ok=True)
    with _new_model_dir(workspace, args.name) as folder, log.step("compress") as step:
        record = make_derived(
            source_dir, method, dataset, folder, checkpoint, log, title=_title(args, recipe), training=training
        )
        step.detail = f"{args.method}, {record.parameters:,} parameters"
    print(_summary(record, source_dir, workspace.model_dir(args.name)))
    return 0


def _of_added(workspace: Workspace, args: argparse.Namespace, said: dict[str, Any]) -> int:
    """Of a model that was added: no data of its training is known, so none is trained on."""
    from hlsflow.building.configure import drop_derived
    from hlsflow.compression.derivation import parse_method
    from hlsflow.compression.of_added import derive_added
    from hlsflow.foundation.log import Log
    from hlsflow.models.added import AddedModel
    from hlsflow.models.card import load_card

    if args.fine_tune is not None:
        raise UsageError(
            f"--fine-tune: {args.source} was added from a file, and the data that it was trained on is not here",
            hint="fine-tune it where it came from, then: hlsflow add FILE",
        )
    _training(args, None)
    method, parameters = parse_method(said, "the command line")
    folder = workspace.model_dir(args.source)
    source = AddedModel(card=load_card(folder), folder=folder)
    log = Log(verbose=args.verbose)
    with log.step("compress") as step:
        words = " ".join([args.method, *args.set])
        title = (args.title or f"{args.source}: {words.replace('_', ' ')}")[:120]
        facts = derive_added(source, method, parameters, words, workspace.models / args.name, title)
        step.detail = words
    drop_derived(workspace, args.name, log)
    lines = [f"{args.name}: {args.source} by {words}", *_figure_lines(facts)]
    print("\n".join([*lines, f"next: hlsflow build --model {args.name}"]))
    return 0


def _parameters(words: list[str]) -> dict[str, Any]:
    """A method's parameters from `key=value` words; a value is read as YAML has it. Raises UsageError, ConfigError."""
    from hlsflow.foundation.strict_yaml import parse_yaml

    found: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not re.fullmatch(r"[a-z_]+", key):
            raise UsageError(f"--set {word}: expected KEY=VALUE", hint="for example: --set ratio=0.5")
        if key in found or key == "name":
            raise UsageError(f"--set {word}: '{key}' is given twice", hint="the method's name stands behind --method")
        found |= parse_yaml(f"{key}: {value}", f"--set {word}")
    return found


def _check_name(workspace: Workspace, args: argparse.Namespace) -> None:
    """Raises UsageError for a name that is none, and ConfigError where the model would take another one's place."""
    from hlsflow.compression.of_added import is_made
    from hlsflow.models.card import CARD_FILE, load_card
    from hlsflow.models.recipe import MODEL_NAME, RECIPE_FILE, load_recipe

    if not re.fullmatch(MODEL_NAME, args.name) or len(args.name) > 64:
        raise UsageError(
            f"'{args.name}' cannot name a model", hint="letters, digits and _, at most 64, and a letter at the front"
        )
    folder = workspace.models / args.name
    if not folder.exists():
        return
    if (folder / CARD_FILE).is_file():
        ours = is_made(load_card(folder))
    else:
        ours = (folder / RECIPE_FILE).is_file() and load_recipe(folder).derived is not None
    if not ours:
        raise ConfigError(f"{folder} was not made by hlsflow compress, and stays", hint="choose another name")
    if args.name == args.source:
        raise UsageError(f"{args.name} cannot be made out of itself", hint="choose another name")
    if not args.force:
        raise ConfigError(f"{folder} exists", hint="--force makes it anew")


def _training(args: argparse.Namespace, source: Recipe | None) -> Training | None:
    """The fine-tuning that was asked for, None where there is none. Raises UsageError or ConfigError."""
    from hlsflow.compression.methods import METHODS
    from hlsflow.foundation.strict_yaml import validate
    from hlsflow.models.recipe import VALIDATION_SPLIT, Training

    given = {
        key: getattr(args, key)
        for key in ("learning_rate", "learning_rate_decay", "batch_size")
        if getattr(args, key) is not None
    }
    if args.fine_tune is None:
        if given:
            raise UsageError(f"--{next(iter(given)).replace('_', '-')} goes with --fine-tune EPOCHS")
        return None
    if METHODS[args.method].undone_by_training is not None:
        raise UsageError(
            "--fine-tune would move the pruned weights off zero again",
            hint="train with compression.pruning in a recipe, which keeps them there",
        )
    values = {"learning_rate": LEARNING_RATE, "batch_size": BATCH_SIZE, "validation_split": VALIDATION_SPLIT}
    if source is not None and source.training is not None:
        values = source.training.model_dump()
    return validate(Training, {**values, **given, "epochs": args.fine_tune}, "the command line: training")


def _title(args: argparse.Namespace, source: Recipe) -> str:
    words = [f"{source.name}: {args.method.replace('_', ' ')}", *args.set]
    tuned = [] if args.fine_tune is None else [f"fine-tuned for {args.fine_tune} epochs"]
    return args.title or ", ".join([*words, *tuned])[:120]


@contextlib.contextmanager
def _new_model_dir(workspace: Workspace, name: str) -> Iterator[Path]:
    """A folder of that name to write into, which becomes `models/name` when the block ends well, and goes otherwise."""
    from hlsflow.foundation.workspace import storage_errors

    work = workspace.build / "compress" / name
    folder, aside, final = work / name, work / "replaced", workspace.models / name
    with storage_errors(work):
        # What a killed command left.
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
    try:
        yield folder
        with storage_errors(final):
            if final.exists():
                os.rename(final, aside)
            try:
                os.rename(folder, final)
            except BaseException:
                if aside.exists():
                    os.rename(aside, final)
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _summary(record: TrainingRecord, source_dir: Path, model_dir: Path) -> str:
    """The outcome as a person reads it."""
    from hlsflow.models.weights import WEIGHTS_FILE
    from hlsflow.training.record import RECORD_FILE, load_record

    lines = [f"{record.model} on {record.dataset}: test accuracy {record.accuracy.test:.2%} of {record.samples.test:,}"]
    before = None
    if (source_dir / RECORD_FILE).is_file():
        before = load_record(source_dir)
        lines[0] += f" samples ({source_dir.name}: {before.accuracy.test:.2%})"
    figures: dict[str, Any] = {
        "parameters": record.parameters,
        "weights file": f"{(model_dir / WEIGHTS_FILE).stat().st_size:,} bytes",
        **record.facts,
    }
    lines += _figure_lines(figures)
    lines.append(f"next: hlsflow build --model {record.model}")
    return "\n".join(lines)


def _figure_lines(figures: Mapping[str, Any]) -> list[str]:
    width = max(map(len, figures)) + 2
    return [
        f"  {key:<{width}} {value:,}" if isinstance(value, int) else f"  {key:<{width}} {value}"
        for key, value in figures.items()
    ]
