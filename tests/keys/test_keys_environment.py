"""What changes a result from outside: environment variables, Keras' settings, the compiler."""

from __future__ import annotations

import pytest

from hlsflow.hls.csim import FLAGS
from hlsflow.keys.compiler import compiler_identity
from hlsflow.keys.environment import COMPILER_VARIABLES, DEFAULTS, KERAS_SETTINGS, VARIABLES, reaching


def test_a_variable_reaches_what_imports_its_reader_and_nothing_else():
    before = reaching(["tensorflow"], {})
    assert reaching(["tensorflow"], {"XLA_FLAGS": "--xla_cpu_enable_fast_math=true"}) != before
    assert reaching(["tensorflow"], {"OPENBLAS_CORETYPE": "Haswell"}) == before
    assert reaching(["numpy"], {"OPENBLAS_CORETYPE": "Haswell"}) != reaching(["numpy"], {})
    assert reaching(["hls4ml"], {"DA_HARD_DC": "4"}) != reaching(["hls4ml"], {})
    assert reaching(["yaml"], {"XLA_FLAGS": "x", "OMP_NUM_THREADS": "1"}) == {}


def test_what_the_flow_sets_itself_is_as_if_the_user_had_set_it(monkeypatch):
    """Else the second build of a process, TensorFlow loaded by then, would not know the first one's results."""
    import os
    import sys
    from types import ModuleType
    from unittest.mock import MagicMock

    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    for name in {name for variables in VARIABLES.values() for name in variables}:
        monkeypatch.delenv(name, raising=False)
    before = reaching(VARIABLES)
    # A stand-in for TensorFlow: what is tested is what the flow sets before it imports it.
    stand_in = ModuleType("tensorflow")
    stand_in.config = MagicMock()
    monkeypatch.setitem(sys.modules, "tensorflow", stand_in)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    prepare_tensorflow()
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == DEFAULTS["TF_ENABLE_ONEDNN_OPTS"]
    assert reaching(VARIABLES) == before
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
    assert reaching(VARIABLES) != before


def test_the_settings_of_keras_count_and_its_own_defaults_do_not(tmp_path):
    environ = {"KERAS_HOME": str(tmp_path)}
    before = reaching(["keras"], environ)
    file = tmp_path / KERAS_SETTINGS
    # As Keras 2.15 writes it when there is none.
    file.write_text(
        '{"floatx": "float32", "epsilon": 1e-07, "backend": "tensorflow", "image_data_format": "channels_last"}'
    )
    assert reaching(["keras"], environ) == before
    file.write_text('{"floatx": "float64"}')
    assert reaching(["keras"], environ) != before
    file.write_text("{damaged")
    assert reaching(["keras"], environ) == before


@pytest.fixture
def stand_in(tmp_path):
    """Makes a stand-in for a compiler, which answers what it is asked."""

    def make(version="g++ 12.2\nof Monday", target="x86_64-linux-gnu", name="g++"):
        path = tmp_path / name
        path.write_text(f'#!/bin/sh\ncase "$1" in --version) echo "{version}";; *) echo "{target}";; esac\n')
        path.chmod(0o755)
        return str(path)

    return make


def test_a_compiler_is_told_apart_by_all_that_it_says_its_place_flags_and_environment(stand_in):
    first = compiler_identity(stand_in(), FLAGS, {})
    assert first == compiler_identity(stand_in(), FLAGS, {"HOME": "/home/me"})
    others = [
        compiler_identity(stand_in("g++ 12.2\nof Tuesday"), FLAGS, {}),
        compiler_identity(stand_in(target="aarch64-linux-gnu"), FLAGS, {}),
        compiler_identity(stand_in(name="g++-other"), FLAGS, {}),
        compiler_identity(stand_in(), (*FLAGS, "-ffast-math"), {}),
        *(compiler_identity(stand_in(), FLAGS, {name: "/elsewhere"}) for name in COMPILER_VARIABLES),
    ]
    assert {"CPATH", "CPLUS_INCLUDE_PATH", "C_INCLUDE_PATH", "LIBRARY_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX"} <= set(
        COMPILER_VARIABLES
    )
    assert all(other != first for other in others)


def test_a_link_to_a_compiler_is_the_compiler(stand_in, tmp_path):
    path = stand_in()
    (tmp_path / "c++").symlink_to(path)
    assert compiler_identity(str(tmp_path / "c++"), FLAGS, {}) == compiler_identity(path, FLAGS, {})


def test_a_compiler_that_answers_nothing_is_no_error(tmp_path):
    assert compiler_identity(str(tmp_path / "nowhere"), FLAGS, {})["version"] == ""


def test_what_a_compiler_says_is_kept_as_text_though_it_fails(stand_in, tmp_path):
    """A key is JSON, and an option that a compiler does not know may still tell it from another."""
    found = compiler_identity(stand_in(), FLAGS, {})
    assert (found["version"], found["target"]) == ("g++ 12.2\nof Monday\n", "x86_64-linux-gnu\n")
    path = tmp_path / "cc"
    path.write_text('#!/bin/sh\necho "no such option: $1"\nexit 1\n')
    path.chmod(0o755)
    found = compiler_identity(str(path), FLAGS, {})
    assert (found["version"], found["target"]) == ("no such option: --version\n", "no such option: -dumpmachine\n")
