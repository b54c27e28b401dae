"""The QKeras quantizers of a recipe, also where QKeras' own powers of two fail."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from hlsflow.frontends.keras.generations import is_keras_3
from hlsflow.frontends.keras.quantizer_texts import SIGNS, Quantizer

# QKeras 0.9.0 computes 2**bits and 2**integer in int32 (`K.pow(2, self.integer)`): from 31 on they overflow, which
# makes NaN of every value, and a negative exponent is an error.
_INT32_POWERS = range(0, 31)


class _FloatPowers:
    """`tensorflow.keras.backend`, with powers of Python's whole numbers as floats, which hold all of them exactly, and
    Keras' float where a quantizer asks for float32."""

    def __getattr__(self, name: str) -> Any:
        from tensorflow.keras import backend

        return getattr(backend, name)

    def pow(self, base: Any, exponent: Any) -> Any:
        from tensorflow.keras import backend

        if isinstance(base, int) and isinstance(exponent, int):
            return float(base) ** exponent
        return backend.pow(backend.cast_to_floatx(base), backend.cast_to_floatx(exponent))

    def cast(self, x: Any, dtype: str) -> Any:
        from tensorflow.keras import backend

        return backend.cast_to_floatx(x) if dtype == "float32" else backend.cast(x, dtype)


class _FloatOperations:
    """`keras.ops` of Keras 3, where QKeras' `quantized_relu` asks for float32 by its name and computes powers in int32:
    the same with Keras' float."""

    def __getattr__(self, name: str) -> Any:
        from keras import ops

        return getattr(ops, name)

    def power(self, base: Any, exponent: Any) -> Any:
        if isinstance(base, int | float) and isinstance(exponent, int):
            return float(base) ** exponent
        from keras import ops

        return ops.power(base, exponent)

    def cast(self, x: Any, dtype: str) -> Any:
        from keras import ops

        return ops.cast(x, _float(dtype))

    def array(self, x: Any, dtype: str | None = None) -> Any:
        from keras import ops

        return ops.array(x, dtype and _float(dtype))


def _float(dtype: str) -> str:
    from tensorflow.keras import backend

    return str(backend.floatx()) if dtype == "float32" else dtype


def keras_quantizer(quantizer: Quantizer) -> Any:
    """What a layer of QKeras takes: the quantizer's text or, where QKeras cannot compute it itself, an object."""
    if quantizer.name in SIGNS or (quantizer.bits in _INT32_POWERS and quantizer.integer in _INT32_POWERS):
        return str(quantizer)
    more = {"symmetric": int(quantizer.symmetric), "alpha": 1} if quantizer.signed else {}
    return with_float_powers(quantizer.name)(quantizer.bits, quantizer.integer, **more)


def with_float_powers(name: str) -> Any:
    """The class `name` of QKeras, its own code, with powers of two that neither fail nor overflow."""
    from qkeras import quantizers

    original = getattr(quantizers, name)
    call = original.__call__
    named: dict[str, Any] = {"K": _FloatPowers()}
    if is_keras_3():
        named = {"Kops": _FloatOperations(), "knp": _FloatOperations()}
    namespace = {**call.__globals__, **named}
    # The same name: the conversion knows quantizers by it.
    return type(name, (original,), {"__call__": FunctionType(call.__code__, namespace, "__call__", call.__defaults__)})
