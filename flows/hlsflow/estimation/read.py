"""From the text of a project's sources to a Design: every call classified, its sizes, types and constants resolved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from hlsflow.devices.catalogue import find_part
from hlsflow.estimation.design import Design, Kind, Layer, Stream, Target
from hlsflow.estimation.liveness import with_constants, with_live_outputs, with_sizes
from hlsflow.estimation.source import read_settings
from hlsflow.foundation.errors import ToolError
from hlsflow.hls.source import Call, Source, pack_of
from hlsflow.network.fixed_point import FixedType, parse_type

if TYPE_CHECKING:
    import numpy as np

# The versions that are assumed where a project does not say which tool will build it.
DEFAULT_VERSION = {"Vivado": "2020.1", "VivadoAccelerator": "2020.1"}
DEFAULT_VITIS_VERSION = "2023.2"
# hls4ml's own default for Vitis is 27 %, the tools' own is 12.5 % (UG902 / UG1399, set_clock_uncertainty).
DEFAULT_UNCERTAINTY = 12.5

_WORD = FixedType(width=16, integer=6)

_KINDS: tuple[tuple[str, Kind], ...] = (
    (r"(td_)?dense(_\w+)?$", Kind.DENSE),
    (r"depthwise_conv", Kind.DEPTHWISE),
    (r"(pointwise_)?conv_[12]d|separable_conv", Kind.CONV),
    (r"normalize", Kind.SCALE),
    (r"(leaky_|thresholded_|p)?relu|relu\d|relu1|linear|clip|binary_tanh|ternary_tanh|hard_\w+$", Kind.RELU),
    (r"softmax", Kind.SOFTMAX),
    (r"sigmoid|tanh|softplus|softsign|elu|selu|unary_lut", Kind.TABLE),
    (r"(global_)?pooling", Kind.POOL),
    (r"add$|subtract$|multiply$|average$|maximum$|minimum$|dot1d$", Kind.MERGE),
    (r"zeropad|transpose|repack|reverse|concatenate|resize|clone_stream|copy_data|h_\w*quantize", Kind.MOVE),
)  # fmt: skip


def target_of(source: Source, **said: object) -> Target:
    """The target a project states, with what the caller says instead (fields of Settings, None: as stated).

    Raises ConfigError for a part that the catalogue does not know, ToolError where none is stated at all.
    """
    settings = replace(read_settings(source.root), **{key: value for key, value in said.items() if value is not None})
    if settings.part is None:
        raise ToolError(f"{source.root}: it does not say which part it is for", hint="name one: --part xc7z020clg400-1")
    backend = settings.backend or "Vivado"
    version = settings.tool_version or DEFAULT_VERSION.get(backend, DEFAULT_VITIS_VERSION)
    major, minor = (re.match(r"v?(\d{4})\.(\d+)", version) or _bad_version(version)).groups()
    streamed = any(pack_of(definition) for definition in source.types.values())
    uncertainty = settings.clock_uncertainty_percent
    return Target(
        part=find_part(settings.part),
        clock_period_ns=settings.clock_period_ns or 5.0,
        clock_uncertainty_percent=DEFAULT_UNCERTAINTY if uncertainty is None else uncertainty,
        backend=backend,
        tool_version=(int(major), int(minor)),
        io_stream=streamed if settings.io_type is None else "stream" in settings.io_type,
        binding=settings.multiplier_binding or "auto",
    )


def _bad_version(version: str) -> re.Match[str]:
    raise ToolError(f"'{version}' is no tool version: write e.g. 2023.2")


def design_of(source: Source, target: Target) -> Design:
    """The design. What cannot be read is guessed and named in `doubts`, so that the estimate leaves its domain."""
    reader = _Reader(source)
    sized = with_sizes([layer for call in source.calls for layer in reader.layers(_resolved(call, source))])
    layers = with_live_outputs(with_constants(sized, source.element_bits))
    streams, seen = [], set()
    for layer in layers if target.io_stream else ():
        if layer.output not in seen:
            seen.add(layer.output)
            depth = reader.depths.get(layer.output, layer.positions)
            streams.append(
                Stream(name=layer.output, depth=max(1, depth), bits=layer.y.width * layer.n_out, elements=layer.n_out)
            )
    written = {layer.output for layer in layers}
    first = next((layer for layer in layers if layer.inputs[0] not in written), layers[0])
    return Design(
        name=source.root.name,
        target=target,
        layers=tuple(layers),
        streams=tuple(streams[:-1]),
        input_bits=first.x.width,
        input_size=first.n_in // first.kernel * first.in_positions,
        dataflow=target.io_stream or any("DATAFLOW" in pragma for pragma in source.pragmas),
        doubts=tuple(reader.doubts),
    )


def _resolved(call: Call, source: Source) -> Call:
    return replace(call, arguments=tuple(source.aliases.get(name, name) for name in call.arguments))


class _Reader:
    """Reads calls one by one; keeps what it had to guess."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.doubts: list[str] = []
        self.depths = {
            match.group(1): int(match.group(2))
            for pragma in source.pragmas
            if (match := re.search(r"STREAM\s+variable=(\w+)\s+depth=(\d+)", pragma))
        }

    def layers(self, call: Call) -> list[Layer]:
        kind = next((kind for pattern, kind in _KINDS if re.match(pattern, call.function)), Kind.OTHER)
        if call.function in self.source.element_bits:
            kind = Kind.MOVE
        name = call.layer or call.template[-1].removeprefix("nnet::")
        if kind is Kind.OTHER:
            self.doubts.append(f"layer '{name}' is a {call.function}, which is not modelled")
        config = self._values(call.template[-1])
        if call.function.startswith("separable_conv"):
            return self._separable(call, config, name)
        return [self._layer(call, config, name, kind)]

    def _separable(self, call: Call, config: Mapping[str, str], name: str) -> list[Layer]:
        """A separable convolution is a depthwise one and a pointwise one with a stream between them."""
        struct = call.template[-1]
        depthwise = self._values(config.get("depthwise_config", f"{struct}_depthwise"))
        pointwise = self._values(config.get("pointwise_config", f"{struct}_pointwise"))
        x, y = call.arguments[:2]
        first = replace(call, arguments=(x, f"{name}_depthwise", call.arguments[2], call.arguments[4]))
        second = replace(call, arguments=(f"{name}_depthwise", y, call.arguments[3], call.arguments[-1]))
        return [
            self._layer(first, depthwise, f"{name}_depthwise", Kind.DEPTHWISE),
            self._layer(second, pointwise, f"{name}_pointwise", Kind.CONV),
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

    def _pack(self, name: str) -> int | None:
        """How many values one element of a stream holds."""
        pack = pack_of(self.source.types.get(name, ""))
        return None if pack is None else self.source.integer(pack[1])

    def _number(self, config: Mapping[str, str], *keys: str, default: int = 0) -> int:
        for key in keys:
            number = self.source.integer(config.get(key), config)
            if number is not None:
                return number
        return default

    def _layer(self, call: Call, config: Mapping[str, str], name: str, kind: Kind) -> Layer:
        number = self._number
        mult = self._values(config.get("mult_config", "")) or config
        merge = kind is Kind.MERGE or call.function.startswith("concatenate")
        inputs, output = (call.arguments[:2], call.arguments[2]) if merge else (call.arguments[:1], call.arguments[1])
        types = [found for word in call.template[:-1] if (found := self._type(word)) is not None]
        if len(types) < 2 and len(call.template) == 2:
            types = [found for word in call.template if (found := self._type(word)) is not None]
        x, y = (types[0], types[-1]) if types else (_WORD, _WORD)
        if re.match(r"h_\w*quantize", call.function) and call.function not in self.source.element_bits:
            self.doubts.append(f"the widths that '{call.function}' gives single elements stand in generated code alone")
        n_in, n_out, positions, in_positions, kernel = self._shape(call, config, mult, kind)
        table = self._type(config.get("exp_table_t") or config.get("table_t")) or FixedType(width=18, integer=8)
        weight = None
        if kind in _WEIGHTED:
            weight = self._type(mult.get("weight_t") or mult.get("scale_t") or config.get("weight_t")) or _WORD
        accum = self._type(mult.get("accum_t") or config.get("accum_t")) or (y if kind in _WEIGHTED else None)
        weights = biases = None
        if kind in _WEIGHTED:
            strategy = mult.get("strategy", config.get("strategy", "latency"))
            weights = self._weights(call.arguments[2], weight, n_in, n_out, kind, "latency" not in strategy)
            biases = None if len(call.arguments) < 4 else self.source.weights(call.arguments[3])
            if weights is None:
                self.doubts.append(f"the weights of layer '{name}' are not there: taken as dense and random")
        return Layer(
            name=name, function=call.function, kind=kind, inputs=tuple(inputs), output=output, x=x, y=y,
            n_in=n_in, n_out=n_out, positions=positions, in_positions=in_positions, kernel=kernel,
            parallel_positions=max(
                1, -(-positions // number(config, "n_partitions", default=positions if "large" in call.function else 1))
            ),
            row_width=number(config, "in_width", "n_in"), kernel_height=number(config, "filt_height", default=1),
            channels=number(config, "n_chan", "n_filt", default=1),
            reuse_factor=max(1, number(mult, "reuse_factor", "reuse", default=1)),
            strategy=_strategy(mult.get("strategy") or config.get("strategy") or call.function, mult),
            weight=weight, accum=accum, weights=weights, biases=biases,
            table_size=number(config, "exp_table_size", "table_size", default=1024),
            inverse_table_size=number(config, "inv_table_size", "table_size", default=1024),
            table_bits=table.width,
            implementation=config.get("implementation", "").rsplit("::", 1)[-1],
        )  # fmt: skip

    def _shape(
        self, call: Call, config: Mapping[str, str], mult: Mapping[str, str], kind: Kind
    ) -> tuple[int, int, int, int, int]:
        """(n_in, n_out, positions, in_positions, kernel) of a call."""
        number = self._number
        height, width = number(config, "out_height", default=1), number(config, "out_width", "n_out", default=1)
        # Padding is read like any other position.
        inputs = (number(config, "in_height", default=1) + number(config, "pad_top") + number(config, "pad_bottom")) * (
            number(config, "in_width", "n_in", default=1) + number(config, "pad_left") + number(config, "pad_right")
        )
        kernel = number(config, "filt_height", "pool_height", default=1) * number(
            config, "filt_width", "pool_width", default=1
        )
        match kind:
            case Kind.DENSE:
                return number(mult, "n_in", default=1), number(mult, "n_out", default=1), 1, 1, 1
            case Kind.CONV:
                n_in, n_filt = kernel * number(config, "n_chan", default=1), number(config, "n_filt", default=1)
                return n_in, n_filt, height * width, inputs, kernel
            case Kind.DEPTHWISE:
                channels = number(config, "n_chan", default=1)
                return kernel * channels, channels, height * width, inputs, kernel
            case Kind.POOL:
                channels = number(config, "n_filt", "n_chan", default=1)
                if "global" in call.function:
                    return inputs * channels, channels, 1, inputs, inputs
                return kernel * channels, channels, height * width, inputs, kernel
            case Kind.SCALE:
                size = number(config, "n_in", default=1)
                pack = self._pack(call.template[-2]) if len(call.template) > 1 else None
                return (
                    (size, size, 1, 1, 1) if not pack else (pack, pack, max(1, size // pack), max(1, size // pack), 1)
                )
        pack = self._pack(call.template[min(1, len(call.template) - 1)])
        size = number(config, "n_in", default=0) or (
            number(config, "out_height", default=1) * number(config, "out_width", default=1)
            * number(config, "n_chan", "n_elem", default=0)
        )  # fmt: skip
        if pack:
            return pack, pack, max(1, size // pack), max(1, size // pack), 1
        return size, size, 1, 1, 1

    def _weights(
        self, name: str, type_: FixedType, n_in: int, n_out: int, kind: Kind, transposed: bool
    ) -> np.ndarray | None:
        """The constants as integers, (n_in, n_out); a scale's and a depthwise kernel's as (kernel, channels)."""
        import numpy as np

        values = self.source.weights(name)
        if values is None:
            return None
        integers = np.clip(np.floor(values * 2.0**type_.fraction + 1e-6), type_.min_int, type_.max_int).astype(np.int64)
        if kind in (Kind.SCALE, Kind.DEPTHWISE):
            return integers.reshape(-1, n_out) if integers.size % n_out == 0 else None
        if integers.size != n_in * n_out:
            return None
        # hls4ml stores the matrix with its axes exchanged for the resource strategy.
        return integers.reshape(n_out, n_in).T if transposed else integers.reshape(n_in, n_out)


_WEIGHTED = (Kind.DENSE, Kind.CONV, Kind.DEPTHWISE, Kind.SCALE)


def _strategy(word: str, mult: Mapping[str, str]) -> str:
    kernel = mult.get("using_kernel", mult.get("kernel", ""))
    if "DistributedArithmetic" in word or "distributed" in word.lower():
        return "distributed_arithmetic"
    # hls4ml before 0.3 calls the functions of the resource strategy `dense_large`, `conv_2d_large_cl`.
    return "resource" if "resource" in word.lower() or "large" in word or "Resource" in kernel else "latency"
