"""`hlsflow.build(model, x, y)` and its neighbours. Each raises the errors of `hlsflow.foundation.errors`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.api.views import BuiltView, ComparedView, EstimatedView, LintedView, OnBoardView, ParsedView
from hlsflow.datasets.frames import Task
from hlsflow.foundation.errors import UsageError
from hlsflow.foundation.log import Log
from hlsflow.foundation.workspace import Workspace, find_workspace, started_workspace, workspace_or_here

if TYPE_CHECKING:
    from hlsflow.models.adding import Added

_TARGET = ("backend", "io_type", "part", "clock_period_ns")
# Of a configuration that is derived alone.
_DERIVED = ("bits", "bound")


def build(
    model: Any,
    x: Any = None,
    y: Any = None,
    *,
    name: str | None = None,
    task: Task | None = None,
    input_type: str | None = None,
    samples: int | None = None,
    allow_mismatch: bool = False,
    synth: str | None = None,
    device: str | None = None,
    workspace: str | PathLike[str] | None = None,
    quiet: bool = False,
    **target: Any,
) -> BuiltView:
    """Builds a live Keras model, a model file, or a model of the workspace by its name: an exact, C-simulated project.

    `x` (n, *input shape) verifies it, a list or a dict by input name where it has several inputs; `y` are classes (n,),
    one-hot rows or targets. Without `x` it is verified on generated frames, and no accuracy is claimed. `target` may
    hold backend, io_type, part, clock_period_ns, and bits and bound as `hlsflow config` has them. `device` is the board
    or part of synth="open". Without a workspace the current folder becomes one.
    Raises MismatchError where the gate fails, UnsupportedError naming the layers that have no exact form.
    """
    from hlsflow.building.pipeline import build as run
    from hlsflow.building.plan import BuildRequest

    _check_target(target)
    if device is not None and synth != "open":
        raise UsageError('device goes with synth="open"')
    log = _log(quiet)
    place = started_workspace(workspace)
    named = _named(place, model, log, x, y, name=name, task=task, input_type=input_type)
    request = BuildRequest(
        model=named,
        changes=_changes(place, named, log, target),
        samples=samples,
        allow_mismatch=allow_mismatch,
        synth=synth,
        synth_options={} if device is None else {"device": device},
    )
    return BuiltView(result=run(place, request, log))


def board(
    model: str | BuiltView,
    *,
    port: str | None = None,
    data: str | PathLike[str] | None = None,
    workspace: str | PathLike[str] | None = None,
    quiet: bool = False,
) -> OnBoardView:
    """Runs a model that was built for a board there, at a serial port, or without one on a simulated board.

    Every integer is compared; what the record's samples gave joins the record, as the stage `board` or `board-sim`.
    `data`: an .npy of frames (n, *input shape) in the samples' place, which are not recorded. Raises MismatchError
    where an integer differs, ToolError where no board with this design answers.
    """
    from hlsflow.building.on_board import run_board, simulate_board
    from hlsflow.building.plan import BuildRequest

    place, log = find_workspace(workspace), _log(quiet)
    asked = model.record.request if isinstance(model, BuiltView) else None
    request = BuildRequest(
        model=model.record.model if isinstance(model, BuiltView) else model,
        changes=dict(asked.changes) if asked is not None else {},
        config_path=None if asked is None or asked.config is None else place.hls_configs / asked.config,
    )
    frames = None if data is None else Path(data)
    if port is None:
        return OnBoardView(result=simulate_board(place, request, log, data=frames))
    return OnBoardView(result=run_board(place, request, log, port=port, data=frames))


def lint(model: Any, *, workspace: str | PathLike[str] | None = None, quiet: bool = False, **target: Any) -> LintedView:
    """The effective types of every layer, and what there is to say of them. `model` and `target` as for `build`."""
    from hlsflow.building.linting import lint_plan
    from hlsflow.building.plan import BuildRequest, make_plan

    _check_target(target)
    place, log = started_workspace(workspace), _log(quiet)
    named = _named(place, model, log)
    plan = make_plan(place, BuildRequest(model=named, changes=_changes(place, named, log, target)))
    return LintedView(linted=lint_plan(place, plan, log))


def config(model: Any, *, workspace: str | PathLike[str] | None = None, quiet: bool = False, **target: Any) -> str:
    """The text of a complete, commented configuration for a model, exact where its quantizers make it so."""
    from hlsflow.building.configure import configure
    from hlsflow.building.target import Target

    _check_target(target)
    place, log = started_workspace(workspace), _log(quiet)
    return configure(place, _named(place, model, log), Target(**target), None, log)


def estimate(
    project: str | PathLike[str], *, part: str | None = None, clock_period_ns: float | None = None
) -> EstimatedView:
    """The cost of an hls4ml project, ours or a stranger's, with error bars: an estimate, and never shown as more."""
    from hlsflow.building.tools.estimate import model_of
    from hlsflow.estimation.estimate import estimate as run
    from hlsflow.estimation.read import design_of, target_of
    from hlsflow.estimation.source import read_source
    from hlsflow.reports.project_part import part_of_project

    path = Path(project)
    if not path.is_dir():
        raise UsageError(f"no folder {path}", hint="name an hls4ml project: the folder with firmware/")
    source = read_source(path)
    stated = part_of_project(path) if part is None else None
    target = target_of(source, part=part or (stated and stated.part), clock_period_ns=clock_period_ns)
    design = design_of(source, target)
    return EstimatedView(result=run(design, model_of(workspace_or_here().root)), design=design)


def parse(*paths: str | PathLike[str]) -> ParsedView:
    """The figures of all vendor reports in files and folders, and which files could not be read."""
    from hlsflow.reports.discover import discover

    if not paths:
        raise UsageError("parse: no path", hint="hlsflow.parse('my_prj/solution1')")
    return ParsedView(discovery=discover([Path(path) for path in paths]))


def compare(sources: Sequence[Any] = (), *, baseline: str | None = None, workspace: Any = None) -> ComparedView:
    """Builds and parsed reports in one table: results of `build`, models' names, folders; all builds where none is
    named."""
    from hlsflow.comparison.comparison import compare as run
    from hlsflow.comparison.sources import load

    place = workspace_or_here() if workspace is None else find_workspace(workspace)
    words = [str(item.result.record_path.parent) if isinstance(item, BuiltView) else str(item) for item in sources]
    found = load(place, words)
    return ComparedView(comparison=run(found.designs, baseline=baseline), failures=found.failures)


def _check_target(target: dict[str, Any]) -> None:
    from hlsflow.foundation.errors import did_you_mean

    known = (*_TARGET, *_DERIVED)
    for key in target:
        if key not in known:
            raise UsageError(f"no option '{key}'", hint=did_you_mean(key, known))


def _changes(place: Workspace, name: str, log: Log, target: dict[str, Any]) -> dict[str, Any]:
    """What a target changes of a model's configuration: nothing where that is derived for it, which happens here."""
    from hlsflow.building.configure import ensure_config
    from hlsflow.building.target import Target

    if ensure_config(place, name, log, target=Target(**target)):
        return {}
    for key in _DERIVED:
        if key in target:
            path = place.hls_configs / f"{name}.yaml"
            raise UsageError(f"{key} goes with a configuration that is derived, and there is {path}", hint="remove it")
    return target


def _log(quiet: bool) -> Log:
    import io

    return Log(stream=io.StringIO()) if quiet else Log(stream=sys.stdout)


def _named(place: Workspace, model: Any, log: Log, x: Any = None, y: Any = None, **wishes: Any) -> str:
    """The name in the workspace of what was given as a model, added where it is none of it yet."""
    from hlsflow.models.adding import is_model_file

    if isinstance(model, str) and not is_model_file(model):
        if x is not None or any(value is not None for value in wishes.values()):
            raise UsageError(f"'{model}' is a model of the workspace: what it is verified on is said when it is added")
        place.model_dir(model)
        return model
    return _added(place, model, log, x, y, **wishes).card.name


def _added(place: Workspace, model: Any, log: Log, x: Any, y: Any, **wishes: Any) -> Added:
    from hlsflow.building.configure import drop_derived
    from hlsflow.frontends.contract import Found
    from hlsflow.frontends.registry import front_end_of
    from hlsflow.models.adding import Wishes, add_found

    if isinstance(model, (str, PathLike)):
        path = Path(model).expanduser()
        front_end = front_end_of(path)
        found: Found = front_end.read(path)
    else:
        from hlsflow.frontends.hgq1.front_end import HGQ1, holds_quantizers
        from hlsflow.frontends.keras.files.keras_model import found_of_model
        from hlsflow.frontends.keras.front_end import KERAS, KERAS_3

        live = found_of_model(model)
        of_keras = KERAS_3 if live.keras_3 else KERAS
        front_end, found = (HGQ1 if holds_quantizers(live.architecture) else of_keras), live
    if x is None and y is not None:
        raise UsageError("y without x: labels of which samples?")
    given = None if x is None else (_inputs(x, tuple(found.input_shapes)), y, "the data given")
    added = add_found(place, found, Wishes(**wishes), given, front_end=front_end.name)
    if added.changed:
        drop_derived(place, added.card.name, log)
    return added


def _inputs(x: Any, names: Sequence[str]) -> list[Any]:
    if isinstance(x, dict):
        missing = [name for name in names if name not in x]
        if missing:
            raise UsageError(f"x: no array for the input '{missing[0]}'", hint=f"inputs: {', '.join(names)}")
        return [x[name] for name in names]
    if isinstance(x, (list, tuple)) and len(names) > 1:
        if len(x) != len(names):
            raise UsageError(f"x: {len(x)} arrays for {len(names)} inputs: {', '.join(names)}")
        return list(x)
    return [x]
