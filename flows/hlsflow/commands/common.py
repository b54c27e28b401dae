"""Options that several commands share."""

from __future__ import annotations

import argparse
from typing import Any

from hlsflow.log import Log


def add_workspace(parser: argparse.ArgumentParser) -> None:
    """--workspace, --verbose and --json."""
    parser.add_argument(
        "--workspace",
        metavar="DIR",
        help="folder with models/ and hls_configs/ (default: the current one, or the nearest above it)",
    )
    parser.add_argument("--verbose", action="store_true", help="also show what the tools print")
    parser.add_argument("--json", action="store_true", help="the result as JSON on standard output, for machines")


def make_log(args: argparse.Namespace) -> Log:
    """The progress log that the options ask for."""
    return Log(verbose=args.verbose)


def add_synthesis(parser: argparse.ArgumentParser) -> None:
    """--synth and what goes with it."""
    parser.add_argument("--synth", choices=["vitis", "vivado", "open"], help="synthesize with these tools")
    parser.add_argument("--device", metavar="NAME", help="board or part for --synth open, such as pynq-z2 or ulx3s-85f")
    parser.add_argument(
        "--architecture", choices=["auto", "folded", "unrolled"], help="of the RTL of --synth open (default: by size)"
    )
    add_synthesis_limits(parser)


def add_synthesis_limits(parser: argparse.ArgumentParser) -> None:
    """The stages of a vendor synthesis, and what it may take."""
    parser.add_argument(
        "--stages", metavar="LIST", help="csynth,cosim,vsynth,export (default: csynth), for vitis and vivado"
    )
    parser.add_argument(
        "--cosim-samples", type=int, metavar="N", help="samples through the RTL simulation (default: 16)"
    )
    parser.add_argument(
        "--synth-timeout-min",
        type=float,
        metavar="MIN",
        help="for each stage, or each tool of --synth open (default: 1440; open: 60)",
    )
    parser.add_argument(
        "--synth-memory-gib",
        type=float,
        metavar="GIB",
        help="for all processes of the tool (default: what is free), or each process of --synth open (default: 8)",
    )


def synthesis_options(args: argparse.Namespace) -> dict[str, Any]:
    """The options of the stage that --synth names. Raises UsageError for what cannot be meant."""
    from hlsflow.errors import UsageError

    vendor = {"--stages": args.stages, "--cosim-samples": args.cosim_samples}
    limits = {"--synth-timeout-min": args.synth_timeout_min, "--synth-memory-gib": args.synth_memory_gib}
    for option, value in (vendor | limits).items():
        if value is not None and option in limits and args.synth is None:
            raise UsageError(f"{option} goes with --synth")
        if value is not None and option in vendor and args.synth not in ("vitis", "vivado"):
            raise UsageError(f"{option} goes with --synth vitis or --synth vivado")
        if isinstance(value, int | float) and value <= 0:
            raise UsageError(f"{option} {value:g}: more than 0")
    rtl = {"device": args.device, "architecture": args.architecture}
    for name, value in rtl.items():
        if value is not None and args.synth != "open":
            raise UsageError(f"--{name} goes with --synth open")
    if args.synth == "open":
        return {name: value for name, value in rtl.items() if value is not None} | _limits(args)
    if args.synth not in ("vitis", "vivado"):
        return {}
    return vendor_options(args)


def vendor_options(args: argparse.Namespace) -> dict[str, Any]:
    """The options of a vendor synthesis. Raises UsageError for a stage that there is not."""
    from hlsflow.synthesis.vendor_command import parse_stages

    stages = [str(stage) for stage in parse_stages(args.stages or "csynth")]
    options: dict[str, Any] = {"tool": args.synth, "stages": stages}
    if args.cosim_samples is not None:
        options["cosim_samples"] = args.cosim_samples
    return options | _limits(args)


def _limits(args: argparse.Namespace) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    if args.synth_timeout_min is not None:
        limits["timeout_s"] = args.synth_timeout_min * 60
    if args.synth_memory_gib is not None:
        limits["memory_bytes"] = int(args.synth_memory_gib * (1 << 30))
    return limits
