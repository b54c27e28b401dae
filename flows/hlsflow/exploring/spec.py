"""A sweep's specification, `sweeps/<name>.yaml`: points with parameters, expanded into one model each."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from hlsflow.foundation.errors import ConfigError, did_you_mean
from hlsflow.foundation.strict_yaml import load_config, validate
from hlsflow.models.recipe import MODEL_NAME, Part

KINDS = ("model", "train", "compress", "tflite")
_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_]\w*)\}")


def _scalars(values: Mapping[str, Any]) -> Mapping[str, Any]:
    for key, value in values.items():
        if isinstance(value, Mapping | list):
            raise ValueError(f"{key}: one plain value, not {type(value).__name__}")
    return values


Parameters = Annotated[dict[str, Any], AfterValidator(_scalars)]


class TargetSpec(Part):
    """What the hardware is to be. `bits` is the width of types where a model has no quantizers."""

    backend: Literal["Vitis", "Vivado"] = Field(default="Vitis", description="Whose HLS the projects are written for.")
    io_type: Literal["io_parallel", "io_stream"] = Field(default="io_parallel", description="As in a configuration.")
    part: str = Field(default="xc7z020clg400-1", description="The AMD part that all points share.")
    clock_period_ns: float = Field(default=10.0, gt=0.0, description="The clock that is asked for, in ns.")
    bits: int = Field(default=16, ge=4, le=32, description="Width of types where a model has no quantizers.")


class CompressSpec(Part):
    """A model made out of another one, and trained further where `training` is given."""

    source: str = Field(description="The trained model: of the workspace, or another point.")
    method: dict[str, Any] = Field(description="The method's name and parameters.")
    training: dict[str, Any] | None = Field(default=None, description="How it is trained further, as in a recipe.")


class PointSpec(Part):
    """A family of points: one for each combination of the values in `for`, times each set of values in `each`.

    `${parameter}` in any text is replaced; a text that is nothing else takes the parameter's own type.
    """

    model_config = ConfigDict(populate_by_name=True)

    name: str = Field(description="The points' names, with a `${parameter}` for each that the grid varies.")
    title: str | None = Field(default=None, description="What the table calls a point; may name parameters too.")
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(
        default_factory=dict, alias="for", description="Parameters and their values: a point for each combination."
    )
    each: list[Parameters] = Field(
        default_factory=list, description="Sets of parameters that belong together: each combination times each set."
    )
    model: str | None = Field(default=None, description="A model of the workspace, as it is.")
    train: dict[str, Any] | None = Field(
        default=None, description="A recipe to train, or `like: NAME` and what differs from that one's."
    )
    compress: dict[str, Any] | None = Field(
        default=None, description="`source`, `method` and, where it is trained further, `training`."
    )
    tflite: dict[str, Any] | None = Field(default=None, description="`source` and what `hlsflow tflite` takes.")
    target: dict[str, Any] = Field(default_factory=dict, description="What differs from the sweep's target.")
    hardware: bool = Field(default=True, description="false: the model alone is measured; `note` says why.")
    note: str | None = Field(default=None, description="What a reader of the table has to know of these points.")
    columns: Parameters = Field(default_factory=dict, description="Columns of the table beside the parameters.")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"say one of {', '.join(KINDS)}; found {', '.join(given) or 'none'}")
        if not self.hardware and not self.note and self.tflite is None:
            raise ValueError("note: say why this point has no hardware")
        return self


class PlotSpec(Part):
    """A picture over the rows: column `y` against column `x`, a line for each value of `series`, of chosen points."""

    file: str = Field(pattern=r"^[A-Za-z0-9_]+\.png$", description="The picture's file name.")
    title: str = Field(description="What stands above the picture.")
    x: str = Field(description="The column of the horizontal axis.")
    y: str = Field(description="The column of the vertical axis.")
    series: str | None = Field(default=None, description="A line for each value of this column.")
    points: list[str] | None = Field(
        default=None, description="The families of points to draw, as `points[].name` has them (default: all)."
    )
    log_x: bool = Field(default=False, description="A logarithmic horizontal axis.")
    log_y: bool = Field(default=False, description="A logarithmic vertical axis.")


class SweepSpec(Part):
    """A whole sweep. `samples` limits how many test images the C simulation is verified on (None: all)."""

    name: str = Field(pattern=MODEL_NAME, max_length=64, description="The sweep's, and its file's.")
    title: str = Field(min_length=1, max_length=120, description="What the table is called.")
    description: str = Field(default="", description="Prose, above the table.")
    target: TargetSpec = Field(default=TargetSpec(), description="What the hardware of every point is to be.")
    samples: int | None = Field(
        default=None, ge=1, description="How many test images the C simulation is verified on (default: all)."
    )
    points: list[PointSpec] = Field(min_length=1, description="Families of points.")
    plots: list[PlotSpec] = Field(default_factory=list, description="Pictures over the rows.")


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepPoint:
    """One point. `family` is the name of its `PointSpec`, `body` what stands under its kind, parameters filled in."""

    name: str
    title: str
    family: str
    kind: str
    body: Any
    parameters: Mapping[str, Any]
    columns: Mapping[str, Any]
    target: TargetSpec
    hardware: bool
    note: str | None

    @property
    def needs(self) -> tuple[str, ...]:
        """The models that this one is made from, by name: its source and its teacher. `like` is read, not made."""
        if self.kind in ("compress", "tflite"):
            return (str(self.body.get("source")),)
        if self.kind == "train":
            teacher = ((self.body.get("compression") or {}).get("distillation") or {}).get("teacher")
            return (str(teacher),) if teacher is not None else ()
        return ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """A specification and its points."""

    path: Path
    spec: SweepSpec
    points: tuple[SweepPoint, ...]

    def point(self, name: str) -> SweepPoint | None:
        """The point of a name, or None."""
        return next((point for point in self.points if point.name == name), None)


def load_spec(path: Path) -> Sweep:
    """A sweep's file, checked as far as it goes by itself. Raises ConfigError naming the file, the key and the fix."""
    spec = load_config(SweepSpec, path)
    if spec.name != path.stem:
        raise ConfigError(f"{path}: name: '{spec.name}' is not the file's name '{path.stem}'")
    points = [point for family in spec.points for point in _expanded(path, spec, family)]
    seen: dict[str, SweepPoint] = {}
    for point in points:
        if point.name in seen:
            raise ConfigError(
                f"{path}: points: two are named '{point.name}'", hint="put every parameter into the name, as ${name}"
            )
        seen[point.name] = point
    families = [family.name for family in spec.points]
    for plot in spec.plots:
        for name in plot.points or ():
            if name not in families:
                raise ConfigError(
                    f"{path}: plots: {plot.file}: points: no family '{name}'; {did_you_mean(name, families)}"
                )
    return Sweep(path=path, spec=spec, points=tuple(points))


def _expanded(path: Path, spec: SweepSpec, family: PointSpec) -> Iterator[SweepPoint]:
    kind = next(kind for kind in KINDS if getattr(family, kind) is not None)
    where = f"{path}: point {family.name}"
    for parameters in _combinations(family.grid, family.each):
        shown = {key: _in_name(value) for key, value in parameters.items()}
        name = str(_filled(family.name, shown, where))
        if not re.match(MODEL_NAME, name):
            raise ConfigError(f"{where}: '{name}' is no name", hint="letters, digits and _, a letter first")
        target = {**spec.target.model_dump(), **_filled(family.target, parameters, where)}
        yield SweepPoint(
            name=name,
            title=str(_filled(family.title or f"{spec.title}: {name}", parameters, where)),
            family=family.name,
            kind=kind,
            body=_filled(getattr(family, kind), parameters, where),
            parameters=parameters,
            columns=_filled(family.columns, parameters, where),
            target=_target(target, where),
            hardware=family.hardware and kind != "tflite",
            note=family.note,
        )


def _target(values: Mapping[str, Any], where: str) -> TargetSpec:
    return validate(TargetSpec, dict(values), f"{where}: target")


def _combinations(
    grid: Mapping[str, Sequence[Any]], each: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:  # fmt: skip
    for values in itertools.product(*grid.values()):
        for more in each or [{}]:
            yield {**dict(zip(grid, values, strict=True)), **more}


def _in_name(value: Any) -> str:
    return str(value).replace(".", "p").replace("-", "m").replace(" ", "_")


def _filled(value: Any, parameters: Mapping[str, Any], where: str) -> Any:
    """`value` with every `${parameter}` replaced, in all texts and keys below it."""
    if isinstance(value, Mapping):
        return {_filled(key, parameters, where): _filled(item, parameters, where) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(item, parameters, where) for item in value]
    if not isinstance(value, str):
        return value
    for name in _PLACEHOLDER.findall(value):
        if name not in parameters:
            raise ConfigError(f"{where}: ${{{name}}}: no such parameter; {did_you_mean(name, parameters)}")
    whole = _PLACEHOLDER.fullmatch(value)
    if whole is not None:
        return parameters[whole[1]]
    return _PLACEHOLDER.sub(lambda match: str(parameters[match[1]]), value)
