"""From the text of a project's sources to a Design: what every call says of its layer, by the names of any version."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from hlsflow.devices.catalogue import find_part
from hlsflow.estimation.design import Design, Target
from hlsflow.estimation.facts import (
    WEIGHTED,
    WORD,
    DesignFacts,
    LayerFacts,
    Window,
    design_of_facts,
    kind_of,
    target_for,
)
from hlsflow.estimation.source import read_settings
from hlsflow.foundation.errors import ToolError
from hlsflow.hls.project import destinations, operands
from hlsflow.hls.source import Call, Source, pack_of
from hlsflow.network.fixed_point import FixedType, parse_type

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


def target_of(source: Source, **said: object) -> Target:
    """The target a project states, with what the caller says instead (fields of Settings, None: as stated).

    Raises ConfigError for a part that the catalogue does not know, ToolError where none is stated at all.
    """
    settings = replace(read_settings(source.root), **{key: value for key, value in said.items() if value is not None})
    if settings.part is None:
        raise ToolError(f"{source.root}: it does not say which part it is for", hint="name one: --part xc7z020clg400-1")
    streamed = any(pack_of(definition) for definition in source.types.values())
    return target_for(
        part=find_part(settings.part),
        clock_period_ns=settings.clock_period_ns or 5.0,
        clock_uncertainty_percent=settings.clock_uncertainty_percent,
        backend=settings.backend or "Vivado",
        tool_version=settings.tool_version,
        io_stream=streamed if settings.io_type is None else "stream" in settings.io_type,
        binding=settings.multiplier_binding,
    )


def design_of(source: Source, target: Target) -> Design:
    """The design. What cannot be read is guessed and named in `doubts`, so that the estimate leaves its domain."""
    reader = _Reader(source)
    depths = [re.search(r"STREAM\s+variable=(\w+)\s+depth=(\d+)", pragma) for pragma in source.pragmas]
    return design_of_facts(
        DesignFacts(
            name=source.root.name,
            target=target,
            layers=[facts for call in source.calls for facts in reader.layers(call)],
            dataflow=target.io_stream or any("DATAFLOW" in pragma for pragma in source.pragmas),
            depths={found[1]: int(found[2]) for found in depths if found},
            element_bits=source.element_bits,
        )
    )


class _Reader:
    """Reads calls one by one."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def layers(self, call: Call) -> list[LayerFacts]:
        call = replace(call, arguments=tuple(self.source.aliases.get(name, name) for name in call.arguments))
        name = call.layer or call.template[-1].removeprefix("nnet::")
        config = self._values(call.template[-1])
        if call.function.startswith("separable_conv"):
            return self._separable(call, config, name)
        return [self._layer(call, config, name, call.function)]

    def _separable(self, call: Call, config: Mapping[str, str], name: str) -> list[LayerFacts]:
        """A separable convolution is a depthwise one and a pointwise one with a stream between them."""
        struct = call.template[-1]
        depthwise = self._values(config.get("depthwise_config", f"{struct}_depthwise"))
        pointwise = self._values(config.get("pointwise_config", f"{struct}_pointwise"))
        x, y = call.arguments[:2]
        first = replace(call, arguments=(x, f"{name}_depthwise", call.arguments[2], call.arguments[4]))
        second = replace(call, arguments=(f"{name}_depthwise", y, call.arguments[3], call.arguments[-1]))
        function = call.function.removeprefix("separable_")
        return [
            self._layer(first, depthwise, f"{name}_depthwise", f"depthwise_{function}"),
            self._layer(second, pointwise, f"{name}_pointwise", f"pointwise_{function}"),
        ]

    def _values(self, struct: str) -> Mapping[str, str]:
        """The constants and typedefs of a struct, empty where there is none of that name."""
        config = self.source.configs.get(struct)
        return {} if config is None else config.values

    def _type(self, name: str | None) -> FixedType | None:
        """The type by its name or spelled out; the element's type of a pack. None where it is no fixed-point type."""
        text = self.source.types.get(name or "", name or "")
        pack = pack_of(text)
        try:
            return parse_type(text if pack is None else pack[0])
        except ValueError:
            return None

    def _pack(self, call: Call) -> int | None:
        """How many values one element of the stream that a call writes holds."""
        pack = pack_of(self.source.types.get(call.template[max(0, len(call.template) - 2)], ""))
        return None if pack is None else self.source.integer(pack[1])

    def _number(self, config: Mapping[str, str], *keys: str, default: int = 0) -> int:
        for key in keys:
            number = self.source.integer(config.get(key), config)
            if number is not None:
                return number
        return default

    def _layer(self, call: Call, config: Mapping[str, str], name: str, function: str) -> LayerFacts:
        number = self._number
        mult = self._values(config.get("mult_config", "")) or config
        types = [found for word in call.template[:-1] if (found := self._type(word)) is not None]
        if len(types) < 2 and len(call.template) == 2:
            types = [found for word in call.template if (found := self._type(word)) is not None]
        weight = self._type(mult.get("weight_t") or mult.get("scale_t") or config.get("weight_t"))
        strategy = mult.get("strategy", config.get("strategy", "latency"))
        window = self._window(config)
        return LayerFacts(
            name=name, function=function, inputs=operands(call), output=destinations(call)[0],
            x=types[0] if types else None, y=types[-1] if types else None,
            matrix=(number(mult, "n_in", default=1), number(mult, "n_out", default=1)),
            size=self._size(call, config), pack=self._pack(call), window=window,
            channels=number(config, "n_chan", "n_filt", default=1),
            filters=number(config, "n_filt", "n_chan", default=1),
            turns=number(config, "n_partitions", default=1 if "large" not in function else window.positions),
            reuse_factor=number(mult, "reuse_factor", "reuse", default=1),
            strategy=_strategy(mult.get("strategy") or config.get("strategy") or function, mult),
            weight=weight, accum=self._type(mult.get("accum_t") or config.get("accum_t")),
            weights=self._integers(call, 2, weight or WORD) if kind_of(function) in WEIGHTED else None,
            biases=None if len(call.arguments) < 4 else self.source.weights(call.arguments[3]),
            # hls4ml stores the matrix with its axes exchanged for the resource strategy.
            transposed="latency" not in strategy,
            table=self._type(config.get("exp_table_t") or config.get("table_t")),
            table_size=number(config, "exp_table_size", "table_size", default=1024),
            inverse_table_size=number(config, "inv_table_size", "table_size", default=1024),
            implementation=config.get("implementation", "").rsplit("::", 1)[-1],
        )  # fmt: skip

    def _window(self, config: Mapping[str, str]) -> Window:
        number = self._number
        height, width = number(config, "in_height", default=1), number(config, "in_width", "n_in", default=1)
        # Padding is read like any other position.
        padded = (height + number(config, "pad_top") + number(config, "pad_bottom")) * (
            width + number(config, "pad_left") + number(config, "pad_right")
        )
        return Window(
            in_positions=padded,
            positions=number(config, "out_height", default=1) * number(config, "out_width", "n_out", default=1),
            height=number(config, "filt_height", "pool_height", default=1),
            width=number(config, "filt_width", "pool_width", default=1),
            row_width=number(config, "in_width", "n_in"),
        )

    def _size(self, call: Call, config: Mapping[str, str]) -> int:
        """How many values an elementwise call writes, 0 where that is not read of its struct.

        A concatenation of images is one such: the calibrated designs that have one were taken as its first operand.
        """
        number = self._number
        if call.function == "concatenate1d":
            return number(config, "n_elem1_0") + number(config, "n_elem2_0")
        if shape := config.get("to_shape"):
            return prod(self.source.integer(word, config) or 0 for word in shape.split(","))
        return number(config, "n_in") or (
            number(config, "out_height", "new_height", default=1)
            * number(config, "out_width", "new_width", default=1)
            * number(config, "n_chan", "n_elem")
        )

    def _integers(self, call: Call, place: int, type_: FixedType) -> Array | None:
        """The constants that an argument names, in LSBs of their type; None where they are not there."""
        import numpy as np

        values = self.source.weights(call.arguments[place]) if len(call.arguments) > place else None
        if values is None:
            return None
        return np.clip(np.floor(values * 2.0**type_.fraction + 1e-6), type_.min_int, type_.max_int).astype(np.int64)


def _strategy(word: str, mult: Mapping[str, str]) -> str:
    kernel = mult.get("using_kernel", mult.get("kernel", ""))
    if "DistributedArithmetic" in word or "distributed" in word.lower():
        return "distributed_arithmetic"
    # hls4ml before 0.3 calls the functions of the resource strategy `dense_large`, `conv_2d_large_cl`.
    return "resource" if "resource" in word.lower() or "large" in word or "Resource" in kernel else "latency"
