"""Why two designs may not be compared, reason by reason, where one side does not say what the other does."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from comparison_records import MNIST_SHA256, PART, figure, record

from hlsflow.comparison.comparability import (
    Differs,
    accuracy_group,
    accuracy_reasons,
    figure_group,
    figure_reasons,
    part_and_clock,
    same_stage,
    target_reasons,
    task_reasons,
)
from hlsflow.comparison.design import design_of_record, designs_of_runs
from hlsflow.reports.discover import discover


def design(*figures, **changes):
    fields = {name: changes.pop(name) for name in list(changes) if name not in ("data", "part", "clock_period_ns")}
    return replace(design_of_record(record(figures=figures, **fields), "reports/x/build.json"), **changes)


def copied(text: str) -> str:
    """The same text as another object, as it comes from another file."""
    return "".join(list(text))


def differs(reasons) -> list[Differs]:
    return [reason.differs for reason in reasons]


BASE = design(figure())
SILENT = design(figure(), data=None)


def test_equal_texts_of_two_files_are_equal():
    other = design(figure(tool=copied("Invented HLS"), tool_version=copied("1.0")), sha256=copied(MNIST_SHA256),
                   dataset=copied("mnist"))  # fmt: skip
    assert accuracy_reasons(other, BASE) == [] == task_reasons(other, BASE)
    assert figure_reasons(other.measurements[0], other, BASE) == []


def test_one_compiler_is_one_tool_whichever_program_starts_it():
    one, other = (design(figure(tool=tool, tool_version="2024.2")) for tool in ("vitis-run", "vitis_hls"))
    assert figure_reasons(one.measurements[0], one, other) == []
    assert figure_group(one.measurements[0], one) == figure_group(other.measurements[0], other)
    older = design(figure(tool="vivado_hls", tool_version="2024.2"))
    assert differs(figure_reasons(one.measurements[0], one, older)) == [Differs.TOOL]


@pytest.mark.parametrize(
    ("spelling", "shown"),
    [
        ("7z020clg400-1", "xc7z020clg400-1"),
        ("xc7z020-clg400-1", "xc7z020clg400-1"),
        # what a timing report leaves out
        ("7z020-clg400", "xc7z020clg400-1"),
        ("7z020clg400-3", "xc7z020clg400-3"),
        ("xcvu9pflga2104-2L", "xcvu9p-flga2104-2L"),
    ],
)
def test_one_part_has_one_name_in_a_table(spelling, shown):
    of_record = design(figure(part=spelling), figure(stage="analytic", part=None))
    assert [item.figure.part for item in of_record.measurements] == [shown, None]
    # as the record of a build, which is refused where it is of another part
    assert (shown == PART) == (figure_reasons(of_record.measurements[0], of_record, BASE) == [])


def test_the_reports_of_one_project_have_one_part(tmp_path):
    samples = Path(__file__).parents[1] / "data" / "reports"
    shutil.copy(samples / "vitis_hls_2024_1" / "digits_csynth.rpt", tmp_path)
    text = (samples / "vivado" / "vivado_synth.rpt").read_text()
    assert "7z020clg400-1" in text
    (tmp_path / "vivado_synth.rpt").write_text(text.replace("7z020clg400-1", "xczu7evffvc1156-2"))
    (found,) = designs_of_runs(discover([tmp_path]).runs)
    assert {item.figure.part for item in found.measurements} == {found.part} == {"xczu7ev-ffvc1156-2-e"}
    assert {each.part for item in found.measurements for each in item.modules} == {found.part}


def test_a_task_that_is_not_known_is_held_against_nobody():
    other = design(dataset="digits", sha256="ab" * 32)
    assert differs(task_reasons(other, BASE)) == [Differs.DATASET]
    for pair in ((SILENT, BASE), (BASE, SILENT), (SILENT, SILENT)):
        assert task_reasons(*pair) == []


def test_an_accuracy_that_one_side_lacks_is_said_of_that_side():
    assert accuracy_reasons(SILENT, SILENT) == []
    (mine,), (theirs,) = accuracy_reasons(SILENT, BASE), accuracy_reasons(BASE, SILENT)
    assert mine.text == "no accuracy: the reports of a tool do not state one"
    assert theirs.text == "the baseline has no accuracy: the reports of a tool do not state one"


@pytest.mark.parametrize("sha256", ["ab" * 32, "00" * 32])
def test_other_samples_are_other_samples_however_their_digests_sort(sha256):
    (reason,) = accuracy_reasons(design(sha256=sha256), BASE)
    assert reason.text == f"other samples ({sha256[:8]}, the baseline {MNIST_SHA256[:8]})"
    assert differs(accuracy_reasons(design(samples=9_999), BASE)) == [Differs.SAMPLES]


def test_a_target_that_is_not_stated_differs_for_figures_alone():
    for changes, kind in (({"part": None}, Differs.PART), ({"clock_period_ns": None}, Differs.CLOCK)):
        bare = design(figure(part=None, clock_target_ns=None), **changes)
        assert target_reasons(bare, BASE) == [] == target_reasons(BASE, bare)
        (mine,) = figure_reasons(bare.measurements[0], bare, BASE)
        (theirs,) = figure_reasons(BASE.measurements[0], BASE, bare)
        assert mine.differs == theirs.differs == kind
        what = "the part" if kind is Differs.PART else "the target clock"
        assert mine.text == f"{what} is not stated" and theirs.text == f"{what} is not stated for the baseline"


def test_a_figure_has_the_target_of_its_report_before_that_of_its_project():
    own = design(figure(part="xc7z045ffg900-2", clock_target_ns=4.0))
    assert part_and_clock(own.measurements[0], own) == ("xc7z045ffg900-2", 4.0)
    bare = design(figure(part=None, clock_target_ns=None))
    assert part_and_clock(bare.measurements[0], bare) == (PART, 10.0)


@pytest.mark.parametrize("stage", ["analytic", "csynth", "logic-synthesis", "post-route"])
def test_figures_of_one_stage_alone_are_compared(stage):
    base = design(*(figure(name) for name in ("analytic", "csynth", "logic-synthesis", "post-route")))
    other = design(figure(stage))
    assert [item.figure.stage for item in same_stage(other.measurements[0], other, base)] == [stage]
    assert figure_reasons(other.measurements[0], other, base) == []


def test_the_group_of_a_figure_names_all_that_must_be_the_same():
    group = figure_group(BASE.measurements[0], BASE)
    assert accuracy_group(BASE) == "mnist, 10,000 samples (06af5dfe)"
    assert group.startswith("csynth: Invented HLS 1.0 · xc7z020clg400") and "· 10.00 ns · mnist, 10,000" in group
    assert accuracy_group(SILENT) is None and accuracy_group(design(accuracy=None)) is None
    for unknown in (
        design(figure(tool_version=None)), design(figure(part=None), part=None),
        design(figure(clock_target_ns=None), clock_period_ns=None), SILENT, design(figure(), accuracy=None),
    ):  # fmt: skip
        assert figure_group(unknown.measurements[0], unknown) is None
    stale = replace(BASE.measurements[0], contradictions=("older than the project",))
    assert figure_group(stale, BASE) is None
    assert differs(figure_reasons(stale, BASE, design(figure()))) == [Differs.STALE]
