import argparse
import io
import json
import os
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hlsflow.cli import weights as command
from hlsflow.foundation.array_file import pack_arrays, read_arrays
from hlsflow.foundation.errors import ModelError, UsageError
from hlsflow.models.owner import owner_of
from hlsflow.models.recipe import load_recipe
from hlsflow.models.weight_file import (
    WeightFile,
    as_integers,
    check_owner,
    export_weights,
    order_of,
    read_weight_file,
    real_values,
    to_bytes,
)
from hlsflow.training.record import is_trained, load_record

MODELS = Path(__file__).resolve().parents[2] / "models"
FORMATS = ("npz", "safetensors")


def run(*words: object) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([str(word) for word in words]))


@pytest.fixture
def root(tmp_path):
    """A workspace with the trained digits6 and one of a foreign recipe."""
    for name in ("digits6", "qat8"):
        shutil.copytree(MODELS / name, tmp_path / "models" / name)
    return tmp_path


def written(folder: Path, content: bytes) -> Path:
    path = folder / "file"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("name", ["float", "digits6"])
def test_float_weights_come_back_bit_for_bit(tmp_path, name, format_):
    path = written(tmp_path, to_bytes(export_weights(MODELS / name), format_))
    file = read_weight_file(path)
    recipe = load_recipe(MODELS / name)
    check_owner(file.metadata, path, owner_of(MODELS / name))
    assert file.metadata.model == name and set(file.metadata.types.values()) == {"float32"}
    # The weights file itself, order and all, so that the record of the training still vouches for it.
    assert pack_arrays(real_values(file, path, order_of(recipe))) == (MODELS / name / "weights.npz").read_bytes()
    assert to_bytes(file, format_) == path.read_bytes()


def test_other_programs_read_the_files_without_hlsflow(tmp_path):
    from safetensors import safe_open

    file = export_weights(MODELS / "digits6")
    kernel = read_arrays(MODELS / "digits6" / "weights.npz")["fc1/kernel"]
    with np.load(written(tmp_path, to_bytes(file, "npz")), allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["fc1/kernel"], kernel)
        said = json.loads(archive["metadata.json"])
    assert said["model"] == "digits6" and said["recipe_sha256"] == load_recipe(MODELS / "digits6").sha256()
    with safe_open(written(tmp_path, to_bytes(file, "safetensors")), framework="np") as opened:
        np.testing.assert_array_equal(opened.get_tensor("fc1/kernel"), kernel)
        assert json.loads(opened.metadata()["hlsflow"]) == said


def test_float16_is_stored_where_it_holds_every_weight(tmp_path):
    folder = tmp_path / "float"
    folder.mkdir()
    shutil.copy(MODELS / "float" / "recipe.yaml", folder)
    halves = read_arrays(MODELS / "float" / "weights.npz")
    halves = {key: array.astype(np.float16).astype(np.float32) for key, array in halves.items()}
    (folder / "weights.npz").write_bytes(pack_arrays(halves))
    file = export_weights(folder)
    assert {array.dtype.name for array in file.arrays.values()} == {"float16"}
    path = written(tmp_path, to_bytes(file, "safetensors"))
    back = real_values(read_weight_file(path), path, order_of(load_recipe(folder)))
    for key, array in halves.items():
        assert back[key].dtype == np.float32
        np.testing.assert_array_equal(back[key], array)


@pytest.mark.parametrize(
    ("integers", "dtype", "scale", "zero"),
    [
        ([[-128, 127]], "int8", 0.5, 0),
        ([[0, 255]], "int8", 0.5, -128),
        ([[-200, 55]], "int8", 0.5, 72),
        # 256 steps apart, but each channel alone fits, the second one by its common factor of four.
        ([[0, 400], [127, -4]], "int8", [0.5, 2.0], [0, 0]),
        ([[0, 3], [255, -3]], "int8", [0.5, 0.5], [-128, 0]),
        ([[0, 401], [127, -4]], "int16", 0.5, 0),
        ([[0, 40001], [127, -4]], "int32", 0.5, 0),
        ([300, -4], "int16", 0.5, 0),
        ([[0, 0]], "int8", 0.5, 0),
    ],
)
def test_integers_take_the_smallest_type_that_scale_and_zero_point_allow(integers, dtype, scale, zero):
    found = as_integers("fc1/kernel", 0.5 * np.array(integers, np.float32), 0.5)
    assert found["fc1/kernel"].dtype.name == dtype
    assert found["fc1/kernel_scale"].tolist() == scale and found["fc1/kernel_zero_point"].tolist() == zero


@given(
    integers=arrays(np.int32, st.tuples(st.integers(1, 5), st.integers(1, 4)), elements=st.integers(-9999999, 9999999)),
    shift=st.integers(0, 16),
    exponent=st.integers(-20, 4),
    format_=st.sampled_from(FORMATS),
)
def test_integers_stand_for_the_very_values(tmp_path_factory, integers, shift, exponent, format_):
    values = ((integers >> shift) * 2.0**exponent).astype(np.float32)
    file = WeightFile(arrays=as_integers("fc1/kernel", values, 2.0**exponent), metadata=None)
    path = tmp_path_factory.getbasetemp() / f"integers.{format_}"
    path.write_bytes(to_bytes(file, format_))
    back = read_weight_file(path)
    np.testing.assert_array_equal(
        real_values(back, path, order_of(load_recipe(MODELS / "digits6")))["fc1/kernel"], values
    )
    assert to_bytes(back, format_) == path.read_bytes()


def test_values_off_the_grid_are_no_integers():
    with pytest.raises(ModelError) as caught:
        as_integers("fc1/kernel", np.array([0.5, 0.3], np.float32), 0.5)
    assert caught.value.message == "fc1/kernel: its quantizer gave values that are no multiples of 0.5"


def test_a_float_model_has_no_integers():
    with pytest.raises(ModelError) as caught:
        export_weights(MODELS / "float", integers=True)
    assert str(caught.value) == "float has no quantizers: its weights are no integers\n  leave out --integers"


def safetensors_of(dtype: str, size: int) -> bytes:
    header = json.dumps({"fc1/kernel": {"dtype": dtype, "shape": [2], "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(size)


def npz_of(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "."), text)
    return content.getvalue()


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def pickled() -> bytes:
    content = io.BytesIO()
    np.savez(content, **{"fc1/kernel": np.array([Bomb()], dtype=object)})
    return content.getvalue()


WHOLE = {format_: to_bytes(export_weights(MODELS / "digits6"), format_) for format_ in FORMATS}


@pytest.mark.parametrize(
    "content",
    [
        WHOLE["npz"][:-30],
        WHOLE["npz"][:4000] + b"\0\0\0\0" + WHOLE["npz"][4004:],
        WHOLE["safetensors"][:-30],
        WHOLE["safetensors"][:40],
        WHOLE["safetensors"][:8] + b"{" + b"\xff" * 50 + WHOLE["safetensors"][59:],
        safetensors_of("F32", 4),
        safetensors_of("BF16", 4),
        pickled(),
        npz_of(metadata__json=b"{}"),
        npz_of(metadata__json=b"\xff\xfe"),
        npz_of(readme__txt=b"weights"),
    ],
    ids="npz-cut npz-altered cut header-cut header-altered sizes bfloat16 pickle empty no-json no-array".split(),
)
def test_a_corrupt_file_gives_one_error_and_runs_nothing(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, content)
    with pytest.raises(ModelError) as caught:
        read_weight_file(path)
    assert caught.value.message.startswith(f"cannot read the weights {path}: ")
    assert caught.value.hint == "export them again: hlsflow weights export"
    assert not (tmp_path / "exploded").exists()


def test_what_is_no_weight_file_is_said_so(tmp_path):
    for content in (b"", b"P", b"weights", b"12345678[]"):
        with pytest.raises(ModelError) as caught:
            read_weight_file(written(tmp_path, content))
        assert caught.value.message == f"{tmp_path / 'file'} is neither an .npz archive nor a safetensors file"
    with pytest.raises(ModelError) as caught:
        read_weight_file(tmp_path / "nothing.npz")
    assert caught.value.message == f"no file {tmp_path / 'nothing.npz'}"


KERNEL, SCALE, ZERO = np.ones((3, 2), np.int8), np.ones((), np.float32), np.zeros(2, np.int8)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"fc1/kernel": KERNEL}, "layer 'fc1': kernel is of integers, and fc1/kernel_scale is missing"),
        ({"fc1/kernel": KERNEL, "fc1/kernel_scale": SCALE},
         "layer 'fc1': kernel is of integers, and fc1/kernel_zero_point is missing"),
        ({"fc1/kernel": KERNEL, "fc1/kernel_scale": np.ones(3, np.float32), "fc1/kernel_zero_point": ZERO},
         "fc1/kernel_scale has shape (3,), expected () or (2,)"),
        ({"fc1/kernel": KERNEL, "fc1/kernel_scale": np.ones((), np.float64), "fc1/kernel_zero_point": ZERO},
         "layer 'fc1': kernel: its scale is float64 and its zero-point int8, expected float32 and an integer type"),
        ({"fc1/kernel_scale": SCALE}, "fc1/kernel_scale belongs to no array of integers"),
        ({"fc1/kernel": KERNEL.astype(np.float64)},
         "layer 'fc1': kernel is float64, expected float32, float16, int8, int16 or int32"),
    ],
)  # fmt: skip
def test_integers_without_what_they_stand_for_are_refused(tmp_path, content, message):
    path = written(tmp_path, pack_arrays(content))
    with pytest.raises(ModelError) as caught:
        real_values(read_weight_file(path), path, order_of(load_recipe(MODELS / "digits6")))
    assert caught.value.message == f"{path}: {message}"


def test_the_command_exports_and_imports_the_same(root, capsys):
    folder = root / "models" / "digits6"
    before = (folder / "weights.npz").read_bytes()
    for format_ in FORMATS:
        path = root / f"weights.{format_}"
        run("export", "digits6", path, "--workspace", root)
        assert f"wrote {path}: 8 arrays of digits6 as float32, {path.stat().st_size:,} bytes" in capsys.readouterr().out
        (folder / "weights.npz").unlink()
        run("import", "digits6", path, "--workspace", root, "--json")
        assert json.loads(capsys.readouterr().out)["test_accuracy"] == load_record(folder).accuracy.test
        assert (folder / "weights.npz").read_bytes() == before
        assert is_trained(load_recipe(folder), folder)


def test_the_format_must_be_known(root):
    with pytest.raises(UsageError) as caught:
        run("export", "digits6", root / "weights.bin", "--workspace", root)
    assert caught.value.message == f"{root / 'weights.bin'}: its name does not say the format"
    run("export", "digits6", root / "weights.bin", "--format", "safetensors", "--workspace", root)
    assert read_weight_file(root / "weights.bin").metadata.model == "digits6"


def test_weights_of_another_recipe_are_refused(root):
    run("export", "digits6", root / "w.npz", "--workspace", root)
    with pytest.raises(ModelError) as caught:
        run("import", "qat8", root / "w.npz", "--workspace", root)
    theirs, ours = (load_recipe(MODELS / name).sha256()[:12] for name in ("digits6", "qat8"))
    assert caught.value.message == (
        f"{root / 'w.npz'} holds weights of 'digits6' by recipe {theirs}, not of qat8 as its recipe is ({ours})"
    )


@pytest.mark.slow
def test_the_integers_are_those_that_the_layers_compute_with(root, capsys):
    from hlsflow.frontends.keras.sparsity import quantized_weights
    from hlsflow.models.weights import load_trained

    folder = root / "models" / "digits6"
    accuracy = load_record(folder).accuracy.test
    _, model = load_trained(folder)
    for format_ in FORMATS:
        path = root / f"weights.{format_}"
        run("export", "digits6", path, "--integers", "--workspace", root)
        file = read_weight_file(path)
        values = real_values(file, path, order_of(load_recipe(folder)))
        for layer in model.layers:
            for role, array in zip(("kernel", "bias"), quantized_weights(layer) if layer.weights else (), strict=False):
                np.testing.assert_array_equal(values[f"{layer.name}/{role}"], array)
                assert file.arrays[f"{layer.name}/{role}"].dtype == np.int8
        assert file.metadata.types["fc1/kernel"] == "quantized_bits(6,0,alpha=1)"
    # Imported, they are the weights: the network computes the same, and the record is of them.
    (folder / "curves.png").touch()
    run("import", "digits6", path, "--workspace", root)
    assert "measured anew" in capsys.readouterr().out
    assert load_record(folder).accuracy.test == accuracy and is_trained(load_recipe(folder), folder)
    assert not (folder / "curves.png").exists()
    run("export", "digits6", root / "again.npz", "--integers", "--workspace", root)
    assert (root / "again.npz").read_bytes() == (root / "weights.npz").read_bytes()


@pytest.mark.slow
def test_misshapen_weights_leave_the_model_as_it_was(root):
    folder = root / "models" / "digits6"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    content = read_arrays(folder / "weights.npz")
    for change, message in (
        ({"fc1/kernel": np.zeros((63, 64), np.float32)},
         "layer 'fc1': kernel has shape (63, 64), the architecture expects (64, 64)"),
        ({"dense_1/kernel": np.zeros((2, 2), np.float32)}, "layer 'dense_1': kernel is not in the architecture"),
    ):  # fmt: skip
        path = written(root, pack_arrays(content | change))
        with pytest.raises(ModelError) as caught:
            run("import", "digits6", path, "--workspace", root)
        assert caught.value.message == f"{path}: {message}"
        assert caught.value.hint == f"the architecture is that of {folder / 'recipe.yaml'}"
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_metadata_of_a_later_version_are_not_guessed_at(tmp_path):
    file = export_weights(MODELS / "digits6")
    path = written(tmp_path, to_bytes(WeightFile(arrays=file.arrays, metadata=None), "npz"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("metadata.json", json.dumps(file.metadata.model_dump() | {"version": 2}))
    with pytest.raises(ModelError) as caught:
        read_weight_file(path)
    assert caught.value.message == f"cannot read the weights {path}: its metadata are not hlsflow's"


def test_an_altered_weight_is_noticed_in_a_format_without_checksums(tmp_path):
    whole = WHOLE["safetensors"]
    first = 8 + struct.unpack("<Q", whole[:8])[0]
    for place in range(first, len(whole), 997):
        altered = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        with pytest.raises(ModelError) as caught:
            read_weight_file(written(tmp_path, altered))
        assert caught.value.message.endswith("/file: its arrays are not those that were written")
