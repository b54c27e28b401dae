"""A convolution as hls4ml takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hlsflow.frontends.nodes.builder import Builder
from hlsflow.network.fixed_point import FixedType
from hlsflow.network.graph import Node, Op

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

Pads = tuple[tuple[int, int], ...]


def by_side(pads: Pads) -> dict[str, int]:
    """How many zeros stand before and behind each axis, one or two of them, under hls4ml's names."""
    sides = (("top", "bottom"), ("left", "right"))[-len(pads) :]
    return {
        f"pad_{side}": pad
        for both, pair in zip(sides, pads, strict=True)
        for side, pad in zip(both, pair, strict=True)
    }  # fmt: skip


def window_of(entry: Mapping[str, Any]) -> dict[str, int]:
    """Strides and pads of a convolution or pooling, two-dimensional throughout (a 1-D one has height 1)."""
    return {
        "stride_height": entry.get("stride_height", 1),
        "stride_width": entry["stride_width"],
        "pad_top": entry.get("pad_top", 0),
        "pad_bottom": entry.get("pad_bottom", 0),
        "pad_left": entry["pad_left"],
        "pad_right": entry["pad_right"],
    }


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Convolution:
    """A convolution over one axis or two (height, width), as hls4ml takes it."""

    name: str
    source: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    arrays: Mapping[str, Array]
    declared: Mapping[str, FixedType]
    strides: tuple[int, ...]
    pads: Pads
    op: Op = Op.CONV

    def node(self, builder: Builder, owner: Any) -> Node:
        rank = len(self.strides)
        axes, sides = ("height", "width")[-rank:], (("top", "bottom"), ("left", "right"))[-rank:]
        entry: dict[str, Any] = {
            "name": self.name,
            "class_name": f"{'DepthwiseConv' if self.op is Op.DEPTHWISE else 'Conv'}{rank}D",
            "inputs": [self.source],
            "data_format": "channels_last",
            "n_chan": self.before[-1],
            "n_filt": self.after[-1],
            "use_bias": "bias" in self.arrays,
            **({"depth_multiplier": 1} if self.op is Op.DEPTHWISE else {}),
        }
        for index, (axis, around) in enumerate(zip(axes, sides, strict=True)):
            entry |= {
                f"in_{axis}": self.before[index], f"out_{axis}": self.after[index],
                f"filt_{axis}": self.arrays["weight"].shape[index], f"stride_{axis}": self.strides[index],
                **{f"pad_{side}": pad for side, pad in zip(around, self.pads[index], strict=True)},
            }  # fmt: skip
        return builder.node(
            entry, self.op, self.after, owner, arrays=dict(self.arrays), declared=dict(self.declared),
            attributes=window_of(entry),
        )  # fmt: skip
