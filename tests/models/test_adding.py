"""Somebody's model put into a workspace: what is kept, what is derived, and what is refused with nothing changed."""

from __future__ import annotations

import io

import numpy as np
import pytest
from model_files import dense, entrance, files_of, functional, layer, weights_of, write_h5, write_other_weights

from hlsflow.foundation.errors import ConfigError, DataError, ModelError, UsageError
from hlsflow.models.adding import Wishes, add_file, derived_name
from hlsflow.models.given_data import read_data
from hlsflow.models.model import open_model


@pytest.mark.parametrize(
    ("file", "name"),
    [("My net-2.h5", "My_net_2"), ("model.best.keras", "model_best"), ("3layer.json", "model_3layer"),
     ("---.h5", "model"), ("ä.h5", "model"), ("a" * 90 + ".h5", "a" * 64)],
)  # fmt: skip
def test_a_name_is_derived_from_the_file(file, name):
    assert derived_name(file) == name


def test_a_folder_holds_values_alone(workspace, file):
    added = add_file(workspace, file, Wishes())
    assert (added.card.name, added.is_new, added.changed) == ("net", True, False)
    assert sorted(files_of(workspace.models)) == ["net/architecture.json", "net/model.yaml", "net/weights.npz"]
    assert added.card.origin.file == "net.h5" and len(added.card.origin.sha256) == 64
    assert workspace.model_names() == ["net"]


def test_the_same_file_again_changes_nothing(workspace, file):
    add_file(workspace, file, Wishes())
    before = files_of(workspace.models)
    again = add_file(workspace, file, Wishes())
    assert (again.is_new, again.changed) == (False, False) and files_of(workspace.models) == before


def test_a_changed_file_takes_the_place_of_its_former_self(workspace, file):
    add_file(workspace, file, Wishes())
    write_other_weights(file)
    added = add_file(workspace, file, Wishes())
    assert (added.card.name, added.is_new, added.changed) == ("net", True, True)


def test_another_file_of_that_name_gets_a_number_or_is_refused(workspace, file, tmp_path):
    add_file(workspace, file, Wishes())
    (tmp_path / "other").mkdir()
    other = write_h5(tmp_path / "other" / "net.hdf5", functional(entrance(), dense("e", "x")), weights_of("e"))
    assert add_file(workspace, other, Wishes()).card.name == "net_2"
    with pytest.raises(UsageError, match=r"the model 'net' was added from net.h5\n  --force replaces it"):
        add_file(workspace, other, Wishes(name="net"))
    assert add_file(workspace, other, Wishes(name="net", force=True)).changed


def test_files_of_one_name_in_two_folders_are_two_models(workspace, file, tmp_path):
    """What lies in the place of a file is its later self; a copy of it elsewhere is the same."""
    add_file(workspace, file, Wishes())
    (tmp_path / "other").mkdir()
    copy = write_h5(tmp_path / "other" / "net.h5", functional(entrance(), dense("d", "x")), weights_of("d"))
    copy.write_bytes(file.read_bytes())
    assert not add_file(workspace, copy, Wishes()).is_new
    write_other_weights(copy)
    with pytest.raises(
        UsageError, match=r"the model 'net' was added from net.h5 of another folder\n  --force replaces"
    ):
        add_file(workspace, copy, Wishes(name="net"))
    assert add_file(workspace, copy, Wishes()).card.name == "net_2"
    assert add_file(workspace, copy, Wishes()).card.name == "net_2"
    assert not add_file(workspace, file, Wishes()).is_new
    said = (workspace.models / "net" / "model.yaml").read_text()
    assert str(tmp_path) not in said


def test_a_trained_model_is_never_replaced(workspace, file):
    (workspace.models / "net").mkdir()
    (workspace.models / "net" / "recipe.yaml").write_text("name: net\n")
    with pytest.raises(UsageError, match="'net' was trained from a recipe"):
        add_file(workspace, file, Wishes(name="net", force=True))
    assert add_file(workspace, file, Wishes()).card.name == "net_2"


@pytest.mark.parametrize("name", ["../up", "a b", "", "1st", "x" * 65, ".hidden"])
def test_a_name_that_is_none_is_refused(workspace, file, name):
    with pytest.raises(UsageError, match="a name has letters, digits and _"):
        add_file(workspace, file, Wishes(name=name))
    assert not list(workspace.models.iterdir())


@pytest.mark.parametrize(
    ("last", "task"),
    [({"activation": "softmax"}, "classification"), ({"activation": "sigmoid"}, "binary"), ({}, "regression")],
)
def test_the_task_is_that_of_the_last_layer(workspace, tmp_path, last, task):
    model = functional(entrance(), dense("d", "x", **last))
    assert add_file(workspace, write_h5(tmp_path / "m.h5", model, weights_of("d")), Wishes()).card.task == task


# --- the inputs' types -----------------------------------------------------------------------------------------------


def quantized(tmp_path, said):
    model = functional(entrance(), layer("QActivation", "q", "x", activation=said), dense("d", "q"))
    return write_h5(tmp_path / "q.h5", model, weights_of("d"))


@pytest.mark.parametrize(
    ("said", "type_"),
    [
        ("quantized_bits(8,2)", "fixed<8,3>"),
        ("quantized_bits(8,0,alpha=1,keep_negative=0)", "ufixed<8,0>"),
        ("quantized_relu(6,2)", "ufixed<6,2>"),
        ({"class_name": "quantized_bits", "config": {"bits": 4, "integer": 1, "alpha": 1}}, "fixed<4,2>"),
        ("quantized_bits(8,2,alpha='auto')", "fixed<16,6>"),
        ("quantized_relu(9,0,1)", "fixed<16,6>"),
        ("quantized_tanh(8)", "fixed<16,6>"),
    ],
)
def test_a_quantizer_of_the_input_says_its_type(workspace, tmp_path, said, type_):
    (card,) = add_file(workspace, quantized(tmp_path, said), Wishes()).card.inputs
    assert card.type == type_


@pytest.mark.parametrize(
    ("values", "type_", "error"),
    [
        (np.arange(256.0).reshape(64, 4) / 256, "ufixed<8,0>", 0),
        (np.arange(-128.0, 128).reshape(64, 4), "fixed<8,8>", 0),
        (np.zeros((2, 4)), "ufixed<1,1>", 0),
        (np.full((2, 4), 0.1), "ufixed<16,-3>", 2.0**-20),
        (np.linspace(-3, 3, 40).reshape(10, 4), "fixed<16,3>", 2.0**-14),
    ],
)
def test_data_says_the_type_and_the_error_of_rounding_is_known(workspace, file, tmp_path, values, type_, error):
    np.save(tmp_path / "x.npy", values)
    card = add_file(workspace, file, Wishes(), data=tmp_path / "x.npy").card
    assert card.inputs[0].type == type_
    assert card.samples.rounding_error <= error and (error == 0) == (card.samples.rounding_error == 0)


def test_what_is_asked_for_is_taken_before_all_else(workspace, tmp_path):
    file = quantized(tmp_path, "quantized_bits(8,2)")
    (card,) = add_file(workspace, file, Wishes(input_type="x=ufixed<8,0>")).card.inputs
    assert (card.type, card.because) == ("ufixed<8,0>", "asked for")


@pytest.mark.parametrize(
    ("said", "error"), [("fixed<8", "fixed<8"), ("y=fixed<8,3>", "no input 'y'"), ("float", "float")]
)
def test_a_type_that_is_none_is_refused(workspace, file, said, error):
    with pytest.raises(UsageError, match=rf"--input-type.*{error}"):
        add_file(workspace, file, Wishes(input_type=said))
    assert not list(workspace.models.iterdir())


# --- data and labels -------------------------------------------------------------------------------------------------

X = np.arange(20.0).reshape(5, 4)
CLASSES = np.array([0, 1, 2, 0, 1])


@pytest.mark.parametrize(
    ("task", "labels", "kind", "truth"),
    [
        ("classification", CLASSES, "classes", CLASSES),
        ("classification", CLASSES.reshape(5, 1).astype(float), "classes", CLASSES),
        ("classification", np.eye(3)[CLASSES], "classes", CLASSES),
        ("regression", np.full((5, 3), 0.5), "targets", np.full((5, 3), 0.5)),
        ("binary", np.eye(3)[CLASSES], "targets", np.eye(3)[CLASSES]),
    ],
    ids=["classes", "a column", "one-hot", "targets", "yes and no"],
)
def test_labels_are_classes_one_hot_or_targets(workspace, file, tmp_path, task, labels, kind, truth):
    np.savez(tmp_path / "d.npz", x=X, y=labels)
    card = add_file(workspace, file, Wishes(task=task), data=tmp_path / "d.npz").card
    assert card.samples.labels == kind and card.samples.count == 5
    frames = open_model(workspace.models / "net").samples(None, 3, tmp_path).load()
    assert np.array_equal(frames.truth, truth[:3]) and np.array_equal(frames.inputs[0], X[:3])


@pytest.mark.parametrize(
    ("task", "x", "y", "said"),
    [
        (None, X[:, :3], None, r"takes \(4,\) values a sample, the data is \(5, 3\)"),
        (None, np.where(X > 18, np.nan, X), None, "the input 'x' holds NaN or infinite values"),
        (None, X.astype(str), None, "the input 'x' holds <U32, no numbers"),
        (None, X[:0], None, "takes"),
        ("classification", X, CLASSES[:4], "labels of int64 for 5 samples"),
        ("classification", X, CLASSES + 1, "classes from 1 to 3, the model tells 3 apart"),
        ("classification", X, CLASSES - 0.5, "classes from"),
        ("regression", X, np.zeros((5, 2)), "2 labels a sample, the model gives 3 values"),
        ("regression", X, np.full((5, 3), np.inf), "labels are NaN or infinite"),
        ("binary", X, np.full((5, 3), 2), "labels of a binary model are 0 and 1"),
    ],
)
def test_data_that_do_not_fit_are_refused_and_nothing_is_left(workspace, file, tmp_path, task, x, y, said):
    np.savez(tmp_path / "d.npz", x=x, **({} if y is None else {"y": y}))
    with pytest.raises(DataError, match=rf"d.npz: .*{said}"):
        add_file(workspace, file, Wishes(task=task), data=tmp_path / "d.npz")
    assert not list(workspace.models.iterdir())


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.array([[1e300, 0.5, 0, 0]]), r"values up to 1e\+300"),
        (np.full((2, 4), 1e-300), "values up to 1e-300"),
        (np.full((2, 4), 2**64 - 1, np.uint64), r"values up to 1.84e\+19"),
        (np.full((2, 4), -(2**63)), r"values up to 9.22e\+18"),
    ],
)
def test_values_that_no_type_is_for_are_refused(workspace, file, tmp_path, x, said):
    np.save(tmp_path / "x.npy", x)
    with pytest.raises(DataError, match=rf"x.npy: the input 'x' has {said}.*\n  scale them"):
        add_file(workspace, file, Wishes(), data=tmp_path / "x.npy")


def pooled(tmp_path):
    """A network that ends in no dense layer: its number of outputs is its channels."""
    conv = layer("Conv1D", "c", "x", filters=3, kernel_size=[2], activation="linear", use_bias=True)
    pool = layer("GlobalAveragePooling1D", "g", "c", keepdims=False)
    model = functional(entrance("x", (4, 1)), conv, pool, layer("Softmax", "s", "g", axis=-1))
    kernel = {"kernel": np.ones((2, 1, 3), np.float32), "bias": np.zeros(3, np.float32)}
    return write_h5(tmp_path / "pooled.h5", model, {"c": kernel})


def test_classes_are_labels_of_a_network_without_dense_layers(workspace, tmp_path):
    np.savez(tmp_path / "d.npz", x=X, y=CLASSES)
    card = add_file(workspace, pooled(tmp_path), Wishes(), data=tmp_path / "d.npz").card
    assert (card.task, card.samples.labels) == ("classification", "classes")
    np.savez(tmp_path / "d.npz", x=X, y=CLASSES + 1)
    with pytest.raises(DataError, match="classes from 1 to 3, the model tells 3 apart"):
        add_file(workspace, pooled(tmp_path), Wishes(), data=tmp_path / "d.npz")


@pytest.mark.parametrize(
    ("task", "y", "labels"),
    [("classification", CLASSES, "classes"), ("classification", np.eye(9)[CLASSES], "classes"),
     ("regression", np.zeros((5, 2)), "targets")],
)  # fmt: skip
def test_labels_of_a_network_that_does_not_say_how_many_are_taken(workspace, tmp_path, task, y, labels):
    model = functional(entrance(), dense("d", "x"), layer("Reshape", "r", "d", target_shape=[1, 3]))
    np.savez(tmp_path / "d.npz", x=X, y=y)
    file = write_h5(tmp_path / "r.h5", model, weights_of("d"))
    assert add_file(workspace, file, Wishes(task=task), data=tmp_path / "d.npz").card.samples.labels == labels


def test_any_byte_of_data_may_be_another(workspace, file, tmp_path):
    """What numpy, zip and their packers raise is one sentence that names the file."""
    rng, said = np.random.default_rng(4), 0
    path = tmp_path / "x.npy"
    buffer = io.BytesIO()
    np.savez_compressed(buffer, x=X, y=CLASSES)
    np.save(path, X)
    for data in (path.read_bytes()[:128], buffer.getvalue()):
        for place in range(0, len(data), 2):
            changed = bytearray(data)
            changed[place] ^= 1 << int(rng.integers(8))
            path.write_bytes(changed)
            try:
                read_data(path, None, {"x": (4,)})
            except DataError as error:
                assert "x.npy" in error.message
                said += 1
    assert said > 100


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: path.write_bytes(b"nothing"), "no arrays of numbers"),
        (lambda path: np.save(path, np.array([{}, []], dtype=object), allow_pickle=True), "no arrays of numbers"),
        (lambda path: path.mkdir(), "it is a folder"),
        (lambda path: None, "no file"),
    ],
    ids=["bytes", "pickle", "folder", "missing"],
)
def test_files_of_data_that_are_none_are_refused(workspace, file, tmp_path, write, said):
    write(tmp_path / "x.npy")
    with pytest.raises(DataError, match=said):
        add_file(workspace, file, Wishes(), data=tmp_path / "x.npy")


def test_labels_without_samples_are_refused(workspace, file, tmp_path):
    with pytest.raises(UsageError, match="--labels without --data"):
        add_file(workspace, file, Wishes(), labels=tmp_path / "y.npy")


def two_inputs(tmp_path):
    model = functional(entrance("a"), entrance("b"), layer("Add", "sum", "a", "b"), dense("d", "sum"))
    model["config"]["layers"][2]["inbound_nodes"] = [[["a", 0, 0, {}], ["b", 0, 0, {}]]]
    return write_h5(tmp_path / "two.h5", model, weights_of("d"))


@pytest.mark.parametrize("keys", [("a", "b"), ("x0", "x1")])
def test_several_inputs_have_an_array_each(workspace, tmp_path, keys):
    np.savez(tmp_path / "d.npz", **{keys[0]: X, keys[1]: -X})
    add_file(workspace, two_inputs(tmp_path), Wishes(input_type="b=fixed<6,6>"), data=tmp_path / "d.npz")
    model = open_model(workspace.models / "two")
    assert {name: str(type_) for name, type_ in model.input_types.items()} == {"a": "ufixed<5,5>", "b": "fixed<6,6>"}
    first, second = model.samples(None, None, tmp_path).load().inputs
    assert np.array_equal(first, X) and np.array_equal(second, -X)


def test_an_input_without_an_array_is_named(workspace, tmp_path):
    np.savez(tmp_path / "d.npz", a=X)
    with pytest.raises(DataError, match="it holds a, the model's inputs are a, b"):
        add_file(workspace, two_inputs(tmp_path), Wishes(), data=tmp_path / "d.npz")


def test_data_stays_where_the_file_is_added_with_another_wish(workspace, file, tmp_path):
    np.savez(tmp_path / "d.npz", x=X, y=CLASSES)
    add_file(workspace, file, Wishes(task="classification"), data=tmp_path / "d.npz")
    card = add_file(workspace, file, Wishes(input_type="fixed<12,8>")).card
    assert card.samples.count == 5 and card.inputs[0].type == "fixed<12,8>" and card.task == "classification"
    assert len(open_model(workspace.models / "net").samples(None, None, tmp_path).load()) == 5


# --- frames without data ---------------------------------------------------------------------------------------------


def test_generated_frames_lie_on_the_grid_and_have_its_corners(workspace, file, tmp_path):
    add_file(workspace, file, Wishes(input_type="fixed<6,2>"))
    model = open_model(workspace.models / "net")
    samples = model.samples(None, None, tmp_path)
    (frames,) = samples.load().inputs
    assert samples.load().truth is None and samples.dataset == "generated frames" and frames.shape == (1000, 4)
    whole = frames * 16
    assert np.array_equal(whole, np.rint(whole)) and (whole.min(), whole.max()) == (-32, 31)
    for corner in (0, -32, 31, 1, -1):
        assert (whole == corner).all(axis=1).any()
    alone = whole[(whole != 0).sum(axis=1) == 1]
    assert {(-32,), (31,)} <= {tuple(row[row != 0]) for row in alone}
    assert np.array_equal(samples.load().inputs[0], frames), "the same frames each time"
    other, said = model.calibration(None, 500)
    assert len(other) == 500 and not np.array_equal(other.inputs[0][200:], frames[200:500]) and "another seed" in said


# --- a folder that was touched ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("fixed<16,6>", "fixed<16", "inputs.0.type"),
        ("task: regression", "task: guessing", "task"),
        ("name: net\n", "name: other\n", "is not its folder's name 'net'"),
        ("title:", "titel:", "titel"),
    ],
)
def test_a_card_that_was_edited_wrongly_names_its_key(workspace, file, old, new, said):
    add_file(workspace, file, Wishes())
    path = workspace.models / "net" / "model.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError, match=rf"(?s)model.yaml.*{said}"):
        open_model(workspace.models / "net")


def test_parts_that_are_missing_or_damaged_say_how_to_get_them_again(workspace, file):
    add_file(workspace, file, Wishes())
    folder = workspace.models / "net"
    model = open_model(folder)
    (folder / "weights.npz").rename(folder / "away")
    with pytest.raises(ModelError, match=r"no .*weights.npz\n  add the model again: hlsflow add FILE --name net"):
        model.reference  # noqa: B018
    (folder / "away").rename(folder / "weights.npz")
    text = (folder / "architecture.json").read_text()
    for damaged in (text[:80], text.replace('"library": "keras"', '"library": "os"'), text.replace('"x"', '"y"', 1)):
        (folder / "architecture.json").write_text(damaged)
        with pytest.raises(ModelError, match=r"(?s)architecture.json: .*\n  restore the file, or add the model again"):
            model.architecture()


def test_a_disk_that_fills_leaves_what_was_there(workspace, file, monkeypatch):
    from hlsflow.foundation.errors import StorageError

    add_file(workspace, file, Wishes())
    before = files_of(workspace.models)
    write_other_weights(file)

    def full(path, data):
        if path.name == "weights.npz":
            raise StorageError(f"cannot write {path}: the disk is full")
        path.write_bytes(data)

    monkeypatch.setattr("hlsflow.models.adding.write_bytes", full)
    with pytest.raises(StorageError, match="the disk is full"):
        add_file(workspace, file, Wishes())
    assert files_of(workspace.models) == before and [path.name for path in workspace.models.iterdir()] == ["net"]
