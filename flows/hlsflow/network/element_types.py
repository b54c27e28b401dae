"""Types for the elements of a tensor, each its own: what a quantizer of high granularity (HGQ) makes of its values.

An element whose type has no bits is a constant zero: the quantizer pruned it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from hlsflow.network import intervals
from hlsflow.network.fixed_point import FixedType, Overflow, Rounding, cast, parse_type, rounds_beyond
from hlsflow.network.graph import FORMULA, Op
from hlsflow.network.intervals import Interval
from hlsflow.network.layer_types import INTERVAL, LayerTypes, Working, range_text

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# What stands for the type of an element that is always zero.
ZERO = "0"
# The class of the layer that hls4ml is taught (`hls.element_casts`).
ELEMENT_CAST_CLASS = "ElementCast"
_KEYS = ("element_types", "element_shape", "element_index")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ElementTypes:
    """`types` are the different ones (None: always zero), `index` int64 says which one each element has.

    `index` has as many axes as the tensor, with one entry where all along an axis are alike.
    """

    types: tuple[FixedType | None, ...]
    index: Array

    @classmethod
    def of_bits(
        cls, signed: Array, width: Array, integer: Array, *, rounding: Rounding, overflow: Overflow
    ) -> Self:  # fmt: skip
        """From arrays of integers of one shape: whether there is a sign bit, the bits, and those left of the point (the
        sign bit counts in both). No bits, or fewer: always zero."""
        import numpy as np

        bits = np.stack([np.asarray(item, dtype=np.int64).ravel() for item in (signed != 0, width, integer)], axis=1)
        bits[bits[:, 1] <= 0] = 0
        if overflow is Overflow.SAT_SYM:
            # A sign bit alone is symmetric about zero where it is zero; `ap_fixed` gives its one code, below zero.
            bits[(bits[:, 0] == 1) & (bits[:, 1] == 1)] = 0
        different, index = np.unique(bits, axis=0, return_inverse=True)
        types = tuple(
            FixedType(width=int(b), integer=int(i), signed=bool(k), rounding=rounding, overflow=overflow) if b else None
            for k, b, i in different
        )
        return cls(types=types, index=index.reshape(np.shape(width)).astype(np.int64))

    @classmethod
    def of_batch(
        cls, signed: Array, width: Array, integer: Array, rank: int, *, rounding: Rounding, overflow: Overflow
    ) -> Self:  # fmt: skip
        """As `of_bits`, from arrays that broadcast over a batch of tensors of `rank` axes. Raises ValueError where they
        tell the samples of a batch apart, or are of different shapes."""
        import numpy as np

        arrays = [np.asarray(item) for item in (signed, width, integer)]
        shape = arrays[0].shape
        if any(item.shape != shape for item in arrays) or len(shape) > rank + 1:
            raise ValueError(f"bits of the shapes {', '.join(str(item.shape) for item in arrays)} for {rank} axes")
        whole = (1,) * (rank + 1 - len(shape)) + shape
        if whole[0] != 1:
            raise ValueError(f"bits of the shape {shape} differ within a batch")
        found = [item.reshape(whole[1:]) for item in arrays]
        return cls.of_bits(*found, rounding=rounding, overflow=overflow)

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Self:
        """What `said` made a mapping of."""
        import numpy as np

        texts, shape, index = (said[key] for key in _KEYS)
        types = tuple(None if text == ZERO else parse_type(text) for text in texts)
        return cls(types=types, index=np.asarray(index, dtype=np.int64).reshape(tuple(shape)))

    @property
    def said(self) -> dict[str, Any]:
        """As JSON values, for a node's attributes and its entry."""
        texts = [ZERO if type_ is None else str(type_) for type_ in self.types]
        return dict(zip(_KEYS, (texts, list(self.index.shape), self.index.ravel().tolist()), strict=True))

    @classmethod
    def all_of(cls, type_: FixedType) -> Self:
        """One type for every element."""
        import numpy as np

        return cls(types=(type_,), index=np.zeros((), dtype=np.int64))

    @property
    def alike(self) -> FixedType | None:
        """The type of all elements where they have one and the same; None where they differ, or are zero."""
        return self.types[0] if len(self.types) == 1 else None

    @property
    def given(self) -> tuple[FixedType, ...]:
        """The types of the elements that are not always zero."""
        return tuple(type_ for type_ in self.types if type_ is not None)

    @property
    def enclosing(self) -> FixedType | None:
        """The narrowest type that holds every value of every element; None where all are zero."""
        if not self.given:
            return None
        fraction = max(type_.fraction for type_ in self.given)
        signed = any(type_.signed for type_ in self.given)
        integer = max(type_.integer + (signed and not type_.signed) for type_ in self.given)
        return FixedType(width=integer + fraction, integer=integer, signed=signed)

    @property
    def by_channel(self) -> bool:
        """Whether all positions are alike: elements differ along the last axis alone."""
        return all(size == 1 for size in self.index.shape[:-1])

    def over(self, shape: Sequence[int]) -> list[FixedType | None]:
        """The types of the elements of a tensor, flat, channels last. Raises ValueError where the shapes differ."""
        import numpy as np

        return [self.types[place] for place in np.broadcast_to(self.index, tuple(shape)).ravel()]

    def fits(self, shape: Sequence[int]) -> bool:
        """Whether there is a type for each element of a tensor of a shape."""
        return len(self.index.shape) == len(shape) and all(
            mine in (1, size) for mine, size in zip(self.index.shape, shape, strict=True)
        )

    def parts(self, shape: Sequence[int]) -> Iterator[tuple[FixedType | None, Array]]:
        """Each type with the elements of a tensor that have it, a bool array of its shape."""
        import numpy as np

        index = np.broadcast_to(self.index, tuple(shape))
        return ((type_, index == place) for place, type_ in enumerate(self.types))

    def beyond(self, source: FixedType) -> FixedType | None:
        """A type that rounds every value of `source` to 0 in a way that C simulation takes for an error; else None."""
        return next((type_ for type_ in self.given if rounds_beyond(source, type_)), None)


def node_fields(name: str, inputs: Sequence[str], types: ElementTypes) -> dict[str, Any]:
    """What a node of such a quantizer has: its op, its entry, … Elements that are all alike need a plain cast alone."""
    entry = {"name": name, "inputs": list(inputs), "data_format": "channels_last"}
    if types.alike is not None:
        return {
            "op": Op.ACTIVATION,
            "function": "linear",
            "declared": {"result": types.alike},
            "attributes": {FORMULA: True},
            "entry": {**entry, "class_name": "Activation", "activation": "linear"},
        }
    said = types.said
    return {"op": Op.QUANTIZE, "attributes": said, "entry": {**entry, "class_name": ELEMENT_CAST_CLASS, **said}}


def assigned(x: Interval, types: ElementTypes) -> Interval:
    """An interval after each element's assignment to its own type."""
    import numpy as np

    fraction = max((type_.fraction for type_ in types.given), default=0)
    low, high = np.zeros(x.low.shape), np.zeros(x.low.shape)
    for type_, where in types.parts(x.low.shape):
        if type_ is not None and where.any():
            part = Interval(low=x.low[where], high=x.high[where], fraction=x.fraction)
            stored = intervals.assigned(part, type_).at(fraction)
            low[where], high[where] = stored.low, stored.high
    return Interval(low=low, high=high, fraction=fraction)


def cast_elements(values: Array, fraction: int, types: Sequence[FixedType | None], result: FixedType) -> Array:
    """Integers (samples, elements) with `fraction` fractional bits, each cast to its type and then all to `result`."""
    import numpy as np

    found = np.zeros_like(values)
    which: dict[FixedType | None, list[int]] = {}
    for place, type_ in enumerate(types):
        which.setdefault(type_, []).append(place)
    for type_, places in which.items():
        if type_ is not None:
            found[:, places] = cast(cast(values[:, places], fraction, type_), type_.fraction, result)
    return found


def quantize(work: Working, xs: list[Interval], layers: list[LayerTypes]) -> Interval:
    """The rule of types of a quantizer whose elements have types of their own (`ranges`)."""
    types = ElementTypes.read(work.node.attributes)
    stored = assigned(xs[0], types)
    work.choose("result", stored.smallest_type(), INTERVAL)
    work.proof = f"each element has the type of its quantizer, and values stay in {range_text(stored)}"
    return work.store("result", stored, "quantized value")
