"""Proxy models of HGQ 1: read without it, and held against HGQ's own layer where it is installed.

uv run --extra hgq1 pytest tests/frontends/hgq/test_hgq1.py --all
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from itertools import product

import numpy as np
import pytest
from model_files import dense, entrance, functional, layer, weights_of, write_h5
from networks import element_types, expected
from tool_fixtures import MODELS_DIR, needed

from hlsflow.foundation.errors import ModelError, ToolError, UnsupportedError
from hlsflow.frontends.hgq1.front_end import HGQ1, holds_quantizers
from hlsflow.frontends.keras.files.reader import read_model_file
from hlsflow.frontends.keras.front_end import KERAS
from hlsflow.frontends.registry import FRONT_ENDS, front_end_of
from hlsflow.network.fixed_point import Overflow, Rounding, parse_type
from hlsflow.network.graph import Op

COLLECTED = MODELS_DIR / "fastmachinelearning+example-models"
FILES = ["keras__hgq_jet_classifier.h5", "keras__hgq_mnist_heterogeneous.h5"]
MODES = list(product(Rounding, Overflow))


@pytest.fixture(scope="module")
def hgq():
    needed(find_spec("HGQ"), "HGQ 0.2", "uv run --extra hgq1 pytest")
    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    prepare_tensorflow()
    from HGQ.proxy import fixed_point_quantizer

    return fixed_point_quantizer


def bits(keep_negative=((1, 0, 1, 1),), bits=((4, 3, 0, 6),), integers=((2, 5, 1, 3),)):
    arrays = {"keep_negative": keep_negative, "bits": bits, "integers": integers}
    return {name: np.array(values, np.int8) for name, values in arrays.items()}


def quantizer(name="q", source="x", class_name="FixedPointQuantizer", **config):
    said = {"RND": "TRN", "SAT": "WRAP", "shape": [1, 4], "overrides": {"layers": {}}, "fusible": False, **config}
    return layer(class_name, name, source, **said)


def saved(folder, item=None, arrays=None, model=None):
    model = functional(entrance(), item or quantizer(), dense("d", "q")) if model is None else model
    return write_h5(folder / "m.h5", model, {"q": bits() if arrays is None else arrays, **weights_of("d")})


# --- reading, without HGQ --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("class_name", ["FixedPointQuantizer", "HGQ>FixedPointQuantizer"])
def test_a_proxy_model_is_read_and_known_by_its_content(tmp_path, class_name):
    path = saved(tmp_path, quantizer(class_name=class_name, RND="RND"))
    assert front_end_of(path) is HGQ1 is FRONT_ENDS["hgq1"]
    found = HGQ1.read(path)
    assert holds_quantizers(found.architecture)
    item = found.architecture.layer("q")
    # What hls4ml's own conversion is told of types decides no value.
    assert (item.library, item.config) == ("hgq", {"RND": "RND", "SAT": "WRAP"})
    assert np.array_equal(found.weights["q/bits"], [[4, 3, 0, 6]])
    # All that the four elements tell apart: to the nearest is one more bit than is kept.
    assert {name: str(type_) for name, type_ in found.own_types.items()} == {"x": "fixed<10,6>"}


def test_a_plain_file_is_kerass(tmp_path):
    path = write_h5(tmp_path / "m.h5", functional(entrance(), dense("d", "x")), weights_of("d"))
    assert front_end_of(path) is KERAS and not holds_quantizers(KERAS.read(path).architecture)
    assert front_end_of(tmp_path / "none.h5") is KERAS


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (quantizer(SAT="WRAP_SM"), "its mode SAT='WRAP_SM' is none that hardware here has: WRAP, SAT"),
        (quantizer(RND=["TRN"]), "its mode RND="),
        (quantizer(class_name="HGQ>HDense"), "is of HGQ; instead: its proxy model: HGQ.to_proxy_model"),
        (quantizer(class_name="UnaryLUT"), "a table of HGQ's own"),
        (quantizer(class_name="Evil>FixedPointQuantizer"), "is of Evil"),
        ({**quantizer(), "module": "evil.layers"}, "is of evil.layers"),
        ({**quantizer(), "registered_name": "Evil>FixedPointQuantizer"}, "is of Evil"),
    ],
    ids=lambda value: value[:16] if isinstance(value, str) else None,
)
def test_what_is_not_read_is_refused_by_name(tmp_path, item, said):
    with pytest.raises(UnsupportedError, match=f"layer 'q': .*{said}"):
        HGQ1.read(saved(tmp_path, item))


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        (bits(bits=((4, -3, 0, 6),)), "bits not below 0"),
        (bits(keep_negative=((2, 0, 0, 1),)), "keep_negative is to be 0 or 1"),
        (bits(bits=((4, 3, 0),)), "bits of the shapes"),
        (bits(*(np.ones((2, 4)),) * 3), "differ within a batch"),
        (bits(*(np.ones((1, 2, 4)),) * 3), "for 1 axes"),
        ({**bits(), "bits": np.full((1, 4), 1e9, np.float32)}, "no whole numbers up to 127"),
    ],
    ids=["negative", "sign", "shapes", "batch", "axes", "huge"],
)
def test_damaged_bits_are_the_files_fault(tmp_path, arrays, said):
    found = HGQ1.read(saved(tmp_path, arrays=arrays))
    with pytest.raises(ModelError, match=f"layer 'q': .*{said}"):
        assert found.own_types


def test_without_hgq_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "HGQ", None)
    monkeypatch.setitem(sys.modules, "HGQ.proxy.fixed_point_quantizer", None)
    assert "HGQ" in HGQ1.needs.missing and HGQ1.needs.environment == "--extra hgq1"
    # It is HGQ's file all the same, and no other Keras' .
    assert front_end_of(saved(tmp_path)) is HGQ1
    found = HGQ1.read(saved(tmp_path))
    for name, content in found.files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ToolError, match="a quantizer of HGQ, which is not installed here"):
        HGQ1.open(tmp_path, "again")


@pytest.mark.usefixtures("collected_models")
@pytest.mark.parametrize("name", FILES)
def test_the_collected_models_are_read(name):
    found = front_end_of(COLLECTED / name).read(COLLECTED / name)
    assert holds_quantizers(found.architecture) and len(found.own_types) == 1 and not found.notes


# --- against HGQ -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rounding", "overflow"), MODES)
def test_hgq_computes_what_ap_fixed_assigns(hgq, rounding, overflow):
    types = element_types((1, 40), rounding, overflow)
    layer_ = live_of(hgq, types)
    values = (np.arange(-512, 512)[:, None] * 2.0**-5).repeat(40, axis=1)
    assert np.array_equal(layer_(values.astype(np.float32)).numpy(), expected(values, flat(types)))


@pytest.mark.parametrize(("rounding", "overflow"), MODES)
def test_the_twin_in_float64_computes_the_same(hgq, rounding, overflow):
    from hlsflow.frontends.keras.fixed_point_quantizer import in_float64

    types = element_types((1, 40), rounding, overflow, seed=2)
    values = (np.arange(-512, 512)[:, None] * 2.0**-5).repeat(40, axis=1)
    found = in_float64(live_of(hgq, types))(values)
    assert found.dtype == "float64" and np.array_equal(found.numpy(), expected(values, flat(types)))


def test_powers_of_two_are_exact_in_hgq(hgq):
    """It computes them by `tf.pow`, compiled by XLA."""
    exponents = np.arange(-40, 41, dtype=np.int8)[None]
    signed, width = np.ones_like(exponents), np.full_like(exponents, 8)
    layer_ = hgq.FixedPointQuantizer(signed, width, exponents, "TRN", "SAT")
    values = 100 * 2.0 ** (exponents.astype(np.float64) - 8)
    assert np.array_equal(layer_(values.astype(np.float32)).numpy(), values)


def flat(types):
    from dataclasses import replace

    return replace(types, index=types.index.reshape(types.index.shape[1:]))


def live_of(hgq, types):
    over = types.over(types.index.shape)
    arrays = [
        np.array([[0 if type_ is None else int(getattr(type_, name)) for type_ in over]], np.int8)
        for name in ("signed", "width", "integer")
    ]
    given = types.given[0]
    return hgq.FixedPointQuantizer(*arrays, str(given.rounding), str(given.overflow), name="q")


@pytest.mark.parametrize("model", ["inner", "output", "alike", "two", "positions"])
def test_a_file_becomes_the_network_of_its_live_model(hgq, tmp_path, model):
    """Nodes, types and values: the emulator of the project holds what HGQ computes, in both io types."""
    from networks import random_inputs

    from hlsflow.building.agreement import in_lsb
    from hlsflow.emulation.emulator import make_emulator
    from hlsflow.hls.config import HlsConfig
    from hlsflow.hls.convert import convert
    from hlsflow.hls.effective import verify
    from hlsflow.hls.lint import lint
    from hlsflow.hls.project import read_project

    HGQ1_open = opened(tmp_path, model)
    network = HGQ1_open.network(parse_type("fixed<9,4>"))
    ops = [node.op for node in network.nodes]
    assert (Op.QUANTIZE in ops) == (model != "alike")
    inputs = random_inputs(network, 300)
    (output,) = network.gate_outputs
    truth = HGQ1_open.outputs(network, inputs, [output])[output]
    for io_type in ("io_parallel", "io_stream"):
        config = HlsConfig(io_type=io_type)
        if model == "positions" and io_type == "io_stream":
            with pytest.raises(UnsupportedError, match="layer 'q': its types change from position to position"):
                lint(network, config)
            continue
        layers = lint(network, config).layers
        assert all(item.keras_exact for item in layers)
        convert(network, layers, config, tmp_path / io_type)
        project = read_project(tmp_path / io_type)
        verify(project, layers, config)
        found = make_emulator(project).run(inputs, layers=[output])[output]
        type_ = next(item.result for item in layers if item.node.name == output)
        assert np.array_equal(found, in_lsb(output, truth, type_)) and len(np.unique(found)) > 2


def opened(folder, model: str):
    on_grid = {
        "d": {"kernel": np.array(np.arange(12).reshape(4, 3) - 5, np.float32) / 4, "bias": np.ones(3, np.float32)}
    }
    after = bits(((1, 0, 0),), ((6, 4, 5),), ((4, 4, 3),))
    arrays = {"q": bits(), "q2": after, **on_grid}
    x, one, d = entrance(), quantizer(RND="RND"), dense("d", "q")
    parts = {
        "inner": [x, one, d],
        "output": [x, one, d, quantizer("q2", "d", SAT="SAT")],
        "alike": [x, one, d, quantizer("q2", "d")],
        "two": [x, one, quantizer("q2", "q", RND="RND_CONV", SAT="SAT_SYM"), dense("d", "q2")],
        "positions": [entrance(shape=(2, 4)), one, dense("d", "q")],
    }[model]
    if model == "alike":
        arrays |= {"q": bits([1], [5], [2]), "q2": bits([0], [4], [5])}
    if model == "two":
        arrays["q2"] = bits(((1, 0, 1, 0),), ((3, 4, 2, 1),), ((2, 3, 2, 1),))
    if model == "positions":
        arrays["q"] = {key: np.stack([value, np.maximum(value - 1, 0)], axis=1) for key, value in bits().items()}
    path = write_h5(folder / "m.h5", functional(*parts), {key: arrays[key] for key in arrays if key in str(parts)})
    for name, content in HGQ1.read(path).files.items():
        (folder / name).write_bytes(content)
    return HGQ1.open(folder, "again")


def test_bits_that_spread_an_input_to_another_shape_are_refused(hgq, tmp_path):
    from hlsflow.frontends.keras.files.keras_model import keras_model
    from hlsflow.frontends.keras.network import network_of

    model = functional(entrance(shape=(1,)), quantizer(), dense("d", "q"))
    found = read_model_file(saved(tmp_path, model=model))
    with pytest.raises(UnsupportedError, match="layer 'q': its bits broadcast its input to another shape"):
        network_of(keras_model(found.architecture, found.weights), parse_type("fixed<8,3>"))


@pytest.mark.usefixtures("collected_models")
@pytest.mark.parametrize("name", FILES)
def test_a_published_model_is_the_one_that_hgq_itself_loads(hgq, tmp_path, name):
    """Bit for bit, on values that overflow its quantizers as well."""
    from tensorflow import keras

    known = {"FixedPointQuantizer": hgq.FixedPointQuantizer}
    theirs = keras.models.load_model(COLLECTED / name, custom_objects=known, compile=False)
    found = read_model_file(COLLECTED / name)
    for file, content in found.files.items():
        (tmp_path / file).write_bytes(content)
    ours = HGQ1.open(tmp_path, "again").model
    frames = np.random.default_rng(0).normal(scale=20, size=(64, *ours.inputs[0].shape[1:])).astype(np.float32)
    first, second = (model(frames, training=False).numpy() for model in (ours, theirs))
    assert np.array_equal(first, second) and len(np.unique(first)) > 20


@pytest.mark.slow
@pytest.mark.usefixtures("collected_models")
@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize("backend", ["Vitis", "Vivado"])
@pytest.mark.parametrize("name", FILES)
def test_a_published_model_builds_exactly(hgq, tmp_path, name, backend, io_type):
    """The whole way: added by its file, its C simulation equal to HGQ on every sample."""
    import hlsflow

    (tmp_path / "models").mkdir()
    (tmp_path / "hls_configs").mkdir()
    built = hlsflow.build(
        COLLECTED / name, workspace=tmp_path, backend=backend, io_type=io_type, samples=200, quiet=True
    )
    assert built.exact and built.result.record.emulator.mismatching_values == 0
