"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.foundation.log import Log
from hlsflow.records.tools import SYNTHESIZERS, VENDOR_TOOLS

if TYPE_CHECKING:
    from hlsflow.foundation.workspace import Workspace


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


def add_bound(parser: argparse.ArgumentParser) -> None:
    """--bound, of a configuration that is derived."""
    parser.add_argument(
        "--bound",
        type=_positive,
        metavar="E",
        help="where the model has no quantizers: the largest error of an output that you accept, in its own unit "
        "(default: 1/128 of the largest output, and Keras' class on 99.5 %% of labelled samples)",
    )


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError(text)
    return value


def add_confidence(parser: argparse.ArgumentParser, of: str = "") -> None:
    """--confidence, of a fit to a device."""
    parser.add_argument(
        "--confidence",
        type=float,
        metavar="P",
        help=f"{of}how sure each resource shall fit: 0.5, 0.6, 0.7, 0.8 or 0.9, the share of designs with such an "
        "estimate that stay within the device (default: 0.8, the highest that designs of authors whom the estimator "
        "had not seen confirm for every resource)",
    )


def named_config(workspace: Workspace, model: str, config: Path | None) -> Path | None:
    """The configuration that --config names, as a path or by its name below hls_configs/; None for the model's own.

    Raises UsageError, naming those that there are, where there is no such file.
    """
    from hlsflow.foundation.errors import UsageError, did_you_mean

    if config is None:
        return None
    path = config if config.is_file() else workspace.hls_configs / config
    if not path.is_file():
        known = sorted(found.name for found in workspace.hls_configs.glob(f"{model}.*yaml"))
        raise UsageError(
            f"--config {config}: no such file, here or below {workspace.hls_configs}",
            hint=did_you_mean(config.name, known),
        )
    own = workspace.hls_configs / f"{model}.yaml"
    return None if path.resolve() == own.resolve() else path


def variant_named(
    workspace: Workspace, name: str, config: Path | None
) -> tuple[str, Path | None, dict[str, str | int | float]]:
    """(model, configuration, changed values) of a model or of a variant: `qap8`, `qap8@pynq-z2`.

    What made a variant is read from its record; where there is none, a configuration of that name is taken. Raises
    UsageError, saying how the variant is made, where there is neither.
    """
    from hlsflow.foundation.errors import ReportError, UsageError
    from hlsflow.records.evidence_files import RECORD_FILE
    from hlsflow.records.record import read_record

    model, _, variant = name.partition("@")
    if not variant:
        return model, named_config(workspace, model, config), {}
    workspace.model_dir(model)
    if config is not None:
        raise UsageError(f"{name} names a variant, and --config another: one of the two")
    try:
        asked = read_record(workspace.reports / name / RECORD_FILE).request
    except ReportError:
        asked = None
    if asked is not None:
        made_by = None if asked.config is None else Path(asked.config)
        if made_by is not None and not (workspace.hls_configs / made_by).is_file():
            made_by = workspace.root / made_by
        return model, named_config(workspace, model, made_by), asked.changes
    if (workspace.hls_configs / f"{model}.{variant}.yaml").is_file():
        return model, workspace.hls_configs / f"{model}.{variant}.yaml", {}
    raise UsageError(
        f"no record of '{name}' says how it is made, and there is no {workspace.hls_configs}/{model}.{variant}.yaml",
        hint=f"name what makes it: {model} with --config FILE, or with --backend, --io-type, --part, --clock-period-ns",
    )


def add_synthesis(parser: argparse.ArgumentParser) -> None:
    """--synth and what goes with it."""
    parser.add_argument("--synth", choices=SYNTHESIZERS, help="synthesize with these tools")
    parser.add_argument("--device", metavar="NAME", help="board or part for --synth open, such as pynq-z2 or ulx3s-85f")
    parser.add_argument(
        "--architecture", choices=["auto", "folded", "unrolled", "sparse"],
        help="of the RTL of --synth open (default: by size)",
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
    from hlsflow.foundation.errors import UsageError

    vendor = {"--stages": args.stages, "--cosim-samples": args.cosim_samples}
    limits = {"--synth-timeout-min": args.synth_timeout_min, "--synth-memory-gib": args.synth_memory_gib}
    for option, value in (vendor | limits).items():
        if value is not None and option in limits and args.synth is None:
            raise UsageError(f"{option} goes with --synth")
        if value is not None and option in vendor and args.synth not in VENDOR_TOOLS:
            raise UsageError(f"{option} goes with --synth vitis or --synth vivado")
        if isinstance(value, int | float) and value <= 0:
            raise UsageError(f"{option} {value:g}: more than 0")
    rtl = {"device": args.device, "architecture": args.architecture}
    for name, value in rtl.items():
        if value is not None and args.synth != "open":
            raise UsageError(f"--{name} goes with --synth open")
    if args.synth == "open":
        return {name: value for name, value in rtl.items() if value is not None} | _limits(args)
    if args.synth not in VENDOR_TOOLS:
        return {}
    return vendor_options(args)


def vendor_options(args: argparse.Namespace) -> dict[str, Any]:
    """The options of a vendor synthesis. Raises UsageError for a stage that there is not."""
    from hlsflow.vendor.command import parse_stages

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
