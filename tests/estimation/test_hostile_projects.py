"""Projects and weight files of strangers, as `hlsflow estimate` and `hlsflow weights` read them: one error, soon."""

from __future__ import annotations

import io
import os
import signal
import zipfile
from contextlib import contextmanager

import numpy as np
import pytest

from hlsflow.estimation.source import read_source
from hlsflow.foundation.array_file import read_arrays
from hlsflow.foundation.errors import ModelError, ToolError
from hlsflow.hls.source import Source

TOP = """
void top(input_t x[4], result_t y[2]) {
    nnet::dense<input_t, result_t, config2>(x, y, w2, b2); // fc1
}
"""


@contextmanager
def seconds(limit: int):
    """Fails where something takes longer."""

    def late(signum, frame):
        raise TimeoutError(f"more than {limit} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(limit)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def project(tmp_path):
    firmware = tmp_path / "firmware"
    firmware.mkdir()
    (firmware / "top.cpp").write_text(TOP)
    (firmware / "defines.h").write_text("#define N_1 4\ntypedef ap_fixed<8,4> input_t;\n")
    (firmware / "parameters.h").write_text(
        "struct config2 : nnet::dense_config {\n static const unsigned n_in = 4;\n};\n"
    )
    return tmp_path


def test_the_project_as_it_is_can_be_read(project):
    assert read_source(project).integer("N_1*2") == 8


@pytest.mark.parametrize("name", ["firmware/top.cpp", "firmware/defines.h", "firmware/parameters.h"])
@pytest.mark.parametrize("kind", ["pipe", "zero"])
def test_a_pipe_or_a_device_in_a_project(project, name, kind):
    (project / name).unlink()
    os.mkfifo(project / name) if kind == "pipe" else (project / name).symlink_to("/dev/zero")
    with seconds(10), pytest.raises(ToolError, match=rf"cannot read {project / name}: it is a .*, no regular file"):
        read_source(project)


def test_an_alias_of_itself(project):
    (project / "firmware" / "top.cpp").write_text(TOP.replace("x, y,", "a, y,") + "auto& a = b;\nauto& b = a;\n")
    with seconds(10), pytest.raises(ToolError, match="is an alias of itself"):
        read_source(project)


def source(**sizes) -> Source:
    return Source(
        root=None,
        calls=(),
        configs={},
        types={},
        sizes=sizes,
        pragmas=(),
        weights=lambda name: None,
    )


def test_sizes_that_multiply_end():
    """Each name a hundred times the next one: 100^8 products, of numbers without end."""
    names = {f"N_{n}": "*".join([f"N_{n + 1}"] * 100) for n in range(8)} | {"N_8": "9"}
    with seconds(10):
        assert source(**names).integer("N_0") is None
    ones = {f"N_{n}": "+".join([f"N_{n + 1}"] * 100) for n in range(8)} | {"N_8": "1"}
    with seconds(10):
        assert source(**ones).integer("N_0") == 100**8


@pytest.mark.parametrize(
    "text", ["N_0", "9" * 5000, "(" * 5000 + "1" + ")" * 5000, "2**9999999", "f(1)", "1/0", "", "-" * 9000 + "1"]
)
def test_what_is_no_size(text):
    with seconds(10):
        assert source(N_0="N_1", N_1="N_0").integer(text) is None


def test_sizes_are_what_they_were():
    found = source(A="3", B="A*2", C="B/2")
    assert [found.integer(text) for text in ("A", "B+1", "-C", "DIV_ROUNDUP(7, 2)", "MIN(A,B)", "MAX(A,B)", "D")] == [
        3, 7, -3, 4, 3, 6, None,
    ]  # fmt: skip
    assert found.integer("A", {"A": "5"}) == 5


def test_a_deep_project_file(tmp_path):
    (tmp_path / "project.json").write_text("[" * 100_000)
    with pytest.raises(ToolError, match="it does not describe a project"):
        read_source(tmp_path)


def test_weights_that_unpack_to_gigabytes_are_refused(tmp_path):
    """Zeros, a thousand times smaller when they are packed."""
    path = tmp_path / "weights.npz"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 30,)})
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("fc1/kernel.npy", "w", force_zip64=True) as f,
    ):
        f.write(header.getvalue())
        block = bytes(64 << 20)
        for _ in range(20):
            f.write(block)
    assert path.stat().st_size < 8 << 20
    with seconds(10), pytest.raises(ModelError, match="unpacked it is larger than 1024 MiB"):
        read_arrays(path)
