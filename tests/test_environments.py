"""The environments that `pyproject.toml` describes: one list of packages for uv and for pip, and a way to each."""

from __future__ import annotations

import importlib
import os
import tomllib
from pathlib import Path

import pytest

from hlsflow.foundation.errors import ModelError
from hlsflow.frontends.installed import absent
from hlsflow.frontends.registry import FRONT_ENDS, front_end_of

PROJECT = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
GROUPS = PROJECT["dependency-groups"]


@pytest.mark.parametrize("name", sorted(set(EXTRAS) & set(GROUPS)))
def test_a_group_of_uv_and_the_extra_for_pip_are_one_list(name):
    # uv drops an extra of the project itself from a group as soon as it conflicts with another one.
    assert GROUPS[name] == EXTRAS[name]


def test_groups_that_exclude_each_other_are_said_to():
    exclusive = {name for name in GROUPS if name != "dev"}
    assert exclusive == {
        item["group"] for conflict in PROJECT["tool"]["uv"]["conflicts"] for item in conflict if "group" in item
    }
    assert set(PROJECT["tool"]["uv"]["default-groups"]) == {"dev", "keras2"}


@pytest.mark.parametrize("front_end", FRONT_ENDS.values(), ids=FRONT_ENDS)
def test_the_way_to_a_front_end_is_one_that_there_is(front_end):
    words = front_end.needs.environment.split()
    for option, name in zip(words[::2], words[1::2], strict=True):
        assert name in (EXTRAS if option == "--extra" else GROUPS), (option, name)
    assert front_end.needs.extra in EXTRAS


def test_a_folder_of_a_framework_s_name_is_not_the_framework(tmp_path, monkeypatch):
    (tmp_path / "no_such_framework").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert absent("no_such_framework", "json") == ("no_such_framework",)
    (tmp_path / "no_such_framework" / "__init__.py").write_text("")
    importlib.invalidate_caches()
    assert absent("no_such_framework") == ()


def test_no_front_end_waits_at_a_pipe(tmp_path):
    # Opening one never ends where nobody writes; a test that hung would be ended by its time-out.
    pipe = tmp_path / "model.h5"
    os.mkfifo(pipe)
    assert not any(item.reads(pipe) for item in FRONT_ENDS.values())
    with pytest.raises(ModelError, match=r"model\.h5"):
        front_end_of(pipe).read(pipe)
