"""The fit: within the device, legal, no worse than by trying all, and clear where nothing fits."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from estimate_designs import dense_project, matrix

from hlsflow.devices.catalogue import find_part
from hlsflow.estimation.design import Design
from hlsflow.estimation.estimate import estimate
from hlsflow.estimation.model import shipped_model
from hlsflow.estimation.read import design_of, target_of
from hlsflow.estimation.source import read_source
from hlsflow.fitting.fit import fit
from hlsflow.fitting.options import RESOURCES, options_of, with_options
from hlsflow.fitting.program import Program, parse_goal
from hlsflow.fitting.text import fit_lines
from hlsflow.foundation.errors import UnsupportedError, UsageError
from hlsflow.hls.lint import legal_reuse_factors


def design(folder: Path, *shapes: tuple[int, int], part: str = "xc7z020clg400-1", **capacity: int) -> Design:
    source = read_source(dense_project(folder, [matrix(*shape) for shape in shapes]))
    found = design_of(source, target_of(source, part=part))
    named = find_part(part)
    shrunk = replace(named, device=replace(named.device, **capacity))
    return replace(found, target=replace(found.target, part=shrunk))


@pytest.fixture
def small(tmp_path) -> Design:
    return design(tmp_path, (32, 16), (16, 8), lut=9000)


def test_what_is_chosen_fits_and_is_legal(small):
    found = fit(small, parse_goal("latency"), shipped_model())
    assert all(share <= 1 for share in found.best.share(found.device).values())
    for layer in found.best.design.layers:
        if layer.multiplies and layer.strategy == "resource":
            assert layer.reuse_factor in legal_reuse_factors(layer.n_in, layer.n_out)


def test_no_other_combination_that_fits_is_faster(small):
    model = shipped_model()
    found = fit(small, parse_goal("latency"), model)
    program = Program(small, model)
    best = program.latency_of(found.best.options)
    for combination in product(*(options_of(layer, small, model) for layer in small.layers)):
        chosen = {option.layer: option for option in combination}
        values = estimate(with_options(small, chosen), model).values
        fits = all(
            model.bound(name, program.group, values[name]) <= small.target.part.device.capacity(name)
            for name in RESOURCES
        )
        if fits:
            assert program.latency_of(chosen) >= best - 1e-6


def test_neighbours_are_a_notch_smaller_and_a_notch_faster(small):
    found = fit(small, parse_goal("latency"), shipped_model())
    best = max(found.best.share(found.device).values())
    if found.smaller is not None:
        assert max(found.smaller.share(found.device).values()) <= 0.9 * best + 1e-6
    assert found.faster is not None
    assert max(found.faster.share(found.device).values()) > 1
    assert found.faster.estimate.values["latency_cycles"] < found.best.estimate.values["latency_cycles"]


def test_area_takes_no_more_than_latency_does(small):
    latency = fit(small, parse_goal("latency"), shipped_model())
    area = fit(small, parse_goal("area"), shipped_model())
    assert max(area.best.share(area.device).values()) <= max(latency.best.share(area.device).values()) + 1e-9


def test_an_interval_is_kept(small):
    roomy = replace(small, target=replace(small.target, part=find_part("xcvu9p-flga2104-2L-e")))
    found = fit(roomy, parse_goal("interval=8"), shipped_model())
    assert found.best.estimate.values["interval_cycles"] <= 8
    if found.faster is not None:
        faster = found.faster.estimate.values["interval_cycles"]
        assert faster < found.best.estimate.values["interval_cycles"]


def test_impossible_names_the_resource_the_excess_and_a_remedy(tmp_path):
    tiny = design(tmp_path, (32, 16), (16, 8), lut=1000)
    with pytest.raises(UnsupportedError) as error:
        fit(tiny, parse_goal("latency"), shipped_model())
    text = str(error.value)
    assert "does not fit xc7z020, even at its smallest: LUT: " in text
    assert "of 1,000 (" in text
    assert "too many" in text
    assert "what would make it possible: a larger device: --fit " in text
    assert "unconfirmed" not in text
    with pytest.raises(UnsupportedError, match=r"capacities of xc7z010 unconfirmed: transcribed from AMD DS190"):
        fit(design(tmp_path, (32, 16), part="xc7z010clg400-1", lut=500), parse_goal("latency"), shipped_model())


@pytest.mark.parametrize("text", ["speed", "interval", "interval=0", "interval=x", "area=3"])
def test_goals_that_cannot_be_meant(text):
    with pytest.raises(UsageError, match=r"write latency, area or interval=N"):
        parse_goal(text)


def test_the_explanation_says_estimate_limit_and_neighbours(small):
    lines = "\n".join(fit_lines(fit(small, parse_goal("latency"), shipped_model())))
    assert "estimates, nothing is measured" in lines
    assert "anything faster takes LUT to" in lines
    assert "one notch smaller: " in lines
    assert "one notch faster:  " in lines


def test_an_unconfirmed_capacity_is_said(tmp_path, small):
    unconfirmed = "capacities of xc7z045 unconfirmed: transcribed from AMD DS190"
    other = design(tmp_path / "other", (32, 16), part="xc7z045ffg900-2")
    assert unconfirmed in "\n".join(fit_lines(fit(other, parse_goal("latency"), shipped_model())))
    assert "unconfirmed" not in "\n".join(fit_lines(fit(small, parse_goal("latency"), shipped_model())))


def test_options_that_another_beats_are_left_out(small):
    layer = small.layers[0]
    options = options_of(layer, small, shipped_model())
    assert options
    assert not any(a.beats(b) for a in options for b in options)
    assert all(option.reuse_factor <= layer.n_in * layer.n_out for option in options)
