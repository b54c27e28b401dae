"""The thirty ways in which the tools' formats differ, each on a small report written for this test.

`QUIRKS` maps the number of the quirk (`QUIRKS.md` beside the real reports) to the function that shows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hlsflow.foundation.errors import ReportError
from hlsflow.foundation.part_name import part_of
from hlsflow.reports.discover import discover
from hlsflow.reports.figures import Stage
from hlsflow.reports.hls import design_size
from hlsflow.reports.kinds import parse, read
from hlsflow.reports.run import NoteKind, Role

SAMPLES = Path(__file__).parents[1] / "data" / "reports"
VIVADO_2018 = (SAMPLES / "vivado_hls_2018_3/digits_csynth.rpt").read_text()
VIVADO_2018_XML = (SAMPLES / "vivado_hls_2018_3/csynth.xml").read_text()
VIVADO_2020 = (SAMPLES / "vivado_hls_2020_1/digits_axi_csynth.rpt").read_text()
VITIS_2024 = (SAMPLES / "vitis_hls_2024_1/digits_csynth.rpt").read_text()
VITIS_2024_XML = (SAMPLES / "vitis_hls_2024_1/csynth.xml").read_text()
SUMMARY_2024 = (SAMPLES / "vitis_hls_2024_1/csynth.rpt").read_text()
SUMMARY_2025 = (SAMPLES / "vitis_hls_2025_2/csynth.rpt").read_text()
DESIGN_SIZE = (SAMPLES / "vitis_hls_2024_1/csynth_design_size.rpt").read_text()
SYNTHESIZED = (SAMPLES / "vivado/vivado_synth.rpt").read_text()
PLACED = (SAMPLES / "vivado/digits_utilization_placed.rpt").read_text()
HIERARCHICAL = (SAMPLES / "vivado/digits_util_hier.rpt").read_text()
EXPORT = (SAMPLES / "vivado/digits_export.rpt").read_text()
EXPORT_IMPL = (SAMPLES / "vivado/export_impl.rpt").read_text()
COSIM = (SAMPLES / "simulation/digits_cosim.rpt").read_text()
VITIS_COSIM = (SAMPLES / "simulation/vitis/digits_cosim.rpt").read_text()

QUIRKS: dict[int, Callable[[Path], None]] = {}


def quirk(number: int) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    def add(function: Callable[[Path], None]) -> Callable[[Path], None]:
        assert number not in QUIRKS
        QUIRKS[number] = function
        return function

    return add


def changed(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def project(folder: Path, config: str, reports: dict[str, str], firmware: str | None = None) -> Path:
    for name, text in reports.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    if config:
        (folder / "hls4ml_config.yml").write_text(config)
    if firmware is not None:
        (folder / "firmware").mkdir(exist_ok=True)
        (folder / "firmware" / "parameters.h").write_text(firmware)
    return folder


@quirk(1)
def five_latency_columns_until_2019_1_and_seven_afterwards(_: Path) -> None:
    old, new = parse(VIVADO_2018), parse(VIVADO_2020)
    assert (old.latency.latency_min_cycles, old.latency.latency_max_cycles) == (31, 48)
    assert (old.latency.interval_min_cycles, old.latency.interval_max_cycles) == (16, 33)
    assert (new.latency.latency_min_cycles, new.latency.interval_max_cycles) == (120, 96)
    assert (old.clock.target_ns, new.clock.target_ns) == (5.0, 5.0)


@quirk(2)
def clock_cells_in_microseconds(_: Path) -> None:
    text = changed(
        VIVADO_2020,
        ("| 5.611 ns |", "| 0.137 us |"),
        ("| 0.673 us | 0.842 us |", "|16.440 us |20.550 us |"),
    )
    clock = parse(text).clock
    assert (clock.target_ns, clock.achieved_ns) == (5.0, 137.0)
    assert parse(changed(VITIS_2024, ("|  10.00 ns|", "|   0.01 us|"))).clock.target_ns == 10.0


@quirk(3)
def unknown_latency_is_written_in_three_ways(_: Path) -> None:
    row = "|       20|       20|  0.200 us|  0.200 us|    7|    7|"
    unknown = parse(changed(VITIS_2024, (row, "|        ?|        ?|         ?|         ?|    ?|    ?|"))).latency
    assert unknown.latency_max_cycles is None and unknown.interval_min_cycles is None
    least = parse(changed(VITIS_2024, (row, "|        3|        ?| 30.000 ns|         ?|    3|    ?|"))).latency
    assert (least.latency_min_cycles, least.latency_max_cycles) == (3, None)
    xml = re.sub(r"(<(?:Best|Average|Worst)-case(?:RealTime)?Latency>)(?:20|0\.200 us)<", r"\1undef<", VITIS_2024_XML)
    assert parse(xml.replace(">7<", ">undef<")).latency.latency_max_cycles is None
    (stalled,) = [module for module in parse(SUMMARY_2024).modules if module.name == "stall_s"]
    assert stalled.latency.latency_max_cycles is None and stalled.resources.bram_18k == 0


@quirk(4)
def pipeline_types_of_both_tools(_: Path) -> None:
    assert [module.pipeline for module in parse(VIVADO_2018).modules] == ["none", "function"]
    assert parse(VIVADO_2020).modules[1].pipeline == "loop rewind(delay=0 initiation interval(s))"
    blank = changed(
        VIVADO_2020,
        ("| loop rewind(", "| loop auto-rewind stp ("),
        (" initiation interval(s))|", " cycle(s))    |"),
    )
    assert parse(blank).modules[1].pipeline == "loop auto-rewind stp (delay=0 cycle(s))"
    assert [module.pipeline for module in parse(VITIS_2024).modules] == ["no", "no"]


@quirk(5)
def text_and_xml_differ_by_one_in_the_interval_of_what_is_not_pipelined(folder: Path) -> None:
    xml = changed(VIVADO_2018_XML, (">33</Interval-max>", ">34</Interval-max>"), (">dataflow<", ">none<"))
    assert parse(xml).latency.interval_max_cycles == 34
    project(folder, "", {"digits_csynth.rpt": VIVADO_2018, "csynth.xml": xml})
    (run,) = discover([folder]).runs
    assert not run.notes
    assert len(run.source_files) == 2


@quirk(6)
def interval_zero_and_latency_zero_are_figures(_: Path) -> None:
    relu = parse(VITIS_2024).modules[1]
    assert (relu.latency.latency_max_cycles, relu.latency.interval_max_cycles) == (0, 0)
    row = "|       20|       20|  0.200 us|  0.200 us|    7|    7|"
    through = parse(changed(VITIS_2024, (row, "|        0|        0|      0 ns|      0 ns|    1|    1|"))).latency
    assert (through.latency_max_cycles, through.interval_max_cycles) == (0, 1)


@quirk(7)
def dsp_has_two_names_and_uram_may_have_no_column(_: Path) -> None:
    old, middle, new = (parse(text).resources for text in (VIVADO_2018, VIVADO_2020, VITIS_2024))
    assert (old.dsp, old.uram, old.uram_available) == (44, None, None)
    assert (middle.dsp, middle.uram) == (330, 0)
    assert (new.dsp, new.uram, new.uram_available) == (334, 0, 96)


@quirk(8)
def the_rows_of_one_slr_are_not_those_of_the_part(_: Path) -> None:
    assert "|Available SLR        |     1440|" in VIVADO_2020
    assert parse(VIVADO_2020).resources.bram_18k_available == 4320


@quirk(9)
def shares_below_one_and_above_hundred_and_dashes(_: Path) -> None:
    full = changed(
        VITIS_2024,
        ("|      624|  1728|", "|      624|   300|"),
        ("|       ~0|    19|", "|       ~0|   111|"),
    )
    resources = parse(full).resources
    assert resources.bram_18k == 4
    assert round(resources.utilisation_percent("dsp")) == 111
    assert "|DSP              |        -|     -|" in VITIS_2024


@quirk(10)
def an_estimated_clock_may_miss_its_target_or_be_zero(_: Path) -> None:
    assert parse(VIVADO_2020).clock.meets_target is False
    assert parse(changed(VIVADO_2018, ("4.271", "0.000"))).clock.achieved_ns == 0.0


@quirk(11)
def the_fifo_row_of_the_summary_need_not_be_the_total_of_its_table(_: Path) -> None:
    assert "|FIFO             |        -|     -|     693|     469|" in VITIS_2024
    assert "|Total         |        0| 693|   0|" in VITIS_2024
    assert parse(VITIS_2024).resources.lut == 27194


@quirk(12)
def blank_lines_crlf_and_the_flow_target(_: Path) -> None:
    for text in (VITIS_2024.lstrip("\n"), "\n" + VITIS_2024, VITIS_2024.replace("\n", "\r\n")):
        assert parse(text) == parse(VITIS_2024)
    kernel = changed(VITIS_2024, ("Vivado IP Flow Target", "Vitis Kernel Flow Target"))
    assert parse(kernel).flow_target == "Vitis Kernel Flow Target"


@quirk(13)
def a_part_has_several_spellings(_: Path) -> None:
    for one, other in (
        ("xc7z020clg400-1", "xc7z020-clg400-1"),
        ("7z020clg400-1", "xc7z020-clg400-1"),
        ("xcu250figd2104-2L", "xcu250-figd2104-2L-e"),
        ("xcvu13p-fhga2104", "xcvu13pfhga2104-3"),
    ):
        assert part_of(one).may_be(part_of(other)), (one, other)
    for one, other in (
        ("xc7z007sclg225-1", "xc7z007s-clg225-2"),
        ("xcvu9p-flgb2104-2-i", "xcvu9p-flga2104-2-i"),
        ("xcu50-fsvh2104-2-e", "xcu50-fsvh2104-2L-e"),
        ("xczu7ev-ffvc1156-2-e", "xczu7ev-ffvc1156-2-i"),
    ):
        assert not part_of(one).may_be(part_of(other)), (one, other)
    assert parse(SYNTHESIZED).provenance.part == "7z020clg400-1"


@quirk(14)
def a_configuration_edited_after_the_run_names_another_part(folder: Path) -> None:
    project(
        folder, "Part: xcvu13p-flga2577-2-e\nProjectName: digits\nClockPeriod: 10\n", {"digits_csynth.rpt": VITIS_2024}
    )
    (run,) = discover([folder]).runs
    assert [note.kind for note in run.notes] == [NoteKind.PART_DISAGREES]
    assert run.notes[0].text == "part xczu7ev-ffvc1156-2-e, but hls4ml_config.yml says xcvu13p-flga2577-2-e"


@quirk(15)
def vivado_accelerator_has_two_tops(folder: Path) -> None:
    core = changed(VITIS_2024, ("Report for 'digits'", "Report for 'net'"))
    wrapper = changed(VITIS_2024, ("Report for 'digits'", "Report for 'net_axi'"))
    xml = changed(VITIS_2024_XML, (">digits<", ">net_axi<"))
    config = "ProjectName: net\nBackend: VivadoAccelerator\nClockPeriod: 10\n"
    below = "net_prj/solution1/syn/report/"
    reports = {f"{below}net_csynth.rpt": core, f"{below}net_axi_csynth.rpt": wrapper, f"{below}csynth.xml": xml}
    runs = discover([project(folder, config, reports)]).runs
    assert [(run.module, run.role) for run in runs] == [("net_axi", Role.TOP), ("net", Role.CORE)]
    assert not any(run.notes for run in runs)


@quirk(16)
def the_summary_has_two_headings(_: Path) -> None:
    assert "+ Performance & Resource Estimates" in SUMMARY_2024 and "PS: '+' for module" in SUMMARY_2024
    assert "* Performance & Resource Estimates" in SUMMARY_2025 and "Name Prefix:" in SUMMARY_2025
    assert parse(SUMMARY_2024).resources == parse(SUMMARY_2025).resources


@quirk(17)
def the_summary_has_several_orders_of_columns(_: Path) -> None:
    merged = changed(SUMMARY_2024, ("| Latency | Latency |", "|      Latency      |"))
    assert parse(merged) == parse(SUMMARY_2024)
    assert parse(SUMMARY_2025).latency == parse(SUMMARY_2024).latency


@quirk(18)
def the_summary_states_the_worst_latency_alone(_: Path) -> None:
    report = parse(SUMMARY_2024)
    assert (report.latency.latency_min_cycles, report.latency.latency_max_cycles) == (None, 20)
    assert (report.clock.target_ns, report.clock.slack_ns) == (None, 0.39)
    dense = report.modules[1]
    assert (dense.issue, dense.clock.slack_ns) == ("Timing", 0.0)
    assert (report.resources.bram_18k, report.resources.dsp, report.resources.uram) == (4, 334, 0)
    instance = changed(SUMMARY_2024, (" + relu_config3_s         ", " + grp_relu_config3_fu_140"))
    assert parse(instance).modules[2].name == "grp_relu_config3_fu_140"


@quirk(19)
def a_design_size_report_is_no_synthesis_report(folder: Path) -> None:
    report = parse(DESIGN_SIZE)
    assert report.kind == design_size.KIND
    assert (report.resources, report.latency, report.clock) == (None, None, None)
    project(folder, "", {"csynth_design_size.rpt": DESIGN_SIZE, "csynth_design_size.xml": "<design_size/>"})
    found = discover([folder])
    assert (found.runs, found.failures) == ((), ())


@quirk(20)
def the_children_of_resources_have_any_order_and_uram_may_be_absent(_: Path) -> None:
    children = re.search(r"<Resources>(.*?)</Resources>", VITIS_2024_XML, re.DOTALL)[1]
    turned = "".join(reversed(re.findall(r"\s*<\w+>\d+</\w+>", children)))
    assert parse(VITIS_2024_XML.replace(children, turned)) == parse(VITIS_2024_XML)
    assert parse(VIVADO_2018_XML).resources.uram is None
    assert parse(VIVADO_2018_XML).provenance.tool == "vivado_hls"
    without_modules = re.sub(r"<ModuleInformation>.*</ModuleInformation>", "", VITIS_2024_XML, flags=re.DOTALL)
    assert parse(without_modules).resources == parse(VITIS_2024_XML).resources


@quirk(21)
def a_star_behind_luts_until_the_design_is_placed(_: Path) -> None:
    assert "| Slice LUTs*" in SYNTHESIZED and "| CLB LUTs " in PLACED
    assert (parse(SYNTHESIZED).resources.lut, parse(PLACED).resources.lut) == (18210, 17011)
    for state, stage in (
        ("Synthesized", Stage.LOGIC_SYNTHESIS),
        ("Optimized", Stage.LOGIC_SYNTHESIS),
        ("Fully Placed", Stage.PLACED),
        ("Routed", Stage.POST_ROUTE),
    ):
        assert parse(changed(PLACED, ("Fully Placed", state))).provenance.stage == stage


@quirk(22)
def the_column_prohibited_is_there_from_2020_3(_: Path) -> None:
    assert "Prohibited" in PLACED and "Prohibited" not in SYNTHESIZED
    assert (parse(PLACED).resources.lut_available, parse(SYNTHESIZED).resources.lut_available) == (230400, 53200)


@quirk(23)
def sections_have_other_numbers_when_placed(_: Path) -> None:
    assert "3. BLOCKRAM" in PLACED and "2. Memory" in SYNTHESIZED
    assert (parse(PLACED).resources.bram_18k, parse(PLACED).resources.dsp) == (3, 1728)


@quirk(24)
def block_ram_tiles_are_halves_of_36_kb(_: Path) -> None:
    resources = parse(SYNTHESIZED).resources
    assert (resources.bram_36k_tiles, resources.bram_18k, resources.bram_18k_available) == (16.5, 33, 280)
    assert resources.bram_conversion == "16.5 tiles of 36 Kb x 2"
    assert resources.uram is None
    small = changed(SYNTHESIZED, ("16.5 |     0 |       140 | 11.79", "   0 |     0 |       140 | <0.01"))
    assert parse(small).resources.bram_18k == 0
    assert parse(PLACED).resources.utilisation_percent("dsp") == 100.0


@quirk(25)
def the_hierarchical_layout_with_and_without_shares(_: Path) -> None:
    plain = re.sub(r"(\d)\((\d+\.\d+)%\)", lambda m: m[1] + " " * (len(m[0]) - 1), HIERARCHICAL)
    assert "%" not in plain.split("DSP48 Blocks")[1].split("* Note")[0]
    assert parse(plain).modules == parse(HIERARCHICAL).modules
    renamed = changed(plain, ("| DSP48 Blocks |", "|   DSP Blocks |"))
    assert parse(renamed).modules == parse(HIERARCHICAL).modules


@quirk(26)
def a_large_gap_between_csynth_and_logic_synthesis_is_no_contradiction(folder: Path) -> None:
    reports = {
        "digits_csynth.rpt": VIVADO_2018,
        "vivado_synth.rpt": changed(SYNTHESIZED, ("18210", "   82"), ("34.23", " 0.15")),
    }
    runs = discover([project(folder, "", reports)]).runs
    assert [run.provenance.stage for run in runs] == [Stage.CSYNTH, Stage.LOGIC_SYNTHESIS]
    assert not any(run.notes for run in runs)


@quirk(27)
def cosim_passes_without_a_single_figure(_: Path) -> None:
    empty = re.sub(r"(Pass\|)(.*)", lambda m: m[1] + re.sub(r"[ \d]*\d\|", "             NA|", m[2]), VITIS_COSIM)
    assert "162128" not in empty
    short = empty.replace("             NA|\n+", "                    NA|\n+")
    report = parse(short)
    assert (report.simulation.passed, report.latency.latency_max_cycles) == (True, None)
    assert parse(COSIM).latency.latency_min_cycles == 10
    assert parse(COSIM).latency.interval_max_cycles is None
    assert parse(changed(COSIM, ("Pass", "Fail"))).simulation.passed is False
    assert parse(VITIS_COSIM).simulation.total_execution_cycles == 162128


@quirk(28)
def exports_count_bram_in_18_kb_and_have_two_layouts(_: Path) -> None:
    old, new = parse(EXPORT), parse(EXPORT_IMPL)
    assert (old.resources.bram_18k, old.resources.bram_36k_tiles) == (21, None)
    assert (old.clock.target_ns, old.clock.achieved_ns) == (5.0, 5.037)
    assert (new.provenance.tool_version, new.clock.achieved_ns) == ("2024.2", 7.966)
    assert old.provenance.stage == new.provenance.stage == Stage.POST_ROUTE


@quirk(29)
def only_the_report_says_which_tool_wrote_it(folder: Path) -> None:
    (folder / "README.md").write_text("Synthesized with Vitis HLS 2022.1 for an Alveo U250.\n")
    project(folder, "", {"prune_60/digits_csynth.rpt": VITIS_2024, "prune_90/digits_csynth.rpt": VITIS_2024})
    first, second = discover([folder]).runs
    assert first.provenance.tool_version == second.provenance.tool_version == "2024.1"
    assert (first.is_duplicate, second.is_duplicate) == (False, True)


@quirk(30)
def the_same_report_under_changed_parameters_is_stale(folder: Path) -> None:
    for name, reuse in (("reuse12", 12), ("reuse16", 16)):
        parameters = f"struct config2 {{ static const unsigned reuse_factor = {reuse}; }};\nstruct relu_config3 {{}};\n"
        project(folder / name, "", {"digits_csynth.rpt": VITIS_2024}, parameters)
    first, second = discover([folder]).runs
    assert not first.is_stale
    assert [note.kind for note in second.notes] == [NoteKind.SAME_UNDER_OTHER_PARAMETERS]
    assert second.is_stale


@pytest.mark.parametrize("number", range(1, 31))
def test_quirk(number, tmp_path):
    QUIRKS[number](tmp_path)


def test_a_quirk_that_is_not_handled_would_be_an_error_and_not_a_zero():
    for path in (SAMPLES / "vitis_hls_2024_1").iterdir():
        unknown = path.read_text().replace("LUT", "ALM").replace("Design Size", "Size").replace("== Vitis", "== Other")
        with pytest.raises(ReportError):
            parse(unknown)
    assert read(SAMPLES / "vitis_hls_2024_1/csynth.xml").resources.lut == 27194
