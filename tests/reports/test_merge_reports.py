"""Which reports are one run's: those whose figures agree. One number that differs keeps them apart, and is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hlsflow.reports import tool_log
from hlsflow.reports.figures import Clock, Latency, Provenance, Resources, Stage
from hlsflow.reports.hls import csynth_rpt, csynth_summary, csynth_xml, export_rpt, export_xml
from hlsflow.reports.merge import merge, run_key, split, with_stage_of_neighbours
from hlsflow.reports.report import Module, Report
from hlsflow.reports.run import NoteKind, Role
from hlsflow.reports.vivado import timing_summary, utilization

FIGURES: dict[str, Any] = {
    "resources": Resources(lut=1234, ff=567, dsp=8, bram_18k=4, uram=0),
    "latency": Latency(latency_min_cycles=20, latency_max_cycles=21, interval_min_cycles=1, interval_max_cycles=1),
    "clock": Clock(target_ns=10.0, achieved_ns=6.914),
}


def report(kind: str = csynth_rpt.KIND, name: str = "csynth.rpt", **changes: Any) -> Report:
    """A report of an invented design. `changes` are fields of Report or of Provenance."""
    provenance = {
        "stage": Stage.CSYNTH,
        "tool": "vitis_hls",
        "tool_version": "2024.1",
        "part": "xc7z020clg400-1",
        "source_file": f"prj/{name}",
    }
    fields = {"module": "top"} | FIGURES
    for key, value in changes.items():
        (provenance if key in provenance else fields)[key] = value
    return Report(kind=kind, provenance=Provenance(**provenance), **fields)


XML = report(csynth_xml.KIND, "csynth.xml")


def changed(figure: str, **values: Any) -> dict[str, Any]:
    return {figure: replace(FIGURES[figure], **values)}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (changed("resources", lut=7), "lut 7, not 1234"),
        (changed("resources", lut=1235), "lut 1235, not 1234"),
        (changed("resources", ff=0), "ff 0, not 567"),
        (changed("resources", dsp=9), "dsp 9, not 8"),
        (changed("resources", bram_18k=8), "bram_18k 8, not 4"),
        (changed("resources", uram=1), "uram 1, not 0"),
        (changed("latency", latency_max_cycles=22), "latency 22 cycles, not 21"),
        (changed("clock", target_ns=10.02), "target period 10.02 ns, not 10 ns"),
        (changed("clock", target_ns=5.0), "target period 5 ns, not 10 ns"),
        (changed("clock", achieved_ns=6.917), "achieved period 6.917 ns, not 6.914 ns"),
        ({"tool_version": "2023.2"}, "version 2023.2, not 2024.1"),
        ({"part": "xc7z045ffg900-2"}, "part xc7z045ffg900-2, not xc7z020clg400-1"),
    ],
)
def test_a_figure_that_contradicts_keeps_reports_apart_and_is_named(changes, said):
    other = report(**changes)
    (first, first_notes), (second, second_notes) = split([other, XML])
    assert (first, second) == ([XML], [other])
    assert first_notes == ()
    assert [(note.kind, note.text) for note in second_notes] == [
        (NoteKind.REPORTS_DISAGREE, f"not the run of csynth.xml beside it: {said}")
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        # what one of them does not state contradicts nothing
        {"resources": None},
        {"latency": None},
        {"clock": None},
        {"tool_version": None},
        {"part": None},
        changed("resources", lut=None, uram=None),
        changed("latency", latency_max_cycles=None),
        # the interval of a module that is not pipelined differs by one between the formats
        changed("latency", interval_max_cycles=2),
        # digits that csynth.rpt rounds away
        changed("clock", target_ns=10.01),
        changed("clock", achieved_ns=6.915),
        {"part": "xc7z020-clg400-1"},
    ],
)
def test_reports_that_agree_as_far_as_they_state_are_one_run(changes):
    other = report(**changes)
    ((members, notes),) = split([other, XML])
    assert (members, notes) == ([XML, other], ())


def test_a_long_period_is_printed_with_three_digits():
    """`0.137 us` where csynth.xml has 136.895 ns; 138 would be another."""
    xml = replace(XML, clock=Clock(target_ns=136.895))
    assert len(split([xml, report(clock=Clock(target_ns=137.0))])) == 1
    assert len(split([xml, report(clock=Clock(target_ns=138.0))])) == 2
    # Below 100 ns two digits are printed.
    assert len(split([replace(XML, clock=Clock(target_ns=99.0)), report(clock=Clock(target_ns=99.4))])) == 2


def test_every_member_of_a_run_is_asked():
    """The third agrees with the first, which states no LUT, and contradicts the second."""
    silent = replace(XML, resources=None)
    second, third = report(name="a.rpt"), report(name="b.rpt", **changed("resources", lut=7))
    found = split([silent, second, third])
    assert [members for members, _ in found] == [[silent, second], [third]]


def test_two_contradictions_are_told_once_each():
    other = report(tool_version="2023.2", **changed("resources", lut=7))
    third = report(name="z.rpt", tool_version="2023.2", **changed("resources", lut=7))
    found = split([XML, other, third])
    assert [members for members, _ in found] == [[XML], [other, third]]
    assert found[1][1][0].text == "not the run of csynth.xml beside it: version 2023.2, not 2024.1, lut 7, not 1234"


def test_a_run_takes_each_figure_from_the_first_that_states_it():
    first = replace(XML, latency=None, clock=Clock(target_ns=10.0))
    second = report(clock=Clock(target_ns=10.01, achieved_ns=6.914), date="today")
    summary = report(
        csynth_summary.KIND, "summary.rpt", modules=(Module(name="top", path="top", depth=0),), black_boxes=("ip",)
    )
    run = merge("prj", Role.TOP, [first, second, summary])
    assert run.resources == FIGURES["resources"] and run.latency == FIGURES["latency"]
    assert (run.clock.target_ns, run.clock.achieved_ns, run.clock.slack_ns) == (10.0, 6.914, None)
    assert (run.module, run.date, run.power, run.loops) == ("top", "today", None, ())
    assert run.kinds == (csynth_xml.KIND, csynth_rpt.KIND, csynth_summary.KIND)
    assert run.source_files == ("prj/csynth.xml", "prj/csynth.rpt", "prj/summary.rpt")
    assert [module.name for module in run.modules] == ["top"]
    assert [(note.kind, note.text) for note in run.notes] == [
        (NoteKind.BLACK_BOXES, "does not count 1 black boxes: ip")
    ]


def test_the_modules_of_the_synthesis_summary_are_preferred_for_their_nesting():
    flat, nested = Module(name="a", path="a", depth=0), Module(name="b", path="top/b", depth=1)
    xml, summary = replace(XML, modules=(flat,)), report(csynth_summary.KIND, "s.rpt", modules=(nested,))
    assert merge("p", Role.TOP, [xml, summary]).modules == (nested,)
    assert merge("p", Role.TOP, [xml, replace(summary, modules=())]).modules == (flat,)
    assert merge("p", Role.TOP, [replace(xml, modules=())]).modules == ()


def test_version_and_part_come_from_whichever_report_states_them():
    first = report(csynth_xml.KIND, "csynth.xml", part=None, tool_version=None)
    run = merge("p", Role.TOP, [first, report()])
    assert (run.provenance.part, run.provenance.tool_version) == ("xc7z020clg400-1", "2024.1")
    assert run.provenance.source_file == "prj/csynth.xml"


def test_a_stage_that_no_report_states_is_noted_and_never_guessed():
    unknown = report(timing_summary.KIND, "timing.rpt", stage=None)
    (note,) = merge("p", Role.TOP, [unknown]).notes
    assert note.kind == NoteKind.STAGE_UNKNOWN
    placed = report(utilization.KIND, "utilization.rpt", stage=Stage.PLACED)
    routed = report(utilization.KIND, "utilization_routed.rpt", stage=Stage.POST_ROUTE)
    settled = with_stage_of_neighbours([unknown, placed])
    assert [item.provenance.stage for item in settled] == [Stage.PLACED, Stage.PLACED]
    settled = with_stage_of_neighbours([unknown, placed, routed])
    assert [item.provenance.stage for item in settled] == [None, Stage.PLACED, Stage.POST_ROUTE]
    # A log has no stage to take over.
    log = report(tool_log.KIND, "timing.rpt", stage=None)
    assert with_stage_of_neighbours([log, placed])[0].provenance.stage is None


def test_reports_of_one_run_share_a_key():
    assert run_key(XML) == run_key(report()) != run_key(report(module="other"))
    assert run_key(report()) != run_key(report(source_file="elsewhere/csynth.rpt"))
    vivado = {"stage": Stage.POST_ROUTE}
    one = report(utilization.KIND, "top_utilization_routed.rpt", **vivado)
    other = report(timing_summary.KIND, "top_timing_summary_routed.rpt", **vivado)
    assert run_key(one) == run_key(other)
    assert run_key(one) != run_key(report(timing_summary.KIND, "mid_timing_summary_routed.rpt", **vivado))
    assert run_key(one) != run_key(replace(other, provenance=replace(other.provenance, stage=Stage.PLACED)))
    logs = [report(tool_log.KIND, name) for name in ("a.log", "b.log")]
    assert run_key(logs[0]) != run_key(logs[1])


def test_black_boxes_are_counted_and_three_are_named():
    found = merge("p", Role.TOP, [replace(XML, black_boxes=("a", "b")), report(black_boxes=("b", "c", "d"))])
    assert [note.text for note in found.notes] == ["does not count 4 black boxes: a, b, c …"]


def test_an_export_s_report_takes_the_stage_of_the_others_of_its_run():
    unknown = report(export_rpt.KIND, "export.rpt", stage=None)
    known = report(export_xml.KIND, "export.xml", stage=Stage.POST_ROUTE)
    assert [item.provenance.stage for item in with_stage_of_neighbours([unknown, known])] == [Stage.POST_ROUTE] * 2


def test_the_report_that_states_most_comes_first():
    """csynth.xml before all, export.xml before Vivado's own, and of a kind the one that lists modules."""
    bare = report(name="a.rpt")
    rich = report(name="b.rpt", modules=(Module(name="m", path="m", depth=0),))
    xml = report(export_xml.KIND, "export.xml")
    ((members, _),) = split([bare, rich, xml, XML])
    assert members == [XML, xml, rich, bare]


def test_a_period_of_100_ns_is_long():
    for period, other, same in ((100.0, 100.4, True), (99.99, 100.4, False), (100.0, 100.6, False)):
        xml = replace(XML, clock=Clock(target_ns=period))
        assert (len(split([xml, report(clock=Clock(target_ns=other))])) == 1) is same
