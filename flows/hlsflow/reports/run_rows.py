"""Runs as flat records for CSV and JSON: every name with its unit, every unknown empty."""

from __future__ import annotations

from typing import Any

from hlsflow.reports.codec import to_data
from hlsflow.reports.figures import RESOURCE_NAMES, Clock, Latency, Resources
from hlsflow.reports.report import Loop, Module
from hlsflow.reports.run import Discovery, Run


def derived(run: Run) -> dict[str, Any]:
    """What follows from a run's figures: latency in ns at the target and at the achieved clock, shares in per cent."""
    latency, clock = run.latency or Latency(), run.clock or Clock()
    at_target, at_achieved = latency.at(clock.target_ns), latency.at(clock.achieved_ns)
    return {
        "latency_min_at_target_ns": _rounded(at_target[0]),
        "latency_max_at_target_ns": _rounded(at_target[1]),
        "latency_min_at_achieved_ns": _rounded(at_achieved[0]),
        "latency_max_at_achieved_ns": _rounded(at_achieved[1]),
        **{f"{name}_percent": _rounded(_percent(run.resources, name), 2) for name in RESOURCE_NAMES},
        "bram_conversion": None if run.resources is None else run.resources.bram_conversion,
        "is_stale": run.is_stale,
        "is_duplicate": run.is_duplicate,
    }


def discovery_data(discovery: Discovery, *, with_modules: bool) -> dict[str, Any]:
    """All that was found as JSON data; the figures of modules and loops only where asked for."""
    data = to_data(discovery)
    for run, run_data in zip(discovery.runs, data["runs"], strict=True):
        if not with_modules:
            del run_data["modules"], run_data["loops"]
        run_data["derived"] = derived(run)
    return data


def run_record(run: Run, part: Module | Loop | None = None) -> dict[str, Any]:
    """One run, or one of its modules or loops, as {column: value}. The columns are the same for all."""
    what = run if part is None else part
    latency = what.latency or Latency()
    clock = (run.clock if part is None else getattr(part, "clock", None)) or Clock()
    resources = getattr(what, "resources", None) or Resources()
    follows = derived(run) if part is None else {}
    record: dict[str, Any] = {
        "project": run.project,
        "stage": run.provenance.stage,
        "role": run.role if part is None else type(part).__name__.lower(),
        "module": run.module if part is None else part.name,
        "path": None if part is None else part.path,
        "tool": run.provenance.tool,
        "tool_version": run.provenance.tool_version,
        "part": run.provenance.part,
        "clock_target_ns": clock.target_ns,
        "clock_achieved_ns": clock.achieved_ns,
        "clock_uncertainty_ns": clock.uncertainty_ns,
        "slack_ns": clock.slack_ns,
        "total_negative_slack_ns": clock.total_negative_slack_ns,
        "latency_min_cycles": latency.latency_min_cycles,
        "latency_max_cycles": latency.latency_max_cycles,
        "interval_min_cycles": latency.interval_min_cycles,
        "interval_max_cycles": latency.interval_max_cycles,
        "initiation_interval_cycles": getattr(what, "initiation_interval_cycles", None),
        "trip_count_min": getattr(what, "trip_count_min", None),
        "trip_count_max": getattr(what, "trip_count_max", None),
        "pipeline": getattr(what, "pipeline", getattr(what, "pipelined", None)),
    }
    for name in ("latency_min_at_target_ns", "latency_max_at_target_ns"):
        record[name] = follows.get(name)
    for name in ("latency_min_at_achieved_ns", "latency_max_at_achieved_ns"):
        record[name] = follows.get(name)
    for name in RESOURCE_NAMES:
        record[name] = getattr(resources, name)
        record[f"{name}_available"] = getattr(resources, f"{name}_available")
        record[f"{name}_percent"] = _rounded(_percent(resources, name), 2)
    record |= {
        "bram_conversion": resources.bram_conversion,
        "power_total_w": run.power.total_w if part is None and run.power is not None else None,
        "power_dynamic_w": run.power.dynamic_w if part is None and run.power is not None else None,
        "simulation": run.simulation.status if part is None and run.simulation is not None else None,
        "is_stale": run.is_stale,
        "is_duplicate": run.is_duplicate,
        "notes": "; ".join(note.text for note in run.notes),
        "source_file": run.provenance.source_file,
    }
    return record


def _percent(resources: Resources | None, name: str) -> float | None:
    return None if resources is None else resources.utilisation_percent(name)


def _rounded(value: float | None, digits: int = 3) -> float | None:
    return None if value is None else round(value, digits)
