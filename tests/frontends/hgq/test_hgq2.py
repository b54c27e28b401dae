"""Archives of HGQ 2: read, opened, and built exactly where it is installed, which is no environment of Keras 2.

uv run --no-group keras2 --group hgq2 pytest tests/frontends/hgq/test_hgq2.py --all -n 1
"""

from __future__ import annotations

import json
import zipfile

import hgq2_models
import numpy as np
import pytest
from networks import random_inputs
from tool_fixtures import needed

from hlsflow.building.agreement import in_lsb
from hlsflow.emulation.emulator import make_emulator
from hlsflow.foundation.errors import HlsflowError, ModelError, UnsupportedError
from hlsflow.frontends.hgq2.front_end import HGQ2
from hlsflow.frontends.registry import FRONT_ENDS, front_end_of
from hlsflow.frontends.witness import reference_outputs, witness_float
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.convert import convert
from hlsflow.hls.csim import compile_csim, find_compiler, simulate
from hlsflow.hls.effective import verify
from hlsflow.hls.lint import lint
from hlsflow.hls.project import read_project
from hlsflow.network.fixed_point import Rounding, parse_type
from hlsflow.network.graph import Op

NAMES = list(hgq2_models.BUILDS)
INPUTS = parse_type("fixed<9,4>")


@pytest.fixture(scope="module")
def keras():
    needed(not HGQ2.needs.missing, "HGQ 2", "uv run --no-group keras2 --group hgq2 pytest")
    import keras

    return keras


def opened(path, folder):
    found = front_end_of(path).read(path)
    for name, content in found.files.items():
        (folder / name).write_bytes(content)
    return found, HGQ2.open(folder, "again")


def project_of(network, folder, config):
    layers = lint(network, config).layers
    convert(network, layers, config, folder)
    project = read_project(folder)
    verify(project, layers, config)
    return project, {layer.node.name: layer.result for layer in layers}


@pytest.mark.parametrize("name", NAMES)
def test_the_model_is_the_one_that_hgq2_itself_loads(keras, tmp_path, name):
    """Bit for bit, on values that overflow its quantizers as well."""
    path = hgq2_models.saved(hgq2_models.model(name), tmp_path)
    assert front_end_of(path) is HGQ2 is FRONT_ENDS["hgq2"] and not HGQ2.needs.missing
    found, live = opened(path, tmp_path)
    theirs = keras.models.load_model(path, compile=False)
    rng = np.random.default_rng(0)
    frames = [rng.normal(scale=6, size=(64, *shape)).astype(np.float32) for shape in found.input_shapes.values()]
    first, second = (np.asarray(model(frames, training=False)) for model in (live.model, theirs))
    assert np.array_equal(first, second) and len(np.unique(first)) > 4


@pytest.mark.parametrize("overflow", ["WRAP", "SAT", "SAT_SYM"])
@pytest.mark.parametrize("name", NAMES)
def test_the_emulator_holds_what_hgq2_computes(keras, tmp_path, name, overflow):
    _, live = opened(hgq2_models.saved(hgq2_models.model(name, overflow=overflow), tmp_path), tmp_path)
    network = live.network(INPUTS)
    assert any(node.op is Op.QUANTIZE for node in network.nodes)
    inputs = random_inputs(network, 400)
    (output,) = network.gate_outputs
    truth = reference_outputs(live, network, inputs, [output])[output]
    project, types = project_of(network, tmp_path / "hls", HlsConfig())
    found = make_emulator(project).run(inputs, layers=[output])[output]
    assert np.array_equal(found, in_lsb(output, truth, types[output])) and len(np.unique(found)) > 4


@pytest.mark.parametrize(
    "more",
    [*({"round_mode": str(mode)} for mode in Rounding if mode is not Rounding.RND), {"default_q_type": "kbi"}],
    ids=lambda more: next(iter(more.values())),
)
def test_every_mode_of_rounding_and_each_parameterization_is_that_of_hgq2(keras, tmp_path, more):
    _, live = opened(hgq2_models.saved(hgq2_models.model("dense", overflow="WRAP", **more), tmp_path), tmp_path)
    network = live.network(INPUTS)
    first = next(node for node in network.nodes if node.op is Op.QUANTIZE)
    assert more.get("round_mode", "RND") in str(first.attributes["element_types"]) or more["round_mode"] == "TRN"
    inputs = random_inputs(network, 400)
    names = [first.name, *network.gate_outputs]
    project, types = project_of(network, tmp_path / "hls", HlsConfig())
    found = make_emulator(project).run(inputs, layers=names)
    truth = live.outputs(network, inputs, network.gate_outputs)
    for name in network.gate_outputs:
        assert np.array_equal(found[name], in_lsb(name, truth[name], types[name])) and len(np.unique(found[name])) > 4


def test_a_layer_with_the_name_of_another_ones_part_is_refused(keras, tmp_path):
    import hgq.layers

    x = keras.Input((4,), name="x")
    made = keras.Model(x, hgq.layers.QDense(3, name="d_iq")(hgq.layers.QDense(5, name="d")(x)))
    hgq2_models.drawn(made)
    _, live = opened(hgq2_models.saved(made, tmp_path), tmp_path)
    with pytest.raises(UnsupportedError, match="layer 'd': a part of it in hardware has the name of the layer 'd_iq'"):
        live.network(INPUTS)


@pytest.mark.parametrize("name", NAMES)
def test_float64_gives_what_float32_does_where_that_is_exact(keras, tmp_path, name):
    _, live = opened(hgq2_models.saved(hgq2_models.model(name), tmp_path), tmp_path)
    network = live.network(INPUTS)
    assert witness_float(network) == "float32"
    inputs = random_inputs(network, 100)
    names = network.gate_outputs
    first, second = (live.outputs(network, inputs, names, computed_in=which) for which in ("float32", "float64"))
    assert all(np.array_equal(first[name], second[name]) for name in names)


def test_every_layer_is_compared_under_its_own_name(keras, tmp_path):
    from hlsflow.frontends.witness import comparable_nodes

    _, live = opened(hgq2_models.saved(hgq2_models.model("merged"), tmp_path), tmp_path)
    network = live.network(INPUTS)
    names = comparable_nodes(network)
    assert {"a", "b", "add", "times", "less", "most", "norm"} == set(names)
    inputs = random_inputs(network, 200)
    project, types = project_of(network, tmp_path / "hls", HlsConfig())
    found = make_emulator(project).run(inputs, layers=names)
    truth = live.outputs(network, inputs, names)
    for name in names:
        assert np.array_equal(found[name] * types[name].lsb, truth[name]), name


def test_types_by_element_are_refused_in_a_stream_of_positions(keras, tmp_path):
    _, live = opened(hgq2_models.saved(hgq2_models.model("image"), tmp_path), tmp_path)
    with pytest.raises(UnsupportedError, match="layer 'c1': its types change from position to position"):
        lint(live.network(INPUTS), HlsConfig(io_type="io_stream"))


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["Vitis", "Vivado"])
@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize("name", [*NAMES, "trained"])
def test_the_c_simulation_equals_hgq2(keras, tmp_path, name, backend, io_type):
    """Types by channel, which streams have as well."""
    made = hgq2_models.trained() if name == "trained" else hgq2_models.model(name, hgq2_models.BY_CHANNEL)
    _, live = opened(hgq2_models.saved(made, tmp_path), tmp_path)
    network = live.network(INPUTS)
    inputs = random_inputs(network, 200)
    (output,) = network.gate_outputs
    truth = reference_outputs(live, network, inputs, [output])[output]
    project, types = project_of(network, tmp_path / "hls", HlsConfig(backend=backend, io_type=io_type))
    compile_csim(project, tmp_path / "program", find_compiler())
    program, traced = tmp_path / "program" / "csim", {output: types[output]}
    result = simulate(program, project, inputs, layers=traced, folder=tmp_path / "run", workers=1)
    assert np.array_equal(result[output], in_lsb(output, truth, types[output])) and len(np.unique(truth)) > 4


def test_training_makes_widths_that_differ(keras, tmp_path):
    found, _ = opened(hgq2_models.saved(hgq2_models.trained(), tmp_path), tmp_path)
    assert len(np.unique(np.rint(found.weights["d1/kq/b"]))) > 2
    assert len(np.unique(np.rint(found.weights["d1/iq/f"]))) > 1


def changed(path, change, weights=False):
    """An archive with its configuration changed."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    said = json.loads(parts["config.json"])
    change(said)
    parts["config.json"] = json.dumps(said).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def first(said):
    return next(item for item in said["config"]["layers"] if item["class_name"].startswith("Q"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda said: first(said).update(module="evil.layers"), "is of evil.layers"),
        (lambda said: first(said).update(registered_name="evil>QDense"), "is of hgq.layers"),
        (lambda said: first(said).update(class_name="QSoftmax"), "layer 'd1': its values come from tables"),
        (lambda said: first(said).update(class_name="Lambda"), "a Lambda layer is code"),
        (lambda said: first(said)["config"]["iq_conf"]["config"].update(q_type="float"), "numbers of the type 'float'"),
        (lambda said: first(said)["config"]["iq_conf"]["config"].update(overflow_mode="WRAP_SM"), "RND and WRAP_SM"),
        (lambda said: first(said)["config"]["iq_conf"]["config"].update(scaler=2.0), "scales its values"),
        (lambda said: first(said)["config"].update(activation={"class_name": "Odd"}), "an object of the class 'Odd'"),
        (lambda said: said.update(class_name="Mine"), "a model of class 'Mine'"),
        (lambda said: first(said).update(inbound_nodes=first(said)["inbound_nodes"] * 2), "used more than once"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_refused_by_name(keras, tmp_path, change, said):
    path = changed(hgq2_models.saved(hgq2_models.model("dense"), tmp_path), change)
    with pytest.raises(UnsupportedError, match=said):
        HGQ2.read(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda said: first(said)["config"].pop("iq_conf"),
        lambda said: first(said)["config"].update(enable_oq=True),
        lambda said: first(said).update(inbound_nodes=[]),
        lambda said: said["config"].update(layers=[]),
        lambda said: said["config"].update(output_layers=[["none", 0, 0]]),
        lambda said: first(said)["config"].update(units=11),
        lambda said: first(said)["config"].update(units=1 << 40),
        lambda said: first(said)["config"].update(units="many"),
        lambda said: first(said)["config"].update(use_bias=False),
        lambda said: first(said)["config"].update(units=[3]),
        lambda said: said["config"].update(layers=said["config"]["layers"] * 2000),
        lambda said: first(said)["config"]["iq_conf"]["config"].update(heterogeneous_axis=[7], homogeneous_axis=None),
    ],
)
def test_a_damaged_archive_is_said_to_be_so(keras, tmp_path, change):
    path = changed(hgq2_models.saved(hgq2_models.model("dense"), tmp_path), change)
    with pytest.raises(HlsflowError):
        _, live = opened_by(HGQ2, path, tmp_path)
        live.network(INPUTS)


def opened_by(front_end, path, folder):
    found = front_end.read(path)
    for name, content in found.files.items():
        (folder / name).write_bytes(content)
    return found, front_end.open(folder, "again")


def test_an_activation_of_tables_is_refused(keras, tmp_path):
    def tanh(said):
        first(said)["config"]["activation"] = "tanh"

    path = changed(hgq2_models.saved(hgq2_models.model("dense"), tmp_path), tanh)
    _, live = opened(path, tmp_path)
    with pytest.raises(UnsupportedError, match="layer 'd1': its activation is 'tanh'"):
        live.network(INPUTS)


def test_a_file_of_nobody_is_not_hgq2s(tmp_path):
    path = tmp_path / "m.keras"
    path.write_bytes(b"PK\x03\x04 no archive")
    assert not HGQ2.reads(path) and not HGQ2.reads(tmp_path / "none.keras")
    with pytest.raises(ModelError):
        HGQ2.read(path)
