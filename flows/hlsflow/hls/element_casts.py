"""The layer that gives each element of a tensor a type of its own: hls4ml is taught it by its extension interface.

hls4ml's own one (`FixedPointQuantizer`) has no function for streams, and where it stands a pass of hls4ml's chooses
every type of the network anew. Ours is the same code, an assignment an element, with the types as they were given:
`out[3] = ap_ufixed<5,3,AP_TRN,AP_WRAP>(inp[3]);`.
"""

from __future__ import annotations

from functools import cache
from math import prod
from typing import Any

from hlsflow.hls.functions import ELEMENT_CAST
from hlsflow.network.element_types import ELEMENT_CAST_CLASS, ElementTypes
from hlsflow.network.fixed_point import FixedType

_BACKENDS = ("Vivado", "Vitis")
_PARALLEL = """
template <class input_t, class output_t, int N> void {name}(input_t *inp, output_t *out) {{
    #pragma HLS INLINE

{body}
}}
"""
_STREAM = """
template <class input_t, class output_t, int N>
void {name}(hls::stream<input_t> &data, hls::stream<output_t> &res) {{
    for (int i = 0; i < N; i++) {{
        #pragma HLS PIPELINE II=1
        input_t inp = data.read();
        output_t out;
        PRAGMA_DATA_PACK(out)

{body}
        res.write(out);
    }}
}}
"""


def code(name: str, types: ElementTypes, shape: tuple[int, ...], *, io_stream: bool) -> str:
    """The C++ function of a layer over a tensor of a shape; of a stream it is called for each position."""
    elements = _of_channels(types, shape[-1]) if io_stream else types.over(shape)
    pad = " " * (8 if io_stream else 4)
    body = "\n".join(f"{pad}out[{place}] = {_cast(type_, place)};" for place, type_ in enumerate(elements))
    return (_STREAM if io_stream else _PARALLEL).format(name=f"{ELEMENT_CAST}{name}", body=body)


def _of_channels(types: ElementTypes, channels: int) -> list[FixedType | None]:
    """The types of the channels of any position. Raises ValueError where positions differ."""
    if not types.by_channel:
        raise ValueError("a stream has no element types by position")
    return types.over((*(1 for _ in types.index.shape[:-1]), channels))


def _cast(type_: FixedType | None, place: int) -> str:
    if type_ is None:
        return "0"
    sign = "" if type_.signed else "u"
    return f"ap_{sign}fixed<{type_.width},{type_.integer},AP_{type_.rounding},AP_{type_.overflow}>(inp[{place}])"


@cache
def teach_hls4ml() -> None:
    """Registers the layer with hls4ml, for both backends; once in a process."""
    from hls4ml.backends import get_backend
    from hls4ml.backends.template import FunctionCallTemplate
    from hls4ml.model.layers import Layer, register_layer
    from hls4ml.model.types import Source

    class ElementCast(Layer):  # type: ignore[misc]  # hls4ml states no types
        def initialize(self) -> None:
            shape = tuple(int(size) for size in self.get_input_variable().shape)
            self.add_output_variable(list(shape))
            streamed = self.model.config.get_config_value("IOType") == "io_stream"
            types = ElementTypes.read(self.attributes)
            self.set_attr("calls", prod(shape[:-1]) if streamed else prod(shape))
            self.set_attr("element_cast_code", Source(code(self.name, types, shape, io_stream=streamed)))

    class ElementCastCall(FunctionCallTemplate):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(ElementCast, include_header=[])

        def format(self, node: Any) -> str:
            said = self._default_function_params(node)
            types = f"{said['input_t']}, {said['output_t']}, {node.get_attr('calls')}"
            return f"nnet::{ELEMENT_CAST}{node.name}<{types}>({said['input']}, {said['output']});"

    register_layer(ELEMENT_CAST_CLASS, ElementCast)
    for name in _BACKENDS:
        get_backend(name).register_template(ElementCastCall)
