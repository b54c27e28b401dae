"""A record is the sum of the evidence for one design: only more is added, and nothing of another design joins it.

Every record here is made up (`comparison_records`), and so is every tool in it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from comparison_records import MNIST_SHA256, figure, record

from hlsflow.foundation.errors import ReportError
from hlsflow.records.evidence import joined, kept, ordered, subject
from hlsflow.records.evidence_files import publication
from hlsflow.records.record import BuildRecord, read_record
from hlsflow.records.report import exactness, markdown

DESIGN, OTHER = "d" * 64, "e" * 64
ESTIMATE = figure("analytic", tool="hlsflow estimate", tool_version="0.1.0", lut=40000)
RTL = figure("rtl-sim", tool="Verilator", tool_version="5.006", lut=None, samples=10_000, architecture="folded")
YOSYS = figure("open-synthesis", tool="Yosys", tool_version="0.70", architecture="folded")
YOSYS_FC1 = YOSYS.model_copy(update={"module": "fc1", "lut": 900})
OPEN = "folded RTL exact; latency 984"


def known(**options) -> BuildRecord:
    """What a repository ships: 10,000 samples of the model's own data, an estimate, and what open tools measured."""
    update = {"design": options.pop("design", DESIGN), "reference": options.pop("reference", "r" * 64)}
    update["versions"] = options.pop("versions", {"numpy": "1.26", "compiler": "g++ 12"})
    fields = {
        "figures": (ESTIMATE, RTL, YOSYS, YOSYS_FC1),
        "stages": {"estimate": "estimated", "open": OPEN},
        **options,
    }
    return record(**fields).model_copy(update=update)


def own(**options) -> BuildRecord:
    """What a build without any tool gives: the same design, an estimate."""
    return known(**{"figures": (ESTIMATE,), "stages": {"estimate": "estimated"}, **options})


DIGITS = {"dataset": "digits", "samples": 1797, "sha256": "9" * 64, "substitute": True, "accuracy": 0.9}


@pytest.mark.parametrize(
    "poorer",
    [
        own(),
        own(samples=300, sha256="3" * 64),
        own(**DIGITS),
        own(versions={"numpy": "2.0", "compiler": "clang 99"}),
        own(figures=(), stages={"estimate": "skipped: the part is unknown"}),
        own(stages={"estimate": "estimated", "open": "failed: Verilator was not found"}),
        own(
            figures=(RTL.model_copy(update={"samples": 300, "notes": ["300 samples"]}),), 
            stages={"open": "failed: Yosys ran out of memory"},
        ),
        own(figures=(YOSYS,), stages={"open": OPEN}),
        own(figures=(YOSYS.model_copy(update={"notes": ["x"], "source_file": "elsewhere"}), YOSYS_FC1)),
        own(accuracy=0.96 + 1e-9),
        own(figures=(ESTIMATE.model_copy(update={"tool_version": "0.2.0"}),)),
    ],
    ids=[
        "no tools", "fewer samples", "substitute data", "other versions", "no estimate", "a failed stage",
        "a shorter simulation", "fewer parts", "same values", "last digit", "same estimate of a newer version",
    ],
)  # fmt: skip
def test_a_poorer_or_equal_run_changes_nothing(poorer):
    assert joined(known(), poorer) == known()
    # nor does it matter that it was there first
    other = joined(poorer, known())
    assert (other.samples, other.gate, other.stages["open"]) == (known().samples, known().gate, OPEN)
    assert values(known()) <= values(other)


def values(found: BuildRecord) -> set[tuple]:
    return {(item.stage, item.tool, item.module, item.lut, item.samples) for item in found.figures}


@pytest.mark.parametrize(
    "better",
    [
        {"samples": 10_000, "sha256": MNIST_SHA256},
        {"samples": 20, "sha256": "2" * 64},
    ],
    ids=["more samples", "own data"],
)
def test_a_better_verification_takes_the_place(better):
    first = own(**DIGITS)
    found = joined(first, own(**better))
    assert found.samples.count == better["samples"] and not found.samples.substitute
    assert joined(first.model_copy(update={"figures": known().figures}), own(**better)).figures == known().figures


def test_a_verification_as_good_that_says_another_thing_takes_the_place():
    assert joined(known(), own(accuracy=0.97)).accuracy_csim == 0.97
    assert joined(known(), own(accuracy=0.97)).figures == known().figures


def test_results_of_other_versions_stand_beside_each_other():
    newer = [each.model_copy(update={"tool_version": "0.99", "lut": 1}) for each in (YOSYS, YOSYS_FC1)]
    found = joined(known(), own(figures=(*newer,), stages={"open": "folded RTL exact; 1 LUT"}))
    assert [item.tool_version for item in found.figures if item.stage == "open-synthesis"] == [
        "0.70", "0.99", "0.70", "0.99",
    ]  # fmt: skip
    assert found.stages["open"] == f"{OPEN}; folded RTL exact; 1 LUT"


def test_another_architecture_stands_beside():
    unrolled = YOSYS.model_copy(update={"architecture": "unrolled", "lut": 99})
    found = joined(known(), own(figures=(unrolled,)))
    assert YOSYS in found.figures and unrolled in found.figures


def test_a_tool_that_says_another_thing_of_the_same_design_is_believed_as_a_whole():
    newer = [each.model_copy(update={"lut": 7}) for each in (YOSYS, YOSYS_FC1)]
    found = joined(known(), own(figures=(RTL, *newer), stages={"open": "7 LUT"}))
    assert [item.lut for item in found.figures if item.stage == "open-synthesis"] == [7, 7]
    assert found.stages["open"] == "7 LUT"
    # but a shorter simulation of the same RTL is not, whatever it says
    short = RTL.model_copy(update={"samples": 300, "latency_max_cycles": 1})
    assert RTL in joined(known(), own(figures=(short,))).figures
    longer = RTL.model_copy(update={"samples": 20_000})
    assert longer in joined(known(), own(figures=(longer,))).figures


def test_a_run_here_takes_the_place_of_an_imported_one_and_not_the_other_way_round():
    here, there = (figure(source_file=f"build/small/synthesis-vitis/{name}/x.rpt") for name in ("a-1", "a-1-imported"))
    states = ({"vitis": "done: csynth by x 1"}, {"vitis": "done: csynth by x 1 (imported)"})
    mine, brought = (own(figures=(item,), stages=state) for item, state in zip((here, there), states, strict=True))
    assert joined(brought, mine) == mine == joined(mine, brought)


def test_an_estimate_is_the_newest_one():
    newer = ESTIMATE.model_copy(update={"lut": 41000, "tool_version": "0.2.0"})
    found = joined(known(), own(figures=(newer,)))
    assert newer in found.figures and ESTIMATE not in found.figures


@pytest.mark.parametrize(
    ("before", "now", "then"),
    [
        ("done: csynth by vitis-run 2024.1", "failed: cosim: licence (done: csynth by vitis-run 2024.1)",
         "done: csynth by vitis-run 2024.1"),
        ("failed: csynth: licence", "done: csynth by vitis-run 2024.1", "done: csynth by vitis-run 2024.1"),
        ("failed: csynth: licence", "failed: csynth: memory", "failed: csynth: memory"),
        ("done: csynth by vitis-run 2024.1", "done: csynth, export by vitis-run 2024.1",
         "done: csynth, export by vitis-run 2024.1"),
        ("done: csynth, export by vitis-run 2024.1", "done: csynth by vitis-run 2024.1",
         "done: csynth, export by vitis-run 2024.1"),
    ],
)  # fmt: skip
def test_a_failure_hides_nothing_that_was_done(before, now, then):
    earlier, newer = (own(figures=(figure(),), stages={"vitis": state}) for state in (before, now))
    assert joined(earlier, newer).stages == {"vitis": then}


def test_of_two_failures_the_one_that_gave_more_is_told():
    less, more = (
        own(figures=figures, stages={"vitis": state})
        for figures, state in (((), "failed: csynth: licence"), ((figure(),), "failed: cosim: licence"))
    )
    assert joined(less, more).stages == joined(more, less).stages == {"vitis": "failed: cosim: licence"}


def test_one_order_of_figures_whoever_came_first():
    csynth, cosim = figure(), figure("cosim")
    here, there = own(figures=(ESTIMATE, csynth)), known(figures=(YOSYS, YOSYS_FC1, RTL, cosim))
    assert joined(here, there).figures == joined(there, here).figures == ordered(
        [ESTIMATE, csynth, cosim, RTL, YOSYS, YOSYS_FC1]
    )  # fmt: skip


# A gate that failed


def failed(**options) -> BuildRecord:
    return own(passed=False, mismatches=12, **options)


def test_a_failure_on_more_samples_takes_the_place_of_a_pass():
    found = joined(own(samples=300, sha256="3" * 64), failed())
    assert not found.passed and not found.gate.passed and "**Gate: FAILED.**" in markdown(found)


@pytest.mark.parametrize("less", [{}, {"samples": 300, "sha256": "3" * 64}, DIGITS])
def test_a_failure_on_as_many_samples_or_fewer_is_added_and_never_presented_as_passed(less):
    found = joined(known(), failed(**less))
    assert found.gate.passed and found.samples == known().samples and found.figures == known().figures
    assert not found.passed
    assert "passed, but CONTRADICTED: on" in markdown(found) and "it failed, the C simulation differs" in markdown(
        found
    )
    assert not found.exact and known().exact and "exact:" not in exactness(found)
    assert BuildRecord.from_json(found.to_json(), "x") == found
    # a second such run says no more
    assert joined(found, failed(**less)) == found


def test_a_counterexample_is_answered_by_a_newer_run_on_its_samples_alone():
    found = joined(known(), failed(**DIGITS))
    assert not joined(found, own(samples=300, sha256="3" * 64)).passed
    assert not joined(found, own()).passed
    answered = joined(found, own(**DIGITS))
    assert answered.passed and answered == known()
    # a failed run of some samples of a set is answered by more of the same set
    assert joined(joined(known(), failed(samples=300, sha256="3" * 64)), own()).passed
    # and a pass on substitute data answers no failure on the model's own
    assert not joined(failed(), own(**DIGITS)).passed


@pytest.mark.parametrize("other", ["2", "4"])
def test_as_many_other_samples_answer_no_failure(other):
    found = joined(known(), failed(samples=300, sha256="3" * 64))
    assert not joined(found, own(samples=300, sha256=other * 64)).passed
    assert joined(found, own(samples=300, sha256="3" * 64)).passed


# Files


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "reports" / "small"


def publish(folder: Path, own_record: BuildRecord):
    found = publication(folder, own_record)
    found.carry_out()
    assert publication(folder, own_record).is_done
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_poorer_run_leaves_every_byte_and_is_told_so(folder):
    publish(folder, known())
    before = contents(folder)
    said = publish(folder, own(**DIGITS)).said
    assert contents(folder) == before and set(before) == {"build.json", "report.md"}
    assert said == (
        "reports/small keeps the verification on 10,000 samples of mnist and the figures of rtl-sim, open-synthesis",
    )
    assert publish(folder, known()).said == ()


@pytest.mark.parametrize(
    "other",
    [{"design": OTHER}, {"reference": "s" * 64}, {"gate": "bounded"}],
    ids=["design", "Keras model", "gate"],
)
def test_the_record_of_another_subject_goes_aside_and_comes_back(folder, other):
    publish(folder, known())
    shipped = contents(folder)
    publish(folder, own(**other, samples=300, sha256="3" * 64))
    (aside,) = (folder / "designs").iterdir()
    assert aside.read_bytes() == shipped["build.json"] and aside.name.startswith("dddddddddddd-")
    found = read_record(folder / "build.json")
    assert found.samples.count == 300
    # figures are of a design, whatever it was verified against
    assert found.figures == (own().figures if "design" in other else known().figures)
    publish(folder, own(**DIGITS))
    assert {name: text for name, text in contents(folder).items() if "designs" not in name} == shipped
    (aside,) = (folder / "designs").iterdir()
    assert read_record(aside).samples.count == 300


def test_a_failed_design_goes_aside_as_a_failed_one(folder):
    publish(folder, failed(design=OTHER))
    publish(folder, own())
    (aside,) = (folder / "designs").iterdir()
    assert not read_record(aside).passed
    assert read_record(folder / "build.json").passed


def test_a_record_of_an_unknown_design_is_kept_and_joined_with_nothing(folder):
    old = known().model_copy(update={"design": None, "reference": None})
    assert subject(old) is None
    folder.mkdir(parents=True)
    (folder / "build.json").write_text(old.to_json())
    publish(folder, own(**DIGITS))
    (aside,) = (folder / "designs").iterdir()
    assert aside.name.startswith("unknown-") and read_record(aside) == old
    assert read_record(folder / "build.json") == own(**DIGITS)


@pytest.mark.parametrize("content", [b'{"half', b'{"schema_version": 1}', b"<<<<<<< HEAD\n", b"\xff\xfe"])
def test_what_cannot_be_read_is_kept(folder, content):
    folder.mkdir(parents=True)
    (folder / "build.json").write_bytes(content)
    said = publish(folder, own())
    (aside,) = (folder / "designs").iterdir()
    assert aside.read_bytes() == content and "kept as designs/unreadable-" in said.warnings[0]
    assert read_record(folder / "build.json") == own()


@pytest.mark.parametrize("number", range(5))
def test_a_kill_between_two_files_loses_nothing(folder, monkeypatch, number):
    """The evidence is whole after a kill before the first, second, … file, and the next run ends what was begun."""
    publish(folder, own(design=OTHER))
    publish(folder, known())
    wanted = publication(folder, own(design=OTHER))
    with pytest.raises(KeyboardInterrupt):
        calls = 0

        def dies(real):
            def call(*words, **named):
                nonlocal calls
                if calls == number:
                    raise KeyboardInterrupt
                calls += 1
                return real(*words, **named)

            return call

        with monkeypatch.context() as patch:
            from hlsflow.records import evidence_files

            patch.setattr(evidence_files, "write_bytes", dies(evidence_files.write_bytes))
            patch.setattr(Path, "unlink", dies(Path.unlink))
            wanted.carry_out()
            raise KeyboardInterrupt
    publish(folder, known())
    assert read_record(folder / "build.json") == known()
    assert not publication(folder, known()).writes[0][0].name.startswith("unreadable")
    publish(folder, own(design=OTHER))
    assert read_record(folder / "build.json") == own(design=OTHER)


def test_a_report_that_is_not_of_its_record_is_written_again(folder):
    publish(folder, known())
    (folder / "report.md").write_text("of an older one")
    assert not publication(folder, known()).is_done


# Results of another configuration


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"clock_target_ns": 5.0}, "the csynth figures of Invented HLS are of a clock of 5 ns, the record of 10 ns"),
        ({"part": "xcvu9p-flga2104-2L-e"}, "are of part xcvu9p-flga2104-2L-e, the record of xc7z020clg400-1"),
        ({"part": "xc7z020clg400-3"}, "are of part xc7z020clg400-3"),
        ({"stage": "post-route", "clock_target_ns": 10.02}, "the post-route figures"),
        ({"stage": "cosim", "module": "fc1", "clock_target_ns": 5.0}, "the cosim figures"),
    ],
)
def test_a_vendors_figure_of_another_target_is_refused_wherever_a_record_is_read_or_written(tmp_path, wrong, words):
    mixed = own(figures=(ESTIMATE, figure(**wrong)))
    with pytest.raises(ReportError, match=words):
        mixed.to_json()
    path = tmp_path / "build.json"
    right = own(figures=(ESTIMATE, figure()))
    text = right.to_json()
    for key, value in wrong.items():
        before, _, after = text.rpartition(f'"{key}": ')
        text = f'{before}"{key}": {json.dumps(value)}{after[after.index(",") :]}'
    path.write_text(text)
    with pytest.raises(ReportError, match=words):
        read_record(path)


@pytest.mark.parametrize(
    "same",
    [
        {"part": "7z020clg400-1"}, {"part": "xc7z020-clg400-1"}, {"part": "XC7Z020-CLG400"}, {"part": None},
        {"clock_target_ns": None}, {"clock_target_ns": 10.005}, {"part": " "},
    ],
)  # fmt: skip
def test_other_spellings_of_the_same_target_are_no_other_target(same):
    found = own(figures=(figure(**same),))
    assert BuildRecord.from_json(found.to_json(), "x") == found


def test_an_open_tools_figure_may_be_of_another_device():
    found = own(figures=(YOSYS.model_copy(update={"part": "LFE5U-85F-6BG381C", "clock_target_ns": 10.0}),))
    assert BuildRecord.from_json(found.to_json(), "x") == found


def test_parts_spelled_differently_are_one_result():
    csynth = figure()
    other = figure(part="7z020clg400-1")
    assert joined(known(figures=(csynth,)), own(figures=(other,))).figures == [csynth]


def test_what_is_kept_is_said_and_nothing_else():
    assert kept(known(), known()) is None
    assert kept(known(), own()) == "the figures of rtl-sim, open-synthesis"
    assert kept(joined(known(), failed()), failed()) == "the figures of rtl-sim, open-synthesis"
    short = RTL.model_copy(update={"samples": 300})
    assert kept(known(), own(figures=(short, YOSYS, YOSYS_FC1))) == "the figures of analytic, rtl-sim"
