"""Evaluating a model: onnxruntime where it has none but ONNX' own operators, qonnx for its own, and ONNX' reference
evaluator with qonnx' functions for both in float64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hlsflow.foundation.errors import ModelError
from hlsflow.foundation.strict_read import brief
from hlsflow.frontends.contract import Float

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


def evaluated(
    model: Any, inputs: Mapping[str, Array], wanted: Sequence[str], *, quantized: bool, float_: Float
) -> list[Array]:
    """The wanted tensors of a ModelProto, in order. Raises ModelError with what the runtime says."""
    try:
        if float_ == "float64":
            return _reference(model, inputs, wanted)
        return _qonnx(model, inputs, wanted) if quantized else _onnxruntime(model, inputs, wanted)
    except Exception as error:  # onnxruntime, qonnx and ONNX' evaluator raise all kinds, bare ones among them
        framework = "onnx" if float_ == "float64" else "qonnx" if quantized else "onnxruntime"
        raise ModelError(
            f"{framework} does not evaluate this model: {type(error).__name__}: {brief(str(error))}",
            hint="check it with onnx.checker.check_model, and export it again",
        ) from error


def _onnxruntime(model: Any, inputs: Mapping[str, Array], wanted: Sequence[str]) -> list[Array]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    # Fused operators compute in another order, and give no tensor between.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found: list[Array] = session.run(list(wanted), dict(inputs))
    return found


def _qonnx(model: Any, inputs: Mapping[str, Array], wanted: Sequence[str]) -> list[Array]:
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx

    found = execute_onnx(ModelWrapper(model), dict(inputs), return_full_exec_context=True)
    return [found[name] for name in wanted]


def _reference(model: Any, inputs: Mapping[str, Array], wanted: Sequence[str]) -> list[Array]:
    from onnx.reference import ReferenceEvaluator

    found: list[Array] = ReferenceEvaluator(model, new_ops=_operators()).run(list(wanted), dict(inputs))
    return found


def _operators() -> list[Any]:
    """QONNX' operators for ONNX' evaluator, by qonnx' own functions, in whatever float they are given."""
    import numpy as np
    from onnx.reference.op_run import OpRun
    from onnx.reference.ops.op_batch_normalization import _batchnorm_test_mode
    from qonnx.custom_op.general.bipolar_quant import binary_quant
    from qonnx.custom_op.general.intquant import int_quant
    from qonnx.custom_op.general.trunc import trunc_v1

    from hlsflow.frontends.onnx.graph import CHANNELS_LAST, QONNX_DOMAINS

    def quant(self: Any, x: Array, scale: Array, zero: Array, bits: Array, **said: Any) -> tuple[Array]:
        mode = said.get("rounding_mode") or "ROUND"
        width = np.asarray(bits).ravel()[0]
        found = int_quant(x, scale, zero, width, int(said.get("signed", 1)), int(said.get("narrow", 1)), mode)
        return (np.asarray(found, dtype=x.dtype),)

    def sign(self: Any, x: Array, scale: Array, **said: Any) -> tuple[Array]:
        return (np.asarray(binary_quant(x, scale), dtype=x.dtype),)

    def cut(self: Any, x: Array, scale: Array, zero: Array, bits: Array, out: Array, **said: Any) -> tuple[Array]:
        return (np.asarray(trunc_v1(x, scale, zero, bits, out, said.get("rounding_mode") or "FLOOR"), dtype=x.dtype),)

    def norm(self: Any, x: Array, *constants: Array, **said: Any) -> tuple[Array]:
        return (_batchnorm_test_mode(x, *constants, epsilon=said.get("epsilon", 1e-5)).astype(x.dtype),)

    def dequantize(self: Any, x: Array, scale: Array, zero: Array | None = None, **said: Any) -> tuple[Array]:
        shape = [-1 if axis == said.get("axis", 1) % x.ndim else 1 for axis in range(x.ndim)] if scale.size > 1 else []
        whole = x.astype(scale.dtype) - (0 if zero is None else zero.astype(scale.dtype).reshape(shape))
        return (whole * scale.reshape(shape),)

    general = {"Quant": quant, "IntQuant": quant, "BipolarQuant": sign, "Trunc": cut}
    kinds = [(domain, name, run) for domain in sorted(QONNX_DOMAINS) for name, run in general.items()]
    # ONNX' own one takes an older model, which states a momentum, for one in training.
    kinds += [("", "BatchNormalization", norm)]
    # Of the one it has later versions alone, which compute the same, and the other one it computes in float32.
    kinds += [("", "QuantizeLinear", _as_of_now("QuantizeLinear", last=False)), ("", "DequantizeLinear", dequantize)]
    kinds += [(CHANNELS_LAST, name, _as_of_now(name, last=True)) for name in ("Conv", "MaxPool", "BatchNormalization")]
    return [type(name, (OpRun,), {"op_domain": domain, "_run": _with_attributes(run)}) for domain, name, run in kinds]


def _with_attributes(run: Any) -> Any:
    """An evaluator's method that gives its function the node's own attributes, which it knows no schema of."""
    from onnx import helper

    def called(self: Any, *inputs: Any, **said: Any) -> Any:
        given = {item.name: helper.get_attribute_value(item) for item in self.onnx_node.attribute}
        texts = {key: value.decode() if isinstance(value, bytes) else value for key, value in given.items()}
        return run(self, *inputs, **texts)

    return called


def _as_of_now(op: str, *, last: bool) -> Any:
    """ONNX' own operator in its latest version; with `last` over values, and kernels, whose channels stand last."""
    import numpy as np
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    def turned(array: Array, source: int, to: int) -> Array:
        return np.moveaxis(array, source, to) if last and array.ndim > 1 else array

    def run(self: Any, *inputs: Array, **said: Any) -> tuple[Array]:
        given = {f"x{index}": turned(array, -1, 1) for index, array in enumerate(inputs)}
        node = helper.make_node(op, list(given), ["y"], **said)
        found: Any = ReferenceEvaluator(node).run(None, given)
        result = turned(found[0], 1, -1)
        return (result.astype(inputs[0].dtype) if last else result,)

    return run
