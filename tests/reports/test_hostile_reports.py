"""`hlsflow parse` where somebody prepared the folder: it ends, in bounded memory, and says what it did not read."""

from __future__ import annotations

import os
import resource
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hlsflow.foundation.strict_read import MAX_BYTES
from hlsflow.reports import project_config
from hlsflow.reports.discover import discover
from hlsflow.reports.kinds import decode

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = runpy.run_path(str(Path(__file__).parents[1] / "stand_ins" / "stand_in.py"))
REPORT = STAND_IN["CSYNTH_XML"].format(
    version="2099.1", part="xc7z020clg400-1", top="top", clock=10.0, lut=7, ff=8, dsp=0, bram=0
)
BANNER = "\n****** Vitis HLS - High-Level Synthesis from C, C++ and OpenCL v2099.1 (64-bit)\n  **** STAND-IN\n"


def parse(folder, timeout_s=30, memory_mib=700) -> subprocess.CompletedProcess:
    """The command as a process of its own, that may not take more than so much address space."""

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (memory_mib << 20, memory_mib << 20))

    return subprocess.run(
        [sys.executable, "-m", "hlsflow", "parse", str(folder)], env={**os.environ, "PYTHONPATH": str(ROOT / "flows")},
        capture_output=True, text=True, timeout=timeout_s, preexec_fn=limit, cwd="/",
    )  # fmt: skip


def test_a_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "x_csynth.rpt")
    os.mkfifo(tmp_path / "y.log")
    (tmp_path / "csynth.xml").write_text(REPORT)
    done = parse(tmp_path)
    assert done.returncode == 9 and "Traceback" not in done.stderr
    assert f"unreadable: {tmp_path}/x_csynth.rpt: not read: it is a named pipe, no regular file" in done.stderr
    assert "y.log" not in done.stderr and "1 report read" in done.stdout


def test_a_pipe_that_is_named_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "any.txt")
    done = parse(tmp_path / "any.txt")
    assert done.returncode == 9 and "it is a named pipe" in done.stderr


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/stdin"])
def test_a_link_to_a_device_is_not_read(device, tmp_path):
    (tmp_path / "x.log").symlink_to(device)
    (tmp_path / "x_csynth.rpt").symlink_to(device)
    (tmp_path / "csynth.xml").write_text(REPORT)
    done = parse(tmp_path)
    assert done.returncode == 9 and "Traceback" not in done.stderr and "1 report read" in done.stdout
    assert f"{tmp_path}/x_csynth.rpt: not read: it is a" in done.stderr


@pytest.mark.parametrize("name", ["hls4ml_config.yml", "project.tcl", "vitis_hls.log", "firmware/parameters.h"])
@pytest.mark.parametrize("make", ["pipe", "zero"])
def test_what_lies_beside_a_report_is_read_as_carefully(make, name, tmp_path):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path) if make == "pipe" else path.symlink_to("/dev/zero")
    (tmp_path / "csynth.xml").write_text(REPORT)
    done = parse(tmp_path)
    # the name of a tool's log promises one
    assert done.returncode == (9 if name == "vitis_hls.log" else 0) and "1 report read" in done.stdout, done.stderr


def test_a_link_to_a_report_is_followed(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "real.xml").write_text(REPORT)
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "csynth.xml").symlink_to(tmp_path / "kept" / "real.xml")
    assert discover([tmp_path / "project"]).read_files == 1


def test_a_report_that_is_too_large_is_named_and_not_read(tmp_path):
    path = tmp_path / "top_csynth.xml"
    with path.open("w") as file:
        file.write(REPORT)
        file.truncate(3 << 30)
    done = parse(tmp_path)
    assert done.returncode == 9
    assert f"unreadable: {path}: not read: it is larger than 64 MiB" in done.stderr


def test_a_large_file_of_another_kind_is_left_alone(tmp_path):
    with (tmp_path / "waves.log").open("w") as file:
        file.write("no tool's banner\n")
        file.truncate(3 << 30)
    done = parse(tmp_path)
    assert done.returncode == 0 and "1 file of other kinds left alone" in done.stdout


def test_a_log_of_gigabytes_is_read_at_both_ends(tmp_path):
    path = tmp_path / "vitis_hls.log"
    end = "ERROR: [HLS 200-70] the last line\n"
    with path.open("w") as file:
        file.write(BANNER)
        file.truncate(3 << 30)
        file.seek(0, os.SEEK_END)
        file.write("\n" + end)
    begin = time.monotonic()
    (log,) = discover([path]).logs
    assert (log.tool, log.tool_version, log.first_error) == ("vitis_hls", "2099.1", end.strip())
    assert log.left_out_bytes >= (3 << 30) - MAX_BYTES
    assert time.monotonic() - begin < 20


def bomb() -> str:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    return "\n".join([*lines, "ClockPeriod: *a9", "ProjectName: *a9", "Part: *a9"]) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        bomb(), "Part: 2001-99-99\n", "ClockPeriod: " + "9" * 9000, "x: " + "[" * 9000, "? [a]\n: b\n", "x: !!int a\n",
        "a: &a [*a]",
    ],
)  # fmt: skip
def test_a_configuration_beside_a_report_cannot_stop_it(text, tmp_path):
    (tmp_path / "hls4ml_config.yml").write_text(text)
    (tmp_path / "csynth.xml").write_text(REPORT)

    def late(signum, frame):
        raise TimeoutError

    signal.signal(signal.SIGALRM, late)
    signal.alarm(20)
    try:
        project_config.configs_in.cache_clear()
        assert discover([tmp_path]).read_files == 1
    finally:
        signal.alarm(0)


def test_what_a_report_says_cannot_steer_a_terminal():
    assert decode(b"a\x1b[2Jb\x07\r\nc\rd\te\x9b") == "a?[2Jb?\nc\nd\te?"


def test_very_deep_folders_end(tmp_path):
    folder = tmp_path
    deep = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=deep)
        below = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    os.close(deep)
    (folder / "csynth.xml").write_text(REPORT)
    try:
        assert discover([tmp_path]).read_files == 1
    finally:
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


@pytest.mark.parametrize("kind", ["pipe", "zero", "large"])
def test_a_record_that_is_none_does_not_stop_a_comparison(tmp_path, kind):
    """`hlsflow compare` of a folder with somebody's records."""
    path = tmp_path / "model" / "build.json"
    path.parent.mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "zero":
        path.symlink_to("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(3 << 30)
    (tmp_path / "models").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "hlsflow", "compare", str(tmp_path), "--workspace", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "flows")}, capture_output=True, text=True, timeout=60, cwd="/",
    )  # fmt: skip
    assert done.returncode not in (0, 1) and "Traceback" not in done.stderr, done.stderr[-300:]
    assert kind != "large" or "it is larger than 64 MiB" in done.stderr
