"""A layer's types as they are chosen: given, or derived, with where each came from and what it loses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.network import intervals
from hlsflow.network.fixed_point import FixedType, Overflow, apply_overflow, fraction_of, type_for_range
from hlsflow.network.graph import Node, Op
from hlsflow.network.intervals import Interval

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# Where a type came from.
CONFIGURATION = "configuration"
QUANTIZER = "quantizer"
WEIGHTS = "weights"
INTERVAL = "interval"
INPUT = "recipe"
FIXED = "design"
# The code of the finding that a type was given where none is taken: it changes nothing.
IGNORED = "ignored"
# What to do about a batch normalization with too many bits (`batch_norm`).
BEHIND = (
    "put a quantizer of few bits right behind it, with nothing but a ReLU, a pooling or a reshape between: its float32 "
    "constants are then replaced by short ones that give the same outputs; or give narrower types in the configuration"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something about a layer's types that a person should know. `code` is stable, for tests and filters."""

    code: str
    layer: str
    role: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LayerTypes:
    """The types of one node by role, where each came from, its effective weights, and what was proved.

    `arrays` holds the weights as int64 multiples of their type's LSB. `interval` bounds the output. `keras_exact` says
    that Keras' float32 gives this layer's output as real arithmetic does, for any input (`float32.exact_layers`).
    """

    node: Node
    types: Mapping[str, FixedType]
    sources: Mapping[str, str]
    arrays: Mapping[str, Array]
    interval: Interval
    proof: str
    keras_exact: bool
    findings: tuple[Finding, ...] = ()

    @property
    def result(self) -> FixedType:
        return self.types["result"]


Given = Mapping[str, Mapping[str, FixedType]]
# Constants that need more are no numbers of hardware, and next to what integers of 64 bits hold.
_MOST_FRACTION = 60


@dataclass(slots=True)
class Working:
    """The layer under way: types so far, and what the configuration gave for the rest."""

    node: Node
    given: Mapping[str, FixedType]
    types: dict[str, FixedType] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    proof: str = ""

    @property
    def whole_proof(self) -> str:
        """What was proved, and what the configured types lose of it."""
        lost = [f"; but {finding.role}: {finding.message}" for finding in self.findings if finding.code != IGNORED]
        return self.proof + "".join(lost)

    def loses(self, role: str) -> bool:
        """Whether something was found against the type of a role."""
        return any(finding.role == role and finding.code != IGNORED for finding in self.findings)

    def choose(self, role: str, derived: FixedType, source: str) -> FixedType:
        """The configured type of a role, else the derived one."""
        given = self.given.get(role)
        if given is not None:
            # The file of `hlsflow config` says the derived types out loud; only another type is the user's own.
            source = f"{CONFIGURATION}, as the {source}" if given == derived else CONFIGURATION
        self.types[role] = derived if given is None else given
        self.sources[role] = source
        return self.types[role]

    def _is_quantizers(self, role: str) -> bool:
        """Whether a role has the very type that its quantizer has: one that wraps is meant to."""
        return self.types[role] == self.node.declared.get(role)

    def note(self, code: str, role: str, message: str) -> None:
        self.findings.append(Finding(code=code, layer=self.node.name, role=role, message=message))

    def weight(self, role: str) -> None:
        """Chooses the type of a constant and puts its integers into `arrays`."""
        import numpy as np

        values = self.node.arrays[role]
        fraction = fraction_of(values)
        if fraction > _MOST_FRACTION:
            if role not in self.given:
                raise UnsupportedError(
                    f"layer '{self.node.keras_layer}': its {role} needs {fraction} fractional bits to be exact",
                    hint=BEHIND if self.node.op is Op.SCALE else "quantize it, or give its type in the configuration",
                )
            self.types[role], self.sources[role] = self.given[role], CONFIGURATION
            known = f"{fraction} fractional bits"
        else:
            exact = values * 2.0**fraction
            smallest = type_for_range(int(exact.min()), int(exact.max()), fraction)
            self.choose(role, *first_of(self.node.declared.get(role), QUANTIZER, smallest, WEIGHTS))
            known = str(smallest)
        type_ = self.types[role]
        scaled = np.rint(values * 2.0**type_.fraction)
        fitted = apply_overflow(scaled, replace(type_, overflow=Overflow.SAT))
        if not np.array_equal(fitted, values * 2.0**type_.fraction):
            changed = int(np.count_nonzero(fitted != values * 2.0**type_.fraction))
            self.note(
                "weights-change",
                role,
                f"{type_} changes {changed} of {values.size} values of the {role} (exact: {known})",
            )
        self.arrays[role] = fitted.astype(np.int64)

    def store(self, role: str, interval: Interval, what: str) -> Interval:
        """The interval after its assignment to the type of `role`, with a finding where that loses something."""
        type_ = self.types[role]
        rounds, overflows = intervals.loses(interval, type_)
        low, high = interval.bounds
        unit = f"in units of 2^{-interval.fraction}"
        exact = type_for_range(low, high, interval.fraction)
        if overflows and type_.overflow in (Overflow.WRAP, Overflow.SAT_ZERO) and not self._is_quantizers(role):
            self.note(
                f"{role}-overflow",
                role,
                f"{type_} can overflow: the {what} reaches [{low}, {high}] {unit}; {exact} holds it",
            )
        elif overflows and self.sources[role] == CONFIGURATION and role not in self.node.declared:
            self.note(f"{role}-saturates", role, f"{type_} can saturate: the {what} reaches [{low}, {high}] {unit}")
        declared = self.node.declared.get(role)
        if declared is not None and type_ != declared and intervals.same_effect(interval, type_, declared):
            # Another way to write the quantizer, such as a sign that no value has.
            return intervals.assigned(interval, type_)
        if rounds and (declared is None or type_.fraction < declared.fraction):
            self.note(f"{role}-rounds", role, f"{type_} drops bits of the {what}, which is exact in {exact}")
        if declared is not None and type_ != declared and not (rounds or overflows):
            rounds_declared, overflows_declared = intervals.loses(interval, declared)
            if rounds_declared or overflows_declared:
                self.note("quantizer-differs", role, f"{type_} is not what the quantizer does, {declared}")
        elif declared is not None and type_ != declared:
            self.note("quantizer-differs", role, f"{type_} is not what the quantizer does, {declared}")
        return intervals.assigned(interval, type_)


def range_text(interval: Interval) -> str:
    """The bounds of a whole tensor as real numbers."""
    low, high = interval.bounds
    return f"[{low * 2.0**-interval.fraction:g}, {high * 2.0**-interval.fraction:g}]"


def first_of(first: FixedType | None, source: str, second: FixedType, other: str) -> tuple[FixedType, str]:
    return (second, other) if first is None else (first, source)
