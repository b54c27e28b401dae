"""The Verilog of a chain of casts and ReLUs on one value: combinational, exact, for every mode of `ap_fixed`."""

from __future__ import annotations

from collections.abc import Sequence

from hlsflow.network.fixed_point import FixedType, Overflow, Rounding
from hlsflow.rtl.layers import Cast

# When the floor of a value is rounded up, by the bits cut off: `half` is their first, `rest` whether any other is set,
# `negative` the value's sign, `odd` the last bit that is kept.
_ROUND_UP = {
    Rounding.RND: "half",
    Rounding.RND_CONV: "half && (rest || odd)",
    Rounding.RND_MIN_INF: "half && rest",
    Rounding.RND_ZERO: "half && (rest || negative)",
    Rounding.RND_INF: "half && (rest || !negative)",
    Rounding.TRN_ZERO: "negative && (half || rest)",
}


def requantize_module(module: str, source: FixedType, casts: Sequence[Cast]) -> str:
    """A module that maps `value`, of type `source`, to `result`, of the last cast's target."""
    result = casts[-1].target if casts else source
    body = _Body(source)
    for cast in casts:
        body.cast(cast)
    lines = "\n".join(f"    {line}" if line else "" for line in body.lines)
    return (
        f"// {source}" + "".join(f"\n//   -> {_words(cast)}" for cast in casts) + "\n"
        f"module {module} (\n"
        f"    input  wire [{source.width - 1}:0] value,\n"
        f"    output wire [{result.width - 1}:0] result\n"
        ");\n"
        f"{lines}\n"
        f"    assign result = {body.bits(result.width)};\n"
        "endmodule\n"
    )


def _words(cast: Cast) -> str:
    return f"{cast.name}: {'max(0, x) as ' if cast.relu else ''}{cast.target}"


class _Body:
    """The statements so far. The value stands in the signed wire `name`, `width` bits, within [low, high]."""

    def __init__(self, source: FixedType) -> None:
        self.lines: list[str] = []
        self.count = 0
        self.low, self.high = source.min_int, source.max_int
        self.name, self.width = "", 0
        self._define("$signed(value)" if source.signed else "$signed({1'b0, value})", "x")

    def _define(self, expression: str, stem: str, width: int | None = None) -> None:
        """A new wire that holds the value, as wide as its range needs (or as said)."""
        self.width = signed_bits(self.low, self.high) if width is None else width
        self.name = f"{stem}{self.count}"
        self.lines.append(f"wire signed [{self.width - 1}:0] {self.name} = {expression};")

    def bits(self, width: int) -> str:
        """The last bits of the value. Bits that its wire does not have are its sign: a part select would give x."""
        return self.name if self.width <= width else f"{self.name}[{width - 1}:0]"

    def cast(self, cast: Cast) -> None:
        self.count += 1
        if cast.relu and self.low < 0:
            self.low, self.high = max(0, self.low), max(0, self.high)
            previous = self.name
            self._define(f"({previous} < 0) ? 0 : {previous}", "positive")
        self._round(cast.source.fraction - cast.target.fraction, cast.target.rounding)
        self._overflow(cast.target)

    def _round(self, shift: int, rounding: Rounding) -> None:
        if shift <= 0:
            if shift < 0:
                self.low, self.high = self.low << -shift, self.high << -shift
                self._define(f"{{{self.name}, {-shift}'b0}}", "scaled")
            return
        self.lines.append(f"// divide by 2**{shift}, {rounding}")
        if shift >= self.width:
            # Bits beyond the sign are copies of it.
            self._define(self.name, "wide", shift + 1)
        value, width = self.name, self.width
        mark = self.count
        up = _ROUND_UP.get(rounding)
        self.low, self.high = self.low >> shift, (self.high >> shift) + (0 if up is None else 1)
        self._define(f"{value} >>> {shift}", "floor", signed_bits(self.low, self.high))
        if up is None:
            return
        floor = self.name
        names = {word: f"{word}{mark}" for word in ("half", "rest", "negative", "odd")}
        definitions = {
            "half": f"{value}[{shift - 1}]",
            "rest": f"|{value}[{shift - 2}:0]" if shift > 1 else "1'b0",
            "negative": f"{value}[{width - 1}]",
            "odd": f"{floor}[0]",
        }
        for word, name in names.items():
            if word in up:
                self.lines.append(f"wire {name} = {definitions[word]};")
                up = up.replace(word, name)
        self.lines.append(f"wire up{mark} = {up};")
        # Unsigned, and as wide as the floor: a sum of the same bits without a sign extension.
        self._define(f"{floor} + {{{{{self.width - 1}{{1'b0}}}}, up{mark}}}", "rounded")

    def _overflow(self, target: FixedType) -> None:
        low, high = target.min_int, target.max_int
        if target.overflow is Overflow.SAT_SYM:
            low = -high if target.signed else 0
        if low <= self.low and self.high <= high:
            return
        value, width = self.name, max(self.width, signed_bits(low, high))
        if target.overflow is Overflow.WRAP:
            self.lines.append(f"// keep the last {target.width} bits")
            self.low, self.high = low, high
            bits = f"{value}[{target.width - 1}:0]"
            if self.width < target.width:
                self._define(value, "extended", target.width)
                bits = self.name
            self._define(f"$signed({bits})" if target.signed else f"$signed({{1'b0, {bits}}})", "wrapped")
            return
        zero = target.overflow is Overflow.SAT_ZERO
        self.lines.append(f"// {'zero outside' if zero else 'saturate to'} [{low}, {high}]")
        parts = []
        if self.high > high:
            parts.append(f"({value} > {_literal(high, width)}) ? {_literal(0 if zero else high, width)} : ")
        if self.low < low:
            parts.append(f"({value} < {_literal(low, width)}) ? {_literal(0 if zero else low, width)} : ")
        self.low, self.high = max(low, min(self.low, high)), min(high, max(self.high, low))
        if zero:
            self.low, self.high = min(self.low, 0), max(self.high, 0)
        needed = max(signed_bits(self.low, self.high), signed_bits(low, high))
        self._define("".join(parts) + value, "kept", needed)


def signed_bits(low: int, high: int) -> int:
    """Bits of the narrowest signed integer that holds every value of [low, high]."""
    return 1 + max(high.bit_length() if high > 0 else 0, (-low - 1).bit_length() if low < 0 else 0)


def _literal(value: int, width: int) -> str:
    return f"-{width}'sd{-value}" if value < 0 else f"{width}'sd{value}"
