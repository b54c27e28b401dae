"""Packages are told apart by what is installed: another RECORD, a patched file, a checkout on the path."""

from __future__ import annotations

import os

import pytest

from hlsflow.keys.distributions import COMPUTING, Installed, installed
from hlsflow.keys.environment import VARIABLES

RECORD = """\
../../../bin/{name},sha256={script},200
{info}/INSTALLER,sha256=a,4
{info}/RECORD,,
{info}/direct_url.json,sha256={url},90
{module}/__init__.py,sha256={code},10
{module}/__pycache__/__init__.cpython-311.pyc,sha256={pyc},10
"""


@pytest.fixture
def site(tmp_path):
    """A folder of installed packages, and what installs one into it."""

    def install(name, version="1.0", module=None, *, code="c", script="s", url="u", pyc="p", folder=tmp_path / "site"):
        module = module or name.replace("-", "_")
        info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "RECORD").write_text(
            RECORD.format(name=name, info=info.name, module=module, code=code, script=script, url=url, pyc=pyc)
        )
        (folder / module).mkdir(exist_ok=True)
        (folder / module / "__init__.py").write_text("value = 1\n")
        return folder

    return install


def states(*folders, imported=("hls4ml", "tensorflow", "sklearn"), **more):
    return Installed([str(folder) for folder in folders]).computing(imported, **more)


def test_another_record_is_another_package_at_the_same_version(site):
    folder = site("scikit-learn", module="sklearn", code="as released")
    before = states(folder, imported=["sklearn"])
    assert before == states(folder, imported=["sklearn"])
    site("scikit-learn", module="sklearn", code="patched")
    after = states(folder, imported=["sklearn"])
    assert before.keys() == after.keys() == {"scikit-learn"} and before != after


def test_what_the_installer_notes_is_not_the_package(site):
    """A script's first line is the environment's path; notes and compiled files differ between installers."""
    folder = site("scikit-learn", module="sklearn")
    before = states(folder, imported=["sklearn"])
    site("scikit-learn", module="sklearn", script="elsewhere", url="elsewhere", pyc="later")
    assert states(folder, imported=["sklearn"]) == before


def test_a_file_that_was_patched_in_place_counts(site):
    folder = site("hls4ml")
    before = states(folder, imported=["hls4ml"])
    (folder / "hls4ml" / "templates").mkdir()
    (folder / "hls4ml" / "templates" / "nnet_dense.h").write_text("acc = 0;")
    middle = states(folder, imported=["hls4ml"])
    (folder / "hls4ml" / "templates" / "nnet_dense.h").write_text("acc = 1;")
    after = states(folder, imported=["hls4ml"])
    assert len({state["hls4ml"] for state in (before, middle, after)}) == 3
    (folder / "hls4ml" / "templates" / "nnet_dense.pyc").write_text("compiled")
    assert states(folder, imported=["hls4ml"]) == after


def test_another_version_counts(site, tmp_path):
    first, second = site("hls4ml"), site("hls4ml", "1.1", folder=tmp_path / "other")
    assert states(first, imported=["hls4ml"]) != states(second, imported=["hls4ml"])


def test_a_checkout_before_the_installed_package_is_what_counts(site, tmp_path):
    folder = site("scikit-learn", module="sklearn")
    (tmp_path / "checkout" / "sklearn").mkdir(parents=True)
    (tmp_path / "checkout" / "sklearn" / "__init__.py").write_text("value = 2\n")
    before, shadowed = states(folder, imported=["sklearn"]), states(tmp_path / "checkout", folder, imported=["sklearn"])
    assert before != shadowed
    (tmp_path / "checkout" / "sklearn" / "__init__.py").write_text("value = 3\n")
    assert shadowed != states(tmp_path / "checkout", folder, imported=["sklearn"])


def test_a_checkout_that_nobody_installed_counts(tmp_path):
    (tmp_path / "hls4ml").mkdir()
    (tmp_path / "hls4ml" / "__init__.py").write_text("value = 2\n")
    before = states(tmp_path, imported=["hls4ml"])
    assert list(before) == ["hls4ml (not installed)"]
    (tmp_path / "hls4ml" / "__init__.py").write_text("value = 3\n")
    assert states(tmp_path, imported=["hls4ml"]) != before


@pytest.mark.parametrize("name", ["tensorflow", "tensorflow-cpu", "tensorflow-macos", "tf-nightly", "intel-tensorflow"])
def test_tensorflow_is_found_by_each_of_its_names_and_keras_with_it(site, name):
    site("keras", "2.15.0")
    folder = site(name, module="tensorflow")
    assert states(folder, imported=["tensorflow"]).keys() == {name, "keras"}
    before = states(folder, imported=["tensorflow"])
    site("keras", "2.15.0", code="patched")
    assert states(folder, imported=["tensorflow"]) != before


def test_a_package_that_does_not_compute_is_in_no_key(site):
    folder = site("rich")
    assert states(folder, imported=["rich", "pathlib"]) == {}
    assert states(folder, imported=[], also=["rich"]).keys() == {"rich"}


def test_what_runs_here_is_found_whole():
    found = installed().computing(COMPUTING)
    assert {"keras", "numpy", "scipy", "scikit-learn", "qkeras", "hls4ml", "h5py"} <= found.keys()
    assert any(name.startswith("tensorflow") for name in found) and "tensorflow-model-optimization" in found
    assert not any("not installed" in name for name in found if name.startswith(("tensorflow", "keras", "hls4ml")))
    # Those of extras: the open tools, other front ends.
    absent = {name for name in found if "not installed" in name}
    extras = ("da4ml", "pyosys", "onnx", "onnxruntime", "qonnx", "HGQ", "hgq")
    assert absent <= {f"{name} (not installed)" for name in extras}
    assert all(len(state.split()) == (0 if name in absent else 2) for name, state in found.items())


def test_every_package_with_variables_is_one_that_computes():
    assert set(VARIABLES) <= set(COMPUTING)


def test_a_library_patched_in_place_is_known_by_its_record_alone(site):
    folder = site("scikit-learn", module="sklearn")
    before = states(folder, imported=["sklearn"])
    (folder / "sklearn" / "__init__.py").write_text("value = 2\n")
    assert states(folder, imported=["sklearn"]) == before


def test_a_package_that_is_one_file_is_known_by_its_record(site):
    folder = site("onefile")
    (folder / "onefile" / "__init__.py").unlink()
    (folder / "onefile").rmdir()
    (state,) = states(folder, imported=[], also=["onefile"]).values()
    assert state.startswith("1.0 ") and len(state.split()[1]) == 64


def test_of_a_package_in_two_places_the_first_counts(tmp_path):
    for place in "ab":
        (tmp_path / place / "hls4ml").mkdir(parents=True)
        (tmp_path / place / "hls4ml" / "__init__.py").write_text("")
        (tmp_path / place / "hls4ml" / "part.py").write_text("value = 1\n")
    before = states(tmp_path / "a", tmp_path / "b", imported=["hls4ml"])
    (tmp_path / "a" / "hls4ml" / "part.py").write_text("value = 2\n")
    assert states(tmp_path / "a", tmp_path / "b", imported=["hls4ml"]) != before


@pytest.mark.parametrize(("size", "read"), [(10, True), (25, True), (4 << 20, True), ((4 << 20) + 1, False)])
def test_files_of_more_than_four_megabytes_count_by_size_and_time(site, size, read):
    folder = site("hls4ml")
    path = folder / "hls4ml" / "data.bin"

    def state(content: bytes, time: int = 1000):
        path.write_bytes(content.ljust(size, b"0"))
        os.utime(path, (time, time))
        return states(folder, imported=["hls4ml"])

    before = state(b"1")
    assert (state(b"2") != before) is read
    assert (state(b"1", 2000) != before) is not read


def test_what_is_installed_is_read_once():
    assert installed() is installed()
