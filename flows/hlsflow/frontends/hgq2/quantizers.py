"""HGQ 2's quantizers: what their configuration says, and the types that their weights are.

A quantizer is parameterized by `k` (a sign bit), `i` (bits left of the point, the sign not counted) and `f` (bits right
of it), or by `k`, `b` = i + f and `i`, of one shape that broadcasts over a batch; what training left between whole
numbers is rounded half to even. No bits in all: always 0. HGQ 2's WRAP, SAT and SAT_SYM are those of `ap_fixed`: a test
holds both against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hlsflow.foundation.errors import ModelError
from hlsflow.network.element_types import ElementTypes
from hlsflow.network.fixed_point import Overflow, Rounding
from hlsflow.network.quantizers import NotExact

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

KBI, KIF, NONE = "kbi", "kif", "dummy"
# The variables of each parameterization.
VARIABLES: Mapping[str, tuple[str, ...]] = {KBI: ("k", "b", "i"), KIF: ("k", "i", "f"), NONE: ()}
_OVERFLOWS = (Overflow.WRAP, Overflow.SAT, Overflow.SAT_SYM)
# Beyond it a power of two is no number of float32, nor a bit of hardware.
_MOST_BITS = 64
_AGAIN = "save the model again with HGQ 2"


def settings_of(said: Any, what: str) -> dict[str, Any]:
    """What decides the values of a serialized quantizer's configuration, as JSON values. Raises NotExact, KeyError."""
    if not isinstance(said, Mapping) or said.get("class_name") != "QuantizerConfig":
        raise NotExact(f"its quantizer {what} is described by no QuantizerConfig", "a quantizer of HGQ 2")
    config = said["config"]
    kind = config["q_type"]
    if kind not in VARIABLES:
        raise NotExact(f"its quantizer {what} gives numbers of the type '{str(kind)[:20]}'", "kif or kbi")
    for key in ("scaler", "affine"):
        if config.get(key) is not None:
            raise NotExact(f"its quantizer {what} scales its values ({key})", f"{key}=None")
    if config.get("bw_mapper") is not None:
        raise NotExact(f"its quantizer {what} has a mapping of bits of its own", "heterogeneous_axis")
    if kind == NONE:
        return {"q_type": NONE}
    rounding = str(config["round_mode"]).upper().removeprefix("S_")
    overflow = str(config["overflow_mode"]).upper()
    if rounding not in set(Rounding) or overflow not in _OVERFLOWS:
        raise NotExact(
            f"its quantizer {what} has the modes {rounding[:20]} and {overflow[:20]}", f"{', '.join(_OVERFLOWS)}"
        )
    axes = {key: _axes(config.get(key), what) for key in ("homogeneous_axis", "heterogeneous_axis")}
    weight = {"is_weight": bool(config.get("is_weight", False)), "trainable": bool(config.get("trainable", True))}
    return {"q_type": kind, "round_mode": rounding, "overflow_mode": overflow, **axes, **weight}


def _axes(said: Any, what: str) -> list[int] | None:
    if said is not None and not (isinstance(said, list) and all(type(axis) is int for axis in said)):
        raise NotExact(f"the axes of its quantizer {what} are no whole numbers", "axes such as (-1,)")
    return said


def named(arrays: list[Array], config: Mapping[str, Any], where: str) -> dict[str, Array]:
    """The variables of a quantizer by name, from its arrays in HGQ's order: those that are trained come first.

    Raises ModelError where they are others.
    """
    kind, wraps = config["q_type"], config.get("overflow_mode") == Overflow.WRAP
    signs = [array for array in arrays if array.dtype.kind == "u" and array.shape != ()]
    # That without a shape is how fast `i` falls in training.
    numbers = [array for array in arrays if array.dtype.kind == "f" and array.shape != ()]
    if kind == NONE and not arrays:
        return {}
    if len(signs) != 1 or len(numbers) != 2 or any(array.shape != signs[0].shape for array in numbers):
        raise ModelError(f"{where}: the file holds other variables of it than its signs and its bits", hint=_AGAIN)
    names = {(KBI, True): "bi", (KBI, False): "bi", (KIF, True): "fi", (KIF, False): "if"}[kind, wraps]
    return {"k": signs[0], **dict(zip(names, numbers, strict=True))}


def element_types(config: Mapping[str, Any], arrays: Mapping[str, Array], rank: int, where: str) -> ElementTypes | None:
    """The types of a quantizer of tensors of `rank` axes, the batch not counted; None for one that does nothing.

    Raises ModelError that names `where`.
    """
    import numpy as np

    if config["q_type"] == NONE:
        return None
    found = {name: np.rint(np.asarray(arrays[name], dtype=np.float64)) for name in VARIABLES[config["q_type"]]}
    if any(not np.isfinite(values).all() or (np.abs(values) > _MOST_BITS).any() for values in found.values()):
        raise ModelError(f"{where}: its bits are more than {_MOST_BITS}, or none that is a number", hint=_AGAIN)
    signed, integer = found["k"], found["i"]
    width = signed + (found["b"] if "b" in found else integer + found["f"])
    if not np.isin(signed, (0, 1)).all():
        raise ModelError(f"{where}: its signs are to be 0 or 1", hint=_AGAIN)
    try:
        return ElementTypes.of_batch(
            signed, width, integer + signed, rank,
            rounding=Rounding(config["round_mode"]), overflow=Overflow(config["overflow_mode"]),
        )  # fmt: skip
    except ValueError as problem:
        raise ModelError(f"{where}: {problem}", hint=_AGAIN) from problem
