"""`hlsflow lint`: check a configuration and show the effective types of every layer."""

from __future__ import annotations

import argparse
import json
import sys

from hlsflow.cli.common import add_workspace, make_log


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", metavar="NAME", help="a model under models/")
    parser.add_argument("--constructs", action="store_true", help="list the layers that are converted exactly")
    parser.add_argument("--strict", action="store_true", help="warnings fail, too (exit code 3)")
    parser.add_argument("--backend", choices=["Vitis", "Vivado"], help="instead of the configuration's")
    parser.add_argument("--io-type", choices=["io_parallel", "io_stream"], help="instead of the configuration's")
    add_workspace(parser)


def run(args: argparse.Namespace) -> int:
    from hlsflow.foundation.errors import ConfigError, UsageError

    if args.constructs:
        from hlsflow.frontends.keras.allow_list import BY_CLASS

        print("\n".join(sorted(BY_CLASS)))
        return 0
    if args.model is None:
        raise UsageError("which model? hlsflow lint NAME")
    from hlsflow.building.linting import lint_plan
    from hlsflow.building.plan import BuildRequest, make_plan
    from hlsflow.foundation.log import paint
    from hlsflow.foundation.workspace import find_workspace
    from hlsflow.hls.lint import Severity
    from hlsflow.records.report import types_table

    workspace = find_workspace(args.workspace)
    changes = {"backend": args.backend, "io_type": args.io_type}
    request = BuildRequest(
        model=args.model, changes={key: value for key, value in changes.items() if value is not None}
    )
    plan = make_plan(workspace, request)
    linted = lint_plan(workspace, plan, make_log(args))
    if args.json:
        rows = [
            {
                "layer": layer.node.name,
                "types": {role: str(type_) for role, type_ in layer.types.items()},
                "sources": dict(layer.sources),
                "proof": layer.proof,
            }
            for layer in linted.layers
        ]
        complaints = [
            {"severity": str(item.severity), "code": item.code, "path": item.path, "message": item.message}
            for item in linted.complaints
        ]
        print(json.dumps({"layers": rows, "complaints": complaints}, indent=1))
    else:
        print(types_table(linted.layers))
        for item in linted.complaints:
            color = "red" if item.severity is Severity.ERROR else "yellow"
            print(f"{paint(f'{item.severity}:', color, sys.stdout)} {item}")
        if not linted.complaints:
            print("No complaint: every type is what the model needs, for any input.")
    linted.raise_errors(str(plan.config_path))
    if args.strict and linted.complaints:
        raise ConfigError(f"{plan.config_path}: {len(linted.complaints)} warnings, and --strict was asked for")
    return 0
