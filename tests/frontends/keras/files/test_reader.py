"""Model files read without Keras: what is in them decides, nothing in them runs, and what is wrong is said."""

from __future__ import annotations

import json
import os
import zipfile

import h5py
import numpy as np
import pytest
from model_files import dense, entrance, functional, layer, weights_of, write_h5, write_keras, write_weights

from hlsflow.foundation.errors import HlsflowError, ModelError, UnsupportedError
from hlsflow.frontends.keras.files.reader import read_model_file

SMALL = functional(entrance(), dense("d", "x"))


@pytest.fixture(autouse=True)
def walked(request, monkeypatch):
    """Files that these tests write are whole, so that no process need walk them first, but where that is tested."""
    monkeypatch.setattr("hlsflow.frontends.keras.files.reader._WALKED", set())
    if "bytes_that" not in request.node.name and "library" not in request.node.name:
        monkeypatch.setattr("hlsflow.frontends.keras.files.reader._check_walk", lambda data, path: None)


@pytest.fixture
def saved(tmp_path):
    """Writes a model in HDF5 and reads it."""

    def read(*layers, names=("d",), outputs=None, version="2.15.0"):
        model = functional(entrance(), *layers, outputs=outputs)
        return read_model_file(write_h5(tmp_path / "m.h5", model, weights_of(*names), version))

    return read


def test_a_whole_model_is_read(saved):
    found = saved(dense("d", "x"))
    assert [(item.name, item.class_name) for item in found.architecture.layers] == [("x", "InputLayer"), ("d", "Dense")]
    assert list(found.weights) == ["d/kernel", "d/bias"] and found.weights["d/kernel"].dtype == np.float32
    assert np.array_equal(found.weights["d/kernel"], weights_of("d")["d"]["kernel"])
    assert found.origin.file == "m.h5" and found.origin.format == "Keras 2.15.0 model (HDF5)"


def test_what_training_alone_knows_is_left_out_and_said(saved):
    found = saved(
        layer("GaussianNoise", "noise", "x", stddev=0.1),
        dense("d", "noise"),
        layer("Dropout", "drop", "d", rate=0.5),
    )
    assert [item.name for item in found.architecture.layers] == ["x", "d"]
    assert found.architecture.layer("d").inputs == ("x",) and found.architecture.outputs == ("d",)
    assert found.notes == ("left out, since training alone knows them: 'noise', 'drop'",)


def test_a_shared_layer_has_a_copy_for_each_use(tmp_path):
    shared = dense("d", "x")
    shared["inbound_nodes"].append([["y", 0, 0, {}]])
    add = layer("Add", "sum", "d", "d")
    add["inbound_nodes"] = [[["d", 0, 0, {}], ["d", 1, 0, {}]]]
    model = functional(entrance("x"), entrance("y"), shared, add)
    found = read_model_file(write_h5(tmp_path / "m.h5", model, weights_of("d")))
    assert found.architecture.layer("sum").inputs == ("d", "d_2")
    assert np.array_equal(found.weights["d/kernel"], found.weights["d_2/kernel"])


def test_a_model_within_a_model_is_opened(tmp_path):
    inner = functional(entrance("in"), dense("d", "in"))
    inner["config"]["name"] = inner["name"] = "core"
    inner["inbound_nodes"] = [[["x", 0, 0, {}]]]
    model = functional(entrance(), inner, layer("ReLU", "act", "core"))
    path = tmp_path / "m.h5"
    write_h5(path, model, {})
    with h5py.File(path, "r+") as file:
        group = file["model_weights"].create_group("core")
        group.attrs["weight_names"] = [b"d/kernel:0", b"d/bias:0"]
        for name, array in weights_of("d")["d"].items():
            group.create_dataset(f"d/{name}:0", data=array)
    found = read_model_file(path)
    assert [item.name for item in found.architecture.layers] == ["x", "d", "act"]
    assert found.architecture.layer("act").inputs == ("d",)


@pytest.mark.parametrize(("left", "said"), [(0, "25.0% of its kernel are zeros"), (1, "1 weights outside of its mask")])
def test_a_pruning_wrapper_is_taken_off_and_its_zeros_counted(tmp_path, left, said):
    kernel = np.ones((4, 3), np.float32)
    kernel[0] = 0
    mask = (kernel != 0).astype(np.float32)
    kernel[0, :left] = 1
    wrapper = layer("PruneLowMagnitude", "prune_d", "x", layer=dense("d"), pruning_schedule={"class_name": "P"})
    path = tmp_path / "m.h5"
    arrays = {"kernel": kernel, "bias": np.zeros(3, np.float32), "mask": mask, "threshold": np.zeros(())}
    write_h5(path, functional(entrance(), wrapper), {"prune_d": arrays})
    found = read_model_file(path)
    assert [item.name for item in found.architecture.layers] == ["x", "d"]
    assert np.array_equal(found.weights["d/kernel"], kernel) and said in found.notes[0]


def test_an_architecture_takes_the_weights_beside_it_or_those_that_are_named(tmp_path):
    path = tmp_path / "net.json"
    path.write_text(json.dumps(SMALL))
    with pytest.raises(ModelError, match=r"no net_weights.h5 beside it\n  name its weights: --weights FILE"):
        read_model_file(path)
    named = write_weights(tmp_path / "other.h5", weights_of("d"))
    beside = write_weights(tmp_path / "net_weights.h5", {"d": {**weights_of("d")["d"], "bias": np.ones(3, np.float32)}})
    assert not read_model_file(path, named).weights["d/bias"].any()
    assert read_model_file(path).weights["d/bias"].all()
    assert beside.name in read_model_file(path).origin.format
    with pytest.raises(ModelError, match="it is no JSON architecture, so it takes no weights"):
        read_model_file(write_h5(tmp_path / "m.h5", SMALL, weights_of("d")), named)


@pytest.mark.parametrize(
    "folder", ["layers/dense/vars", "_layer_checkpoint_dependencies/dense/vars", "layers\\dense\\vars"]
)
def test_an_archive_is_read_as_every_keras_writes_it(tmp_path, folder):
    arrays = weights_of("d")["d"]
    joint = "\\" if "\\" in folder else "/"
    numbered = {f"{folder}{joint}{index}": array for index, array in enumerate(arrays.values())}
    found = read_model_file(write_keras(tmp_path / "m.keras", SMALL, numbered))
    assert np.array_equal(found.weights["d/kernel"], arrays["kernel"])
    assert found.origin.format == "Keras 3.5.0 model (.keras)"


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (layer("Lambda", "l", "x", function=["4wEAAAA=", None, None]), "a Lambda layer is code, and code of a file is"),
        (layer("Mine>Odd", "l", "x"), "its class 'Odd' is of Mine; instead: replace it by layers of Keras"),
        (layer("HGQ>QDense", "l", "x"), "is of HGQ; instead: its proxy model: HGQ.to_proxy_model"),
        ({**dense("l", "x"), "module": "evil.layers"}, "is of evil.layers"),
        ({**dense("l", "x"), "registered_name": "Evil>Dense"}, "is of Evil"),
        (layer("TimeDistributed", "l", "x", layer=layer("Lambda", "in")), "a wrapper or a layer that has no exact"),
        (layer("PruneLowMagnitude", "l", "x", layer=layer("Lambda", "l")), "a Lambda layer is code"),
        (dense("l", "x", activation="__import__('os').system('true')"), "is no quantizer of QKeras"),
        (dense("l", "x", activation="quantized_bits(os.getpid())"), "is no quantizer of QKeras"),
        (dense("l", "x", activation="quantized_bits(8,integer=open)"), "no number and no name"),
        (dense("l", "x", activation={"class_name": "function", "config": "eval"}), "no quantizer"),
        (layer("QDense", "l", "x", units=3, kernel_quantizer={"class_name": "Popen", "config": {}}), "no quantizer"),
        (layer("Reshape", "l", "x", target_shape={"class_name": "Odd", "config": {}}), "an object of class 'Odd'"),
        (dense("l", "x", call={"mask": ["m", 0, 0]}), "it is called with mask=…, which is not read"),
    ],
    ids=lambda value: value["class_name"] if isinstance(value, dict) else value[:20],
)  # fmt: skip
def test_a_layer_that_is_not_read_is_named_with_a_way_out(saved, item, said):
    with pytest.raises(UnsupportedError, match=rf"(?s)layer 'l': .*{said}") as caught:
        saved(item, names=("l",))
    assert "; instead: " in str(caught.value)


def test_all_layers_that_are_not_read_are_named_at_once(saved):
    with pytest.raises(UnsupportedError) as caught:
        saved(layer("Lambda", "a", "x"), layer("Odd", "b", "a"), names=())
    assert "layer 'a': " in str(caught.value) and "layer 'b': " in str(caught.value)


def test_nothing_of_a_file_is_run(tmp_path, monkeypatch):
    """A Lambda whose bytecode and whose pickle would write a file."""
    canary = tmp_path / "canary"
    code = f"import os; os.system('touch {canary}')"
    for function in (code, {"class_name": "__lambda__", "config": {"code": code}}, [code, None, None]):
        path = write_h5(tmp_path / "m.h5", functional(entrance(), layer("Lambda", "l", "x", function=function)), {})
        with pytest.raises(UnsupportedError):
            read_model_file(path)
    assert not canary.exists() and "pickle" not in read_model_file.__globals__


def edited(change):
    """A whole model's configuration with something changed."""
    model = json.loads(json.dumps(SMALL))
    change(model)
    return model


def cyclic(model):
    model["config"]["layers"][1]["inbound_nodes"] = [[["d", 0, 0, {}]]]


def nested(model):
    inner = model["config"]["layers"][1]
    for _ in range(40):
        inner = {"class_name": "Sequential", "config": {"name": "s", "layers": [inner]}, "name": "s"}
    inner["inbound_nodes"] = [[["x", 0, 0, {}]]]
    model["config"]["layers"][1], model["config"]["output_layers"] = inner, [["s", 0, 0]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda model: model["config"].pop("layers"), "its architecture is damaged"),
        (lambda model: model.update(config=None), "its architecture is damaged"),
        (lambda model: model["config"].update(output_layers=[["nobody", 0, 0]]), "its architecture is damaged"),
        (lambda model: model["config"]["layers"][1].pop("config"), "its architecture is damaged"),
        (lambda model: model["config"]["layers"][0]["config"].update(batch_input_shape="abc"), "is damaged"),
        (cyclic, "layer 'd' has inputs that no layer gives"),
        (nested, "models within models without end"),
        (lambda model: model.update(class_name="Mine"), "a model of class 'Mine': what it computes is code"),
    ],
    ids=["no layers", "no config", "no output", "no settings", "shape", "cycle", "nested", "subclass"],
)  # fmt: skip
def test_a_damaged_architecture_is_said(tmp_path, change, said):
    path = write_h5(tmp_path / "m.h5", edited(change), weights_of("d"))
    with pytest.raises((ModelError, UnsupportedError), match=said):
        read_model_file(path)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({}, "layer 'd': the file holds no 'kernel' of it"),
        ({"kernel": np.zeros((4, 3), np.float32)}, "layer 'd': the file holds no 'bias' of it"),
        ({"kernel": np.full((4, 3), np.nan, np.float32), "bias": np.zeros(3)}, "kernel holds values that are NaN"),
        ({"kernel": np.full((4, 3), np.inf, np.float32), "bias": np.zeros(3)}, "holds values that are NaN or infinite"),
        ({"kernel": np.array([b"text"]), "bias": np.zeros(3)}, "layer 'd': kernel: its values are .S4, no numbers"),
    ],
    ids=["none", "one missing", "NaN", "infinite", "text"],
)  # fmt: skip
def test_weights_that_are_missing_or_no_numbers_are_said(tmp_path, arrays, said):
    with pytest.raises(ModelError, match=said):
        read_model_file(write_h5(tmp_path / "m.h5", SMALL, {"d": arrays}))


def test_weights_of_another_file_are_not_followed(tmp_path):
    secret = write_weights(tmp_path / "secret.h5", weights_of("d"))
    path = write_h5(tmp_path / "m.h5", SMALL, weights_of("d"))
    with h5py.File(path, "r+") as file:
        del file["model_weights/d/d/kernel:0"]
        file["model_weights/d/d/kernel:0"] = h5py.ExternalLink(secret, "d/d/kernel:0")
    with pytest.raises(ModelError, match="links to another file"):
        read_model_file(path)
    with h5py.File(path, "r+") as file:
        del file["model_weights/d/d/kernel:0"]
        file["model_weights/d/d"].create_dataset(
            "kernel:0", (4, 3), np.float32, external=[(os.fspath(secret), 0, h5py.h5f.UNLIMITED)]
        )
    with pytest.raises(ModelError, match="its values lie in another file"):
        read_model_file(path)


def test_an_array_that_claims_to_be_huge_is_refused_before_it_is_made(tmp_path):
    path = write_h5(tmp_path / "m.h5", SMALL, weights_of("d"))
    with h5py.File(path, "r+") as file:
        del file["model_weights/d/d/kernel:0"]
        file["model_weights/d/d"].create_dataset("kernel:0", (1 << 20, 1 << 20), np.float32, chunks=(64, 64))
    with pytest.raises(ModelError, match="are more than any model here has"):
        read_model_file(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is cut off, or empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer of Git LFS, not the file itself"),
        (b"\x80\x04\x95 a pickle", "it is neither HDF5, nor an archive of Keras"),
        (b"{", "it is no whole JSON"),
        (b"{}", "a JSON file, and no architecture of Keras"),
        (b"[" * 100_000, "it is no whole JSON"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "a damaged HDF5 file"),
    ],
    ids=["empty", "LFS", "pickle", "JSON", "other JSON", "deep JSON", "HDF5"],
)
def test_another_file_is_said_to_be_one(tmp_path, content, said):
    path = tmp_path / "m.h5"
    path.write_bytes(content)
    (tmp_path / "m_weights.h5").write_bytes(b"")
    with pytest.raises(ModelError, match=said):
        read_model_file(path)


def test_a_folder_a_missing_file_and_weights_alone_are_said(tmp_path):
    with pytest.raises(ModelError, match="a SavedModel folder is not read"):
        read_model_file(tmp_path)
    with pytest.raises(ModelError, match=r"no file .*none.h5"):
        read_model_file(tmp_path / "none.h5")
    with pytest.raises(ModelError, match="weights alone, no architecture"):
        read_model_file(write_weights(tmp_path / "w.h5", weights_of("d")))


def test_archives_that_are_damaged_or_hostile_are_refused(tmp_path):
    whole = {"layers/dense/vars/0": np.zeros((4, 3), np.float32), "layers/dense/vars/1": np.zeros(3, np.float32)}
    path = tmp_path / "m.keras"
    with pytest.raises(ModelError, match="expected 2: kernel, bias"):
        read_model_file(write_keras(path, SMALL, {"layers/dense/vars/0": whole["layers/dense/vars/0"]}))
    write_keras(path, SMALL, whole, **{"../../outside": b"x", "custom_objects.pkl": b"\x80\x04."})
    read_model_file(path)
    assert not (tmp_path.parent.parent / "outside").exists()
    with zipfile.ZipFile(path, "a") as archive:
        archive.getinfo("config.json").file_size = 1 << 40
        archive.writestr("one more", b"")
    with pytest.raises(ModelError, match=r"a damaged archive: .*unpacked it is larger than"):
        read_model_file(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(SMALL))
    with pytest.raises(ModelError, match=r"an archive without model\.weights\.h5"):
        read_model_file(path)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_bytes_that_flip_or_are_lost_give_one_sentence(tmp_path, suffix, monkeypatch):
    """libhdf5 loops for ever on some of them, and dies of others: that is said, too."""
    monkeypatch.setattr("hlsflow.frontends.keras.files.reader._WALK_S", 3.0)
    whole = tmp_path / f"whole.{suffix}"
    numbered = {f"layers/dense/vars/{index}": array for index, array in enumerate(weights_of("d")["d"].values())}
    if suffix == "h5":
        write_h5(whole, SMALL, weights_of("d"))
    else:
        write_keras(whole, SMALL, numbered)
    data, rng, path, said = whole.read_bytes(), np.random.default_rng(7), tmp_path / f"m.{suffix}", []
    for _ in range(40):
        changed = bytearray(data[: rng.integers(1, len(data))] if rng.integers(3) == 0 else data)
        for place in rng.integers(0, len(changed), rng.integers(1, 6)):
            changed[place] ^= 1 << rng.integers(8)
        path.write_bytes(changed)
        try:
            read_model_file(path)
        except HlsflowError as error:
            assert path.name in error.message or "layer '" in error.message, error
            said.append(error.message)
    assert len(said) > 15


@pytest.mark.parametrize(
    ("code", "said"), [("while True: pass", "no end after 1 s"), ("import os; os.abort()", "killed by SIGABRT")]
)
def test_a_file_that_the_library_never_comes_back_from_is_said(tmp_path, monkeypatch, code, said):
    monkeypatch.setattr("hlsflow.frontends.keras.files.reader._WALK_S", 1.0 if "1 s" in said else 30.0)
    monkeypatch.setattr("hlsflow.frontends.keras.files.reader._WALKED", set())
    monkeypatch.setattr("hlsflow.frontends.keras.files.reader.PACKAGE", tmp_path / "hlsflow")
    frontends = tmp_path / "hlsflow" / "frontends"
    walk = frontends / "keras" / "files" / "hdf5_walk.py"
    walk.parent.mkdir(parents=True)
    for folder in (tmp_path / "hlsflow", frontends, frontends / "keras", walk.parent):
        (folder / "__init__.py").write_text("")
    walk.write_text(code)
    with pytest.raises(ModelError, match=rf"m.h5: a damaged HDF5 file: reading it to its end: {said}"):
        read_model_file(write_h5(tmp_path / "m.h5", SMALL, weights_of("d")))
