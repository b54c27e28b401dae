"""`hlsflow pack`: HLS projects in one archive, for a machine that has nothing but AMD's tools."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from hlsflow.cli.common import add_workspace, make_log, variant_named


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "models",
        nargs="+",
        metavar="NAME",
        help="models under models/, and their variants that were built: NAME@VARIANT",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="of hls_configs/, instead of one model's own")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: build/hlsflow-NAME.tar.gz")
    parser.add_argument("--stages", default="csynth", metavar="LIST", help="what run.sh does unless told otherwise")
    parser.add_argument("--cosim-samples", type=int, default=16, metavar="N", help="samples through the RTL simulation")
    parser.add_argument("--backend", choices=["Vitis", "Vivado"], help="instead of the configuration's")
    parser.add_argument("--io-type", choices=["io_parallel", "io_stream"], help="instead of the configuration's")
    parser.add_argument("--part", help="an AMD part, instead of the configuration's")
    parser.add_argument("--clock-period-ns", type=float, metavar="NS", help="instead of the configuration's")
    parser.add_argument("--samples", type=int, metavar="N", help="as in hlsflow build")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="as in hlsflow build")
    add_workspace(parser)


def run(args: argparse.Namespace) -> int:
    from hlsflow.building.pipeline import build
    from hlsflow.building.plan import BuildRequest, make_plan
    from hlsflow.foundation.errors import UsageError
    from hlsflow.foundation.workspace import find_workspace
    from hlsflow.packing.pack import pack
    from hlsflow.vendor.command import parse_stages

    stages = parse_stages(args.stages)
    if args.cosim_samples < 1:
        raise UsageError(f"--cosim-samples {args.cosim_samples}: at least 1")
    workspace = find_workspace(args.workspace)
    log = make_log(args)
    changes = {
        "backend": args.backend, "io_type": args.io_type, "part": args.part, "clock_period_ns": args.clock_period_ns,
    }  # fmt: skip
    builds = []
    if args.config is not None and len(set(args.models)) > 1:
        raise UsageError("--config is one model's configuration: pack the others by themselves, or by NAME@VARIANT")
    said = {key: value for key, value in changes.items() if value is not None}
    for name in dict.fromkeys(args.models):
        model, config, made_by = variant_named(workspace, name, args.config)
        request = BuildRequest(
            model=model,
            config_path=config,
            changes={**made_by, **said},
            data_dir=args.data_dir,
            samples=args.samples,
        )
        result = build(workspace, request, log)
        builds.append((make_plan(workspace, request), result.project, request))
    title = builds[0][0].name if len(builds) == 1 else f"{len(builds)}-models"
    archive = args.output or workspace.build / f"hlsflow-{title}.tar.gz"
    manifest = pack(archive, builds, stages, args.cosim_samples)
    if args.json:
        print(json.dumps({"archive": str(archive), **manifest.model_dump(mode="json")}, indent=1))
    else:
        print(f"{archive}: {', '.join(model.name for model in manifest.models)} (digest {manifest.digest[:12]})")
        print("there:  tar xzf, then  sh run.sh     here again:  hlsflow import results.tar.gz")
    return 0
