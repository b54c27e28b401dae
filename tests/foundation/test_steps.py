"""A step is done once for its inputs, never half, and an interrupted one leaves the earlier result alone."""

from __future__ import annotations

import io

import pytest

from hlsflow.foundation.errors import StorageError
from hlsflow.foundation.log import Log
from hlsflow.foundation.steps import STEP_FILE, Steps, digest


@pytest.fixture
def steps(tmp_path):
    return Steps(folder=tmp_path / "build", log=Log(stream=io.StringIO()))


def writer(text, calls):
    def compute(folder, step):
        calls.append(text)
        (folder / "result.txt").write_text(text)
        return f"made {text}"

    return compute


def test_a_result_is_kept_for_the_same_inputs_and_made_anew_for_others(steps):
    calls = []
    for inputs, text in [({"a": 1}, "one"), ({"a": 1}, "again"), ({"a": 2}, "two"), ({"a": 1}, "back")]:
        folder = steps.run("step", inputs, writer(text, calls))
    assert calls == ["one", "two", "back"]
    assert (folder / "result.txt").read_text() == "back"
    assert "cached" in steps.log.stream.getvalue()


def test_a_failure_keeps_the_earlier_result_and_leaves_nothing_behind(steps):
    steps.run("step", {"a": 1}, writer("one", []))

    def fail(folder, step):
        (folder / "half.txt").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        steps.run("step", {"a": 2}, fail)
    assert steps.up_to_date("step", {"a": 1}) and not steps.up_to_date("step", {"a": 2})
    assert sorted(path.name for path in steps.folder.iterdir()) == ["step"]
    assert sorted(path.name for path in (steps.folder / "step").iterdir()) == ["result.txt", STEP_FILE]


def test_a_folder_without_its_stamp_or_with_a_damaged_one_is_no_result(steps):
    folder = steps.run("step", {"a": 1}, writer("one", []))
    stamp = folder / STEP_FILE
    whole = stamp.read_text()
    for damaged in ("", whole[: len(whole) // 2], "[]", '{"digest": 3}'):
        stamp.write_text(damaged)
        assert not steps.up_to_date("step", {"a": 1})
    stamp.unlink()
    calls = []
    steps.run("step", {"a": 1}, writer("two", calls))
    assert calls == ["two"]


def test_what_a_killed_run_left_is_cleaned(steps):
    steps.run("step", {"a": 1}, writer("one", []))
    (steps.folder / ".step.abc.partial").mkdir()
    (steps.folder / ".step.abc.partial" / "half").write_text("half")
    steps.clean()
    assert sorted(path.name for path in steps.folder.iterdir()) == ["step"]


def test_a_full_disk_is_one_clear_error(steps, monkeypatch):
    import errno
    import os

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(StorageError, match="the disk is full: free some space and run the command again"):
        steps.run("step", {"a": 1}, writer("one", []))
    assert list(steps.folder.iterdir()) == []


def test_digests_depend_on_content_and_not_on_order():
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1}) != digest({"a": 1, "b": [3]})


def test_what_no_folder_is_or_is_gone_by_now_stops_no_run(steps, monkeypatch):
    import os
    import shutil

    steps.run("step", {"a": 1}, writer("one", []))
    (steps.folder / ".file.partial").write_text("no folder")
    steps.clean()
    rename = os.rename

    def renamed_while_another_run_cleans(source, target):
        rename(source, target)
        for doomed in steps.folder.glob(".old.*"):
            if list(doomed.iterdir()) and (steps.folder / "step").exists():
                shutil.rmtree(doomed)

    monkeypatch.setattr(os, "rename", renamed_while_another_run_cleans)
    folder = steps.run("step", {"a": 2}, writer("two", []))
    assert (folder / "result.txt").read_text() == "two" and not list(steps.folder.glob(".old.*"))
