"""`hls_configs/<name>.yaml`: the target, and the precision, strategy and reuse factor of every layer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema, model_validator

from hlsflow.foundation.part_name import part_of, spelled
from hlsflow.foundation.strict_yaml import load_config, validate
from hlsflow.network.fixed_point import FixedType, Overflow, Rounding, parse_type


def _as_type(value: Any) -> FixedType:
    return value if isinstance(value, FixedType) else parse_type(value)


# What an editor can check of a type as it is typed; `parse_type` knows the rest.
_TYPE_SCHEMA = {
    "type": "string",
    "pattern": r"^ *(ap_)?u?(int< *\d+ *>|fixed< *\d+ *, *-?\d+ *"
    rf"(, *(AP_)?({'|'.join(Rounding)}) *(, *(AP_)?({'|'.join(Overflow)}) *(, *0 *)?)?)?>) *$",
    "examples": ["fixed<8,4>", "ufixed<6,2,RND_CONV,SAT>"],
}
Precision = Annotated[
    FixedType, BeforeValidator(_as_type), PlainSerializer(str, return_type=str), WithJsonSchema(_TYPE_SCHEMA)
]
Strategy = Literal["latency", "resource"]
Backend = Literal["Vitis", "Vivado"]
IOType = Literal["io_parallel", "io_stream"]
SoftmaxImplementation = Literal["stable", "argmax"]

# Roles of a type by what it is the type of; hls4ml silently ignores any other word.
ROLES = (
    "result", "weight", "bias", "accum", "scale", "param", "exp_table", "inv_table", "inv_inp", "inp_norm", "table",
)  # fmt: skip


def _as_part(text: object) -> object:
    """A part in our one spelling; what is none stays what it is, and is refused."""
    return spelled(text) if isinstance(text, str) else text


PartText = Annotated[str, BeforeValidator(_as_part)]


class _Strict(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True, allow_inf_nan=False
    )  # fmt: skip


class LayerConfig(_Strict):
    """What the configuration says of one layer; what it leaves out is derived."""

    precision: dict[str, Precision] = Field(
        default_factory=dict,
        description="The type of each value by its role, such as `weight: fixed<6,1>`: ap_fixed of width and integer "
        "bits, then rounding and overflow where they are not TRN and WRAP.",
        json_schema_extra={"propertyNames": {"enum": list(ROLES)}},
    )
    reuse_factor: int | None = Field(
        default=None,
        ge=1,
        description="How many products share one multiplier. hls4ml knows some factors of a layer alone; "
        "`hlsflow lint` names them.",
    )
    strategy: Strategy | None = Field(
        default=None, description="`latency` unrolls the layer, `resource` shares multipliers by the reuse factor."
    )
    implementation: SoftmaxImplementation | None = Field(
        default=None, description="Of a softmax alone: `stable` (tables) or `argmax` (one-hot)."
    )
    skip: bool | None = Field(
        default=None,
        description="Of a last softmax or sigmoid alone: true leaves it out; the logits are the output.",
    )


class Gate(_Strict):
    """What the build demands of the outputs: `exact` integers, or, for a network that no type carries exactly, a
    largest error (in the outputs' own unit) that its owner accepts."""

    kind: Literal["exact", "bounded"] = Field(
        default="exact",
        description="`exact`: every output integer equals the model's; `bounded`: none is off by more than "
        "`max_abs_error`.",
    )
    max_abs_error: float | None = Field(
        default=None, gt=0, description="Of a bounded gate: the largest error of an output, in the output's own unit."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.kind == "bounded") != (self.max_abs_error is not None):
            raise ValueError("a bounded gate, and no other, states its max_abs_error")
        return self


class HlsConfig(_Strict):
    """One HLS project's configuration."""

    backend: Backend = Field(default="Vitis", description="Whose HLS the project is written for.")
    part: PartText = Field(
        default="xc7z020clg400-1",
        description="The AMD part, in any spelling of AMD's tools; see `hlsflow boards`.",
    )
    clock_period_ns: float = Field(default=10.0, gt=0.1, le=1000, description="The clock that is asked for, in ns.")
    clock_uncertainty_percent: float = Field(
        default=12.5, ge=0, lt=100, description="The share of the period that C synthesis keeps for place and route."
    )
    io_type: IOType = Field(
        default="io_parallel", description="`io_parallel`: arrays in registers; `io_stream`: FIFOs between the layers."
    )
    strategy: Strategy = Field(default="latency", description="Of the layers that say none of their own.")
    reuse_factor: int = Field(default=1, ge=1, description="Of the layers that say none of their own.")
    gate: Gate = Field(default=Gate(), description="What the build demands of the outputs.")
    layers: dict[str, LayerConfig] = Field(
        default_factory=dict, description="By the layer's name in the model; what is left out is derived."
    )

    @model_validator(mode="after")
    def _plausible(self) -> Self:
        if not part_of(self.part).is_plausible:
            raise ValueError(f"part: '{self.part}' is not written like an AMD part: e.g. xc7z020clg400-1")
        return self

    def layer(self, name: str) -> LayerConfig:
        """What is said of a layer; an empty configuration where nothing is."""
        return self.layers.get(name, LayerConfig())

    def strategy_of(self, name: str) -> Strategy:
        return self.layer(name).strategy or self.strategy

    def reuse_factor_of(self, name: str) -> int:
        return self.layer(name).reuse_factor or self.reuse_factor

    @property
    def given_types(self) -> dict[str, Mapping[str, FixedType]]:
        """The types by layer and role, for `ranges.resolve`."""
        return {name: layer.precision for name, layer in self.layers.items()}


def load_hls_config(path: Path) -> HlsConfig:
    """The validated configuration of a file. Raises ConfigError naming file, key path and what is wrong with it."""
    return load_config(HlsConfig, path)


def changed(config: HlsConfig, changes: Mapping[str, Any], source: str) -> HlsConfig:
    """The configuration with top-level values replaced (those of the command line), validated again."""
    values = {key: value for key, value in changes.items() if value is not None}
    return validate(HlsConfig, {**config.model_dump(exclude_unset=True), **values}, source) if values else config
