"""Deriving a whole configuration for a trained model: exact where it has quantizers, measured where it has none."""

from __future__ import annotations

import os
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.building.rounding import Rounding
from hlsflow.building.target import Target
from hlsflow.foundation.errors import UnsupportedError, UsageError
from hlsflow.foundation.log import Log
from hlsflow.foundation.workspace import Workspace, write_text
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.config_seal import is_untouched, sealed
from hlsflow.hls.config_writer import multiplier_choice, write_config
from hlsflow.network.graph import Op

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hlsflow.network.graph import Network

# How many training samples measure the values of a network without quantizers: as many as two gigabytes hold.
CALIBRATION_SAMPLES, LEAST_SAMPLES = 4000, 16
_MEMORY = 1 << 31
# A layer with more values is passed on as a stream: HLS partitions no array of more elements ("array elements number
# (7056) has exceeded the threshold (4096)"), and io_parallel wants every array partitioned.
PARALLEL_VALUES = 4096
# So many values in all windows of a convolution: in io_parallel each is a statement of its own, and C++ compilers take
# minutes for some 100,000 of them, HLS tools longer.
PARALLEL_WINDOWS = 16_384


def configure(workspace: Workspace, model_name: str, target: Target, data_dir: Path | None, log: Log) -> str:
    """The text of a configuration for a trained model. Raises what is wrong with the model or the target."""
    from hlsflow.frontends import calibrate
    from hlsflow.hls.lint import lint
    from hlsflow.models.model import open_model

    with log.step("model") as step:
        model = open_model(workspace.model_dir(model_name))
        live = model.live()
        network = live.network(model.input_types)
        step.detail = f"{len(network.nodes)} layers"
    candidates = _candidates(network, target)
    exact, refused = (None, None) if calibrate.is_open(network) else _exact(network, candidates)
    beside: tuple[str, ...] = ()
    if exact is not None and target.bound is not None:
        raise UsageError(f"--bound {target.bound:g}: '{model_name}' is exact, no bound is needed", hint="leave it out")
    if exact is None:
        with log.step("measure") as step:
            each = 8 * sum(prod(node.shape) for node in network.nodes)
            count = max(LEAST_SAMPLES, min(CALIBRATION_SAMPLES, _MEMORY // each))
            frames, said = model.calibration(data_dir, count)
            rounded = Rounding(network, live, frames, model.task).narrowest(candidates, target)
            step.detail = f"{rounded.bits}: off by {rounded.error:.2g} at most on {len(frames):,} {said}"
        beside = rounded.beside
        if rounded.wide:
            log.warn("no types keep 1/128 of the largest output: sums of wider ones need more bits than are exact")
        for line in beside:
            log.line(f"  {'beside it':<12} {line}")
        config = rounded.config
    else:
        config = exact
    if target.io_type is None and config.io_type != "io_parallel":
        log.line(f"io_stream, since {_too_large(network)}")
    for reason in [refused.message] if refused is not None else calibrate.opened_by(network):
        log.warn(f"not exact, so held to a measured bound: {reason}")
    with log.step("types") as step:
        linted = lint(network, config)
        linted.raise_errors("the derived configuration")
        step.detail = "exact for any input" if config.gate.kind == "exact" else "rounded, within a measured bound"
    return write_config(model_name, config, linted.layers, beside)


def _candidates(network: Network, target: Target) -> list[HlsConfig]:
    """What may be written for a target, the best first."""
    from hlsflow.foundation.strict_yaml import validate

    values: dict[str, Any] = {
        "backend": target.backend,
        "part": target.part,
        "clock_period_ns": target.clock_period_ns,
        "layers": multiplier_choice(network),
    }
    if values["layers"]:
        values["strategy"] = "resource"
    io_types = [target.io_type]
    if target.io_type is None:
        io_types = ["io_stream", "io_parallel"] if _too_large(network) else ["io_parallel"]
    return [validate(HlsConfig, {**values, "io_type": io_type}, "the command line") for io_type in io_types]


def _too_large(network: Network) -> str | None:
    """Why a network is not one of arrays in registers, None where it may be."""
    for node in network.nodes:
        values = prod(node.shape)
        if values > PARALLEL_VALUES:
            return f"'{node.keras_layer}' gives {values:,} values, and HLS keeps up to {PARALLEL_VALUES:,} in registers"
        windows = prod(node.shape[:-1]) * node.multiplications[0] if node.op is Op.CONV else 0
        if windows > PARALLEL_WINDOWS:
            return f"the windows of '{node.keras_layer}' have {windows:,} values, each a statement in io_parallel"
    return None


def _exact(
    network: Network, candidates: Sequence[HlsConfig]
) -> tuple[HlsConfig, None] | tuple[None, UnsupportedError]:  # fmt: skip
    """The first configuration in which types carry the network exactly, or why the last has none: a product of a value
    that no quantizer narrowed, say."""
    from hlsflow.hls.lint import lint

    for config in candidates:
        try:
            lint(network, config)
        except UnsupportedError as error:
            refused = error
        else:
            return config, None
    return None, refused


def ensure_config(
    workspace: Workspace, model_name: str, log: Log, *, target: Target | None = None, data_dir: Path | None = None
) -> bool:
    """Derives and writes the configuration of a model that has none, as `hlsflow config` does it; whether it did.

    Raises what is wrong with the model.
    """
    path = workspace.hls_configs / f"{model_name}.yaml"
    workspace.model_dir(model_name)
    # A link that leads nowhere is somebody's mistake, not the absence of a file.
    if os.path.lexists(path):
        return False
    log.line(f"{model_name} has no HLS configuration: deriving one, as `hlsflow config {model_name}` does")
    write_text(path, sealed(configure(workspace, model_name, target or Target(), data_dir, log), "build"))
    log.line(f"wrote {path}: yours to edit")
    return True


def drop_derived(workspace: Workspace, model_name: str, log: Log) -> None:
    """Of a model that was replaced: removes the configuration that was derived for what it was. One that a person has
    edited stays, with a warning."""
    path = workspace.hls_configs / f"{model_name}.yaml"
    if not path.is_file():
        return
    if is_untouched(path.read_text(), "build"):
        path.unlink()
        log.line(f"{path} was derived for the model as it was: removed, the next build derives it anew")
    else:
        log.warn(f"{path} is for the model as it was: `hlsflow config {model_name} --force` derives another")
