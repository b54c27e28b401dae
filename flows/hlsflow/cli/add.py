"""`hlsflow add`: put a model of one's own, from a file of any framework that is known, into the workspace."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.cli.common import add_workspace

if TYPE_CHECKING:
    from hlsflow.foundation.log import Log
    from hlsflow.foundation.workspace import Workspace
    from hlsflow.models.adding import Added


def add_arguments(parser: argparse.ArgumentParser) -> None:
    formats = "a model of Keras, QKeras or HGQ (.h5, .keras, or .json with weights), or of ONNX (.onnx)"
    parser.add_argument("file", type=Path, metavar="FILE", help=formats)
    parser.add_argument("--weights", type=Path, metavar="FILE", help="of a .json architecture (default: beside it)")
    parser.add_argument("--name", metavar="NAME", help="its name under models/ (default: from the file's)")
    add_wishes(parser)
    parser.add_argument("--force", action="store_true", help="replace a model of that name from another file")
    add_workspace(parser)


def add_wishes(parser: argparse.ArgumentParser) -> None:
    """What may be said of a model beside its file."""
    parser.add_argument("--data", type=Path, metavar="FILE", help="samples to verify on: .npy, or .npz with x and y")
    parser.add_argument("--labels", type=Path, metavar="FILE", help="their classes, one-hot rows or targets: .npy")
    parser.add_argument(
        "--input-type", metavar="TYPE", help="of every input, such as ufixed<8,0>, or NAME=TYPE,NAME=TYPE"
    )
    parser.add_argument(
        "--task",
        choices=["classification", "binary", "regression"],
        help="how outputs are held against labels (default: by the last layer)",
    )


def run(args: argparse.Namespace) -> int:
    from hlsflow.foundation.log import Log
    from hlsflow.foundation.workspace import started_workspace

    workspace = started_workspace(args.workspace)
    log = Log(stream=sys.stdout)
    added = added_model(workspace, args.file, args, log, name=args.name, force=args.force, weights=args.weights)
    log.line(f"next: hlsflow build --model {added.card.name}")
    return 0


def added_model(
    workspace: Workspace, file: Path, args: argparse.Namespace, log: Log, *, name: str | None = None,
    force: bool = False, weights: Path | None = None,
) -> Added:  # fmt: skip
    """The model of a file, added as the arguments of `add_wishes` say, and told."""
    from hlsflow.building.configure import drop_derived
    from hlsflow.models.adding import Wishes, add_file

    wishes = Wishes(name=name, task=args.task, input_type=args.input_type, force=force)
    added = add_file(workspace, file.expanduser(), wishes, weights=weights, data=args.data, labels=args.labels)
    for line in said_of(added, workspace):
        log.line(line)
    if added.changed:
        drop_derived(workspace, added.card.name, log)
    return added


def said_of(added: Added, workspace: Workspace) -> list[str]:
    """What was added, in lines."""
    card = added.card
    folder = workspace.models / card.name
    if not added.is_new:
        return [f"{card.name}: {card.origin.file} is added already, unchanged: {folder}"]
    lines = [f"added {card.origin.file} as '{card.name}': {folder}", f"  {'read as':<12} {card.origin.format}"]
    lines += [f"  {'note':<12} {note}" for note in card.notes]
    lines += [f"  {'input':<12} {item.name}: {item.type}: {item.because}" for item in card.inputs]
    if card.samples is None:
        lines.append(f"  {'samples':<12} generated frames, so no accuracy is claimed; --data X.npy [--labels Y.npy]")
    else:
        labels = f"with {card.samples.labels}" if card.samples.labels else "without labels"
        error = card.samples.rounding_error
        rounded = f"rounded to the input's type by at most {error:.3g}" if error else "held by the input's type exactly"
        lines.append(f"  {'samples':<12} {card.samples.count:,} of {card.samples.source}, {labels}; {rounded}")
    lines.append(f"  {'task':<12} {card.task}")
    return lines
