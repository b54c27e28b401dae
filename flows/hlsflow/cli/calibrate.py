"""`hlsflow calibrate`: fit the estimator's constants again, and show what that does before it is used."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.cli.common import add_workspace

if TYPE_CHECKING:
    from hlsflow.foundation.workspace import Workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--own", action="store_true", help="add this workspace's finished syntheses, show the effect")
    parser.add_argument("--use", action="store_true", help="with --own: this workspace uses the new constants")
    parser.add_argument("--write", action="store_true", help="write the shipped constants and docs/estimation.md anew")
    parser.add_argument("--reports", type=Path, metavar="DIR", help="with --write: collect the table anew from reports")
    add_workspace(parser)


def run(args: argparse.Namespace) -> int:
    from hlsflow.estimation.accuracy import ACCURACY_FILE, accuracy_text, held_out, held_out_text
    from hlsflow.estimation.calibration import fit_model
    from hlsflow.estimation.docs import estimation_markdown
    from hlsflow.estimation.layers import single_layer_rows
    from hlsflow.estimation.model import MODEL_FILE, model_text
    from hlsflow.estimation.table import TABLE_FILE, collected_designs, read_table, table_text
    from hlsflow.foundation.errors import UsageError
    from hlsflow.foundation.workspace import find_workspace, workspace_or_here, write_text

    if args.use and not args.own:
        raise UsageError("--use goes with --own")
    if args.reports and not args.write:
        raise UsageError("--reports goes with --write")
    workspace = (find_workspace if args.own or args.write else workspace_or_here)(args.workspace)
    if args.own:
        return _own(workspace, use=args.use)
    if args.reports:
        write_text(TABLE_FILE, table_text([row for _, row in collected_designs(args.reports)]))
    model, predictions = fit_model([*read_table(), *single_layer_rows()])
    print("\n".join(accuracy_text(predictions)))
    print("each design by constants fitted without its repository; ratio: median of estimate to measurement")
    if args.write:
        write_text(MODEL_FILE, model_text(model))
        found = held_out(predictions)
        write_text(ACCURACY_FILE, held_out_text(found))
        docs = workspace.root / "docs" / "estimation.md"
        write_text(docs, estimation_markdown(model, predictions, found))
        print(f"wrote {MODEL_FILE}, {ACCURACY_FILE} and {docs}")
    elif MODEL_FILE.read_text() != model_text(model):
        print(f"{MODEL_FILE} holds other constants; --write makes it these")
    return 0


def _own(workspace: Workspace, *, use: bool) -> int:
    from hlsflow.building.tools.estimate import own_model_path
    from hlsflow.estimation.accuracy import smape_percent
    from hlsflow.estimation.calibration import fit_model
    from hlsflow.estimation.cost import TARGETS
    from hlsflow.estimation.layers import single_layer_rows
    from hlsflow.estimation.model import model_text, shipped_model
    from hlsflow.estimation.own import own_rows
    from hlsflow.estimation.table import read_table
    from hlsflow.foundation.errors import UsageError
    from hlsflow.foundation.workspace import write_text

    rows, skipped = own_rows(workspace)
    for reason in skipped:
        print(f"left out {reason}")
    if not rows:
        raise UsageError(
            f"no finished synthesis under {workspace.reports}",
            hint="make one: hlsflow build --model NAME --synth vitis",
        )
    before = shipped_model()
    after, predictions = fit_model([*read_table(), *single_layer_rows(), *rows], own=len(rows))
    held_out = {p.row.source: p for p in predictions if p.row.repository.startswith("own: ")}
    print(f"{'':16} {'measured':>12} {'shipped':>12} {'without it':>12} {'with it':>12}")
    for row in rows:
        print(row.source)
        for target in TARGETS:
            print(
                f"  {target:14} {row.measured[target]:12,.0f} {before.value(target, row.cost):12,.0f} "
                f"{held_out[row.source].values[target]:12,.0f} {after.value(target, row.cost):12,.0f}"
            )
    print("without it: constants of all other designs, own and shipped; with it: what --use takes")
    print("SMAPE % on the shipped designs, before -> after:")
    table = read_table()
    for target in TARGETS:
        measured = [row.measured[target] for row in table if row.group in ("parallel", "stream")]
        both = [
            smape_percent(
                [model.value(target, row.cost) for row in table if row.group in ("parallel", "stream")], measured
            )
            for model in (before, after)
        ]
        print(f"  {target:14} {both[0]:6.1f} -> {both[1]:.1f}")
    path = own_model_path(workspace.root)
    if use:
        write_text(path, model_text(after))
        print(f"wrote {path}: estimates of this workspace use it; remove it to go back")
    else:
        print("nothing was changed; --use takes these constants for this workspace")
    return 0
