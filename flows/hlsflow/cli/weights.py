"""`hlsflow weights`: a model's weights as a binary file for other programs, and back."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.cli.common import add_workspace
from hlsflow.foundation.errors import ModelError, UsageError

if TYPE_CHECKING:
    import numpy as np

    from hlsflow.models.recipe import Recipe
    from hlsflow.models.weight_file import WeightFile
    from hlsflow.training.record import TrainingRecord

FORMATS = ("npz", "safetensors")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `export` and `import`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    export = actions.add_parser("export", help="write the weights of a model to a file that loads without running code")
    import_ = actions.add_parser("import", help="take a model's weights from such a file")
    for action in (export, import_):
        action.add_argument("name", metavar="NAME", help="the model: a folder of models/")
        action.add_argument("file", metavar="FILE", type=Path, help="such as weights.npz or weights.safetensors")
    export.add_argument("--format", choices=FORMATS, help="of the file (default: by its name's end)")
    export.add_argument(
        "--integers",
        action="store_true",
        help="quantized layers as integers with scale and zero-point, in the smallest integer type",
    )
    import_.add_argument("--data-dir", metavar="DIR", help="a folder with mnist.npz ... to measure new weights on")
    import_.add_argument("--force", action="store_true", help="weights of another recipe too, if names and shapes fit")
    for action in (export, import_):
        add_workspace(action)


def run(args: argparse.Namespace) -> int:
    """Exports or imports. Gives the exit code."""
    from hlsflow.foundation.workspace import find_workspace

    model_dir = find_workspace(args.workspace).model_dir(args.name)
    said = _export(args, model_dir) if args.action == "export" else _import(args, model_dir)
    if args.json:
        print(json.dumps({key: value for key, value in said.items() if key != "text"}, indent=1))
    else:
        print(said["text"])
    return 0


def _export(args: argparse.Namespace, model_dir: Path) -> dict[str, object]:
    from hlsflow.foundation.workspace import write_bytes
    from hlsflow.models.weight_file import export_weights, to_bytes

    format_ = args.format or args.file.suffix.removeprefix(".")
    if format_ not in FORMATS:
        raise UsageError(
            f"{args.file}: its name does not say the format", hint="end it with .npz or .safetensors, or give --format"
        )
    file = export_weights(model_dir, integers=args.integers)
    content = to_bytes(file, format_)
    write_bytes(args.file, content)
    kinds = sorted({array.dtype.name for key, array in file.arrays.items() if key in file.metadata.types})
    return {
        "file": str(args.file),
        "format": format_,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "arrays": {key: {"type": said, "stored": file.arrays[key].dtype.name, "shape": list(file.arrays[key].shape)}
                   for key, said in file.metadata.types.items()},
        "text": f"wrote {args.file}: {len(file.metadata.types)} arrays of {args.name} as {', '.join(kinds)}, "
                f"{len(content):,} bytes",
    }  # fmt: skip


def _import(args: argparse.Namespace, model_dir: Path) -> dict[str, object]:
    from hlsflow.models.owner import owner_of
    from hlsflow.models.weight_file import check_owner, read_weight_file

    owner = owner_of(model_dir)
    file = read_weight_file(args.file)
    if not args.force:
        check_owner(file.metadata, args.file, owner)
    return (_into_added if owner.kind == "architecture" else _into_trained)(args, file, model_dir)


def _into_added(args: argparse.Namespace, file: WeightFile, model_dir: Path) -> dict[str, object]:
    """The network is another one then, and nothing is known of how right it is."""
    from hlsflow.building.configure import drop_derived
    from hlsflow.cli.common import make_log
    from hlsflow.foundation.array_file import read_arrays
    from hlsflow.foundation.steps import file_digest
    from hlsflow.foundation.workspace import find_workspace
    from hlsflow.models.reweighted import put_weights
    from hlsflow.models.weight_file import real_values
    from hlsflow.models.weights import WEIGHTS_FILE, check_arrays

    expected = read_arrays(model_dir / WEIGHTS_FILE)
    values = real_values(file, args.file, list(expected))
    shapes = {key: array.shape for key, array in expected.items()}
    check_arrays(values, shapes, str(args.file), hint=f"hlsflow weights export {args.name} FILE shows what fits")
    changed = put_weights(model_dir, values, f"weights of {args.file.name} (SHA-256 {file_digest(args.file)[:12]})")
    if changed:
        drop_derived(find_workspace(args.workspace), args.name, make_log(args))
    return {
        "model": args.name,
        "weights_sha256": file_digest(model_dir / WEIGHTS_FILE),
        "changed": changed,
        "text": f"{args.name} has the weights of {args.file}" + (
            f": `hlsflow build --model {args.name}` measures it" if changed else ", which it had already"
        ),
    }  # fmt: skip


def _into_trained(args: argparse.Namespace, file: WeightFile, model_dir: Path) -> dict[str, object]:
    from hlsflow.foundation.array_file import pack_arrays
    from hlsflow.foundation.steps import file_digest
    from hlsflow.foundation.workspace import write_bytes
    from hlsflow.models.recipe import load_recipe
    from hlsflow.models.weight_file import order_of, real_values
    from hlsflow.models.weights import WEIGHTS_FILE
    from hlsflow.training.record import RECORD_FILE, load_record

    recipe = load_recipe(model_dir)
    values = real_values(file, args.file, order_of(recipe))
    content = pack_arrays(values)
    digest = hashlib.sha256(content).hexdigest()
    record = load_record(model_dir) if (model_dir / RECORD_FILE).is_file() else None
    if record is not None and (record.weights_sha256, record.recipe_sha256) == (digest, recipe.sha256()):
        # The very weights that the record is of: nothing to measure.
        write_bytes(model_dir / WEIGHTS_FILE, content)
        how = "the weights its record is of"
    else:
        record = _measure(args, recipe, values, model_dir)
        how = "measured anew"
    return {
        "model": args.name,
        "weights_sha256": file_digest(model_dir / WEIGHTS_FILE),
        "test_accuracy": record.accuracy.test,
        "text": f"{args.name} has the weights of {args.file} ({how}): test accuracy {record.accuracy.test:.2%} "
        f"of {record.samples.test:,} samples of {record.dataset}",
    }


def _measure(
    args: argparse.Namespace, recipe: Recipe, values: dict[str, np.ndarray], model_dir: Path
) -> TrainingRecord:
    """Checks that the weights fit, then writes them with a record and pictures of their own."""
    from hlsflow.cli.common import make_log
    from hlsflow.datasets.dataset import load_dataset
    from hlsflow.foundation.steps import file_digest
    from hlsflow.training.files import write_training
    from hlsflow.training.training import measure

    with make_log(args).step("measure") as step:
        dataset = load_dataset(recipe.dataset, args.data_dir)
        try:
            trained = measure(recipe, dataset, values, facts={"imported_file_sha256": file_digest(args.file)})
        except ModelError as error:
            message = error.message.replace(f"the weights of {recipe.name}", str(args.file))
            raise ModelError(message, hint=f"the architecture is that of {model_dir / 'recipe.yaml'}") from error
        # Of the training that these weights do not come from.
        (model_dir / "curves.png").unlink(missing_ok=True)
        write_training(recipe, trained, dataset, model_dir)
        step.detail = f"{trained.record.parameters:,} parameters"
    return trained.record
