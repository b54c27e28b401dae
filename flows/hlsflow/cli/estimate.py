"""`hlsflow estimate`: what an hls4ml project will cost, without a vendor tool."""

from __future__ import annotations

import argparse
import sys

from hlsflow.cli.common import add_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", metavar="PATH|NAME", help="an hls4ml project's folder, or a model that was built")
    parser.add_argument(
        "--part",
        help="an AMD part or a board (default: what the project's configuration, else its Tcl scripts and log, the "
        "reports in it or its Vivado project say)",
    )
    parser.add_argument("--clock-period-ns", type=float, metavar="NS", help="instead of the project's")
    parser.add_argument("--tool-version", metavar="YYYY.N", help="the tool that will build it, e.g. 2023.2")
    parser.add_argument("--binding", choices=["auto", "dsp", "fabric"], help="where multiplications go (default: auto)")
    add_workspace(parser)


def run(args: argparse.Namespace) -> int:
    import json
    from pathlib import Path

    from hlsflow.building.tools.estimate import model_of
    from hlsflow.devices.boards import find_amd_board
    from hlsflow.estimation.estimate import estimate, figure_records
    from hlsflow.estimation.read import design_of, target_of
    from hlsflow.estimation.source import read_source
    from hlsflow.estimation.text import estimate_text
    from hlsflow.foundation.errors import UsageError, did_you_mean
    from hlsflow.foundation.workspace import workspace_or_here
    from hlsflow.reports.project_part import part_of_project

    workspace = workspace_or_here(args.workspace)
    path = Path(args.project)
    if not path.is_dir():
        built = workspace.build / args.project / "hls"
        if not built.is_dir():
            names = sorted(item.parent.name for item in workspace.build.glob("*/hls"))
            raise UsageError(
                f"no folder {path}, and no built model '{args.project}'", hint=did_you_mean(args.project, names)
            )
        path = built
    source = read_source(path)
    stated = part_of_project(path) if args.part is None else None
    target = target_of(
        source,
        part=find_amd_board(args.part)[1].name if args.part is not None else stated and stated.part,
        clock_period_ns=args.clock_period_ns,
        tool_version=args.tool_version,
        multiplier_binding=args.binding,
    )
    design = design_of(source, target)
    result = estimate(design, model_of(workspace.root))
    records = [record.model_dump(mode="json") for record in figure_records(result, design)]
    if stated is not None:
        records[0]["notes"].append(f"part {stated.part} is from {stated.source_file}")
    if args.json:
        print(json.dumps(records, indent=1))
    else:
        print(estimate_text(result, design, sys.stdout))
        if stated is not None:
            print(f"Part {stated.part}: from {stated.source_file}.")
    return 0
