"""C simulation in a process of its own: its crash, its compiler's error and its silence are messages here."""

from __future__ import annotations

import os
import stat

import numpy as np
import pytest
from networks import random_inputs, small_network

from hlsflow.foundation.errors import ToolError
from hlsflow.hls import csim
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.convert import convert
from hlsflow.hls.csim import Compiler, compile_csim, find_compiler, simulate
from hlsflow.hls.project import read_project
from hlsflow.network.ranges import resolve


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("csim") / "hls"
    network = small_network()
    convert(network, resolve(network, {}), HlsConfig(), folder)
    return read_project(folder)


@pytest.fixture(scope="module")
def inputs():
    return random_inputs(small_network(), 100)


def stand_in(path, script):
    """A program that stands in for the compiler or the simulation."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.slow
def test_workers_and_slices_do_not_matter(project, inputs, tmp_path, quick_compile):
    program = quick_compile(project, tmp_path, "Vitis")
    one = simulate(program, project, inputs, folder=tmp_path / "one", workers=1)
    three = simulate(program, project, inputs, folder=tmp_path / "three", workers=3)
    assert all(np.array_equal(one[name], three[name]) for name in one)
    assert not list((tmp_path / "one").glob("*.bin"))


@pytest.mark.slow
def test_a_short_weight_file_is_an_error_though_hls4ml_goes_on(project, inputs, tmp_path, quick_compile):
    program = quick_compile(project, tmp_path, "Vitis")
    path = project.root / "firmware" / "weights" / "b2.txt"
    whole = path.read_text()
    try:
        path.write_text(whole.rsplit(",", 1)[0])
        with pytest.raises(ToolError, match="ERROR: Expected 8 values but read only 7 values"):
            simulate(program, project, inputs, folder=tmp_path, workers=1)
    finally:
        path.write_text(whole)


def test_a_crash_is_a_message(project, inputs, tmp_path):
    program = stand_in(tmp_path / "crash", "kill -SEGV $$")
    with pytest.raises(ToolError, match=r"C simulation: killed by SIGSEGV"):
        simulate(program, project, inputs, folder=tmp_path / "out", workers=1)


def test_a_hang_is_ended_and_said(project, inputs, tmp_path):
    program = stand_in(tmp_path / "hang", "sleep 60")
    with pytest.raises(ToolError, match=r"C simulation: no end after 0 s"):
        simulate(program, project, inputs, folder=tmp_path / "out", workers=2, timeout_s=0.3)


def test_a_program_that_writes_too_little_is_no_result(project, inputs, tmp_path):
    program = stand_in(tmp_path / "short", 'head -c 80 /dev/zero > "$2"')
    with pytest.raises(ToolError, match=r"csim wrote 10 values where 500 were due"):
        simulate(program, project, inputs, folder=tmp_path / "out", workers=1)


def test_the_compiler_s_last_lines_are_shown_and_its_log_named(project, tmp_path):
    broken = stand_in(tmp_path / "g++", "echo 'parameters.h:3: error: no such thing' >&2; exit 1")
    with pytest.raises(ToolError) as caught:
        compile_csim(project, tmp_path / "out", Compiler(path=str(broken), version="stand-in"))
    message = str(caught.value)
    assert "compiling the C simulation: exit code 1" in message
    assert "parameters.h:3: error: no such thing" in message
    assert str(tmp_path / "out" / "compile.log") in message
    assert not (tmp_path / "out" / "csim").exists()


def test_no_compiler_says_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ToolError) as caught:
        find_compiler()
    assert "no C++ compiler: g++ or clang++ was not found" in str(caught.value)
    assert "apt-get install g++" in str(caught.value)


def test_a_named_compiler_is_taken_at_its_word(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ToolError, match=r"'no-such-compiler' \(from CXX\) was not found"):
        find_compiler()


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (1 / 255, "is not exact in its type ufixed<8,0>"),
        (1.0, "leaves the range of its type ufixed<8,0>: it would wrap"),
    ],
)
def test_inputs_that_the_type_does_not_hold_are_refused(project, tmp_path, value, complaint):
    with pytest.raises(ToolError, match=complaint):
        simulate(tmp_path / "none", project, [np.full((2, 12), value)], folder=tmp_path)


def test_the_samples_are_split_without_gaps():
    for samples, workers in [(10, 3), (2, 8), (1, 1), (10_000, 2)]:
        slices = csim._slices(samples, workers)
        assert [first for first, _ in slices] == [sum(count for _, count in slices[:i]) for i in range(len(slices))]
        assert sum(count for _, count in slices) == samples and all(count for _, count in slices)


def test_a_full_disk_is_a_storage_error(project, inputs, tmp_path):
    from hlsflow.foundation.errors import StorageError

    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "inputs.bin").symlink_to("/dev/full")
    with pytest.raises(StorageError, match="the disk is full"):
        simulate(tmp_path / "none", project, inputs, folder=folder)
