"""Synthesis elsewhere: pack, run.sh with stand-ins on a machine without our Python, import, and what is refused."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile

import pytest
from vendor_fixtures import MODEL, STAND_IN_VERSION, built, built_once, calls, install, installs, quiet, run_there

from hlsflow.__main__ import main
from hlsflow.foundation.archive import Entry, unpack, write_archive
from hlsflow.foundation.errors import ReportError, StorageError, UsageError
from hlsflow.packing.import_results import import_results
from hlsflow.packing.pack import run_script
from hlsflow.records.record import read_record
from hlsflow.vendor.command import VendorStage

__all__ = ["built", "built_once", "installs"]


def hlsflow(workspace, *words) -> int:
    return main([*words, "--workspace", str(workspace.root)])


@pytest.fixture
def packed(built, tmp_path):
    """The unpacked archive of one model, as it lies on the other machine."""
    archive = tmp_path / "there.tar.gz"
    assert hlsflow(built, "pack", MODEL, "--output", str(archive), "--stages", "csynth,cosim,vsynth") == 0
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path, filter="data")
    return tmp_path / "there"


def record(workspace):
    return read_record(workspace.reports / MODEL / "build.json")


def test_there_and_back(built, installs, packed, tmp_path, monkeypatch):
    done = run_there(packed, installs)
    assert done.returncode == 0, done.stdout + done.stderr
    assert calls(tmp_path) == ["csynth", "cosim", "vsynth"]
    monkeypatch.setenv("HLSFLOW_XILINX", str(tmp_path / "nothing"))
    assert hlsflow(built, "import", str(packed / "results.tar.gz")) == 0
    found = record(built)
    assert found.stages["vitis"].endswith("(imported)") and found.stages["vitis"].startswith(
        "done: csynth, cosim, vsynth"
    )
    whole = {figure.stage: figure for figure in found.figures if figure.module is None and figure.stage != "analytic"}
    assert set(whole) == {"csynth", "cosim", "logic-synthesis"}
    assert whole["csynth"].lut == 1234 and "160 integers" in whole["cosim"].notes[0]
    assert whole["csynth"].source_file.startswith(f"build/{MODEL}/synthesis-vitis/")
    assert "-imported/" in whole["csynth"].source_file
    # asked for again where no tool is, what came from elsewhere serves
    assert hlsflow(built, "build", "--model", MODEL, "--synth", "vitis", "--stages", "csynth,cosim,vsynth") == 0
    assert hlsflow(built, "build", "--model", MODEL, "--synth", "vitis", "--stages", "csynth,export") == 7
    assert record(built).figures == found.figures


def test_the_folder_itself_can_be_imported_twice(built, installs, packed):
    run_there(packed, installs, "--stages", "csynth")
    for _ in range(2):
        (imported,) = import_results(built, packed, quiet())
        assert (imported.name, list(imported.done), imported.failures) == (MODEL, ["csynth"], ())


def test_a_second_run_goes_on_where_the_first_ended(built, installs, packed, tmp_path):
    assert run_there(packed, installs, faults="cosim=oom-line").returncode == 7
    assert hlsflow(built, "import", str(packed / "results.tar.gz")) == 7
    found = record(built)
    assert found.stages["vitis"].startswith("failed: cosim: the system ended the tool because memory ran out")
    assert [figure.stage for figure in found.figures if figure.stage == "csynth"] == ["csynth"]
    assert run_there(packed, installs).returncode == 0
    assert calls(tmp_path) == ["csynth", "cosim", "cosim", "vsynth"]
    assert hlsflow(built, "import", str(packed / "results.tar.gz")) == 0
    assert record(built).stages["vitis"].startswith("done: csynth, cosim, vsynth")


def test_results_of_another_project_are_refused(built, installs, packed):
    run_there(packed, installs, "--stages", "csynth")
    before = record(built)
    assert hlsflow(built, "build", "--model", MODEL) == 0
    source = built.build / MODEL / "hls" / "firmware" / "parameters.h"
    text = source.read_text()
    try:
        source.write_text(text + "\n// changed\n")
        (imported,) = import_results(built, packed, quiet())
    finally:
        source.write_text(text)
    assert imported.done == () and "of another project" in str(imported.failures[0])
    assert "1 files differ, first firmware/parameters.h" in str(imported.failures[0])
    assert record(built) == before


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("firmware/defines.h", "the sources were changed where they were synthesized: 'firmware/defines.h'"),
        ("tb_data/tb_input_features.dat", "the samples of the test bench were changed"),
    ],
)
def test_sources_changed_on_the_other_machine_are_refused(built, installs, packed, path, words):
    run_there(packed, installs, "--stages", "csynth")
    (packed / "models" / MODEL / "project" / path).write_text("// hand-made\n")
    (imported,) = import_results(built, packed, quiet())
    assert words in str(imported.failures[0])


def test_a_report_cut_off_on_the_way_is_refused(built, installs, packed):
    run_there(packed, installs, "--stages", "csynth")
    for path in packed.glob("models/*/project/*_prj/solution1/syn/report/*csynth.xml"):
        path.write_text(path.read_text()[:900])
    (imported,) = import_results(built, packed, quiet())
    assert imported.done == () and isinstance(imported.failures[0], ReportError)
    assert not [figure for figure in record(built).figures if figure.stage == "csynth"]


def test_what_is_no_result_is_said(built, packed, tmp_path):
    (imported,) = import_results(built, packed, quiet())
    assert "no stage was run there" in str(imported.failures[0])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReportError, match=r"no manifest.json: it is no result of 'hlsflow pack'"):
        import_results(built, tmp_path / "empty", quiet())
    with pytest.raises(UsageError, match="no such archive"):
        import_results(built, tmp_path / "absent.tar.gz", quiet())
    manifest = packed / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"csynth"', '"cosim"', 1))
    with pytest.raises(ReportError, match="changed after it was written"):
        import_results(built, packed, quiet())


def test_run_sh_says_what_is_missing(installs, packed):
    done = run_there(packed, installs, path="/usr/bin:/bin")
    assert done.returncode == 7 and "vitis-run or vitis_hls was not found" in done.stderr
    assert run_there(packed, installs, "--stages", "csinth").returncode == 2
    assert run_there(packed, installs, "nobody").returncode == 2
    (packed / "models" / MODEL / "project" / "firmware" / "defines.h").write_text("")
    assert run_there(packed, installs).returncode == 9


def test_run_sh_in_other_shells_and_of_other_tools(installs, packed, tmp_path):
    if shutil.which("dash"):
        subprocess.run(["dash", "-n", str(packed / "run.sh")], check=True)
    subprocess.run(["bash", "-n", str(packed / "run.sh")], check=True)
    (installs / "Vitis" / STAND_IN_VERSION / "bin" / "vitis-run").unlink()
    assert run_there(packed, installs, "--stages", "csynth", "--jobs", "2").returncode == 0
    assert (tmp_path / "calls.txt").read_text().startswith("vitis_hls csynth -f build_prj.tcl")


def test_run_sh_finds_installed_tools_and_mixes_no_releases(installs, packed, tmp_path):
    (packed / "Xilinx").symlink_to(installs)
    (installs / "Vivado").rename(tmp_path / "later")
    install(installs, "Vivado", "2099.2", "vivado")
    done = run_there(packed, installs, path="/usr/bin:/bin")
    assert done.returncode == 7 and calls(tmp_path) == ["csynth", "cosim"]
    assert f"no vivado of the release of {packed}/Xilinx/Vitis/2099.1/bin/vitis-run" in done.stderr
    assert "vsynth: vivado of the release 2099.1, which C synthesis was done with, was not found" in done.stderr
    assert f"(there is 2099.2 {packed}/Xilinx/Vivado/2099.2/bin/vivado" in done.stderr
    shutil.rmtree(installs / "Vivado")
    (tmp_path / "later").rename(installs / "Vivado")
    done = run_there(packed, installs, path="/usr/bin:/bin")
    assert done.returncode == 0 and calls(tmp_path) == ["csynth", "cosim", "vsynth"]


SHELLS = [["dash"], ["bash"], ["busybox", "sh"]]


def tools_there(tmp_path, shell, programs, *, path=(), status=None, kind="vitis"):
    """What run.sh would take of stand-ins `PRODUCT/VERSION/NAME`: (HLS, vivado, what it says)."""
    folder = tmp_path / "pack"
    (folder / "models" / "m" / "runs").mkdir(parents=True, exist_ok=True)
    (folder / "models" / "m" / "target").write_text(f"tool={kind}\n")
    (folder / "run.sh").write_text(run_script([VendorStage.CSYNTH]))
    if status is not None:
        (folder / "models" / "m" / "runs" / "csynth.status").write_text(f"version={status}\n")
    root = tmp_path / "the installs"
    for program in programs:
        install(root, *program.split("/"))
    words = ":".join([*(f"{root}/{folder}/bin" for folder in path), "/usr/bin", "/bin"])
    done = subprocess.run(
        [*shell, "run.sh", "--tools"], cwd=folder, env={"PATH": words, "HLSFLOW_XILINX": f"{tmp_path}/none:{root}"},
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    hls, vivado = (line.removeprefix("m: ").replace(f"{root}/", "") for line in done.stdout.splitlines())
    return hls, vivado, done.stderr.replace(f"{root}/", "")


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    ("programs", "hls", "vivado", "said"),
    [
        # by version and not by the name of its folder
        (
            ["Vitis_HLS/2020.2/vitis_hls", "Vivado/2020.2/vivado", "Vitis/2023.1/vitis_hls", "Vivado/2023.1/vivado"],
            "Vitis/2023.1/bin/vitis_hls 2023.1", "Vivado/2023.1/bin/vivado 2023.1", "",
        ),
        (
            ["Vitis/2024.2/vitis-run", "Vivado/2024.2/vivado", "2025.1/Vitis/vitis-run", "2025.1/Vivado/vivado"],
            "2025.1/Vitis/bin/vitis-run 2025.1", "2025.1/Vivado/bin/vivado 2025.1", "",
        ),
        (
            ["Vitis/2024.10/vitis-run", "Vivado/2024.10/vivado", "Vitis/2024.9/vitis-run", "Vivado/2024.9/vivado"],
            "Vitis/2024.10/bin/vitis-run 2024.10", "Vivado/2024.10/bin/vivado 2024.10", "",
        ),
        (
            ["Vitis/2024.1/vitis_hls", "Vitis/2024.1/vitis-run", "Vivado/2024.1/vivado"],
            "Vitis/2024.1/bin/vitis-run 2024.1", "Vivado/2024.1/bin/vivado 2024.1", "",
        ),
        # the newest release that is complete
        (
            ["Vitis_HLS/2020.2/vitis_hls", "Vivado/2020.2/vivado", "Vivado/2023.1/vivado", "Vitis/2024.1/vitis-run"],
            "Vitis_HLS/2020.2/bin/vitis_hls 2020.2", "Vivado/2020.2/bin/vivado 2020.2",
            "Vitis/2024.1/bin/vitis-run has no vivado of its release: Vitis_HLS/2020.2/bin/vitis_hls is taken",
        ),
        # never two of two releases
        (
            ["Vitis_HLS/2020.2/vitis_hls", "Vivado/2023.1/vivado"],
            "Vitis_HLS/2020.2/bin/vitis_hls 2020.2", "not found", "no vivado of the release of Vitis_HLS/2020.2/bin",
        ),
        ([], "not found", "not found", ""),
    ],
)  # fmt: skip
def test_run_sh_takes_the_tools_of_the_newest_complete_release(tmp_path, shell, programs, hls, vivado, said):
    if shutil.which(shell[0]) is None:
        pytest.skip(f"needs {shell[0]}")
    found = tools_there(tmp_path, shell, programs)
    assert found[:2] == (hls, vivado) and said in found[2] and bool(said) == bool(found[2]), found


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_run_sh_goes_on_with_the_release_of_c_synthesis_and_believes_path(tmp_path, shell):
    if shutil.which(shell[0]) is None:
        pytest.skip(f"needs {shell[0]}")
    both = ["Vitis/2023.1/vitis_hls", "Vivado/2023.1/vivado", "Vitis/2024.1/vitis-run", "Vivado/2024.1/vivado"]
    old = ("Vitis/2023.1/bin/vitis_hls 2023.1", "Vivado/2023.1/bin/vivado 2023.1")
    assert tools_there(tmp_path, shell, both, path=["Vitis/2023.1"])[:2] == old
    assert tools_there(tmp_path, shell, both, status="2023.1.1")[:2] == old
    assert tools_there(tmp_path, shell, both, path=["Vitis/2024.1", "Vivado/2024.1"], status="2023.1")[:2] == old
    assert tools_there(tmp_path, shell, both, status="2022.2")[:2] == ("not found", "not found")
    # what a person put together is used, and said
    mixed = tools_there(tmp_path / "b", shell, [both[0], both[3]], path=["Vitis/2023.1", "Vivado/2024.1"])
    assert mixed[1] == "Vivado/2024.1/bin/vivado 2024.1" and "is not of the release 2023.1" in mixed[2]


def test_run_sh_searches_where_we_search():
    text = run_script([VendorStage.CSYNTH])
    assert "@" not in text.replace("._@+", "").replace('"$@"', "")
    assert "roots=${HLSFLOW_XILINX:-/opt/Xilinx:/tools/Xilinx:${HOME:-/}/Xilinx:/usr/local/Xilinx:" in text


def test_an_archive_is_the_same_each_time(built, tmp_path):
    paths = [tmp_path / f"{number}" / "a.tar.gz" for number in range(2)]
    for path in paths:
        assert hlsflow(built, "pack", MODEL, "--output", str(path)) == 0
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.slow
def test_many_models_travel_in_one_archive(built, installs, tmp_path):
    twin = "digits6_twin"
    shutil.copytree(built.models / MODEL, built.models / twin)
    shutil.copy(built.hls_configs / f"{MODEL}.yaml", built.hls_configs / f"{twin}.yaml")
    recipe = built.models / twin / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace(f"name: {MODEL}", f"name: {twin}", 1))
    try:
        assert hlsflow(built, "pack", MODEL, twin, "--output", str(tmp_path / "two.tar.gz")) == 0
        with tarfile.open(tmp_path / "two.tar.gz") as opened:
            opened.extractall(tmp_path, filter="data")
        assert run_there(tmp_path / "two", installs, "--jobs", "2").returncode == 0
        imported = import_results(built, tmp_path / "two" / "results.tar.gz", quiet())
        assert [(model.name, list(model.done)) for model in imported] == [(MODEL, ["csynth"]), (twin, ["csynth"])]
    finally:
        for folder in (built.models / twin, built.build / twin, built.reports / twin):
            shutil.rmtree(folder, ignore_errors=True)


def hostile(path, member, content=b"x"):
    with tarfile.open(path, "w:gz") as archive:
        if member.isfile():
            member.size = len(content)
        archive.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("../out.txt", tarfile.REGTYPE, "leads outside"),
        ("/etc/out.txt", tarfile.REGTYPE, "leads outside"),
        ("a/../../out.txt", tarfile.REGTYPE, "leads outside"),
        ("link", tarfile.SYMTYPE, "is a link or a device"),
        ("link", tarfile.LNKTYPE, "is a link or a device"),
        ("pipe", tarfile.FIFOTYPE, "is a link or a device"),
    ],
)
def test_hostile_archives_are_refused(tmp_path, name, kind, words):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "/etc/passwd"
    hostile(tmp_path / "bad.tar.gz", member)
    with pytest.raises(ReportError, match=words):
        unpack(tmp_path / "bad.tar.gz", tmp_path / "out")
    assert not (tmp_path / "out.txt").exists() and not list(tmp_path.glob("out/**/*"))


def test_bombs_and_torn_archives_are_refused(tmp_path):
    write_archive(tmp_path / "big.tar.gz", [Entry(name="zeros", content=bytes(5 << 20))])
    with pytest.raises(ReportError, match=r"more than 200,000 files and folders or 1,048,576 bytes: refused"):
        unpack(tmp_path / "big.tar.gz", tmp_path / "out", max_bytes=1 << 20)
    data = (tmp_path / "big.tar.gz").read_bytes()
    (tmp_path / "torn.tar.gz").write_bytes(data[: len(data) // 2])
    with pytest.raises(ReportError, match="cut off or no archive"):
        unpack(tmp_path / "torn.tar.gz", tmp_path / "out")
    (tmp_path / "text.tar.gz").write_text("not an archive")
    with pytest.raises(ReportError, match="cut off or no archive"):
        unpack(tmp_path / "text.tar.gz", tmp_path / "out")


def test_an_archive_that_cannot_be_written_is_a_storage_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        write_archive(tmp_path / "file" / "a.tar.gz", [Entry(name="a", content=b"")])


@pytest.mark.slow
def test_a_variant_is_shown_against_the_models_own_build_packed_and_imported(built, installs, tmp_path, capsys):
    """It compiles the variant."""
    name, config = f"{MODEL}@quick", built.hls_configs / f"{MODEL}.quick.yaml"
    config.write_text((built.hls_configs / f"{MODEL}.yaml").read_text().replace("percent: 12.5", "percent: 20"))
    try:
        assert hlsflow(built, "build", "--model", MODEL, "--config", config.name) == 0
        out = capsys.readouterr().out
        assert f"{name} against {MODEL} (of reports/{MODEL}/build.json):" in out
        assert (
            "target     clock_uncertainty_percent 12.5 -> 20" in out
            and ", as before" in out
            and "estimate   LUT" in out
        )
        report = (built.reports / name / "report.md").read_text()
        assert f"Made again by `python flows/build.py --model {MODEL} --config {config.name}`." in report
        there = tmp_path / "there"
        assert hlsflow(built, "pack", name, "--output", f"{there}.tar.gz") == 0
        with tarfile.open(f"{there}.tar.gz") as opened:
            opened.extractall(tmp_path, filter="data")
        assert run_there(there, installs).returncode == 0
        (imported,) = import_results(built, there, quiet())
        assert (imported.name, list(imported.done), imported.failures) == (name, ["csynth"], ())
        assert any(f.stage == "csynth" for f in read_record(built.reports / name / "build.json").figures)
        # By its configuration it is the same archive; one that lies elsewhere could not come back.
        assert hlsflow(built, "pack", MODEL, "--config", config.name, "--output", f"{there}2.tar.gz") == 0
        elsewhere = tmp_path / f"{MODEL}.quick.yaml"
        shutil.copy(config, elsewhere)
        capsys.readouterr()
        assert hlsflow(built, "pack", MODEL, "--config", str(elsewhere), "--output", f"{there}3.tar.gz") == 2
        assert "is not in hls_configs/" in capsys.readouterr().err
    finally:
        config.unlink()
        for folder in (built.build / name, built.reports / name):
            shutil.rmtree(folder, ignore_errors=True)


def test_a_variant_that_nothing_says_how_to_make(built_once, capsys):
    assert hlsflow(built_once, "pack", f"{MODEL}@nowhere") == 2
    said = capsys.readouterr().err
    assert f"no record of '{MODEL}@nowhere' says how it is made" in said and "--config FILE" in said
    assert hlsflow(built_once, "pack", "digit@nowhere") == 2
    assert f"did you mean '{MODEL}'" in capsys.readouterr().err
    assert hlsflow(built_once, "build", "--model", MODEL, "--config", "nowhere.yaml") == 2
    assert "--config nowhere.yaml: no such file" in capsys.readouterr().err
