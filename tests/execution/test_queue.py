"""Several syntheses at once within tokens, and a queue that survives whatever ends it. Jobs are real processes."""

from __future__ import annotations

import json
import signal
import time

import pytest
from vendor_fixtures import MODEL, built, built_once, calls, hlsflow, installs, quiet, tools_alive, wait_until

from hlsflow.execution import run as queue_run
from hlsflow.execution.jobs import Needs, Queue, State
from hlsflow.execution.run import run_queue

__all__ = ["built", "built_once", "installs"]

ONE = Needs(licences=1, memory_bytes=1, cores=1)
MANY = Needs(licences=9, memory_bytes=9, cores=9)


@pytest.fixture
def queue(tmp_path):
    return Queue(tmp_path / "queue")


@pytest.fixture
def traced(monkeypatch):
    """Jobs that are not run: how many were at once is counted."""
    now, most, order = [], [], []

    def fake(queue, job, stop):
        now.append(job.name)
        order.append(job.name)
        most.append(len(now))
        time.sleep(0.05)
        now.remove(job.name)
        return queue.ended(job, State.FAILED if job.name == "bad" else State.DONE, "")

    monkeypatch.setattr(queue_run, "_run_job", fake)
    monkeypatch.setattr(queue_run, "_LOOK_EVERY_S", 0.01)
    return most, order


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        (MANY, 4),
        (Needs(licences=2, memory_bytes=9, cores=9), 2),
        (Needs(licences=9, memory_bytes=3, cores=9), 3),
        (Needs(licences=9, memory_bytes=9, cores=1), 1),
        # even one needs more than there is: it runs alone
        (Needs(licences=9, memory_bytes=0, cores=9), 1),
    ],
)
def test_no_more_run_at_once_than_there_are_tokens(queue, traced, limits, most):
    queue.add([(name, ["--model", name], ONE) for name in "abcd"])
    ended = run_queue(queue, limits, quiet(), lambda job: None)
    assert max(traced[0]) == most and sorted(job.name for job in ended) == list("abcd")
    assert {job.state for job in queue.jobs()} == {State.DONE}


def test_a_failed_job_stops_no_other_and_results_come_as_they_end(queue, traced):
    queue.add([(name, [], ONE) for name in ("bad", "good")])
    seen = []
    run_queue(
        queue, Needs(licences=1, memory_bytes=9, cores=9), quiet(), lambda job: seen.append((job.name, job.state))
    )
    assert seen == [("bad", "failed"), ("good", "done")]


def test_a_torn_job_file_is_left_out(queue, traced):
    queue.add([("good", [], ONE)])
    (queue.folder / "torn.json").write_text('{"name": "to')
    assert [job.name for job in queue.jobs()] == ["good"]


def test_one_runner_at_a_time(queue):
    with queue.runner() as first, Queue(queue.folder).runner() as second:
        assert (first, second) == (True, False)
    with queue.runner() as again:
        assert again


def test_a_job_imports_nothing_from_the_folder_that_it_is_started_in(queue, tmp_path, monkeypatch):
    # A workspace is where a stranger's files are unpacked.
    (tmp_path / "argparse.py").write_text("open('canary', 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    queue.add([("a", ["--help"], ONE)])
    (ended,) = run_queue(queue, MANY, quiet(), lambda job: None)
    assert ended.state is State.DONE and not (tmp_path / "canary").exists()


def start(workspace, *words, faults=""):
    return hlsflow(workspace, "queue", *words, env={"STAND_IN_FAULTS": faults})


def test_a_queue_does_its_jobs_and_says_so(built, installs, tmp_path):
    process = start(built, MODEL, "--synth", "vitis", "--stages", "csynth", "--json")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert [(job["name"], job["state"]) for job in json.loads(out)] == [(f"{MODEL}-vitis", "done")]
    assert calls(tmp_path) == ["csynth"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_queue_leaves_no_process_and_goes_on(built, installs, tmp_path, number):
    process = start(built, MODEL, "--stages", "csynth,vsynth", faults="vsynth=hang")
    wait_until(lambda: calls(tmp_path) == ["csynth", "vsynth"] and len(tools_alive(built.root)) >= 3)
    process.send_signal(number)
    process.communicate(timeout=30)
    wait_until(lambda: not tools_alive(built.root))
    again = start(built)
    out, err = again.communicate(timeout=60)
    assert again.returncode == 0, err
    assert out.split()[0] == "done"
    assert calls(tmp_path) == ["csynth", "vsynth", "vsynth"]
