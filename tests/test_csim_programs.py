"""The shared program runs each project's own C++, and a fault in one of them is that one's alone."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from csim_programs import Programs, compile_together
from networks import random_inputs, small_network
from shared_run import SharedRun

from hlsflow.foundation.errors import ToolError
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.convert import convert
from hlsflow.hls.csim import simulate
from hlsflow.hls.project import read_project
from hlsflow.network.ranges import resolve

CONFIGS = {
    "parallel": HlsConfig(),
    "stream": HlsConfig(io_type="io_stream", backend="Vivado"),
    "changed": HlsConfig(),
}


def converted(name, folder):
    network = small_network()
    convert(network, resolve(network, {}), CONFIGS[name], folder / "hls")
    return read_project(folder / "hls")


@pytest.mark.slow
def test_each_project_gives_what_it_gives_alone(tmp_path, compiler, quick_compile):
    projects = {name: converted(name, tmp_path / name) for name in CONFIGS}
    # One weight of one project: it shows there, and there only.
    weights = projects["changed"].root / "firmware" / "weights" / "w2.txt"
    first, _, others = weights.read_text().partition(",")
    weights.write_text(f"{float(first) + 2.0**-4}, {others}")
    (tmp_path / "together").mkdir()
    programs = compile_together(list(projects.values()), tmp_path / "together", compiler)
    inputs = random_inputs(small_network(), 100)
    found = {}
    for name, project in projects.items():
        found[name] = simulate(programs[project.root], project, inputs, folder=tmp_path / name, workers=1)
    for name in ("parallel", "stream"):
        program = quick_compile(projects[name], tmp_path / name, CONFIGS[name].backend)
        alone = simulate(program, projects[name], inputs, folder=tmp_path / name, workers=1)
        assert all(np.array_equal(alone[port], values) for port, values in found[name].items())
    (parallel,), (stream,), (changed,) = (ports.values() for ports in found.values())
    assert np.array_equal(parallel, stream) and not np.array_equal(parallel, changed)


@pytest.mark.slow
def test_what_does_not_compile_fails_its_own_case_and_is_named(request, tmp_path, compiler):
    shared = SharedRun(root=tmp_path)
    for name in ("sound", "broken"):
        converted("parallel", tmp_path / name)
    (source,) = (tmp_path / "broken" / "hls" / "firmware").glob("*.cpp")
    source.write_text(source.read_text().replace("nnet::relu<", "nnet::no_such_function<"))

    def projects_of(case):
        if case["name"] == "unconvertible":
            raise ToolError("it is not converted")
        return [read_project(tmp_path / case["name"] / "hls")]

    # The test's cases as pytest has them: one function's parameters.
    session = SimpleNamespace(items=[])
    names = ("sound", "broken", "unconvertible")
    items = {name: _case(request.node, session, name) for name in names}
    session.items = list(items.values())
    programs = Programs(shared=shared, compiler=compiler)
    with pytest.warns(UserWarning, match="do not compile together"):
        (sound,) = programs.of(items["sound"], projects_of).values()
    project = read_project(tmp_path / "sound" / "hls")
    assert simulate(sound, project, random_inputs(small_network(), 5), folder=tmp_path / "out")
    with pytest.raises(ToolError, match=r"broken/hls/firmware/.*no_such_function") as caught:
        programs.of(items["broken"], projects_of)
    assert "sound/" not in str(caught.value)
    with pytest.raises(ToolError, match="it is not converted"):
        programs.of(items["unconvertible"], projects_of)


def _case(node, session, name):
    return SimpleNamespace(
        session=session, path=node.path, originalname="a_test", nodeid=name,
        callspec=SimpleNamespace(params={"name": name}),
    )  # fmt: skip


def test_a_folder_is_made_once_and_again_where_making_it_failed(tmp_path):
    shared, calls = SharedRun(root=tmp_path), []

    def make(folder):
        calls.append(folder)
        (folder / "half").touch()
        if len(calls) == 1:
            raise ToolError("not yet")

    with pytest.raises(ToolError, match="not yet"):
        shared.once("a/b", make)
    assert not shared.is_made("a/b")
    assert shared.once("a/b", make) == shared.once("a/b", make) == tmp_path / "a" / "b" and len(calls) == 2


def test_nobody_waits_who_need_not(tmp_path):
    shared = SharedRun(root=tmp_path)

    def make(folder):
        # Another process is at it: a lock is held by an open file, whosever it is.
        assert not shared.attempt("it", lambda folder: None)

    assert shared.attempt("it", make) and shared.is_made("it")
