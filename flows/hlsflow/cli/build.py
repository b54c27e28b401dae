"""`hlsflow build`: the main job."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.cli.add import add_wishes, added_model
from hlsflow.cli.common import (
    add_bound,
    add_confidence,
    add_synthesis,
    add_workspace,
    make_log,
    named_config,
    synthesis_options,
)

if TYPE_CHECKING:
    from hlsflow.foundation.log import Log
    from hlsflow.foundation.workspace import Workspace
    from hlsflow.records.record import BuildRecord


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", required=True, metavar="NAME", help="a model under models/, or a model file of Keras"
    )
    add_wishes(parser)
    add_bound(parser)
    parser.add_argument("--backend", choices=["Vitis", "Vivado"], help="instead of the configuration's")
    parser.add_argument("--io-type", choices=["io_parallel", "io_stream"], help="instead of the configuration's")
    parser.add_argument("--part", help="an AMD part, instead of the configuration's")
    parser.add_argument("--clock-period-ns", type=float, metavar="NS", help="instead of the configuration's")
    parser.add_argument("--samples", type=int, metavar="N", help="compare on the first N samples alone (default: all)")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="folder with mnist.npz … (default: $HLSFLOW_DATA)")
    parser.add_argument(
        "--allow-mismatch", action="store_true", help="record outputs that differ from Keras', and go on"
    )
    parser.add_argument("--fit", metavar="BOARD", help="choose reuse factors that fit a board or part, and build that")
    parser.add_argument("--goal", metavar="GOAL", help="of --fit: latency (default), area or interval=N cycles")
    add_confidence(parser, "of --fit: ")
    parser.add_argument("--force", action="store_true", help="of --fit: write over a configuration that was edited")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="instead of hls_configs/NAME.yaml, such as one that --fit wrote: a variant, shown against the model's own",
    )
    add_synthesis(parser)
    add_workspace(parser)


def run(args: argparse.Namespace) -> int:
    from hlsflow.building.configure import ensure_config
    from hlsflow.building.pipeline import build
    from hlsflow.building.plan import BuildRequest
    from hlsflow.building.target import Target
    from hlsflow.building.tools.vendor import refuse_without_tool
    from hlsflow.foundation.errors import UsageError
    from hlsflow.records.record import RequestRecord
    from hlsflow.records.report import summary
    from hlsflow.vendor.toolchain import HLS_TOOLS, find_tools

    log = make_log(args)
    changes = {
        key: value
        for key, value in (
            ("backend", args.backend),
            ("io_type", args.io_type),
            ("part", args.part),
            ("clock_period_ns", args.clock_period_ns),
        )
        if value is not None
    }
    workspace = _workspace(args, log)
    if args.synth in HLS_TOOLS:
        config = None if args.config is None else str(args.config)
        options = RequestRecord(config=config, changes=changes).options
        refuse_without_tool(workspace.build, args.model, args.synth, options)
    if args.config is not None and args.fit is not None:
        raise UsageError("--config names a configuration, --fit makes one: one of the two")
    derived = args.config is None and ensure_config(
        workspace, args.model, log, target=Target(bound=args.bound), data_dir=args.data_dir
    )
    if args.bound is not None and not derived:
        raise UsageError(
            f"--bound goes with a configuration that is derived, and '{args.model}' has one",
            hint=f"derive another: hlsflow config {args.model} --bound {args.bound:g} --force",
        )
    fitted = _fitted(args, workspace, changes, log)
    request = BuildRequest(
        model=args.model,
        changes=changes if fitted is None else {},
        config_path=named_config(workspace, args.model, args.config) if fitted is None else fitted,
        data_dir=args.data_dir,
        samples=args.samples,
        allow_mismatch=args.allow_mismatch,
        synth=args.synth,
        synth_options=synthesis_options(args),
    )
    result = build(workspace, request, log)
    if args.verbose:
        for name in ("hls4ml.log",):
            sys.stderr.write((result.project / name).read_text())
    if args.json:
        sys.stdout.write(result.record.to_json())
    else:
        print(summary(result.record, result.record_path, result.project, sys.stdout))
        if result.record.variant:
            print("\n".join(_difference(workspace, result.record)))
    kind = result.record.configuration.backend.lower()
    if args.synth is None and kind not in result.record.stages:
        state = find_tools(names=HLS_TOOLS[kind]).state(kind)
        if state is not None:
            log.line(f"{state}: hlsflow pack {result.record.name} takes the synthesis to a machine that has it")
    return 0


def _workspace(args: argparse.Namespace, log: Log) -> Workspace:
    """The workspace. Where a file is named as the model: adds it, and names the model that it is from then on."""
    from hlsflow.foundation.errors import UsageError
    from hlsflow.foundation.workspace import find_workspace, started_workspace
    from hlsflow.models.adding import is_model_file

    if is_model_file(args.model):
        workspace = started_workspace(args.workspace)
        args.model = added_model(workspace, Path(args.model), args, log).card.name
        return workspace
    for option in ("data", "labels", "input_type", "task"):
        if getattr(args, option) is not None:
            raise UsageError(
                f"--{option.replace('_', '-')} goes with a model file",
                hint=f"what '{args.model}' is verified on: hlsflow add FILE --name {args.model}",
            )
    return find_workspace(args.workspace)


def _difference(workspace: Workspace, record: BuildRecord) -> list[str]:
    """What a variant is against the model's own build, of what is on record; which command makes that where none is."""
    from hlsflow.foundation.errors import ReportError
    from hlsflow.records.difference import difference
    from hlsflow.records.evidence_files import RECORD_FILE
    from hlsflow.records.record import read_record

    path = workspace.reports / record.model / RECORD_FILE
    make = f"hlsflow build --model {record.model}"
    if not path.is_file():
        return [f"{record.name} is a variant, and {record.model}'s own build is not on record yet: {make}"]
    try:
        own = read_record(path)
    except ReportError as error:
        return [f"{record.name} is a variant; {error.message}: {make}"]
    shown = path.relative_to(workspace.root) if path.is_relative_to(workspace.root) else path
    return difference(own, record, str(shown))


def _fitted(args: argparse.Namespace, workspace: Workspace, changes: dict[str, Any], log: Log) -> Path | None:
    """The configuration that --fit chose and wrote, None where it was not asked for."""
    from hlsflow.foundation.errors import UsageError

    if args.fit is None:
        if args.goal is not None:
            raise UsageError("--goal goes with --fit BOARD")
        if args.confidence is not None:
            raise UsageError("--confidence goes with --fit BOARD")
        if args.force:
            raise UsageError("--force goes with --fit BOARD")
        return None
    if args.part is not None:
        raise UsageError("--fit names the part: leave out --part")
    from hlsflow.fitting.run import fit_model, write_fitted

    fitted = fit_model(workspace, args.model, args.fit, args.goal or "latency", changes, log, args.confidence)
    write_fitted(fitted, force=args.force)
    for line in fitted.lines:
        log.line(line)
    log.line(f"wrote {fitted.path}")
    return fitted.path
