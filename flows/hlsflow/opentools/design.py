"""Which architecture a network gets, for which target, and the design: the choices of the open path in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from hlsflow.devices.targets import Target, find_target
from hlsflow.foundation.errors import ConfigError, did_you_mean
from hlsflow.opentools.budget import Budget
from hlsflow.opentools.tools import ROUTE_TOOLS
from hlsflow.rtl.adders import signed_digits
from hlsflow.rtl.chain import Chain
from hlsflow.rtl.design import RtlDesign
from hlsflow.rtl.folded import folded_design
from hlsflow.rtl.folding import fit_multipliers
from hlsflow.rtl.names import identifier
from hlsflow.rtl.sparse.choose import sparse_network


class Architecture(StrEnum):
    """AUTO unrolls what is small enough, and folds the rest. SPARSE folds, and zeros cost no cycles where that pays."""

    AUTO = "auto"
    FOLDED = "folded"
    UNROLLED = "unrolled"
    SPARSE = "sparse"


# da4ml takes hours beyond, and the adders fill a small device: the non-zero digits of all weights in signed-digit form.
UNROLLED_DIGITS = 6_000
# … and a digit takes about as many LUTs (25,198 for digits6's 3,766 by Yosys, rounded up), of which a device has few.
LUT_A_DIGIT = 8
# A whole frame a beat has more bits than a small package has pins, and a serial line has no use for it.
NARROW_BUS_BITS = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenOptions:
    """What was asked of the open path.

    `device`: a board or part (None: the configuration's part); `reuse_factors` by layer replace the configuration's;
    `budget`: what each tool may take.
    """

    device: str | None = None
    architecture: Architecture = Architecture.AUTO
    reuse_factors: Mapping[str, int] | None = None
    route: bool | None = None
    budget: Budget = field(default_factory=Budget)


def read_options(options: Mapping[str, Any]) -> OpenOptions:
    """The options of the stage. Raises ConfigError for one that is not known or cannot be meant."""
    limits = ("timeout_s", "memory_bytes")
    known = ("device", "architecture", "reuse_factors", "route", *limits)
    for name in options:
        if name not in known:
            raise ConfigError(f"open synthesis has no option '{name}'", hint=did_you_mean(name, known))
    try:
        architecture = Architecture(options.get("architecture") or "auto")
    except ValueError:
        names = [str(name) for name in Architecture]
        raise ConfigError(
            f"open synthesis has no architecture '{options['architecture']}'",
            hint=did_you_mean(str(options["architecture"]), names),
        ) from None
    budget = Budget(**{name: options[name] for name in limits if options.get(name) is not None})
    others = {name: value for name, value in options.items() if name not in limits}
    return OpenOptions(**{**others, "architecture": architecture, "budget": budget})


def target_of(options: OpenOptions, part: str) -> Target:
    """The target that was asked for, else the configuration's part. Raises ConfigError where it is unknown."""
    return find_target(options.device or part)


def with_reuse_factors(chain: Chain, factors: Mapping[str, int]) -> Chain:
    """The network with the reuse factors of some layers replaced. Raises ConfigError for an unknown layer."""
    names = [layer.name for layer in chain.products]
    for name, factor in factors.items():
        if name not in names:
            raise ConfigError(f"no layer '{name}' takes a reuse factor", hint=did_you_mean(name, names))
        if factor < 1:
            raise ConfigError(f"reuse factor {factor} of layer '{name}': at least 1")
    return replace(
        chain,
        layers=tuple(
            replace(layer, reuse_factor=factors[layer.name]) if layer.name in factors else layer
            for layer in chain.layers
        ),
    )


def choose(chain: Chain, options: OpenOptions, target: Target | None = None) -> tuple[Architecture, str]:
    """The architecture, and why; for a target if one is given."""
    if options.architecture is not Architecture.AUTO:
        return options.architecture, "asked for"
    if chain.has_windows:
        return Architecture.FOLDED, "it has convolutions or poolings"
    digits = signed_digits(layer.weights for layer in chain.products)
    if options.reuse_factors:
        return Architecture.FOLDED, "reuse factors were asked for"
    if target is not None and target.wiring is not None:
        return Architecture.FOLDED, f"the serial line of {target.wiring.board} is slower than either"
    if digits <= UNROLLED_DIGITS and target is not None and digits * LUT_A_DIGIT > target.lut:
        why = f"{digits:,} signed digits in its weights are too many adders for {target.lut:,} LUT"
        return Architecture.FOLDED, why
    if digits <= UNROLLED_DIGITS:
        return Architecture.UNROLLED, f"{digits:,} signed digits in its weights, at most {UNROLLED_DIGITS:,}"
    return Architecture.FOLDED, f"{digits:,} signed digits in its weights, more than {UNROLLED_DIGITS:,}"


# (network, name of the top module, widest bus in bits or None) -> the unrolled design.
Unroll = Callable[[Chain, str, int | None], RtlDesign]


def _unroll_here(chain: Chain, top: str, bus_bits: int | None) -> RtlDesign:
    from hlsflow.rtl.unrolled import unrolled_design

    return unrolled_design(chain, top, bus_bits=bus_bits)


def make_design(
    chain: Chain, name: str, target: Target, options: OpenOptions, unroll: Unroll = _unroll_here
) -> RtlDesign:
    """The design for a target, its reuse factors raised where the target has too few DSP blocks.

    Raises UnsupportedError where it cannot be made, ToolError where da4ml is needed and missing.
    """
    architecture, why = choose(chain, options, target)
    top = identifier(name)
    if architecture is Architecture.UNROLLED:
        design = unroll(chain, top, NARROW_BUS_BITS if target.family in ROUTE_TOOLS else None)
    else:
        asked = with_reuse_factors(chain, options.reuse_factors or {})
        fitted = fit_multipliers(asked, target.dsp)
        raised = [
            f"{new.name}: reuse factor raised from {old.reuse_factor} to {new.reuse_factor}, {target.name} has "
            f"{target.dsp} multipliers"
            for old, new in zip(asked.products, fitted.products, strict=True)
            if old.reuse_factor != new.reuse_factor
        ]
        if architecture is Architecture.SPARSE:
            foldings = sparse_network(fitted)
            if not any(folding.sparse for folding in foldings):
                architecture, why = Architecture.FOLDED, "sparse was asked for, and no layer gains by it"
            design = folded_design(fitted, top, foldings, str(architecture))
        else:
            design = folded_design(fitted, top)
        design = replace(design, notes=(*design.notes, *raised))
    return replace(design, notes=(f"{architecture}: {why}", *design.notes))
