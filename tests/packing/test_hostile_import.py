"""`hlsflow import` of an archive that somebody prepared: nothing outside of the workspace is touched, and it is said.

The attacker knows the format: the manifest's digest and run.sh's sums are computed anew, where the attack needs it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from vendor_fixtures import MODEL, STAND_IN_VERSION, built, built_once, install, installs, quiet, top_of

from hlsflow.__main__ import main
from hlsflow.foundation.steps import digest
from hlsflow.hls.project import read_project
from hlsflow.packing.import_results import import_results
from hlsflow.records.record import read_record
from hlsflow.vendor.run_results import NOTE

__all__ = ["built", "built_once", "installs"]


@pytest.fixture(scope="module")
def honest(built_once, tmp_path_factory):
    """A packed model as it lies on the other machine, before anything was run there."""
    folder = tmp_path_factory.mktemp("honest")
    archive = folder / "there.tar.gz"
    assert main(["pack", MODEL, "--output", str(archive), "--workspace", str(built_once.root)]) == 0
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return folder / "there"


@pytest.fixture(scope="module")
def ran(honest, tmp_path_factory):
    """The same after stand-ins synthesized it."""
    folder = tmp_path_factory.mktemp("ran")
    install(folder / "Xilinx", "Vitis", STAND_IN_VERSION, "vitis-run", "v++", "vitis_hls")
    install(folder / "Xilinx", "Vivado", STAND_IN_VERSION, "vivado")
    shutil.copytree(honest, folder / "there")
    done = run_there(folder / "there", folder / "Xilinx")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "there"


@pytest.fixture
def packed(ran, installs, built, tmp_path):
    """A copy for each attack."""
    shutil.copytree(ran, tmp_path / "there")
    return tmp_path / "there"


def run_there(folder, installs, *words):
    """run.sh as the other machine runs it: a bare shell and AMD's tools, which are stand-ins."""
    bins = f"{installs}/Vitis/{STAND_IN_VERSION}/bin:{installs}/Vivado/{STAND_IN_VERSION}/bin:/usr/bin:/bin"
    return subprocess.run(
        ["sh", "run.sh", "--stages", "csynth,cosim,vsynth", *words], cwd=folder, capture_output=True, text=True,
        env={"PATH": bins, "HOME": str(folder)}, timeout=60,
    )  # fmt: skip


def model_folder(packed) -> Path:
    return packed / "models" / MODEL


def summed_anew(packed, stage="csynth") -> None:
    """The sums of what is there now, as whoever changes a report can write them too."""
    folder = model_folder(packed)
    path = folder / "runs" / f"{stage}.sums"
    lines = path.read_text().splitlines()
    names = [line.split("  ", 1)[1] for line in lines[1:]]
    sums = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}" for name in names]
    path.write_text("\n".join([lines[0], *sums]) + "\n")


def with_status(packed, stage="csynth", **changes) -> None:
    path = model_folder(packed) / "runs" / f"{stage}.status"
    said = dict(line.split("=", 1) for line in path.read_text().splitlines())
    path.write_text("".join(f"{key}={value}\n" for key, value in (said | changes).items()))
    summed_anew(packed, stage)


def with_manifest(packed, change) -> None:
    path = packed / "manifest.json"
    said = json.loads(path.read_text())
    change(said)
    said["digest"] = digest({"stages": said["stages"], "models": said["models"]})
    path.write_text(json.dumps(said))


def import_(workspace, path, capsys) -> tuple[int, str]:
    """(exit code, standard error) of the command; no traceback whatever happens."""
    capsys.readouterr()
    code = main(["import", str(path), "--workspace", str(workspace.root)])
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return code, said


def refused(workspace, path, capsys) -> str:
    """The one error of an import that must take nothing: the record and the results are what they were."""
    record = workspace.reports / MODEL / "build.json"
    before = record.read_bytes()
    code, said = import_(workspace, path, capsys)
    assert code == 9 and said.count("error:") == 1 and len(said) < 1500
    assert record.read_bytes() == before
    assert not list(workspace.build.glob(f"{MODEL}/synthesis-*/*")) and not list(workspace.build.rglob(".import.*"))
    return said


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def figures(workspace) -> list:
    return [
        figure for figure in read_record(workspace.reports / MODEL / "build.json").figures if figure.stage != "analytic"
    ]


def test_what_run_sh_left_is_taken_and_said_to_be_unsigned(built, packed, capsys):
    assert import_(built, packed / "results.tar.gz", capsys)[0] == 0
    whole = [figure for figure in figures(built) if figure.module is None]
    assert [figure.stage for figure in whole] == ["csynth", "cosim", "logic-synthesis"]
    assert all(NOTE in figure.notes for figure in whole)
    assert NOTE == "imported: checksums agree; not signed"
    # the report names the design by its top, which carries the digest
    assert {read_project(built.build / MODEL / "hls").top} == {top_of(built)}
    assert not list(built.build.rglob(".import.*"))


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_a_version_that_is_a_path_removes_nothing(built, installs, packed, tmp_path, capsys, form):
    """REVIEW 4.2: the status said `version=x/../../…`, which was given to rmtree, with every `.*.partial` beside it."""
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "precious-imported").mkdir(parents=True)
    (elsewhere / "precious-imported" / "thesis.tex").write_text("ten years")
    (elsewhere / ".thing.partial").mkdir()
    (elsewhere / ".thing.partial" / "data").write_text("mine")
    before = snapshot(elsewhere)
    base = built.build / MODEL / "synthesis-vitis"
    up = os.path.relpath(elsewhere / "precious", base)
    with_status(packed, version=f"x/../{up}")
    path = packed
    if form == "archive":
        path = tmp_path / "again.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            archive.add(packed / "manifest.json", "manifest.json")
            archive.add(packed / "models", "models")
    said = refused(built, path, capsys)
    assert "runs/csynth.status: version: 'x/../" in said and "is no version" in said
    assert snapshot(elsewhere) == before


@pytest.mark.parametrize(
    "version", ["../../x", "2024.1/../../../x", "/etc", "2024.1\x1b[31m", "a" * 5000, "2024.1 --evil", "..", "٢٠٢٤.١"]
)
def test_other_versions_that_are_none(built, packed, capsys, version):
    with_status(packed, version=version)
    code, said = import_(built, packed, capsys)
    assert code == 9 and "is no version such as 2024.1" in said and len(said) < 600
    assert "\x1b" not in said


HOSTILE = {
    "tool": (
        lambda model: model.update(tool="/../../../../escaped"),
        "models.0.tool: Input should be 'vitis' or 'vivado'",
    ),
    "unknown tool": (lambda model: model.update(tool="quartus"), "models.0.tool: Input should be 'vitis' or 'vivado'"),
    "name": (lambda model: model.update(name="../../escaped"), "manifest.json: name: '../../escaped' is no plain name"),
    "absolute name": (
        lambda model: model.update(name="/tmp/escaped"),
        "manifest.json: name: '/tmp/escaped' is no plain",
    ),
    "another name": (lambda model: model.update(name="other"), "other: what is said of it makes another build"),
    "model": (lambda model: model.update(model="../qap8"), "models.0.model: String should match pattern"),
    "unknown model": (lambda model: model.update(model="nobody"), "no model 'nobody'"),
    "top": (lambda model: model.update(top="x/../../escaped"), "models.0.top: String should match pattern"),
    "another top": (lambda model: model.update(top="hlsflow_000000000000"), "another tool, top, part or clock"),
    "part": (lambda model: model.update(part="../x"), "models.0.part: String should match pattern"),
    "another clock": (lambda model: model.update(clock_period_ns=5.0), "another tool, top, part or clock"),
    "changes": (lambda model: model.update(changes={"layers": {"../../x": {}}}), "models.0.changes.layers"),
    "a change that is a path": (
        lambda model: model.update(changes={"part": "../../../x"}),
        "part: '../../../x' is not",
    ),
    "a configuration elsewhere": (
        lambda model: model.update(config="../../x.yaml"),
        "manifest.json: config: '../../x.yaml' is no plain name",
    ),
    "a configuration that is not here": (lambda model: model.update(config="x.yaml"), "no HLS configuration at"),
    "a structure as a change": (lambda model: model.update(changes={"part": ["x"]}), "models.0.changes.part"),
    "design": (lambda model: model.update(design="../../x"), "models.0.design: String should match pattern"),
    "files": (
        lambda model: model["files"].update({"../../x": "0" * 64}),
        "manifest.json: files: '../../x' leads outside",
    ),
    "samples": (lambda model: model.update(samples=-1), "models.0.samples"),
    "an infinite clock": (lambda model: model.update(clock_period_ns=float("inf")), "models.0.clock_period_ns"),
    "control characters": (lambda model: model.update(name="a\x1b[31m"), r"name: 'a\x1b[31m' is no plain name"),
    "a name of megabytes": (lambda model: model.update(name="a" * 10**6), "is no plain name"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_manifest_that_names_other_places_is_refused(built, packed, tmp_path, capsys, what):
    change, words = HOSTILE[what]
    with_manifest(packed, lambda said: change(said["models"][0]))
    before = {str(path) for path in [*built.root.rglob("*"), *tmp_path.rglob("*")]}
    code, said = import_(built, packed, capsys)
    assert code != 0 and words in said and said.count("error:") == 1, said
    assert len(said) < 1500 and "\x1b" not in said
    after = {str(path) for path in [*built.root.rglob("*"), *tmp_path.rglob("*")]}
    assert {path for path in after - before if not path.endswith((".lock", "synthesis-vitis"))} == set()
    assert not before - after


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{}", "", "nul\0l", '{"schema_version": 1e999}', "[]", '"' + "a" * 10**6, "\udcff"]
)
def test_a_manifest_that_is_none(built, packed, capsys, text):
    (packed / "manifest.json").write_text(text, errors="surrogateescape")
    code, said = import_(built, packed, capsys)
    assert code == 9 and said.count("error:") == 1 and len(said) < 600


def test_a_model_that_stands_twice_is_refused(built, packed, capsys):
    with_manifest(packed, lambda said: said["models"].append(said["models"][0]))
    code, said = import_(built, packed, capsys)
    assert code == 9 and "names one model twice" in said


@pytest.mark.parametrize("kind", ["pipe", "zero"])
@pytest.mark.parametrize("name", ["manifest.json", f"models/{MODEL}/runs/csynth.sums"])
def test_a_pipe_or_a_device_in_a_folder_does_not_hang(built, packed, capsys, name, kind):
    (packed / name).unlink()
    os.mkfifo(packed / name) if kind == "pipe" else (packed / name).symlink_to("/dev/zero")
    refused(built, packed, capsys)


def test_a_status_that_is_a_pipe_is_none(built, packed, capsys):
    path = model_folder(packed) / "runs" / "csynth.status"
    path.unlink()
    os.mkfifo(path)
    assert import_(built, packed, capsys)[0] == 0
    assert "csynth" not in {figure.stage for figure in figures(built)}


def test_links_in_a_folder_lead_nowhere(built, packed, tmp_path, capsys):
    secret = tmp_path / "secret.rpt"
    secret.write_text("secret")
    report = next(model_folder(packed).glob("project/*_prj/solution1/syn/report/csynth.xml"))
    report.unlink()
    report.symlink_to(secret)
    code, said = import_(built, packed, capsys)
    assert code == 9 and "csynth.xml was changed after the run" in said
    assert not [path for path in built.build.rglob("*") if path.is_file() and path.read_bytes() == b"secret"]
    shutil.rmtree(packed / "models")
    (packed / "models").symlink_to("/")
    assert import_(built, packed, capsys)[0] == 9


def report_of(packed, name="csynth.xml") -> Path:
    return next(model_folder(packed).glob(f"project/**/report/{name}"))


def test_a_report_edited_after_the_run_is_refused(built, packed, capsys):
    """REVIEW 4.2: LUT 1234 edited to 7 was taken."""
    path = report_of(packed)
    assert "<LUT>1234</LUT>" in path.read_text()
    path.write_text(path.read_text().replace("<LUT>1234</LUT>", "<LUT>7</LUT>"))
    said = refused(built, packed, capsys)
    assert "csynth.xml was changed after the run" in said


@pytest.mark.parametrize(
    "pattern",
    ["runs/csynth.status", "runs/csynth.log", "runs/cosim.log", "runs/vsynth.status", "project/vivado_synth.rpt",
     "project/**/*_cosim.rpt", "project/tb_data/rtl_cosim_results.log"],
)  # fmt: skip
def test_every_file_that_a_figure_comes_from_is_summed(built, packed, capsys, pattern):
    (path,) = model_folder(packed).glob(pattern)
    path.write_text(path.read_text() + "\n")
    said = refused(built, packed, capsys)
    assert "was changed after the run" in said


def test_a_report_that_was_added_is_refused(built, packed, capsys):
    report_of(packed).with_name("other_csynth.xml").write_text(report_of(packed).read_text())
    code, said = import_(built, packed, capsys)
    assert code == 9 and "other_csynth.xml was not there when the stage ended" in said


def test_a_report_that_was_removed_is_refused(built, packed, capsys):
    report_of(packed).unlink()
    code, said = import_(built, packed, capsys)
    assert code == 9 and "was changed after the run" in said


@pytest.mark.parametrize("text", [None, "", "design=x\n", "no sum\n"])
def test_results_without_their_sums_are_refused(built, packed, capsys, text):
    path = model_folder(packed) / "runs" / "csynth.sums"
    path.unlink() if text is None else path.write_text(text)
    said = refused(built, packed, capsys)
    assert "runs/csynth.sums" in said


def test_a_sum_of_a_file_elsewhere_is_refused(built, packed, capsys):
    path = model_folder(packed) / "runs" / "csynth.sums"
    path.write_text(path.read_text() + f"{'0' * 64}  ../../../../etc/passwd\n")
    code, said = import_(built, packed, capsys)
    assert code == 9 and "leads outside of its folder" in said


def test_a_report_of_another_top_is_refused_whatever_its_sums(built, packed, capsys):
    """Reports of another design with sums to match: their top carries another digest."""
    for name in ("csynth.xml", f"{top_of(built)}_csynth.xml"):
        path = report_of(packed, name)
        path.write_text(path.read_text().replace(top_of(built), "hlsflow_0123456789ab"))
    summed_anew(packed)
    code, said = import_(built, packed, capsys)
    assert code == 9 and "the report is of 'hlsflow_0123456789ab', not of this design's top" in said
    assert not [figure for figure in figures(built) if figure.stage == "csynth"]


@pytest.mark.parametrize("name", ["myproject", "other"])
def test_reports_that_carry_no_digest_are_refused(built, packed, capsys, name):
    for report in (report_of(packed), report_of(packed, f"{top_of(built)}_csynth.xml")):
        report.write_text(report.read_text().replace(top_of(built), name))
    summed_anew(packed)
    assert import_(built, packed, capsys)[0] == 9


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("status", "its status says '2018.1', its log says '2099.1', its report says '2099.1'"),
        ("log", "its status says '2099.1', its log says '2018.1', its report says '2099.1'"),
        ("report", "its status says '2099.1', its log says '2099.1', its report says '2018.1'"),
    ],
)
def test_status_log_and_report_must_name_one_version(built, packed, capsys, where, words):
    if where == "status":
        with_status(packed, version="2018.1")
    elif where == "log":
        path = model_folder(packed) / "runs" / "csynth.log"
        path.write_text(path.read_text().replace("v2099.1", "v2018.1"))
    else:
        for name in ("csynth.xml", f"{top_of(built)}_csynth.xml"):
            path = report_of(packed, name)
            path.write_text(path.read_text().replace("2099.1", "2018.1"))
    summed_anew(packed)
    code, said = import_(built, packed, capsys)
    assert code == 9 and f"csynth: not of one run: {words}" in said
    assert not [figure for figure in figures(built) if figure.stage == "csynth"]


@pytest.mark.parametrize("tool", ["<script>alert(1)</script>", "vivado", "../x", "vitis_hls\x1b", "", "gcc"])
def test_a_tool_that_runs_no_such_stage_is_refused(built, packed, capsys, tool):
    with_status(packed, tool=tool)
    code, said = import_(built, packed, capsys)
    assert code == 9 and "runs/csynth.status: tool=" in said and "\x1b" not in said


def test_results_of_another_configuration_are_refused_before_anything_is_written(built, packed, capsys):
    """Pack, edit the clock, import without building again: rows of one clock must not join the record of another."""
    path = built.hls_configs / f"{MODEL}.yaml"
    text = path.read_text()
    try:
        path.write_text(text.replace("clock_period_ns: 10", "clock_period_ns: 5"))
        assert path.read_text() != text
        said = refused(built, packed, capsys)
    finally:
        path.write_text(text)
    assert "of another model or configuration than those are now" in said


def test_a_stage_that_an_import_does_not_bring_stays(built, installs, honest, packed, tmp_path, capsys):
    assert import_(built, packed, capsys)[0] == 0
    poorer = tmp_path / "poorer"
    shutil.copytree(honest, poorer)
    assert run_there(poorer, installs, "--stages", "csynth").returncode == 0
    assert import_(built, poorer, capsys)[0] == 0
    whole = [figure for figure in figures(built) if figure.module is None]
    assert [figure.stage for figure in whole] == ["csynth", "cosim", "logic-synthesis"]
    for figure in whole:
        assert (built.root / figure.source_file).is_file(), figure.source_file


def test_what_an_import_that_was_killed_left_is_removed_and_nothing_else(built, packed, capsys):
    base = built.build / MODEL / "synthesis-vitis"
    ours, theirs = base / ".import.999999999.abc_1.partial", base / ".thing.partial"
    for folder in (ours, theirs):
        folder.mkdir(parents=True)
        (folder / "x").write_text("x")
    assert import_(built, packed, capsys)[0] == 0
    assert not ours.exists() and (theirs / "x").read_text() == "x"


def test_sums_are_not_made_anew_for_what_somebody_changed(honest, installs, built, tmp_path, capsys):
    """run.sh sums the earlier stages again, since a tool may write their reports again; not after a change by hand."""
    there = tmp_path / "there"
    shutil.copytree(honest, there)
    assert run_there(there, installs, "--stages", "csynth").returncode == 0
    path = report_of(there)
    path.write_text(path.read_text().replace("<LUT>1234</LUT>", "<LUT>7</LUT>"))
    assert run_there(there, installs, "--stages", "csynth,cosim").returncode == 0
    code, said = import_(built, there, capsys)
    assert code == 9 and "csynth.xml was changed after the run" in said


@pytest.mark.parametrize("present", ["sha256sum", "shasum", "openssl", None])
def test_run_sh_takes_whatever_computes_sha256(honest, installs, tmp_path, present):
    """On a machine with but one of them, or with none."""
    there, bins = tmp_path / "there", tmp_path / "bin"
    shutil.copytree(honest, there)
    bins.mkdir()
    words = "sh dirname basename sed grep tr cut sort find tar gzip date mkdir rm mv ls head tail cat env"
    for name in words.split():
        found = shutil.which(name)
        assert found is not None, name
        (bins / name).symlink_to(found)
    if present is not None:
        found = shutil.which(present)
        if found is None:
            pytest.skip(f"no {present} on this machine")
        (bins / present).symlink_to(found)
    path = f"{installs}/Vitis/{STAND_IN_VERSION}/bin:{bins}"
    done = subprocess.run(
        [str(bins / "sh"), "run.sh", "--stages", "csynth"], cwd=there, capture_output=True, text=True, timeout=60,
        env={"PATH": path, "HOME": str(there), "STAND_IN_CALLS": os.environ["STAND_IN_CALLS"]},
    )  # fmt: skip
    if present is None:
        assert done.returncode == 7 and "neither sha256sum, shasum nor openssl" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    lines = (there / "models" / MODEL / "runs" / "csynth.sums").read_text().splitlines()
    assert len(lines) == 5
    for line in lines[1:]:
        sum_, _, name = line.partition("  ")
        assert hashlib.sha256((there / "models" / MODEL / name).read_bytes()).hexdigest() == sum_


def test_the_pack_says_what_its_sums_prove(honest):
    text = (honest / "README.txt").read_text()
    assert "It is a checksum: nobody signed it" in text and "proved" not in text


def test_a_report_with_an_endless_number_is_one_error(built, packed, capsys):
    for name in ("csynth.xml", f"{top_of(built)}_csynth.xml"):
        path = report_of(packed, name)
        path.write_text(path.read_text().replace("<LUT>1234</LUT>", f"<LUT>{'9' * 9000}</LUT>"))
    summed_anew(packed)
    code, said = import_(built, packed, capsys)
    assert code == 9 and len(said) < 1500


def test_import_results_names_no_temporary_folder(built, packed):
    report_of(packed).write_text("<profile>")
    (imported,) = import_results(built, packed, quiet())
    assert ".partial" not in str(imported.failures[0])
