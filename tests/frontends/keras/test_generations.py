"""Which Keras a file belongs to, by its content, and which front end it gets by what is installed."""

from __future__ import annotations

import pytest
from model_files import dense, entrance, functional, layer, weights_of, write_h5, write_keras

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.frontends.keras.files.reader import read_model_file, written_by
from hlsflow.frontends.keras.front_end import KERAS, KERAS_3
from hlsflow.frontends.keras.needs import KerasNeeds
from hlsflow.frontends.registry import front_end_of
from hlsflow.models.adding import Wishes, add_file


def of_keras_3(path, *layers):
    """An archive of Keras 3 of a dense layer `d`."""
    arrays = {f"layers/dense/vars/{index}": array for index, array in enumerate(weights_of("d")["d"].values())}
    return write_keras(path, functional(entrance(), *(layers or (dense("d", "x"),))), arrays)


def of_keras_2(path):
    return write_h5(path, functional(entrance(), dense("d", "x")), weights_of("d"))


@pytest.fixture
def installed(monkeypatch):
    """Says which generations of Keras are installed."""

    def say(*generations):
        there = property(lambda self: () if self.generation in generations else (f"Keras {self.generation}",))
        monkeypatch.setattr(KerasNeeds, "missing", there)

    return say


@pytest.mark.parametrize(("generations", "chosen"), [((2,), KERAS), ((3,), KERAS_3), ((2, 3), KERAS_3), ((), KERAS_3)])
def test_a_file_of_keras_3_gets_the_keras_that_is_there(tmp_path, installed, generations, chosen):
    installed(*generations)
    path = of_keras_3(tmp_path / "m.keras")
    assert written_by(path) == 3 and front_end_of(path) is chosen


@pytest.mark.parametrize("generations", [(2,), (3,), ()])
def test_a_file_of_keras_2_gets_keras_2(tmp_path, installed, generations):
    installed(*generations)
    path = of_keras_2(tmp_path / "m.h5")
    assert written_by(path) == 2 and front_end_of(path) is KERAS


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"PK\x03\x04", b"\x89HDF\r\n\x1a\nno", b"[" * 100_000])
def test_a_file_of_no_keras_is_left_to_the_reader_that_says_so(tmp_path, content):
    path = tmp_path / "m.keras"
    path.write_bytes(content)
    assert written_by(path) is None and front_end_of(path) is KERAS


def test_the_model_says_that_another_keras_is_its_witness(tmp_path):
    path = of_keras_3(tmp_path / "m.keras")
    (note,) = KERAS.read(path).notes
    assert note == (
        "Keras 3 saved it, and its witness is Keras 2, of the same layers; against Keras 3 itself: "
        "uv run --no-group keras2 --group keras3 hlsflow build --model m.keras"
    )
    assert KERAS_3.read(path).notes == ()
    assert KERAS.read(of_keras_2(tmp_path / "m.h5")).notes == ()


def test_a_model_is_added_again_for_another_keras(tmp_path, installed, workspace):
    path = of_keras_3(tmp_path / "m.keras")
    installed(2)
    assert add_file(workspace, path, Wishes()).card.front_end == "keras"
    before = add_file(workspace, path, Wishes())
    assert not before.is_new
    installed(3)
    added = add_file(workspace, path, Wishes())
    assert (added.card.front_end, added.card.name, added.is_new) == ("keras3", "m", True)
    assert before.card.notes and not added.card.notes
    # What one of them computed is not taken for what the other would compute.
    assert before.card.identity() != added.card.identity()


@pytest.mark.parametrize(
    "said",
    [
        {"module": "hgq.layers.core.dense", "registered_name": "hgq>QDense"},
        {"module": "hgq.layers"},
        {"registered_name": "hgq>QDense"},
        {"class_name": "hgq>QDense"},
    ],
    ids=str,
)
def test_a_layer_of_hgq_is_not_taken_for_qkeras(tmp_path, said):
    taken = {**layer("QDense", "d", "x", units=3, kq_conf={"class_name": "QuantizerConfig"}), **said}
    path = of_keras_3(tmp_path / "m.keras", taken)
    for own in (False, True):
        with pytest.raises(UnsupportedError, match="layer 'd': its class 'QDense' is of hgq"):
            read_model_file(path, own=own)


def test_a_quantizer_of_hdf5_has_its_package_before_its_name(tmp_path):
    quantizer = {"class_name": "qkeras>quantized_relu", "registered_name": "qkeras>quantized_relu",
                 "config": {"bits": 6, "integer": 2}}  # fmt: skip
    model = functional(entrance(), layer("QActivation", "a", "x", activation=quantizer), dense("d", "a"))
    found = read_model_file(write_h5(tmp_path / "m.h5", model, weights_of("d"), "3.12.0"))
    assert found.keras_3
    assert found.architecture.layer("a").config["activation"] == {
        "class_name": "quantized_relu",
        "config": {"bits": 6, "integer": 2},
    }
    quantizer["class_name"] = "hgq>quantized_relu"
    with pytest.raises(UnsupportedError, match="its activation is of hgq, not of QKeras"):
        read_model_file(write_h5(tmp_path / "other.h5", model, weights_of("d"), "3.12.0"))


def test_a_depthwise_kernel_of_keras_3_is_found_under_its_other_name(tmp_path):
    import numpy as np

    kernel = np.ones((3, 2, 1), np.float32)
    model = functional(entrance(shape=(8, 2)), layer("DepthwiseConv1D", "dw", "x", kernel_size=[3], use_bias=False))
    found = read_model_file(write_h5(tmp_path / "m.h5", model, {"dw": {"kernel": kernel}}, "3.12.0"))
    assert np.array_equal(found.weights["dw/depthwise_kernel"], kernel)


def test_both_kerases_are_said_by_what_they_lack(monkeypatch):
    """Both QKeras are a package `qkeras`, so that the distributions decide."""
    from hlsflow.frontends.keras import needs

    for versions, missing_2, missing_3 in (
        ({"keras": "2.15.0", "qkeras": "0.9.0"}, (), ("Keras 3", "qkeras-v3")),
        ({"keras": "3.15.1", "qkeras-v3": "1.2.1"}, ("Keras 2", "qkeras"), ()),
        ({"keras": "3.15.1"}, ("Keras 2", "qkeras"), ("qkeras-v3",)),
    ):
        monkeypatch.setattr(needs, "absent", lambda *packages: ())
        monkeypatch.setattr(
            needs, "_has", lambda name, beginning="", said=versions: said.get(name, "none").startswith(beginning)
            and name in said,
        )  # fmt: skip
        assert (needs.KERAS_2.missing, needs.KERAS_3.missing) == (missing_2, missing_3)
