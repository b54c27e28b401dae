"""Judging a build, on small networks: Keras and the C simulation are stood in for by values that the tests choose.

The stand-in for Keras is exact arithmetic in float64; the stand-in for the C simulation is what each test says that the
hardware gave. What is judged is the real code: witnesses, verdict, record.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from networks import dense_node, input_node, small_network
from softmaxes import true_softmax

from hlsflow.building import witnesses
from hlsflow.building.gate import judge
from hlsflow.building.pipeline import _raise_unless_passed
from hlsflow.building.plan import BuildRequest, make_plan
from hlsflow.building.witnesses import Evidence
from hlsflow.emulation.emulator import make_emulator
from hlsflow.foundation.errors import MismatchError, UnsupportedError
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.convert import convert
from hlsflow.hls.lint import lint
from hlsflow.hls.project import read_project
from hlsflow.network.graph import Network, Node, Op
from hlsflow.network.ranges import resolve
from hlsflow.records.report import exactness, markdown

SIZES = (64, 8, 10)


def with_softmax() -> Network:
    network = small_network(sizes=SIZES)
    entry = {
        "name": "probabilities", "class_name": "Softmax", "activation": "softmax", "inputs": ["fc2"], "axis": -1,
        "data_format": "channels_last",
    }  # fmt: skip
    softmax = Node(name="probabilities", op=Op.SOFTMAX, inputs=("fc2",), shape=(10,), entry=entry, keras_layer="p")
    return Network(nodes=(*network.nodes, softmax), inputs=network.inputs, outputs=("probabilities",))


def with_sigmoid() -> Network:
    network = small_network(sizes=SIZES)
    entry = {
        "name": "chances", "class_name": "Activation", "activation": "sigmoid", "inputs": ["fc2"],
        "data_format": "channels_last",
    }  # fmt: skip
    sigmoid = Node(
        name="chances", op=Op.TABLE, inputs=("fc2",), shape=(10,), function="sigmoid", entry=entry, keras_layer="c"
    )
    return Network(nodes=(*network.nodes, sigmoid), inputs=network.inputs, outputs=("chances",))


def exact_layers(network: Network, x: np.ndarray, names) -> dict[str, np.ndarray]:
    """Every layer's real values by plain arithmetic in float64, which holds all of them: what Keras would give."""
    values = {network.inputs[0]: x.reshape(len(x), -1).astype(np.float64)}
    for node in network.nodes[1:]:
        before = values[node.inputs[0]]
        if node.op is Op.DENSE:
            values[node.name] = before @ node.arrays["weight"] + node.arrays["bias"]
        elif node.op is Op.SOFTMAX:
            values[node.name] = true_softmax(before)
        elif node.op is Op.TABLE:
            values[node.name] = np.exp(-np.logaddexp(0, -before))
        else:
            lsb = node.declared["result"].lsb
            values[node.name] = np.clip(np.rint(np.maximum(before, 0) / lsb), 0, node.declared["result"].max_int) * lsb
    return {name: values[name] for name in names}


class Case:
    """A network converted under a configuration, with files of outputs as the steps of a build leave them."""

    def __init__(self, folder: Path, plan, network: Network, config: HlsConfig) -> None:
        self.folder, self.network = folder, network
        self.plan = replace(plan, config=config)
        self.layers = lint(network, config).layers
        convert(network, self.layers, config, folder / "hls")
        self.project = read_project(folder / "hls")
        frames = self.plan.samples.load()
        self.x, self.classes = frames.inputs[0].astype(np.float64), frames.truth
        self.emulator = make_emulator(self.project)
        names = [*network.gate_outputs, *network.outputs]
        self.keras = exact_layers(network, self.x, dict.fromkeys(names))
        self.hardware = self.emulator.run([self.x], layers=network.gate_outputs)

    def judge(self):
        for name in ("reference", "outputs"):
            (self.folder / name).mkdir(exist_ok=True)
        np.savez(self.folder / "reference" / "outputs.npz", **self.keras)
        np.savez(self.folder / "outputs" / "outputs.npz", **self.hardware)
        evidence = Evidence(
            plan=self.plan, network=self.network, layers=self.layers, hls=self.folder / "hls", program=self.folder,
            reference=self.folder / "reference", outputs=self.folder / "outputs", warnings=(),
            keras_layers=lambda frames, names: exact_layers(self.network, frames.inputs[0].astype(np.float64), names),
            scratch=self.folder / "trace",
        )  # fmt: skip
        return judge(evidence)


@pytest.fixture
def case(workspace, tmp_path, monkeypatch):
    """Builds a case; `distort` changes the traces that the stand-in for the C simulation gives, by layer."""
    monkeypatch.setenv("HLSFLOW_WORKSPACE", str(workspace.root))
    plan = make_plan(workspace, BuildRequest(model="digits6", samples=60))

    def make(config=None, network=None, distort=lambda values: values) -> Case:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        made = Case(folder, plan, network or small_network(sizes=SIZES), config or HlsConfig())

        def stand_in_for_the_c_simulation(program, project, inputs, *, layers, folder, workers):
            return distort(dict(made.emulator.run(inputs, layers=layers)))

        monkeypatch.setattr(witnesses, "simulate", stand_in_for_the_c_simulation)
        return made

    return make


def test_equal_outputs_pass_and_are_exact(case):
    record = case().judge()
    assert record.gate.passed and record.exact and exactness(record).startswith("exact: 0 of 600 output integers")
    assert record.agreement[0].holds_derived and record.agreement[0].type == record.agreement[0].derived_type
    assert (record.emulator.mismatching_values, record.emulator.values) == (0, 600 * 2)
    assert record.emulator.first_difference is None


@pytest.mark.parametrize("rounding", ["RND_CONV,SAT", "TRN,SAT"])
@pytest.mark.parametrize("dropped", [1, 3, 6])
def test_a_coarse_output_type_fails_whatever_rounding_would_hide(case, dropped, rounding):
    """Keras was once rounded onto the hardware's grid before the comparison, and 0 integers differed."""
    own = lint(small_network(sizes=SIZES), HlsConfig()).layers[-1].result
    coarse = f"fixed<{own.width - dropped},{own.integer},{rounding}>"
    config = HlsConfig.model_validate({"layers": {"fc2": {"precision": {"result": coarse}}}})
    made = case(config)
    record = made.judge()
    assert not record.gate.passed and not record.exact
    item = record.agreement[0]
    lsb = own.lsb * 2**dropped
    errors = np.abs(made.hardware["fc2"] * lsb - made.keras["fc2"])
    assert item.mismatching_values == np.count_nonzero(errors) > 200
    assert item.max_abs_error == record.gate.max_abs_error == errors.max() > 0
    assert not item.holds_derived and item.derived_type == str(own.grid)
    assert (item.first_difference.layer, item.first_difference.error_lsb) == ("fc2", errors.max() / lsb)
    # The emulator knows the coarse type: the second witness sees no difference, and the first one counts.
    assert record.emulator.mismatching_values == 0
    with pytest.raises(MismatchError, match=r"the C simulation differs from Keras in .* 'fc2'"):
        _raise_unless_passed(record, Path("build.json"), BuildRequest(model="digits6"))


def test_a_wider_output_type_is_exact_and_a_narrower_one_that_was_not_reached_is_only_equal(case):
    own = lint(small_network(sizes=SIZES), HlsConfig()).layers[-1].result
    wider = {"layers": {"fc2": {"precision": {"result": f"fixed<{own.width + 3},{own.integer + 1}>"}}}}
    assert case(HlsConfig.model_validate(wider)).judge().exact
    narrow = {"layers": {"fc2": {"precision": {"result": f"fixed<{own.width - 1},{own.integer - 1},TRN,SAT>"}}}}
    record = case(HlsConfig.model_validate(narrow)).judge()
    assert record.agreement[0].mismatching_values == 0 and record.gate.passed
    assert not record.exact and "not called exact" in exactness(record)


def test_a_bounded_gate_takes_the_error_from_real_values_and_is_never_exact(case):
    own = lint(small_network(sizes=SIZES), HlsConfig()).layers[-1].result
    layers = {"fc2": {"precision": {"result": f"fixed<{own.width - 3},{own.integer},RND_CONV,SAT>"}}}
    # Rounding drops three bits: at most half an LSB of the coarse type, which the gate once called one LSB or nothing.
    half = own.lsb * 4
    for allowed, passed in ((half, True), (half * 0.99, False)):
        config = HlsConfig.model_validate({"layers": layers, "gate": {"kind": "bounded", "max_abs_error": allowed}})
        record = case(config).judge()
        assert (record.gate.passed, record.gate.max_abs_error) == (passed, half)
        assert not record.exact and "exact:" not in exactness(record)


def test_a_wrong_layer_is_located(case):
    """fc1's accumulator is too narrow: what differs at the end begins there."""
    accum = lint(small_network(sizes=SIZES), HlsConfig()).layers[1].types["accum"]
    narrow = {"layers": {"fc1": {"precision": {"accum": f"fixed<{accum.width - 4},{accum.integer - 4}>"}}}}
    record = case(HlsConfig.model_validate(narrow)).judge()
    first = record.agreement[0].first_difference
    assert not record.gate.passed and first.layer == "fc1" and first.error_lsb >= 1
    assert 0 <= first.sample < 60 and 0 <= first.position < 8


def test_witnesses_that_disagree_fail_the_build_and_are_located(case):
    """The C simulation equals Keras, and the emulator sees other integers: one of the two is wrong."""

    def distort(values):
        values["relu1"] = values["relu1"] + (np.arange(8) == 3)
        return values

    made = case(distort=distort)
    # What the stand-in for the C simulation gave at the end equals Keras; the emulator, read back, does not.
    wrong = made.emulator.run([made.x], layers=["fc2"])["fc2"]
    wrong[7, 2] += 5
    output = made.project.outputs[0].name
    made.hardware = {name: wrong for name in made.hardware}
    made.keras = {"fc2": wrong * made.layers[-1].result.lsb}
    record = made.judge()
    assert record.agreement[0].mismatching_values == 0
    assert record.emulator.mismatching_values == len(made.hardware) and output in made.hardware
    assert not record.gate.passed and not record.exact
    first = record.emulator.first_difference
    assert (first.layer, first.sample, first.position, first.error_lsb) == ("relu1", 7, 3, 1)
    with pytest.raises(MismatchError, match="the witnesses disagree") as caught:
        _raise_unless_passed(record, Path("build.json"), BuildRequest(model="digits6"))
    assert "'relu1', by 1 LSB" in str(caught.value) and caught.value.exit_code == 8


def test_a_difference_from_keras_is_located_on_the_samples_that_differ_by_the_least_integer(case):
    """Every trace of every sample is off, relu1 by one LSB: no layer before is named, and no sample but the one."""

    def distort(values):
        off = {"relu1": np.arange(8) == 3, "fc2": 5 * (np.arange(10) == 2)}
        return {name: array + off.get(name, 0) for name, array in values.items()}

    made = case(distort=distort)
    made.hardware = {name: array.copy() for name, array in made.hardware.items()}
    made.hardware["fc2"][7, 2] += 5
    record = made.judge()
    assert (record.agreement[0].mismatching_values, record.agreement[0].values) == (1, 600)
    first = record.agreement[0].first_difference
    assert (first.layer, first.sample, first.position, first.error_lsb) == ("relu1", 7, 3, 1)


def test_what_tracing_does_not_show_again_is_located_nowhere(case):
    """The softmax differs from Keras' always, and is never the cause."""
    made = case(network=with_softmax())
    made.hardware = {name: array.copy() for name, array in made.hardware.items()}
    made.hardware["fc2"][7, 2] += 5
    (item,) = made.judge().agreement
    assert (item.output, item.mismatching_values, item.first_difference) == ("fc2", 1, None)


def test_where_no_type_carries_the_networks_own_arithmetic_nothing_holds_it(case):
    rng = np.random.default_rng(0)
    weights = [rng.integers(-(2**29), 2**29, shape) * 2.0**-28 for shape in ((64, 8), (8, 10))]
    bias, given = np.zeros(10), {"weight": "fixed<30,2>", "bias": "fixed<6,2>"}
    names, sources = ("fc1", "fc2"), ("x_in", "fc1")
    dense = [
        dense_node(name, source, weight, bias[: weight.shape[1]], given)
        for name, source, weight in zip(names, sources, weights, strict=True)
    ]
    network = Network(nodes=(input_node(64), *dense), inputs=("x_in",), outputs=("fc2",))
    # 8 bits by 30 bits by 30 bits, and sums of them.
    with pytest.raises(UnsupportedError, match=r"'fc2': its .* bits to be exact"):
        resolve(network, {})
    narrow = {"layers": {"fc1": {"precision": {"result": "fixed<16,10>"}}}}
    made = case(HlsConfig.model_validate(narrow), network)
    made.keras = {"fc2": made.hardware["fc2"] * made.layers[-1].result.lsb}
    record = made.judge()
    assert record.gate.passed and not record.exact
    assert (record.agreement[0].derived_type, record.agreement[0].holds_derived) == (None, False)


def test_the_record_says_of_each_layer_what_it_is_and_how_often_each_side_was_right(case):
    layers = {"fc1": {"strategy": "resource", "reuse_factor": 4}}
    made = case(HlsConfig.model_validate({"layers": layers, "strategy": "latency", "reuse_factor": 1}))
    made.hardware = {name: -array for name, array in made.hardware.items()}
    record = made.judge()
    right = {name: [row.argmax() == c for row, c in zip(values["fc2"], made.classes, strict=True)] for name, values in
             (("keras", made.keras), ("csim", made.hardware))}  # fmt: skip
    assert 0 < sum(right["keras"]) < 60 and right["keras"] != right["csim"]
    assert record.accuracy_keras == round(sum(right["keras"]) / 60, 6)
    assert record.accuracy_csim == round(sum(right["csim"]) / 60, 6)
    assert [(each.name, each.operation, each.shape) for each in record.layers] == [
        ("x_in", "input", [64]), ("fc1", "dense", [8]), ("relu1", "activation: relu", [8]), ("fc2", "dense", [10])
    ]  # fmt: skip
    assert [(each.strategy, each.reuse_factor) for each in record.layers] == [
        (None, None), ("resource", 4), (None, None), ("latency", 1)
    ]  # fmt: skip
    # Weights and biases of fixed<6,2>.
    arrays = {node.name: list(node.arrays.values()) for node in made.network.nodes}
    zeros = [sum(int((array == 0).sum()) for array in arrays[each.name]) for each in record.layers]
    assert [each.parameters for each in record.layers] == [0, 64 * 8 + 8, 0, 8 * 10 + 10]
    assert [each.zeros for each in record.layers] == zeros and sum(zeros) > 0
    assert (record.size.parameters, record.size.zeros, record.size.weight_bits) == (610, sum(zeros), 610 * 6)


@pytest.mark.parametrize("said", [None, "{", "[]", "{}", '{"dataset": "digits", "accuracy": {"test": null}}'])
def test_a_training_record_that_says_nothing_is_no_training(case, said):
    made = case()
    path = made.plan.model.folder / "training.json"
    accuracy = json.loads(path.read_text())["accuracy"]["test"]
    trained = made.judge().trained
    assert (trained.dataset, trained.test_accuracy, trained.source) == (
        "digits", accuracy, "models/digits6/training.json"
    )  # fmt: skip
    path.unlink() if said is None else path.write_text(said)
    assert made.judge().trained is None


def test_a_softmax_is_held_to_its_bound(case):
    made = case(network=with_softmax())
    record = made.judge()
    assert record.softmax.argmax_agreement == 1.0
    assert record.exact and 0 < record.softmax.table_error <= record.softmax.bound < 0.01
    assert record.softmax.max_abs_error == record.softmax.table_error
    output = made.project.outputs[0].name
    made.keras["probabilities"] = made.hardware[output] * made.layers[-1].result.lsb
    made.keras["probabilities"][5, 1] += 0.00123456784
    assert made.judge().softmax.max_abs_error == 0.001234568
    made.hardware[output] = made.hardware[output].copy()
    made.hardware[output][5, 1] += int(0.02 * 2**16)
    record = made.judge()
    assert not record.gate.passed
    assert any("the softmax 'probabilities' is off by" in failure for failure in record.gate.failures)


def test_a_sigmoid_is_held_to_its_bound(case):
    made = case(network=with_sigmoid())
    record = made.judge()
    (table,) = record.tables
    assert record.softmax is None and record.agreement[0].output == "fc2"
    assert (table.output, table.function, table.entries) == ("chances", "sigmoid", 2048)
    assert record.exact and 0 < table.table_error == table.max_abs_error <= table.bound < 0.0015
    assert type(record).from_json(record.to_json(), "r.json") == record
    assert "a table of 2,048 entries: off by" in markdown(record)
    keras, output = dict(made.keras), made.project.outputs[0].name
    made.keras["chances"] = keras["chances"] + 0.01
    assert [text for text in made.judge().gate.failures if "from Keras, more than the" in text]
    made.keras = keras
    made.hardware[output] = made.hardware[output].copy()
    made.hardware[output][5, 1] ^= 1 << 9
    failures = made.judge().gate.failures
    assert [text for text in failures if text.startswith("the sigmoid 'chances' is off by") and "own input" in text]
    assert [text for text in failures if "the witnesses disagree" in text]


def test_a_record_without_tables_says_nothing_of_them(case):
    assert '"tables"' not in case().judge().to_json()


def test_the_softmax_of_a_record_is_the_one_farthest_off_that_has_tables(case):
    network = with_softmax()
    node = network["probabilities"]
    entry = {**node.entry, "name": "choice"}
    nodes = (*network.nodes, replace(node, name="choice", entry=entry, keras_layer="c"))
    for outputs in (("choice", "probabilities"), ("probabilities", "choice")):
        two = Network(nodes=nodes, inputs=network.inputs, outputs=outputs)
        record = case(HlsConfig.model_validate({"layers": {"choice": {"implementation": "argmax"}}}), two).judge()
        assert (record.softmax.output, record.softmax.implementation) == ("probabilities", "stable")


def test_allow_mismatch_records_a_failure_as_a_failure(case):
    own = lint(small_network(sizes=SIZES), HlsConfig()).layers[-1].result
    layers = {"fc2": {"precision": {"result": f"fixed<{own.width - 6},{own.integer},RND_CONV,SAT>"}}}
    record = case(HlsConfig.model_validate({"layers": layers})).judge()
    _raise_unless_passed(record, Path("build.json"), BuildRequest(model="digits6", allow_mismatch=True))
    assert not record.gate.passed and record.gate.failures
