"""`hlsflow train`: train a model as its recipe says."""

from __future__ import annotations

import argparse
from math import prod
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import UsageError

if TYPE_CHECKING:
    from hlsflow.training.record import TrainingRecord


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `hlsflow train`."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="the model: a folder of models/ with a recipe.yaml")
    parser.add_argument("--model", metavar="NAME", help="the same by name")
    parser.add_argument("--data-dir", metavar="DIR", help="a folder with mnist.npz ... (else HLSFLOW_DATA, then Keras)")
    parser.add_argument("--force", action="store_true", help="train from the beginning, even where it is trained")
    parser.add_argument("--verbose", action="store_true", help="show TensorFlow's own messages too")
    parser.add_argument(
        "--workspace", metavar="DIR", help="folder with models/ (default: the current one, or the nearest above it)"
    )


def run(args: argparse.Namespace) -> int:
    """Trains the model that is asked for, unless it is trained already. Gives the exit code."""
    from hlsflow.foundation.log import Log
    from hlsflow.foundation.workspace import find_workspace
    from hlsflow.models.recipe import load_recipe
    from hlsflow.training.record import is_trained

    name = _model_name(args)
    log = Log(verbose=args.verbose)
    workspace = find_workspace(args.workspace)
    model_dir = workspace.model_dir(name)
    recipe = load_recipe(model_dir)
    if recipe.derived is not None:
        raise UsageError(
            f"{name} is not trained from the beginning: it was made out of {recipe.derived.source}",
            hint="hlsflow compress makes such a model",
        )
    if not args.force and is_trained(recipe, model_dir):
        print(f"{name} is trained already as its recipe says; nothing to do (--force trains it again)")
        return 0

    from hlsflow.datasets.dataset import load_dataset

    with log.step("dataset") as step:
        dataset = load_dataset(recipe.dataset, args.data_dir)
        step.detail = f"{len(dataset.x_train):,} + {len(dataset.x_test):,} samples, {dataset.source}"
    checkpoint = workspace.build / "training" / name / "checkpoint.npz"
    if args.force:
        checkpoint.unlink(missing_ok=True)

    from hlsflow.training.making import make_trained

    distillation = recipe.compression.distillation
    teacher_dir = None if distillation is None else workspace.model_dir(distillation.teacher)
    with log.step("training") as step:
        record = make_trained(recipe, dataset, model_dir, checkpoint, log, teacher_dir=teacher_dir)
        step.detail = f"{recipe.training.epochs} epochs, {record.parameters:,} parameters"
    print(_summary(record))
    return 0


def _model_name(args: argparse.Namespace) -> str:
    if args.name and args.model and args.name != args.model:
        raise UsageError(f"two models are named: '{args.name}' and '{args.model}'", hint="train one at a time")
    name = args.name or args.model
    if not name:
        raise UsageError("no model is named", hint="for example: hlsflow train --model qap8")
    return name


def _summary(record: TrainingRecord) -> str:
    """The outcome as a person reads it."""
    accuracy = record.accuracy
    lines = [
        f"{record.model} on {record.dataset}: test accuracy {accuracy.test:.2%} of {record.samples.test:,} samples "
        f"(train {accuracy.train:.2%}, validation {accuracy.validation:.2%})",
        "  layer      weights   zero as trained   zero as quantized",
    ]
    for layer in record.layers:
        quantized = "-" if layer.kernel_zeros_quantized is None else f"{layer.kernel_zeros_quantized:.1%}"
        count = prod(layer.kernel_shape)
        lines.append(f"  {layer.layer:<8} {count:>9,} {layer.kernel_zeros:>17.1%} {quantized:>19}")
    return "\n".join(lines)
