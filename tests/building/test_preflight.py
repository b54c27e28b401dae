"""Trouble that is said before a synthesis: unrolling, capacity, part, memory, disk."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import pytest

from hlsflow.building.tools.preflight import foresee, needed_memory_gib
from hlsflow.hls.source import Config
from hlsflow.processes.machine import GIB, Machine
from hlsflow.records.record import FigureRecord

ROOMY = Machine(
    memory_bytes=64 * GIB, memory_available_bytes=60 * GIB, disk_free_bytes=100 * GIB, cores=8
)  # fmt: skip
PART = "xc7z020clg400-1"


def layer(n_in, n_out, strategy="latency", reuse=1):
    values = {"n_in": str(n_in), "n_out": str(n_out), "reuse_factor": str(reuse), "strategy": f"nnet::{strategy}",
              "weight_t": "w_t"}  # fmt: skip
    return Config(name="config2", values=values)


def said(tmp_path, *, part=PART, layers=(), machine=ROOMY, limit=None):
    plan = SimpleNamespace(config=SimpleNamespace(part=part))
    project = SimpleNamespace(configs={config.name: config for config in layers}, root=tmp_path / "hls")
    return foresee(plan, project, machine, limit)


def test_a_modest_design_gives_no_warning(tmp_path):
    assert said(tmp_path, layers=[layer(16, 16), layer(784, 100, "resource", 784)]) == []


def test_more_products_than_are_unrolled(tmp_path):
    (warning,) = said(tmp_path, layers=[layer(64, 100)])
    assert warning.startswith("config2: 6,400 products at once, more than the 4,096 that HLS unrolls")


def test_a_part_that_nobody_knows(tmp_path):
    (warning,) = said(tmp_path, part="xc7z999clg400-1")
    assert warning.startswith("part xc7z999clg400-1: not in the catalogue")


@pytest.mark.parametrize(("low", "fits"), [(50_000, True), (60_000, False)])
def test_an_estimate_above_the_part(tmp_path, low, fits):
    figure = FigureRecord(
        stage="analytic", tool="estimate", tool_version=None, part=PART, source_file=None, lut=70_000,
        lut_available=53_200, ranges={"lut": [float(low), 90_000.0]},
    )  # fmt: skip
    (tmp_path / "estimate").mkdir()
    (tmp_path / "estimate" / "figures.json").write_text(json.dumps([figure.model_dump(mode="json")]))
    warnings = said(tmp_path)
    assert bool(warnings) is not fits
    assert fits or "LUT: at least 60,000 by estimate, 53,200 on" in warnings[0]


def test_less_memory_than_it_takes(tmp_path):
    small = dataclasses.replace(ROOMY, memory_available_bytes=3 * GIB)
    (warning,) = said(tmp_path, layers=[layer(50, 60)], machine=small)
    assert warning.startswith("memory: such a design takes about 8 GiB, and 3.0 GiB are free")
    assert said(tmp_path, layers=[layer(50, 60)], limit=2 * GIB)
    assert needed_memory_gib(0, "xcvu9p-flga2104-2L-e") > needed_memory_gib(0, PART)


def test_a_disk_that_is_nearly_full(tmp_path):
    (warning,) = said(tmp_path, machine=dataclasses.replace(ROOMY, disk_free_bytes=GIB))
    assert warning.startswith("disk: 1.0 GiB free")
