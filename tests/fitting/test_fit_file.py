"""The configuration that a fit writes: a file and a variant for each request, and never over what a person edited."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from hlsflow.fitting.run import Fitted, variant_of, write_fitted
from hlsflow.foundation.errors import UsageError
from hlsflow.hls.config_seal import command_of, is_untouched, sealed

BODY = "# Fitted to pynq-z2\nbackend: Vitis\nreuse_factor: 4\n"


def fitted(path: Path, body: str = BODY) -> Fitted:
    return Fitted(model="small", board="pynq-z2", fit=None, lines=(), text=sealed(body), path=path)  # type: ignore[arg-type]


def test_two_requests_never_share_a_name():
    requests = [
        ("pynq-z2", "latency", {}),
        ("pynq-z2", "area", {}),
        ("pynq-z2", "interval=16", {}),
        ("pynq-z2", "interval=160", {}),
        ("pynq-z2", "latency", {"io_type": "io_stream"}),
        ("pynq-z2", "area", {"io_type": "io_stream"}),
        ("pynq-z2", "latency", {"clock_period_ns": 5.0}),
        ("pynq-z2", "latency", {"clock_period_ns": 2.5}),
        ("pynq-z2", "latency", {"backend": "Vivado"}),
        ("zcu104", "latency", {}),
        ("pynq-z2", "latency", {}, 0.9),
        ("pynq-z2", "latency", {"clock_period_ns": 0.9}),
    ]
    names = [variant_of(*request) for request in requests]
    assert all(one != other for one, other in combinations(names, 2))
    assert names[:3] == ["pynq-z2", "pynq-z2-area", "pynq-z2-interval16"]
    assert variant_of("pynq-z2", "latency", {}, 0.8) == "pynq-z2" and names[-2] == "pynq-z2-confidence90"
    assert names[4] == "pynq-z2-io_stream" and names[6] == "pynq-z2-5"
    assert all(name.replace("-", "").replace("_", "").replace(".", "").isalnum() for name in names)


def test_what_no_person_touched_is_written_again(tmp_path):
    path = tmp_path / "small.pynq-z2.yaml"
    write_fitted(fitted(path), force=False)
    assert is_untouched(path.read_text())
    write_fitted(fitted(path, BODY.replace("4", "8")), force=False)
    assert "reuse_factor: 8" in path.read_text()


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("reuse_factor: 4", "reuse_factor: 5"),
        lambda text: text + "# a note\n",
        lambda text: text.partition("\n")[2],
        lambda text: text.replace("\n", "\n\n", 1),
        lambda text: "\xff",
        lambda text: "",
    ],
    ids=["a value", "a comment", "without its seal", "an empty line", "no text of ours", "empty"],
)
def test_what_a_person_edited_is_kept(tmp_path, edit):
    path = tmp_path / "small.pynq-z2.yaml"
    write_fitted(fitted(path), force=False)
    path.write_text(edit(path.read_text()), encoding="latin-1")
    edited = path.read_bytes()
    with pytest.raises(UsageError) as caught:
        write_fitted(fitted(path, BODY.replace("4", "8")), force=False)
    message = str(caught.value)
    assert f"{path} was edited since" in message and "--force" in message and f"--config {path.name}" in message
    assert path.read_bytes() == edited
    write_fitted(fitted(path, BODY.replace("4", "8")), force=True)
    assert "reuse_factor: 8" in path.read_text()


def test_the_same_fit_over_an_edited_file_is_refused_too(tmp_path):
    path = tmp_path / "small.pynq-z2.yaml"
    path.write_text(BODY)
    with pytest.raises(UsageError):
        write_fitted(fitted(path), force=False)


def test_the_command_that_wrote_a_configuration_is_read_back():
    text = sealed("# Fitted to pynq-z2 by `hlsflow fit small pynq-z2 --goal area`.\n# …\nbackend: Vitis\n")
    assert command_of(text) == "hlsflow fit small pynq-z2 --goal area"
    assert command_of(text + "io_type: io_stream\n") == "hlsflow fit small pynq-z2 --goal area, edited since"
    assert command_of("backend: Vitis\n") is None
