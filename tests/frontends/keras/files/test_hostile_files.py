"""Files that mean harm or that nobody meant: no code runs, no other file is read, no memory is filled, one sentence."""

from __future__ import annotations

import io
import json
import zipfile

import h5py
import numpy as np
import pytest
from model_files import dense, entrance, functional, layer, weights_of, write_h5, write_keras, write_weights

from hlsflow.foundation.errors import HlsflowError, ModelError, UnsupportedError
from hlsflow.frontends.keras.files.reader import read_model_file

SMALL = functional(entrance(), dense("d", "x"))
NUMBERED = {f"layers/dense/vars/{index}": array for index, array in enumerate(weights_of("d")["d"].values())}


@pytest.fixture(autouse=True)
def walked(request, monkeypatch):
    """The process that walks a file first is left out where it is not what is tested."""
    if "current_folder" not in request.node.name:
        monkeypatch.setattr("hlsflow.frontends.keras.files.reader._check_walk", lambda data, path: None)


@pytest.fixture
def read(tmp_path):
    """Reads a model in HDF5 from its configuration, as a value or a text; `change` edits the file before."""

    def read_(model, change=None, names=("d",)):
        path = write_h5(tmp_path / "m.h5", SMALL, weights_of(*names))
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = model if isinstance(model, str) else json.dumps(model)
            if change is not None:
                change(file)
        return read_model_file(path)

    return read_


def test_modules_of_the_current_folder_are_not_imported(tmp_path, monkeypatch):
    """Where a stranger's archive was unpacked there may be an `h5py.py` beside the model."""
    write_h5(tmp_path / "m.h5", SMALL, weights_of("d"))
    for name in ("h5py", "numpy", "hlsflow", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    assert read_model_file(tmp_path / "m.h5").architecture.outputs == ("d",)
    assert not (tmp_path / "canary").exists()


# --- architectures ---------------------------------------------------------------------------------------------------


def test_settings_that_are_nested_without_end_are_said(read):
    model, text = functional(entrance(), layer("Reshape", "d", "x", target_shape="@")), "[" * 900 + "]" * 900
    with pytest.raises(ModelError, match=r"m.h5: its architecture is nested without end"):
        read(json.dumps(model).replace('"@"', text))


@pytest.mark.parametrize("size", ["1e999", "-4", "0", "4.5", '"4"', "true", "[4]", "99999999999999999999"])
def test_an_input_has_whole_sizes_and_no_huge_ones(read, size):
    with pytest.raises(ModelError, match=r"m.h5: .*the input 'x' has (an axis of|more than)"):
        read(json.dumps(SMALL).replace("[null, 4]", f"[null, {size}]"))


@pytest.mark.parametrize(
    "item",
    [
        layer("LeakyReLU", "d", "x", alpha=float("nan")),
        layer("QActivation", "d", "x", activation="quantized_bits(8,0,alpha=1e999)"),
        layer("QActivation", "d", "x", activation={"class_name": "quantized_bits", "config": {"bits": float("inf")}}),
        layer("ReLU", "d", "x", max_value=[float("inf")]),
    ],
    ids=["NaN", "text", "quantizer", "list"],
)
def test_a_setting_that_is_no_number_is_named(read, item):
    with pytest.raises(UnsupportedError, match=r"layer 'd': .*(nan|inf|1e999).*; instead: a number"):
        read(functional(entrance(), item))


@pytest.mark.parametrize(
    "activation",
    [
        "quantized_po2(1000000000000)",
        "quantized_relu(bits=70000)",
        {"class_name": "quantized_bits", "config": {"bits": 8, "integer": -70000}},
        {"class_name": "quantized_relu", "config": {"bits": 8, "relu_upper_bound": [1e30]}},
    ],
)
def test_a_quantizer_whose_numbers_would_be_computed_for_ever_is_refused(read, activation):
    with pytest.raises(UnsupportedError, match=r"layer 'd': its activation says .* for (argument 1|[a-z_]+)"):
        read(functional(entrance(), layer("QActivation", "d", "x", activation=activation)))


@pytest.mark.parametrize(
    "activation",
    ["quantized_po2(12)", "quantized_relu_po2(bits=70)", {"class_name": "quantized_po2", "config": {"bits": 12}}],
)
def test_a_quantizer_of_more_powers_of_two_than_qkeras_computes_is_refused(read, activation):
    with pytest.raises(UnsupportedError, match=r"layer 'd': its activation has exponents of (12|70) bits"):
        read(functional(entrance(), layer("QActivation", "d", "x", activation=activation)))


@pytest.mark.parametrize("activation", [{"class_name": ["relu"], "config": {}}, ["relu"], 7, {"class_name": None}])
def test_an_activation_that_is_no_name_is_refused(read, activation):
    with pytest.raises(UnsupportedError, match="layer 'd': its activation is"):
        read(functional(entrance(), layer("Activation", "d", "x", activation=activation)))


def laughing(levels, calls):
    """Models within models, each called `calls` times by the one around it."""
    model = functional(entrance(), layer("ReLU", "d", "x"))
    for _ in range(levels):
        model["name"] = model["config"]["name"] = "m"
        model["inbound_nodes"] = [[["m", call - 1, 0, {}]] if call else [["x", 0, 0, {}]] for call in range(calls)]
        model = functional(entrance(), model)
        model["config"]["output_layers"] = [["m", calls - 1, 0]]
    return model


def test_a_small_file_that_is_a_network_without_end_is_refused(read, monkeypatch):
    assert len(read(laughing(2, 5)).architecture.layers) == 26
    monkeypatch.setattr("hlsflow.frontends.keras.files.flatten._MOST_LAYERS", 100)
    with pytest.raises(ModelError, match="more than 100 layers, copies for each call among them"):
        read(laughing(6, 40))


@pytest.mark.parametrize("said", [{"class_name": "Evil>Functional"}, {"module": "evil.models"}])
def test_a_model_of_somebody_s_own_class_is_refused(read, said):
    with pytest.raises(UnsupportedError, match="what it computes is code, and code of a file is never run"):
        read({**SMALL, **said})


def operation(node, **config):
    return {"class_name": "TFOpLambda", "name": "d", "config": {"name": "d", **config}, "inbound_nodes": [node]}


@pytest.mark.parametrize(
    "item",
    [
        operation(["_CONSTANT_VALUE", -1, 2.0, {"y": ["x", 0, 0], "name": None}], function="math.subtract"),
        operation([["x", 0, 0, {"y": ["x", 0, 0], "name": None}]], function="math.add"),
        {**layer("Concatenate", "d", "x"), "module": "keras.src.ops.numpy"},
    ],
    ids=["constant", "two tensors", "Keras 3"],
)
def test_an_operation_of_python_is_said_to_be_one_and_nothing_else(read, item):
    with pytest.raises(UnsupportedError) as caught:
        read(functional(entrance(), item, layer("ReLU", "r", "d")))
    (line,) = caught.value.message.splitlines()[1:]
    assert line.startswith("  layer 'd': an operation on tensors, and no layer; instead: replace it by a layer")


def test_what_has_several_outputs_and_is_not_read_is_refused_for_that(read):
    split = layer("Odd", "d", "x")
    both = layer("Add", "sum", "d")
    both["inbound_nodes"] = [[["d", 0, 0, {}], ["d", 0, 1, {}]]]
    with pytest.raises(UnsupportedError, match="layer 'd': 'Odd' is no layer"):
        read(functional(entrance(), split, both))
    with pytest.raises(UnsupportedError, match="layer 'd': it gives its state as further outputs"):
        read(functional(entrance("x", (3, 4)), layer("LSTM", "d", "x", units=3, return_state=True)))


@pytest.mark.parametrize(
    ("name", "flat"),
    [("a b", "a_b"), ("ä", "l_"), ("a\0b", "a_b"), ("\ud800", "l_"), ("\x1b]0;title\x07", "l__0_title_"),
     ("../../up", "../../up"), ("1st", "1st"), ("x" * 70_000, "x" * 100)],
    ids=["blank", "umlaut", "nul", "surrogate", "terminal", "path", "digit", "long"],
)  # fmt: skip
def test_a_layer_has_a_name_that_keras_and_a_terminal_take(read, name, flat):
    found = read(functional(entrance(), layer("ReLU", name, "x")))
    assert found.architecture.outputs == (flat,) and all(note.isprintable() for note in found.notes)
    assert bool(found.notes) == (name != flat)
    assert found.architecture.to_json().isascii()


def test_what_a_file_says_is_no_command_to_a_terminal(read):
    evil = "\x1b[2J\x07"
    model = functional(entrance(), dense("d", "x", dtype=f"float16{evil}"), layer("Dropout", f"p{evil}", "d"))
    model["config"]["name"] = f"net{evil}"
    found = read(model)
    assert all(text.isprintable() for text in (*found.notes, found.architecture.name))
    with pytest.raises(UnsupportedError) as caught:
        read(functional(entrance(), layer(f"Odd{evil}", f"d{evil}", "x")))
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("version", [None, "3.4.1"])
def test_a_function_that_keras_3_computes_otherwise_is_refused_by_a_file_without_a_version_too(tmp_path, version):
    model = json.loads(json.dumps(functional(entrance(), dense("d", "x", activation="hard_sigmoid"))))
    said = {} if version is None else {"keras_version": version}
    read_model_file(write_keras(tmp_path / "two.keras", model, NUMBERED, **{"metadata.json": b"{}"}))
    later = json.loads(json.dumps(model).replace("batch_input_shape", "batch_shape"))
    path = write_keras(tmp_path / "three.keras", later, NUMBERED, **{"metadata.json": json.dumps(said).encode()})
    with pytest.raises(UnsupportedError, match="hard_sigmoid of Keras 3 is another function"):
        read_model_file(path)


# --- containers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "write",
    [lambda text: text, lambda text: f"\n\t {text}", lambda text: f"\ufeff{text}", json.dumps],
    ids=["as it is", "blanks", "byte order mark", "a text in a text"],
)
def test_an_architecture_is_known_however_it_was_written(tmp_path, write):
    (tmp_path / "n.json").write_text(write(json.dumps(SMALL)), encoding="utf-8")
    write_weights(tmp_path / "n_weights.h5", weights_of("d"))
    assert read_model_file(tmp_path / "n.json").architecture.outputs == ("d",)


@pytest.mark.parametrize("name", ["layer_names", "weight_names", "model_config", "keras_version"])
@pytest.mark.parametrize("value", [5, np.arange(3), h5py.Empty("f"), b"\xff\xfe", np.array([[b"d"]])], ids=repr)
def test_attributes_of_another_kind_are_said(tmp_path, name, value):
    path = write_h5(tmp_path / "m.h5", SMALL, weights_of("d"))
    with h5py.File(path, "r+") as file:
        if name == "layer_names":
            del file.attrs["model_config"]
        owner = file["model_weights/d"] if name == "weight_names" else file
        owner.attrs[name] = value
    if name == "keras_version":
        assert read_model_file(path).origin.format.isprintable()
        return
    with pytest.raises(ModelError, match=r"m\.h5"):
        read_model_file(path)


def external(file):
    del file["model_weights/d/d/kernel:0"]
    file["away"] = h5py.ExternalLink("secret.h5", "/")
    file["model_weights/d/d/kernel:0"] = h5py.SoftLink("/away/d/d/kernel:0")


def group(file):
    del file["model_weights/d"]
    file["model_weights/d"] = h5py.ExternalLink("secret.h5", "/d")


def all_weights(file):
    del file["model_weights"]
    file["model_weights"] = h5py.ExternalLink("secret.h5", "/")


@pytest.mark.parametrize("change", [external, group, all_weights])
def test_no_link_leads_out_of_a_file(read, change, tmp_path, monkeypatch):
    write_weights(tmp_path / "secret.h5", weights_of("d"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"m.h5: .*links to another (file|place)\n  save the model in one file"):
        read(SMALL, change)


def test_a_layer_s_name_is_no_path_through_a_link(read, tmp_path, monkeypatch):
    write_weights(tmp_path / "secret.h5", weights_of("d"))
    monkeypatch.chdir(tmp_path)
    model = functional(entrance(), dense("away/d", "x"))
    with pytest.raises(ModelError, match="'away/d' links to another file"):
        read(model, lambda file: file["model_weights"].__setitem__("away", h5py.ExternalLink("secret.h5", "/")))


def test_groups_within_groups_without_end_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("hlsflow.frontends.keras.files.stores.MOST_ARRAYS", 500)
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        inner = file.create_group("g0")
        for depth in range(1, 25):
            outer = file.create_group(f"g{depth}")
            outer["a"] = outer["b"] = inner
            inner = outer
    path = write_keras(tmp_path / "m.keras", SMALL, {}, **{"model.weights.h5": content.getvalue()})
    with pytest.raises(ModelError, match="it names more than 500 groups and arrays"):
        read_model_file(path)


def test_many_arrays_that_claim_to_be_large_are_refused_together(read, monkeypatch):
    monkeypatch.setattr("hlsflow.frontends.keras.files.flatten.MAX_BYTES", 100)
    with pytest.raises(ModelError, match="MiB of weights up to layer 'e': no FPGA holds them"):
        read(functional(entrance(), dense("d", "x"), dense("e", "d")), names=("d", "e"))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_that_somebody_packed_again_is_read_and_a_damaged_one_said(tmp_path, method):
    path = write_keras(tmp_path / "m.keras", SMALL, NUMBERED)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
        start = archive.getinfo("model.weights.h5").header_offset + 60
    assert read_model_file(path).architecture.outputs == ("d",)
    data = bytearray(path.read_bytes())
    data[start : start + 30] = bytes(255 - byte for byte in data[start : start + 30])
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"m.keras: a damaged archive: "):
        read_model_file(path)


def test_an_archive_with_a_password_is_said(tmp_path):
    path = write_keras(tmp_path / "m.keras", SMALL, NUMBERED)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        local = archive.getinfo("config.json").header_offset
    central = data.index(b"PK\x01\x02")
    data[local + 6] |= 1
    data[central + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"a damaged archive: .*password"):
        read_model_file(path)


def test_weights_with_the_mark_of_an_archive_are_hdf5(tmp_path):
    """What ends like a zip archive need not be one."""
    path = write_h5(tmp_path / "m.h5", SMALL, weights_of("d"))
    path.write_bytes(path.read_bytes() + b"PK\x05\x06" + bytes(18))
    assert read_model_file(path).origin.format == "Keras 2.15.0 model (HDF5)"


@pytest.mark.slow
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_any_byte_of_an_archive_may_be_another(tmp_path, method):
    """A bit of every place but of HDF5's own bytes; whatever unpacks raises is one sentence."""
    path, rng, said = tmp_path / "m.keras", np.random.default_rng(3), 0
    whole = write_keras(tmp_path / "whole.keras", SMALL, NUMBERED)
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(path, "w", method) as packed:
        for name in archive.namelist():
            packed.writestr(name, archive.read(name))
        inside = packed.getinfo("model.weights.h5")
    data = path.read_bytes()
    end = data.index(b"PK\x01\x02")
    # A checksum guards what is packed, and nothing else; `test_bytes_that_flip_…` has a process for what libhdf5 does.
    skipped = range(inside.header_offset + 46, end) if method == zipfile.ZIP_STORED else range(0)
    for place in (place for place in range(len(data)) if place not in skipped):
        changed = bytearray(data)
        changed[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        try:
            read_model_file(path)
        except HlsflowError as error:
            said += "m.keras" in error.message
    assert said > 300
