"""Trouble that can be foreseen: said before a run that takes hours, not after it. Warnings, each with what to do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from hlsflow.building.tools.result import FIGURES, FIGURES_FILE
from hlsflow.devices.catalogue import find_part
from hlsflow.foundation.errors import ConfigError, ToolError
from hlsflow.hls.lint import UNROLL_LIMIT
from hlsflow.processes.machine import GIB, Machine, gib
from hlsflow.records.record import FigureRecord

if TYPE_CHECKING:
    from hlsflow.building.plan import Plan
    from hlsflow.hls.project import HlsProject
    from hlsflow.hls.source import Config

# Memory that Vivado takes for a part's database and a full design of it, in GiB by LUT count, rounded up from AMD's
# table of memory recommendations; below, what Vitis HLS itself takes for a thousand products side by side, seen in
# hls4ml's threads about kills (4,000 products: 8 to 16 GiB).
_GIB_BY_LUT = ((60_000, 2.0), (150_000, 4.0), (300_000, 8.0), (700_000, 16.0), (1_300_000, 32.0))
_GIB_LARGEST = 64.0
_GIB_PER_1000_PRODUCTS = 2.5
_DISK_BYTES = 2 * GIB
_RESOURCES = ("lut", "ff", "dsp", "bram_18k", "uram")


def foresee(plan: Plan, project: HlsProject, machine: Machine, memory_limit: int | None) -> list[str]:
    """What is likely to go wrong with a synthesis of this project here, a sentence each; empty where nothing is."""
    products = {config.name: _parallel_products(config) for config in project.configs.values()}
    largest = max(products.values(), default=0)
    return [
        *_unroll(products),
        *_part(plan.config.part),
        *_capacity(project.root.parent / "estimate" / FIGURES_FILE, plan.config.part),
        *_memory(largest, plan.config.part, machine, memory_limit),
        *_disk(machine),
    ]


def needed_memory_gib(products: int, part: str) -> float:
    """Memory in GiB that a synthesis is likely to take at its height: a rule of thumb, not a measurement."""
    try:
        lut = find_part(part).device.lut
    except ConfigError:
        lut = 0
    vivado = next((size for limit, size in _GIB_BY_LUT if lut <= limit), _GIB_LARGEST)
    return max(vivado, 1.0 + _GIB_PER_1000_PRODUCTS * products / 1000)


def _parallel_products(config: Config) -> int:
    """Products of a dense or convolutional layer that are unrolled side by side; 0 for other layers."""
    try:
        n_in, n_out = (
            (config.integer("n_in"), config.integer("n_out"))
            if "n_in" in config.values and "n_out" in config.values and "reuse_factor" in config.values
            else (0, 0)
        )
        if not n_in or "weight_t" not in config.values:
            return 0
        reuse = config.integer("reuse_factor")
    except ToolError:
        return 0
    resource = "resource" in config.values.get("strategy", "").lower()
    return -(-n_in * n_out // reuse) if resource else n_in * n_out


def _unroll(products: dict[str, int]) -> list[str]:
    return [
        f"{name}: {count:,} products at once, more than the {UNROLL_LIMIT:,} that HLS unrolls: C synthesis is likely "
        "to fail (hlsflow lint names a reuse_factor that fits)"
        for name, count in products.items()
        if count > UNROLL_LIMIT
    ]


def _part(part: str) -> list[str]:
    try:
        find_part(part)
    except ConfigError as error:
        return [f"part {part}: not in the catalogue of devices, so the tool may not know it either ({error.hint})"]
    return []


def _capacity(path: Path, part: str) -> list[str]:
    figure = estimate_of(path)
    if figure is None:
        return []
    said = []
    for name in _RESOURCES:
        used, available = getattr(figure, name), getattr(figure, f"{name}_available")
        low = figure.ranges.get(name, [used])[0] if used is not None else None
        if low is not None and available and low > available:
            said.append(f"{name.upper()}: at least {low:,.0f} by estimate, {available:,} on {part}")
    return [f"the design is likely not to fit: {'; '.join(said)}"] if said else []


def estimate_of(path: Path) -> FigureRecord | None:
    """The estimate of the whole design, None where none was made."""
    try:
        figures: Sequence[FigureRecord] = FIGURES.validate_python(json.loads(path.read_text()))
    except (OSError, ValueError, ValidationError):
        return None
    return next((figure for figure in figures if figure.module is None), None)


def _memory(products: int, part: str, machine: Machine, limit: int | None) -> list[str]:
    needed = needed_memory_gib(products, part)
    known = [size for size in (machine.memory_available_bytes, limit) if size is not None]
    if not known or needed * GIB <= min(known):
        return []
    return [f"memory: such a design takes about {needed:.0f} GiB, and {gib(min(known))} are free: it may be killed"]


def _disk(machine: Machine) -> list[str]:
    free = machine.disk_free_bytes
    return [] if free is None or free >= _DISK_BYTES else [f"disk: {gib(free)} free, a synthesis may fill more"]
