"""What is yet to be done in a synthesis folder, and the manifest of a pack: what was changed is refused."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from test_vendor_result import RESULT

from hlsflow.foundation.errors import ReportError
from hlsflow.packing.pack import Manifest, PackedModel, read_manifest
from hlsflow.vendor.command import VendorStage
from hlsflow.vendor.project import Bench
from hlsflow.vendor.result import save_result
from hlsflow.vendor.work import make_work, options_of, work_folder, works

DESIGN = "d" * 64
CSYNTH, COSIM, VSYNTH = VendorStage.CSYNTH, VendorStage.COSIM, VendorStage.VSYNTH
BENCH = Bench(inputs=np.array([[0.5, 0.25]]), expected=np.array([[1.0]]))


@pytest.fixture
def work(tmp_path):
    folder = work_folder(tmp_path / "synthesis-vitis", DESIGN, "2024.1")
    folder.mkdir(parents=True)
    return make_work(folder, DESIGN, "top", "small")


def done(work, *stages, bench=BENCH) -> None:
    """Results of stages, and the RTL that all but the first start from."""
    for stage in stages:
        digest = hashlib.sha256(bench.text.encode()).hexdigest() if stage is COSIM else None
        save_result(work.folder, RESULT.model_copy(update={"stage": stage, "bench": digest}))
    rtl = work.project / "top_prj" / "solution1" / "syn" / "verilog" / "top.v"
    rtl.parent.mkdir(parents=True, exist_ok=True)
    rtl.write_text("module top; endmodule\n")


def test_what_is_through_is_not_done_again(work):
    assert work.missing((CSYNTH, COSIM), BENCH) == [CSYNTH, COSIM]
    done(work, CSYNTH)
    assert list(work.finished()) == [CSYNTH]
    assert work.missing((CSYNTH, COSIM), BENCH) == [COSIM]
    done(work, COSIM)
    assert work.missing((CSYNTH, COSIM), BENCH) == []


def test_a_result_of_another_design_counts_for_nothing(work):
    done(work, CSYNTH)
    other = make_work(work.folder, "e" * 64, "top", "small")
    assert other.finished() == {} and other.missing((CSYNTH,), None) == [CSYNTH]


def test_a_co_simulation_of_other_samples_is_done_again(work):
    done(work, CSYNTH, COSIM)
    other = Bench(inputs=np.array([[0.5, 0.125]]), expected=BENCH.expected)
    assert work.missing((CSYNTH, COSIM), other) == [COSIM]
    assert work.missing((CSYNTH, COSIM), None) == [COSIM]
    # Other samples are nothing to those who did not ask for a co-simulation.
    assert work.missing((CSYNTH,), other) == []


def test_without_the_rtl_c_synthesis_goes_first_again(work):
    done(work, CSYNTH)
    (work.project / "top_prj/solution1/syn/verilog/top.v").unlink()
    assert work.missing((CSYNTH, VSYNTH), None) == [CSYNTH, VSYNTH]
    # Nothing that starts from it is asked for.
    assert work.missing((CSYNTH,), None) == []


def test_folders_tell_designs_versions_and_origins_apart(tmp_path):
    base = tmp_path / "synthesis-vitis"
    assert work_folder(base, DESIGN, "2024.1") == base / "dddddddddddd-2024.1"
    assert work_folder(base, DESIGN, None) == base / "dddddddddddd-unknown"
    assert work_folder(base, DESIGN, "2024.1", imported=True) == base / "dddddddddddd-2024.1-imported"


def test_the_newest_tool_comes_first(tmp_path):
    base = tmp_path / "synthesis-vitis"
    for version, imported in (("2023.2", False), ("2024.10", True), ("2024.2", False), (None, False)):
        work_folder(base, DESIGN, version, imported=imported).mkdir(parents=True)
    work_folder(base, "e" * 64, "2025.1").mkdir()
    (base / "dddddddddddd-2026.1").write_text("a file, no folder")
    found = works(base, DESIGN, "top", "small")
    assert [item.folder.name.removeprefix("dddddddddddd-") for item in found] == [
        "2024.10-imported", "2024.2", "2023.2", "unknown"
    ]  # fmt: skip
    assert found[1].shown == "build/small/synthesis-vitis/dddddddddddd-2024.2/project"


def test_the_stages_of_a_request_are_those_that_it_names():
    assert options_of({}) == (CSYNTH,) == options_of({"stages": []})
    assert options_of({"stages": ["csynth", "vsynth"]}) == (CSYNTH, VSYNTH)


# --- the manifest of a pack


MODEL = PackedModel(
    name="small", model="small", changes={}, samples=100, cosim_samples=10, tool="vitis", top="hlsflow_0123456789ab",
    part="xc7z020clg400-1", clock_period_ns=5.0, design=DESIGN, bench="b" * 64, files={"firmware/a.cpp": "c" * 64},
)  # fmt: skip


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "manifest.json"
    path.write_text(Manifest.of(["csynth"], [MODEL]).model_dump_json())
    return path


def test_a_manifest_comes_back_as_it_was_written(manifest):
    found = read_manifest(manifest)
    assert found.models == [MODEL] and found.stages == ["csynth"]


@pytest.mark.parametrize(
    ("key", "value"),
    [("part", "xc7z045ffg900-2"), ("clock_period_ns", 10.0), ("design", "e" * 64), ("bench", "e" * 64),
     ("samples", 7), ("cosim_samples", 7), ("top", "other"), ("tool", "vivado"), ("files", {})],
)  # fmt: skip
def test_a_value_that_was_changed_since_is_noticed(manifest, key, value):
    said = json.loads(manifest.read_text())
    said["models"][0][key] = value
    manifest.write_text(json.dumps(said))
    with pytest.raises(ReportError, match="it was changed after it was written"):
        read_manifest(manifest)


@pytest.mark.parametrize(
    ("key", "value"),
    [("name", "../small"), ("name", ".small"), ("name", "a/b"), ("model", "../small"), ("tool", "/../../escaped"),
     ("top", "top; rm"), ("part", "xc7z020/../.."), ("files", {"../../etc/passwd": "c" * 64}),
     ("files", {"/etc/passwd": "c" * 64}), ("clock_period_ns", "5"), ("design", "d" * 63), ("samples", 0), ("more", 1)],
)  # fmt: skip
def test_a_text_that_is_no_plain_name_is_refused_whatever_the_digest_says(manifest, key, value):
    said = json.loads(manifest.read_text())
    said["models"][0][key] = value
    manifest.write_text(json.dumps(said))
    with pytest.raises(ReportError):
        read_manifest(manifest)


def test_stages_that_were_added_another_schema_and_a_model_named_twice_are_refused(manifest):
    said = json.loads(manifest.read_text())
    for changes, words in (
        ({"stages": ["csynth", "cosim"]}, "it was changed after it was written"),
        ({"schema_version": said["schema_version"] + 1}, "or is of another version of hlsflow"),
        ({"models": said["models"] * 2}, "names one model twice"),
        ({"stages": ["rm"]}, "damaged, or of another version of hlsflow"),
    ):
        manifest.write_text(json.dumps({**said, **changes}))
        with pytest.raises(ReportError, match=words):
            read_manifest(manifest)


def test_no_manifest_and_a_torn_one_are_said(manifest):
    manifest.write_bytes(manifest.read_bytes()[:-30])
    with pytest.raises(ReportError, match="damaged"):
        read_manifest(manifest)
    manifest.unlink()
    with pytest.raises(ReportError, match="it is no result of 'hlsflow pack'"):
        read_manifest(manifest)
