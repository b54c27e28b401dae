"""`hlsflow tflite`: convert a model with TensorFlow Lite and measure it, to stand beside the hardware's figures."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from hlsflow.cli.common import add_workspace, make_log


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `hlsflow tflite`."""
    parser.add_argument("name", metavar="NAME", help="a trained model of models/")
    parser.add_argument(
        "--kind",
        required=True,
        metavar="KIND",
        help="float, dynamic_range, float16, full_integer, qat (tfmot, trained further), or dense_dynamic_int8 "
        "(hlsflow's own computation of Dense layers in int8, not TensorFlow Lite's)",
    )
    parser.add_argument("--epochs", type=int, metavar="N", help="of the further training of --kind qat (default: 2)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the converted model here")
    parser.add_argument("--data-dir", metavar="DIR", help="a folder with mnist.npz ... (else HLSFLOW_DATA, then Keras)")
    add_workspace(parser)


def run(args: argparse.Namespace) -> int:
    """Converts, measures and prints. Gives the exit code."""
    import json

    from hlsflow.compression.tflite import ARRAYS_FILE, MODEL_FILE, Parameters, make_tflite, make_tflite_of_added
    from hlsflow.datasets.dataset import load_dataset
    from hlsflow.foundation.strict_yaml import validate
    from hlsflow.foundation.workspace import find_workspace, write_bytes
    from hlsflow.models.model import open_model
    from hlsflow.models.recipe import CARD_FILE
    from hlsflow.models.source import load_source

    asked = {"kind": args.kind, "epochs": args.epochs}
    parameters = validate(
        Parameters, {key: value for key, value in asked.items() if value is not None}, "the command line"
    )
    log = make_log(args)
    workspace = find_workspace(args.workspace)
    model_dir = workspace.model_dir(args.name)
    folder = workspace.build / "tflite" / args.name / args.kind
    if (model_dir / CARD_FILE).is_file():
        make = partial(make_tflite_of_added, open_model(model_dir), parameters, folder)
    else:
        source = load_source(model_dir)
        with log.step("dataset") as step:
            dataset = load_dataset(source.recipe.dataset, args.data_dir)
            step.detail = dataset.source
        make = partial(make_tflite, source, parameters, dataset, folder)
    with log.step("tflite") as step:
        figures = make()
        step.detail = f"{figures['file_bytes']:,} bytes"
    file = folder / (ARRAYS_FILE if args.kind == "dense_dynamic_int8" else MODEL_FILE)
    if args.out is not None:
        write_bytes(args.out, file.read_bytes())
        file = args.out
    if args.json:
        print(json.dumps({"model": args.name, "kind": args.kind, **figures, "file": str(file)}, indent=1))
    else:
        print(_summary(args.name, args.kind, figures, file))
    return 0


def _summary(name: str, kind: str, figures: Mapping[str, float | int | str], file: Path) -> str:
    """The outcome as a person reads it."""
    lines = [f"{name} as {kind}"]
    same = (
        f"the same class on {figures['same_class_share']:.2%} of the samples" if "same_class_share" in figures else ""
    )
    if "accuracy" in figures:
        said = f"{figures['accuracy']:.2%} (in Keras {figures['source_accuracy']:.2%}; {same})"
        lines.append(f"  accuracy        {said}")
    elif same:
        lines.append(f"  as in Keras     {same}")
    lines += [
        f"  scores          off by {figures['max_abs_score_error']:g} at most",
        f"  file            {figures['file_bytes']:,} bytes, {figures['gzip_bytes']:,} with gzip",
        f"  int8            {figures['int8_constants_share']:.1%} of the constants, "
        f"{figures['int8_tensors_share']:.1%} of the tensors",
    ]
    if "cpu_latency_us" in figures:
        lines.append(f"  CPU latency     {figures['cpu_latency_us']:g} µs an image ({figures['cpu']})")
    else:
        lines.append(f"  computed by     {figures['computed_by']}")
    return "\n".join([*lines, f"  written         {file}"])
