"""`hls_configs/<name>.yaml`: the target, and the precision, strategy and reuse factor of every layer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from hlsflow.foundation.part_name import part_of, spelled
from hlsflow.foundation.strict_yaml import load_config, validate
from hlsflow.network.fixed_point import FixedType, parse_type


def _as_type(value: Any) -> FixedType:
    return value if isinstance(value, FixedType) else parse_type(value)


Precision = Annotated[FixedType, BeforeValidator(_as_type), PlainSerializer(str, return_type=str)]
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

    precision: dict[str, Precision] = Field(default_factory=dict)
    reuse_factor: int | None = Field(default=None, ge=1)
    strategy: Strategy | None = None
    # Softmax alone.
    implementation: SoftmaxImplementation | None = None
    skip: bool | None = None


class Gate(_Strict):
    """What the build demands of the outputs: `exact` integers, or, for a network that no type carries exactly, a
    largest error (in the outputs' own unit) that its owner accepts."""

    kind: Literal["exact", "bounded"] = "exact"
    max_abs_error: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.kind == "bounded") != (self.max_abs_error is not None):
            raise ValueError("a bounded gate, and no other, states its max_abs_error")
        return self


class HlsConfig(_Strict):
    """One HLS project's configuration."""

    backend: Backend = "Vitis"
    part: PartText = "xc7z020clg400-1"
    clock_period_ns: float = Field(default=10.0, gt=0.1, le=1000)
    clock_uncertainty_percent: float = Field(default=12.5, ge=0, lt=100)
    io_type: IOType = "io_parallel"
    strategy: Strategy = "latency"
    reuse_factor: int = Field(default=1, ge=1)
    gate: Gate = Gate()
    layers: dict[str, LayerConfig] = Field(default_factory=dict)

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
