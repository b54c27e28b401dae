"""What a second `hlsflow queue` asks for joins what waits, or is refused: it never takes its place."""

from __future__ import annotations

from dataclasses import replace

import pytest
from vendor_fixtures import quiet

from hlsflow.building.tools.vendor import refuse_without_tool
from hlsflow.execution import run as queue_run
from hlsflow.execution.jobs import Job, Needs, Queue, State
from hlsflow.execution.run import run_queue
from hlsflow.foundation.errors import UsageError
from hlsflow.vendor.command import parse_stages

NEEDS = Needs(licences=1, memory_bytes=4, cores=1)


def words(stages: str | None = None, **more: str) -> list[str]:
    options = {"--model": "small", "--synth": "vitis", **({} if stages is None else {"--stages": stages}), **more}
    return [word for pair in options.items() for word in pair]


@pytest.fixture
def queue(tmp_path) -> Queue:
    return Queue(tmp_path / "queue")


def only(queue: Queue) -> Job:
    (job,) = queue.jobs()
    return job


def stages(job: Job) -> str:
    said = job.arguments[job.arguments.index("--stages") + 1]
    return ",".join(parse_stages(said))


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ("csynth", "cosim", "csynth,cosim"),
        ("csynth,vsynth", "cosim", "csynth,cosim,vsynth"),
        ("export", "csynth", "csynth,export"),
        (None, "vsynth", "csynth,vsynth"),
        ("cosim", None, "csynth,cosim"),
    ],
)
def test_a_waiting_job_keeps_its_stages_and_takes_the_new_ones(queue, first, second, both):
    queue.add([("small-vitis", words(first), NEEDS)])
    queue.add([("small-vitis", words(second), replace(NEEDS, memory_bytes=9, licences=0))])
    job = only(queue)
    assert (stages(job), job.number, job.state) == (both, 1, State.WAITING)
    assert job.needs == Needs(licences=1, memory_bytes=9, cores=1)


def test_the_same_again_changes_nothing(queue):
    (before,) = queue.add([("small-vitis", words("csynth,cosim"), NEEDS)])
    assert queue.add([("small-vitis", words("cosim"), NEEDS)]) == [before] == [only(queue)]


@pytest.mark.parametrize("state", [State.WAITING, State.RUNNING])
@pytest.mark.parametrize("more", [{"--cosim-samples": "100"}, {"--data-dir": "/data"}, {"--synth-memory-gib": "9"}])
def test_other_options_are_refused_and_nothing_is_added(queue, state, more):
    (before,) = queue.add([("small-vitis", words("csynth"), NEEDS)])
    queue.save(replace(before, state=state))
    with pytest.raises(UsageError) as caught:
        queue.add([("other-vitis", words("csynth"), NEEDS), ("small-vitis", words("csynth", **more), NEEDS)])
    ((key, value),) = more.items()
    assert f"small-vitis is {state} in the queue with other options: {key} (none), asked for {value}" in str(
        caught.value
    )
    assert only(queue) == replace(before, state=state)


def test_a_running_job_is_followed_by_one_of_all_stages(queue):
    (before,) = queue.add([("small-vitis", words("csynth"), NEEDS)])
    queue.save(replace(before, state=State.RUNNING))
    queue.add([("small-vitis", words("vsynth"), NEEDS)])
    job = only(queue)
    assert (stages(job), job.number, job.state) == ("csynth,vsynth", 2, State.WAITING)
    # how the first ends is not written over it
    queue.ended(before, State.FAILED, "licence")
    assert only(queue) == job


@pytest.mark.parametrize("state", [State.DONE, State.FAILED])
def test_one_that_has_ended_is_taken_again_as_it_is_asked_for(queue, state):
    (before,) = queue.add([("small-vitis", words("csynth,cosim"), NEEDS)])
    queue.save(replace(before, state=state, message="x"))
    queue.add([("small-vitis", words("export", **{"--cosim-samples": "9"}), NEEDS)])
    job = only(queue)
    assert (stages(job), job.number, job.state, job.message) == ("csynth,export", 2, State.WAITING, "")


def test_what_was_added_while_it_was_about_to_start_is_run(queue, monkeypatch):
    """The runner lists its jobs, another call adds stages, and only then the job starts."""
    queue.add([("small-vitis", words("csynth"), NEEDS)])
    real = Queue.jobs

    def late(self):
        found = real(self)
        if found and found[0].state is State.WAITING and "cosim" not in found[0].arguments[-1]:
            monkeypatch.setattr(Queue, "jobs", real)
            self.add([("small-vitis", words("cosim"), NEEDS)])
        return found

    ran = []

    def fake(queue_, job, stop):
        ran.append(stages(job))
        return queue_.ended(job, State.DONE, "")

    monkeypatch.setattr(queue_run, "_run_job", fake)
    monkeypatch.setattr(Queue, "jobs", late)
    run_queue(queue, NEEDS, quiet(), lambda job: None)
    assert ran == ["csynth,cosim"]


def test_results_of_a_model_of_a_longer_name_are_not_this_ones(tmp_path, monkeypatch):
    from hlsflow.foundation.errors import ToolError

    monkeypatch.setenv("HLSFLOW_XILINX", str(tmp_path / "nothing"))
    for name in ("XILINX_VITIS", "XILINX_HLS", "XILINX_VIVADO", "HLSFLOW_SETTINGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")

    def result(build: str) -> None:
        path = tmp_path / build / "synthesis-vitis" / "abc-2024.1" / "results" / "csynth.json"
        path.parent.mkdir(parents=True)
        path.write_text("{}")

    result("qat8_linear")
    result("qat8x@Vivado")
    with pytest.raises(ToolError, match="hlsflow pack qat8"):
        refuse_without_tool(tmp_path, "qat8", "vitis")
    refuse_without_tool(tmp_path, "qat8_linear", "vitis")
    result("qat8@io_stream")
    refuse_without_tool(tmp_path, "qat8", "vitis")
