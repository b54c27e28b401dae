"""Configurations, recipes and sweeps of somebody who means harm: one bounded message, and no limit that is none."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from hlsflow.exploring.spec import SweepSpec
from hlsflow.foundation.errors import ConfigError
from hlsflow.foundation.strict_read import brief, printable, read_bytes, read_ends
from hlsflow.foundation.strict_yaml import load_config, parse_yaml, validate
from hlsflow.hls.config import HlsConfig
from hlsflow.models.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]


def bomb(levels: int) -> str:
    """Each level names the one below ten times: ten times more text wherever the value is printed."""
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join([*lines, f"part: *a{levels - 1}"]) + "\n"


@pytest.mark.parametrize("levels", [6, 7, 20, 60])
def test_aliases_that_multiply_are_refused_at_their_place(levels):
    begin = time.monotonic()
    with pytest.raises(ConfigError) as caught:
        parse_yaml(bomb(levels), "f.yaml")
    # six levels are two million characters
    assert re.match(
        r"f.yaml: line 6: with its aliases \(\*\) written out this is longer than 1,048,576", str(caught.value)
    )
    assert len(str(caught.value)) < 400 and time.monotonic() - begin < 5


@pytest.mark.parametrize("levels", [1, 2, 3, 4, 5])
def test_what_aliases_repeat_is_not_repeated_in_a_message(levels, tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text(bomb(levels))
    with pytest.raises(ConfigError) as caught:
        load_config(HlsConfig, path)
    assert "f.yaml: part: input should be a valid string, not [" in str(caught.value)
    assert len(str(caught.value)) < 300 * (levels + 1)


def test_aliases_that_people_write_are_read():
    text = "a: &one {b: [1, 2]}\nc: *one\nd: [*one, *one]\n"
    one = {"b": [1, 2]}
    assert parse_yaml(text, "f.yaml") == {"a": one, "c": one, "d": [one, one]}


def test_a_value_that_holds_itself_is_refused():
    with pytest.raises(ConfigError, match=r"f.yaml: line 1: an alias names what it stands in"):
        parse_yaml("a: &a [*a]\n", "f.yaml")


class Any_(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    rate: float = 0.0


WIDE = "[" + ",".join(["x" * 50] * 3000) + "]"
BIG = {
    "a wide list": f"rate: {WIDE}",
    "a long text": "rate: " + "y" * 500_000,
    "a long key": "k" * 100_000 + ": 1",
    "very many unknown keys": "\n".join(f"key{n}: 1" for n in range(20_000)),
    "a deep list": "rate: " + "[" * 200 + "]" * 200,
    "a list that is too deep": "rate: " + "[" * 50_000 + "]" * 50_000,
    "a number of a hundred thousand digits": "rate: " + "9" * 100_000,
    "the same in hexadecimal": "rate: [0x" + "f" * 100_000 + "]",
    "leading zeros without end": "rate: " + "0" * 100_000,
    "control characters": 'rate: "\\e[31m\\a\\0"',
    "a long line that is no YAML": "rate: [" + "z" * 100_000,
}


@pytest.mark.parametrize("what", BIG)
def test_what_is_given_back_in_a_message_is_bounded(what, tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text(BIG[what])
    begin = time.monotonic()
    with pytest.raises(ConfigError) as caught:
        load_config(Any_, path)
    assert len(str(caught.value)) < 20 * 300, what
    assert all(line.isprintable() for line in str(caught.value).split("\n")), what
    assert max(map(len, str(caught.value).split("\n"))) < 700
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1.0e+400", "!!float .inf", "!!float -.inf", "!!float .nan"])
def test_a_number_that_is_infinite_or_none_is_no_number(number):
    with pytest.raises(ConfigError, match=r"f.yaml: line 2: '.*' is not a finite number"):
        parse_yaml(f"gate:\n  max_abs_error: {number}", "f.yaml")


def refused(model, data) -> str:
    with pytest.raises(ConfigError) as caught:
        validate(model, data, "f.yaml")
    return str(caught.value)


INF = float("inf")
NAN = float("nan")


@pytest.mark.parametrize("value", [INF, -INF, NAN])
@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("gate.max_abs_error", lambda v: {"gate": {"kind": "bounded", "max_abs_error": v}}),
        ("clock_period_ns", lambda v: {"clock_period_ns": v}),
        ("clock_uncertainty_percent", lambda v: {"clock_uncertainty_percent": v}),
    ],
)
def test_no_float_of_a_configuration_is_infinite(key, place, value):
    assert f"f.yaml: {key}: input should be" in refused(HlsConfig, place(value))


@pytest.mark.parametrize("text", [".inf", "-.inf", ".nan", ".NaN", ".Inf", "inf", "nan", "Infinity"])
def test_no_word_for_infinity_is_a_number(text, tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text(f"gate: {{kind: bounded, max_abs_error: {text}}}\n")
    with pytest.raises(ConfigError, match=r"gate.max_abs_error: input should be a valid number, not "):
        load_config(HlsConfig, path)


def floats_of(model, seen=()):
    """Every type of pydantic that a model holds."""
    from hlsflow.foundation.strict_yaml import _models_in

    for field in model.model_fields.values():
        for inner in _models_in(field.annotation):
            if inner not in seen:
                yield inner
                yield from floats_of(inner, (*seen, inner))


@pytest.mark.parametrize("model", [HlsConfig, Recipe, SweepSpec])
def test_every_part_of_what_people_write_refuses_infinity(model):
    parts = [model, *floats_of(model)]
    assert len(parts) > 2
    assert [part.__name__ for part in parts if part.model_config.get("allow_inf_nan", True)] == []


def test_every_parameter_of_a_method_refuses_infinity():

    from hlsflow.compression.methods import METHODS

    parts = [method.parameters for method in METHODS.values()]
    assert [part.__module__ for part in parts if part.model_config.get("allow_inf_nan", True)] == []


@pytest.mark.parametrize("kind", ["pipe", "zero", "folder"])
def test_a_configuration_that_is_no_regular_file_is_refused_at_once(kind, tmp_path):
    path = tmp_path / "f.yaml"
    {"pipe": lambda: os.mkfifo(path), "zero": lambda: path.symlink_to("/dev/zero"), "folder": path.mkdir}[kind]()
    words = {"pipe": "a named pipe", "zero": "a device", "folder": "a folder"}[kind]
    with pytest.raises(ConfigError) as caught:
        load_config(HlsConfig, path)
    assert str(caught.value) == f"cannot read {path}: it is {words}, no regular file"


def test_the_ends_of_a_file_are_whole_lines(tmp_path):
    path = tmp_path / "long.log"
    path.write_text("".join(f"line {number}\n" for number in range(10_000)))
    data, left_out = read_ends(path, 1000)
    lines = data.decode().splitlines()
    assert lines[0] == "line 0" and lines[-1] == "line 9999" and len(data) <= 1000
    assert all(line.removeprefix("line ").isdigit() for line in lines)
    assert left_out == path.stat().st_size - len(data)
    assert read_ends(path, 1 << 20) == (path.read_bytes(), 0)


def test_a_file_without_a_size_is_not_read_without_end():
    """The kernel's files say that they are empty."""
    endless = Path("/proc/cpuinfo")
    assert endless.stat().st_size == 0
    with pytest.raises(OSError, match="larger than"):
        read_bytes(endless, 100)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("short", "'short'"),
        (7, "7"),
        ("a\x1b[31m", r"'a\x1b[31m'"),
        ([1, 2], "[1, 2]"),
    ],
)
def test_brief_says_the_value(value, text):
    assert brief(value) == text


def test_brief_is_brief():
    for value in ("x" * 10**6, list(range(10**6)), {str(n): n for n in range(1000)}, 16**100_000, "\u202e" * 900):
        assert len(brief(value)) <= 80 and brief(value).isprintable()


def test_printable_keeps_lines_and_tabs():
    assert printable("a\tb\nc") == "a\tb\nc"
    assert printable("\x1b]0;title\x07\x9b31m") == "?]0;title??31m"
