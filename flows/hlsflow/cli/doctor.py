"""`hlsflow doctor`: which tools this machine has, and what each missing one would give."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys

from hlsflow.cli.common import add_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_workspace(parser)


def run(args: argparse.Namespace) -> int:
    from hlsflow.building.checkup import check
    from hlsflow.foundation.log import paint
    from hlsflow.foundation.workspace import workspace_or_here

    checkup = check(workspace_or_here(args.workspace).build)
    if args.json:
        print(json.dumps(dataclasses.asdict(checkup), indent=1, ensure_ascii=False))
        return 0
    for group, findings in checkup.groups.items():
        print(paint(group, "bold", sys.stdout))
        for finding in findings:
            mark = paint("yes", "green", sys.stdout) if finding.found else paint("no ", "yellow", sys.stdout)
            print(f"  {mark} {finding.name:<15} {finding.detail}")
            if not finding.found:
                print(f"      {'':<15} gives: {finding.gives}")
                if finding.install is not None:
                    print(f"      {'':<15} install: {finding.install}")
    print(f"\nAMD's tools were looked for on {', '.join(checkup.searched)}.")
    amd = {finding.name for finding in checkup.groups["AMD"] if finding.found}
    if not amd & {"vitis-run", "vitis_hls", "vivado_hls"}:
        print("None is here: builds, C simulation and estimates work all the same, and `hlsflow pack NAME` takes the")
        print("synthesis to a machine that has them.")
    return 0
