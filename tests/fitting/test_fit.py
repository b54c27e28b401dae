"""The fit: within the device, legal, no worse than by trying all, and clear where nothing fits."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from estimate_designs import dense_project, matrix

from hlsflow.devices.boards import find_board
from hlsflow.devices.catalogue import find_part
from hlsflow.estimation.bounds import CONFIDENCES
from hlsflow.estimation.design import Design
from hlsflow.estimation.model import shipped_model
from hlsflow.estimation.read import design_of, target_of
from hlsflow.estimation.source import read_source
from hlsflow.fitting.fit import fit
from hlsflow.fitting.impossible import irreducible
from hlsflow.fitting.options import RESOURCES, options_of
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
        fits = max(program.choice(chosen).share(found.device).values()) <= 1
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
    assert "estimates of what C synthesis will report, nothing is measured" in lines
    assert "anything faster takes LUT to" in lines
    assert "one notch smaller: " in lines
    assert "one notch faster:  " in lines


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_the_plan_keeps_within_the_device_with_the_confidence_that_is_asked_for(small, confidence):
    model = shipped_model()
    best = fit(small, parse_goal("latency", confidence), model).best
    device, group = small.target.part.device, best.estimate.group
    for name in RESOURCES:
        upper = model.bound(name, group, best.estimate.values[name], confidence)
        assert upper <= device.capacity(name)
        assert best.share(device)[name] == upper / device.capacity(name)


def test_more_confidence_is_never_a_faster_design(small):
    latencies = [
        fit(small, parse_goal("latency", confidence), shipped_model()).best.estimate.values["latency_cycles"]
        for confidence in CONFIDENCES
    ]
    assert latencies == sorted(latencies) and latencies[0] < latencies[-1]


@pytest.mark.parametrize("confidence", [0, 0.75, 1, -1, 80])
def test_a_confidence_that_no_bound_is_known_for(confidence):
    with pytest.raises(UsageError, match=r"--confidence .*: error bars are known for 0\.5, 0\.6, 0\.7, 0\.8, 0\.9"):
        parse_goal("latency", confidence)


def test_with_which_confidence_it_fits_and_with_which_not_is_said(small):
    found = fit(small, parse_goal("latency", 0.6), shipped_model())
    shares = {one: max(found.best.share(found.device, one).values()) for one in CONFIDENCES}
    least = min(one for one in CONFIDENCES if shares[one] > 1)
    lines = "\n".join(fit_lines(found))
    assert "share of the device that it stays below with 60% confidence: LUT" in lines
    assert f"and not with {least:.0%}, where it takes up to LUT {shares[least]:.0%} of the device" in lines
    assert f"(a design that does: --confidence {least:g})" in lines
    # The upper end of the interval is outside the device, and no line says that it fits without a confidence.
    assert found.best.estimate.ranges["lut"][1] > found.device.lut
    sure = "\n".join(fit_lines(fit(small, parse_goal("latency", 0.9), shipped_model())))
    assert "it fits with 90% confidence" in sure and "designs of other authors" in sure and "LUT (81% of them)" in sure


def test_what_no_reuse_factor_reduces_is_said(small):
    best = fit(small, parse_goal("latency"), shipped_model()).best
    layers = {layer.name: layer.values for layer in best.estimate.layers}
    fixed = irreducible(best, "lut")
    assert "(top)" in fixed and len(fixed) == 2
    assert sum(fixed.values()) == pytest.approx(
        best.estimate.values["lut"] - sum(layers[name]["lut"] for name, o in best.options.items() if o.multipliers)
    )
    lines = "\n".join(fit_lines(fit(small, parse_goal("latency"), shipped_model())))
    assert f"no reuse factor reduces LUT {sum(fixed.values()):,.0f} of {best.estimate.values['lut']:,.0f}" in lines


def test_advice_is_tried_before_it_is_given(tmp_path):
    tiny = design(tmp_path, (32, 16), (16, 8), lut=3000)
    roomier = design(tmp_path, (8, 4), lut=3000)
    model, wish = shipped_model(), parse_goal("latency")
    with pytest.raises(UnsupportedError) as helped:
        fit(tiny, wish, model, lambda: {"--io-type io_stream": roomier})
    text = str(helped.value)
    best = fit(roomier, wish, model).best
    assert f"--io-type io_stream (estimated LUT {best.estimate.values['lut']:,.0f}, DSP 0" in text
    larger = design(tmp_path, (48, 32), (32, 16), lut=3000)
    with pytest.raises(UnsupportedError) as not_helped:
        fit(tiny, wish, model, lambda: {"--io-type io_stream": larger})
    assert "io_stream" not in str(not_helped.value)


@pytest.mark.parametrize("lut", [3000, 4500, 6000])
def test_whatever_is_advised_fits_with_the_figures_that_are_said(tmp_path, lut):
    """The remedies read back: a board, and a confidence where there is one."""
    short = design(tmp_path, (32, 16), (16, 8), lut=lut)
    with pytest.raises(UnsupportedError) as error:
        fit(short, parse_goal("latency", 0.9), shipped_model())
    text = str(error.value)
    said = re.search(r"--fit ([\w-]+) \(estimated LUT ([\d,]*\d)", text)
    part = find_board(said[1])[1]
    there = fit(replace(short, target=replace(short.target, part=part)), parse_goal("latency", 0.9), shipped_model())
    assert f"{there.best.estimate.values['lut']:,.0f}" == said[2]
    less = re.search(r"--confidence ([\d.]+) \(estimated LUT ([\d,]*\d)", text)
    for confidence in CONFIDENCES:
        try:
            found = fit(short, parse_goal("latency", confidence), shipped_model())
        except UnsupportedError:
            assert less is None or confidence > float(less[1])
        else:
            assert less is not None and confidence <= float(less[1])
            if confidence == float(less[1]):
                assert f"{found.best.estimate.values['lut']:,.0f}" == less[2]


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
