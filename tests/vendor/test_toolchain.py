"""Where AMD's tools are looked for, which one is preferred, and how each is told what to do."""

from __future__ import annotations

import json
import time

import pytest
from vendor_fixtures import STAND_IN_VERSION, install, installs

from hlsflow.__main__ import main
from hlsflow.foundation.errors import ToolError, UsageError
from hlsflow.processes.machine import read_machine
from hlsflow.vendor.command import VendorStage, parse_stages, replay_script, stage_command
from hlsflow.vendor.toolchain import Tool, environment, find_tools, release, version_key

__all__ = ["installs"]


def test_an_install_folder_is_searched_and_its_path_tells_the_version(tmp_path):
    install(tmp_path, "Vitis", "2023.2", "vitis_hls")
    install(tmp_path, "Vitis", "2024.1", "vitis-run", "vitis_hls")
    # since 2025.1 the version stands first
    install(tmp_path, "2025.1", "Vitis", "vitis-run")
    found = find_tools({"PATH": "", "HLSFLOW_XILINX": str(tmp_path)})
    assert [(tool.name, tool.version) for tool in found.tools] == [
        ("vitis-run", "2025.1"), ("vitis-run", "2024.1"), ("vitis_hls", "2024.1"), ("vitis_hls", "2023.2"),
    ]  # fmt: skip
    assert found.hls("vitis").version == "2025.1"
    assert found.named("vitis_hls", "2023.2").version == "2023.2"
    assert found.hls("vivado") is None and found.state("vivado") == "skipped: vivado_hls not found"
    assert found.state("vitis") is None


@pytest.mark.parametrize("variable", ["XILINX_VITIS", "HLSFLOW_SETTINGS", "PATH"])
def test_variables_and_path_are_searched(tmp_path, variable):
    folder = install(tmp_path, "Vitis", "2024.1", "vitis-run")
    value = {
        "XILINX_VITIS": folder.parent,
        "HLSFLOW_SETTINGS": folder.parent / "settings64.sh",
        "PATH": folder,
    }[variable]
    found = find_tools({"PATH": "", "HLSFLOW_XILINX": str(tmp_path / "none"), variable: str(value)})
    assert (found.tools[0].found_by, found.tools[0].version) == (variable, "2024.1")


def test_a_tool_that_is_no_program_is_not_found(tmp_path):
    install(tmp_path, "Vitis", "2024.1", "vitis-run").joinpath("vitis-run").chmod(0o644)
    (tmp_path / "Vitis/2024.1/bin/vivado").mkdir()
    assert find_tools({"PATH": "", "HLSFLOW_XILINX": str(tmp_path)}).tools == ()


def test_a_program_outside_an_install_is_asked_for_its_version(tmp_path):
    plain = install(tmp_path, "some", "where", "vivado")
    (tool,) = find_tools({"PATH": f"{plain}:/usr/bin:/bin", "HLSFLOW_XILINX": str(tmp_path / "none")}).tools
    assert tool.version == STAND_IN_VERSION


def test_a_program_that_does_not_answer_costs_no_more_than_its_time(tmp_path, monkeypatch):
    plain = install(tmp_path, "some", "where", "vivado")
    monkeypatch.setattr("hlsflow.vendor.toolchain._VERSION_TIMEOUT_S", 0.3)
    environ = {"PATH": f"{plain}:/usr/bin:/bin", "HLSFLOW_XILINX": "/none"}
    monkeypatch.setenv("STAND_IN_FAULTS", "version=hang")
    started = time.monotonic()
    (tool,) = find_tools(environ).tools
    assert tool.version is None and time.monotonic() - started < 30


def test_a_missing_tool_says_what_was_searched_and_what_to_do(tmp_path):
    found = find_tools({"PATH": "", "HLSFLOW_XILINX": "/none", "XILINX_VITIS": "/gone"})
    with pytest.raises(ToolError) as caught:
        found.required_hls("vitis", "hlsflow pack qap8")
    assert str(caught.value).startswith(
        "--synth vitis: vitis-run or vitis_hls was not found (searched PATH, XILINX_VITIS, /none)\n"
    )
    assert "hlsflow pack qap8" in str(caught.value)


def put(root, *programs):
    """Stand-ins `PRODUCT/VERSION/NAME` or, as since 2025.1, `VERSION/PRODUCT/NAME`."""
    for program in programs:
        first, second, name = program.split("/")
        install(root, first, second, name)


@pytest.mark.parametrize(
    ("programs", "hls", "vivado"),
    [
        # by version and not by name
        (["Vitis_HLS/2020.2/vitis_hls", "Vitis/2023.1/vitis_hls"], "vitis_hls 2023.1", None),
        (["Vitis/2024.2/vitis-run", "2025.1/Vitis/vitis-run"], "vitis-run 2025.1", None),
        (["Vitis/2024.2/vitis-run", "2023.2/Vitis/vitis-run"], "vitis-run 2024.2", None),
        (["Vitis/2023.2/vitis-run", "Vitis_HLS/2024.1/vitis_hls"], "vitis_hls 2024.1", None),
        (["Vitis/2024.1/vitis_hls", "Vitis/2024.1/vitis-run"], "vitis-run 2024.1", None),
        # the newest whose vivado is there too
        (["Vitis_HLS/2020.2/vitis_hls", "Vivado/2020.2/vivado", "Vivado/2023.1/vivado"], "vitis_hls 2020.2", "2020.2"),
        (["Vitis/2023.1/vitis_hls", "Vivado/2023.1/vivado", "Vitis/2024.1/vitis-run"], "vitis_hls 2023.1", "2023.1"),
        (["2025.1/Vitis/vitis-run", "2025.1/Vivado/vivado", "Vivado/2024.2/vivado"], "vitis-run 2025.1", "2025.1"),
        # never two of two releases
        (["Vitis_HLS/2020.2/vitis_hls", "Vivado/2023.1/vivado"], "vitis_hls 2020.2", None),
    ],
)  # fmt: skip
def test_the_tools_of_the_newest_complete_release_are_taken(tmp_path, programs, hls, vivado):
    put(tmp_path, *programs)
    found = find_tools({"PATH": "", "HLSFLOW_XILINX": str(tmp_path)})
    taken = found.vivado_of(found.hls("vitis"))
    assert (str(found.hls("vitis")), taken and taken.version) == (hls, vivado)


def test_the_newest_is_found_in_whichever_folder(tmp_path):
    put(tmp_path / "a", "Vitis/2020.2/vitis_hls")
    put(tmp_path / "b", "Vitis/2023.1/vitis_hls")
    found = find_tools({"PATH": "", "HLSFLOW_XILINX": f"{tmp_path}/a:{tmp_path}/b"})
    assert found.hls("vitis").version == "2023.1"


def test_a_tool_that_a_person_named_goes_before_newer_ones(tmp_path):
    put(tmp_path, "Vitis/2023.1/vitis_hls", "Vitis/2024.1/vitis-run", "Vivado/2024.1/vivado", "Vivado/2022.2/vivado")
    environ = {"PATH": f"{tmp_path}/Vitis/2023.1/bin:{tmp_path}/Vivado/2022.2/bin", "HLSFLOW_XILINX": str(tmp_path)}
    found = find_tools(environ)
    tool = found.hls("vitis")
    assert (str(tool), found.vivado_of(tool).version) == ("vitis_hls 2023.1", "2022.2")
    assert found.troubles(tool, "vitis") == [
        "vivado 2022.2 and vitis_hls 2023.1 are of two releases: PATH names one, PATH the other"
    ]


def test_what_is_not_of_one_release_or_not_the_newest_is_said(tmp_path):
    put(tmp_path / "a", "Vitis_HLS/2020.2/vitis_hls", "Vivado/2023.1/vivado")
    found = find_tools({"PATH": "", "HLSFLOW_XILINX": f"{tmp_path}/a"})
    assert found.troubles(found.hls("vitis"), "vitis") == [
        "no vivado 2020.2 for vitis_hls 2020.2 (there is vivado 2023.1): cosim and vsynth need it"
    ]
    values = environment(found.hls("vitis"), found, {"PATH": "/bin", "XILINX_VIVADO": "/other"})
    assert values["PATH"] == f"{tmp_path}/a/Vitis_HLS/2020.2/bin:/bin"
    put(tmp_path / "a", "Vivado/2020.2/vivado", "Vitis/2024.1/vitis-run")
    found = find_tools({"PATH": "", "HLSFLOW_XILINX": f"{tmp_path}/a"})
    assert found.troubles(found.hls("vitis"), "vitis") == [
        "vitis_hls 2020.2 is taken: vitis-run 2024.1 has no vivado of its release here"
    ]


def test_an_update_is_of_the_release_in_whose_folder_it_lies():
    assert release("2024.1.1") == release("2024.1") != release("2024.2")
    assert release(None) is None


def test_the_vivado_of_the_same_version_goes_on_path(tmp_path):
    install(tmp_path, "Vivado", "2024.1", "vivado")
    install(tmp_path, "Vivado", "2024.2", "vivado")
    install(tmp_path, "Vitis", "2024.1", "vitis-run")
    found = find_tools({"PATH": "/bin", "HLSFLOW_XILINX": str(tmp_path)})
    values = environment(found.hls("vitis"), found, {"PATH": "/bin"})
    assert values["PATH"] == f"{tmp_path}/Vitis/2024.1/bin:{tmp_path}/Vivado/2024.1/bin:/bin"
    assert values["XILINX_VIVADO"] == f"{tmp_path}/Vivado/2024.1"
    # also where another one stands before it
    mixed = {"PATH": f"{tmp_path}/Vivado/2024.2/bin:{tmp_path}/Vivado/2024.1/bin", "XILINX_VIVADO": "/of/2024.2"}
    values = environment(found.hls("vitis"), found, mixed)
    assert values["PATH"].split(":")[1] == f"{tmp_path}/Vivado/2024.1/bin"
    assert values["XILINX_VIVADO"] == f"{tmp_path}/Vivado/2024.1"


NEW_SCRIPT = "source [file join $tcldir build_opt.tcl]\n"
OLD_SCRIPT = "foreach arg $::argv { regexp ... }\n"


def tool(name, tmp_path):
    return Tool(name=name, path=tmp_path / name, version="2024.1", found_by="PATH")


@pytest.mark.parametrize(
    ("name", "script", "words", "files"),
    [
        ("vitis-run", NEW_SCRIPT, ["--mode", "hls", "--tcl", "build_prj.tcl"], ["build_opt.tcl"]),
        ("vitis_hls", NEW_SCRIPT, ["-f", "build_prj.tcl"], ["build_opt.tcl"]),
        ("vivado_hls", OLD_SCRIPT, ["-f", "build_prj.tcl",
         "reset=1 csim=0 synth=1 cosim=0 validation=0 export=0 vsynth=0 fifo_opt=0"], []),
    ],
)  # fmt: skip
def test_each_generation_is_told_in_its_own_way(tmp_path, name, script, words, files):
    command = stage_command(VendorStage.CSYNTH, script, tool(name, tmp_path), None)
    assert [list(command.argv[1:]), list(command.files)] == [words, files]
    if files:
        assert "    reset      1\n    csim       0\n    synth      1\n" in command.files["build_opt.tcl"]
    later = stage_command(VendorStage.COSIM, script, tool(name, tmp_path), None)
    assert "reset=0" in later.argv[-1] or "    reset      0\n" in later.files["build_opt.tcl"]


def test_logic_synthesis_is_vivados_own(tmp_path):
    command = stage_command(VendorStage.VSYNTH, NEW_SCRIPT, tool("vitis-run", tmp_path), tool("vivado", tmp_path))
    assert command.argv == (str(tmp_path / "vivado"), "-mode", "batch", "-nojournal", "-source", "vivado_synth.tcl")


def test_replay_names_no_licence_server(tmp_path):
    command = stage_command(VendorStage.CSYNTH, NEW_SCRIPT, tool("vitis-run", tmp_path), None)
    text = replay_script(
        command, tmp_path / "a b", {"PATH": "/bin", "XILINXD_LICENSE_FILE": "2100@server", "XILINX_HLS": "/x"}
    )
    assert "2100@server" not in text and "export XILINX_HLS=/x" in text and f"cd '{tmp_path}/a b'" in text


def test_stages_are_put_in_order_and_completed():
    assert parse_stages("vsynth, cosim") == ("csynth", "cosim", "vsynth")
    with pytest.raises(UsageError, match="did you mean 'cosim'"):
        parse_stages("cosin")
    with pytest.raises(UsageError, match="no stage named"):
        parse_stages(" ,")


def test_versions_are_compared_as_numbers():
    assert version_key("2024.1") < version_key("2024.1.1") < version_key("2024.10")
    assert version_key(None) < version_key("2018.3")


def test_the_machine_is_described(tmp_path):
    machine = read_machine(tmp_path / "not" / "there" / "yet")
    assert machine.cores >= 1 and machine.disk_free_bytes > 0
    assert 0 < machine.memory_available_bytes <= machine.memory_bytes


def test_doctor_shows_what_is_here_and_what_is_not(installs, capsys):
    assert main(["doctor", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    amd = {finding["name"]: finding for finding in said["groups"]["AMD"]}
    assert amd["vitis-run"]["found"] and amd["vitis-run"]["version"] == STAND_IN_VERSION
    assert not amd["vivado_hls"]["found"] and "until 2020.1" in amd["vivado_hls"]["gives"]
    assert str(installs) in said["searched"]
    assert main(["doctor"]) == 0
    assert "vivado_hls" in capsys.readouterr().out


def test_doctor_without_any_tool_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HLSFLOW_XILINX", str(tmp_path))
    assert main(["doctor"]) == 0
    assert "hlsflow pack NAME" in capsys.readouterr().out
