"""The bound on the softmax holds, and is not far from what happens."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np
import pytest
from networks import input_node, small_network
from softmaxes import true_softmax

from hlsflow.emulation.emulator import make_emulator
from hlsflow.emulation.softmax import address_bits, error_bound
from hlsflow.foundation.errors import ToolError, UnsupportedError
from hlsflow.hls.config import HlsConfig, LayerConfig
from hlsflow.hls.convert import convert
from hlsflow.hls.csim import simulate
from hlsflow.hls.effective import verify
from hlsflow.hls.lint import lint
from hlsflow.hls.project import read_project
from hlsflow.network.fixed_point import parse_type
from hlsflow.network.graph import Network, Node, Op
from hlsflow.network.ranges import resolve, softmax_table_sizes
from hlsflow.network.softmax_bound import why_unbounded
from hlsflow.network.softmax_tables import rounded_to


def network_with_softmax(classes: int) -> Network:
    network = small_network(sizes=(classes, classes), weight_type="fixed<6,3>")
    entry = {
        "name": "probabilities", "class_name": "Softmax", "activation": "softmax", "inputs": ["fc1"], "axis": -1,
        "data_format": "channels_last",
    }  # fmt: skip
    softmax = Node(name="probabilities", op=Op.SOFTMAX, inputs=("fc1",), shape=(classes,), entry=entry, keras_layer="p")
    return Network(nodes=(*network.nodes, softmax), inputs=network.inputs, outputs=("probabilities",))


@pytest.mark.parametrize("classes", [2, 5, 10, 40])
def test_the_error_stays_below_the_bound(classes, tmp_path):
    network = network_with_softmax(classes)
    layers = resolve(network, {})
    convert(network, layers, HlsConfig(), tmp_path)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (4000, classes)) / 256
    # Near ties, where the sum of exponentials is largest.
    x[:1000] = x[:1000, :1]
    found = make_emulator(read_project(tmp_path)).run([x], layers=["fc1", "probabilities"])
    logits = found["fc1"] * layers[-2].result.lsb
    error = np.abs(found["probabilities"] * layers[-1].result.lsb - true_softmax(logits)).max()
    bound = error_bound(classes, layers[-2].result, layers[-1].types, softmax_table_sizes(layers[-1]))
    assert error <= bound
    assert bound < 12 * max(error, 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("implementation", ["stable", "argmax"])
def test_equal_to_the_c_simulation(implementation, tmp_path, quick_compile):
    network = network_with_softmax(10)
    layers = resolve(network, {})
    config = HlsConfig(layers={"probabilities": LayerConfig(implementation=implementation)})
    convert(network, layers, config, tmp_path / "hls")
    project = read_project(tmp_path / "hls")
    x = np.random.default_rng(0).integers(0, 256, (1500, 10)) / 256
    hardware = simulate(quick_compile(project, tmp_path / "c", "Vitis"), project, [x], folder=tmp_path / "c")
    emulated = make_emulator(project).run([x])
    assert all(np.array_equal(hardware[name], emulated[name]) for name in hardware)


def softmax_of_rows(shape: tuple[int, ...]) -> Network:
    entry = {
        "name": "probabilities", "class_name": "Softmax", "activation": "softmax", "inputs": ["x_in"], "axis": -1,
        "data_format": "channels_last", "n_outer": prod(shape[:-1]), "parallelization_factor": prod(shape[:-1]),
    }  # fmt: skip
    softmax = Node(name="probabilities", op=Op.SOFTMAX, inputs=("x_in",), shape=shape, entry=entry, keras_layer="p")
    flat = input_node(prod(shape), "fixed<8,4>")
    x = replace(flat, shape=shape, entry={**flat.entry, "input_shape": list(shape)})
    return Network(nodes=(x, softmax), inputs=("x_in",), outputs=("probabilities",))


def rows(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(1).integers(-128, 128, (500, prod(shape)))


@pytest.mark.parametrize("shape", [(3, 5), (2, 3, 4)])
def test_each_vector_along_the_last_axis_has_a_softmax_of_its_own(shape, tmp_path):
    layers = resolve(softmax_of_rows(shape), {})
    convert(softmax_of_rows(shape), layers, HlsConfig(), tmp_path)
    project = read_project(tmp_path)
    verify(project, layers, HlsConfig())
    (found,) = make_emulator(project).run([rows(shape)]).values()
    true = true_softmax(rows(shape).reshape(-1, shape[-1]) / 16).reshape(found.shape)
    bound = error_bound(shape[-1], layers[0].result, layers[-1].types, softmax_table_sizes(layers[-1]))
    assert np.abs(found * layers[-1].result.lsb - true).max() <= bound < 0.01


def test_a_softmax_of_all_values_where_one_of_each_row_was_due_is_named(tmp_path):
    layers = resolve(softmax_of_rows((3, 5)), {})
    convert(softmax_of_rows((3, 5)), layers, HlsConfig(), tmp_path)
    header = tmp_path / "firmware" / "parameters.h"
    header.write_text(header.read_text().replace("n_slice = 5", "n_slice = 15"))
    with pytest.raises(ToolError, match="n_slice is 15 in the C\\+\\+, 5 planned"):
        verify(read_project(tmp_path), layers, HlsConfig())


@pytest.mark.slow
@pytest.mark.parametrize("implementation", ["stable", "argmax"])
@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_of_each_row_it_is_equal_to_the_c_simulation(io_type, implementation, tmp_path, quick_compile):
    shape = (2, 3, 4)
    config = HlsConfig(io_type=io_type, layers={"probabilities": LayerConfig(implementation=implementation)})
    convert(softmax_of_rows(shape), resolve(softmax_of_rows(shape), {}, io_type), config, tmp_path / "hls")
    project = read_project(tmp_path / "hls")
    program = quick_compile(project, tmp_path / "c", "Vitis")
    hardware = simulate(program, project, [rows(shape).reshape(-1, *shape) / 16], folder=tmp_path / "c")
    emulated = make_emulator(project).run([rows(shape)])
    assert all(np.array_equal(hardware[name], emulated[name]) for name in hardware)


def test_address_bits_as_the_header_counts_them():
    assert [address_bits(size) for size in (2, 3, 4, 5, 1024, 4096, 4097)] == [1, 2, 2, 3, 10, 12, 13]


def test_a_skipped_softmax_leaves_the_logits(tmp_path):
    network = network_with_softmax(5)
    layers = resolve(network, {})
    convert(network, layers, HlsConfig(layers={"probabilities": LayerConfig(skip=True)}), tmp_path)
    project = read_project(tmp_path)
    assert [call.layer for call in project.calls] == ["fc1"]
    assert project.type_of(project.outputs[0].type_name) == layers[-2].result


def emulated_softmax(classes: int, logits: str, given: dict[str, str], folder):
    """(function from integers of the logits to probabilities, LayerTypes of the softmax, table sizes, the bound)."""
    entry = {
        "name": "probabilities", "class_name": "Softmax", "activation": "softmax", "inputs": ["x_in"], "axis": -1,
        "data_format": "channels_last",
    }  # fmt: skip
    softmax = Node(
        name="probabilities", op=Op.SOFTMAX, inputs=("x_in",), shape=(classes,), entry=entry, keras_layer="p"
    )
    network = Network(nodes=(input_node(classes, logits), softmax), inputs=("x_in",), outputs=("probabilities",))
    layers = resolve(network, {"probabilities": {role: parse_type(text) for role, text in given.items()}})
    convert(network, layers, HlsConfig(), folder)
    emulator = make_emulator(read_project(folder))
    sizes = softmax_table_sizes(layers[-1])

    def run(integers: np.ndarray) -> np.ndarray:
        (found,) = emulator.run([integers]).values()
        return found * layers[-1].result.lsb

    return run, error_bound(classes, layers[0].result, layers[-1].types, sizes), layers, sizes


def attacked(run, classes: int, logits, rounds: int) -> float:
    """The largest error that random and adversarial logits reach, the worst of them changed again and again."""
    rng = np.random.default_rng(classes)
    low, high = logits.min_int, logits.max_int

    def errors(integers: np.ndarray) -> np.ndarray:
        return np.abs(run(integers) - true_softmax(integers * logits.lsb)).max(axis=1)

    count = max(20, 20_000 // classes)
    spreads = np.exp(rng.uniform(0, np.log(high - low + 1), (count, 1)))
    x = np.clip(high - rng.integers(0, 1 << 30, (count, classes)) % np.maximum(spreads, 1), low, high).astype(np.int64)
    # One class far above the rest, all alike, one alike and the rest at a distance, both ends of the type.
    ends = np.full((4, classes), low)
    ends[0, 0], ends[1, :], ends[2, : classes // 2], ends[3, 0] = high, high, high, low + 1
    # Some at the top and the rest at one distance: sums that lie anywhere in a cell of the inverses.
    steps = np.unique(np.geomspace(1, high - low, 60 if classes > 1000 else 400).astype(np.int64))
    tops = {1, 2, classes // 2 or 1}
    stairs = np.concatenate([np.where(np.arange(classes) < top, high, high - steps[:, None]) for top in tops])
    x = np.concatenate([x, ends, stairs])
    best = errors(x)
    for _ in range(rounds):
        order = np.argsort(best)[-count // 4 :]
        y = np.repeat(x[order], 4, axis=0)
        steps = rng.integers(-3, 4, y.shape) * rng.choice([1, 1, 5, 40], (len(y), 1))
        y = np.clip(y + steps * (rng.random(y.shape) < rng.choice([0.1, 0.5, 1], (len(y), 1))), low, high)
        x, best = np.concatenate([x[order], y]), np.concatenate([best[order], errors(y)])
    return float(best.max())


@pytest.mark.parametrize(
    ("classes", "logits", "given"),
    [
        (10, "fixed<14,6>", {}),
        (2, "fixed<10,4>", {}),
        (10, "fixed<20,6>", {}),
        (10, "ufixed<8,8>", {}),
        (300, "fixed<12,5>", {}),
        (4096, "fixed<12,5>", {}),
        (10, "fixed<14,6>", {"result": "ufixed<4,0>"}),
        (10, "fixed<14,6>", {"result": "ufixed<4,0,TRN,SAT>"}),
        (10, "fixed<14,6>", {"result": "ufixed<3,1,RND,SAT>"}),
        (10, "fixed<14,6>", {"result": "ufixed<12,-1,RND,SAT>"}),
        (10, "fixed<14,6>", {"exp_table": "ufixed<8,1,RND,SAT>"}),
        (10, "fixed<14,6>", {"exp_table": "ufixed<8,0,TRN,SAT>"}),
        (10, "fixed<14,6>", {"inv_table": "ufixed<6,1,TRN,SAT>"}),
        (10, "fixed<14,6>", {"inp_norm": "ufixed<6,4,TRN,SAT>"}),
        (10, "fixed<14,6>", {"inp_norm": "ufixed<6,2,RND,SAT>"}),
        (10, "fixed<14,6>", {"inp_norm": "ufixed<16,4,RND_CONV,SAT>"}),
        (10, "fixed<14,6>", {"inv_inp": "ufixed<6,4,TRN,SAT>"}),
        (10, "fixed<14,6>", {"inv_inp": "ufixed<6,2,RND,SAT>"}),
        (10, "fixed<14,6>", {"inv_inp": "ufixed<15,4,RND_CONV,SAT>"}),
        (10, "fixed<14,6>", {"accum": "ufixed<12,4,RND,SAT>"}),
        (10, "fixed<14,6>", {"accum": "ufixed<9,4,TRN,SAT>", "inv_inp": "ufixed<8,4,TRN,SAT>"}),
        (40, "fixed<14,6>", {"inp_norm": "ufixed<5,4,TRN,SAT>", "result": "ufixed<5,0,TRN,SAT>"}),
    ],
)  # fmt: skip
def test_no_logits_leave_the_bound_of_the_types_at_hand(classes, logits, given, tmp_path):
    run, bound, layers, sizes = emulated_softmax(classes, logits, given, tmp_path)
    assert bound is not None and 0 < bound <= 1
    assert why_unbounded(classes, layers[0].result, layers[-1].types, sizes) is None
    worst = attacked(run, classes, layers[0].result, 25 if classes < 100 else 3)
    # Valid, and of use: what happens comes near it, or it is small.
    assert worst <= bound
    assert bound < max(4 * worst, 0.01), (worst, bound)


@pytest.mark.parametrize(
    ("classes", "given", "reason"),
    [
        (10, {"inp_norm": "ufixed<6,2>"}, "a distance reaches 63.9961, which ufixed<6,2> does not hold"),
        (10, {"inv_inp": "ufixed<8,2>"}, "the sum of the exponentials reaches 10, which ufixed<8,2> does not hold"),
        (10, {"accum": "ufixed<19,2>"}, "the sum of 10 exponentials can overflow ufixed<19,2>"),
        (10, {"exp_table": "fixed<18,1>"}, "1/0 is read"),
        (
            10,
            {"exp_table": "fixed<18,1>", "accum": "fixed<22,5>"},
            "an exponential wraps to a negative number",
        ),
        (10, {"exp_table": "ufixed<18,0>"}, "1/0 is read"),
        (10_000, {}, "the sum of the exponentials can be below the first cell of ufixed<12,14,RND,SAT>: 1/0 is read"),
        (10, {"result": "fixed<16,1>"}, "it can give -1 or 0.9"),
    ],
)
def test_where_no_bound_is_derived_there_is_none_with_the_reason(classes, given, reason):
    network = network_with_softmax(10)
    layers = resolve(network, {"probabilities": {role: parse_type(text) for role, text in given.items()}})
    types, sizes = layers[-1].types, softmax_table_sizes(layers[-1])
    if classes != 10:
        sums = replace(types["accum"], width=17 + classes.bit_length(), integer=classes.bit_length())
        types = {**types, "accum": sums, "inv_inp": replace(sums, width=12)}
    logits = parse_type("fixed<14,6>")
    assert error_bound(classes, logits, types, sizes) is None
    assert reason in why_unbounded(classes, logits, types, sizes)


def test_a_softmax_without_a_bound_is_complained_of():
    def codes(**said):
        config = HlsConfig.model_validate({"layers": {"probabilities": said}})
        return [item.code for item in lint(network_with_softmax(10), config).complaints]

    narrow = {"inp_norm": "ufixed<6,2>"}
    assert "softmax-unbounded" in codes(precision=narrow)
    assert "softmax-unbounded" not in codes()
    assert "softmax-unbounded" not in codes(precision=narrow, implementation="argmax")
    assert "softmax-unbounded" not in codes(precision=narrow, skip=True)


@pytest.mark.parametrize("classes", [4096, 5000, 8191])
def test_the_bound_of_many_classes_is_no_negative_number(classes, tmp_path):
    network = network_with_softmax(2)
    types = resolve(network, {})[-1].types
    whole = classes.bit_length()
    sums = replace(types["accum"], width=17 + whole, integer=whole)
    bound = error_bound(
        classes, parse_type("fixed<14,6>"), {**types, "accum": sums, "inv_inp": replace(sums, width=12)}, (4096, 4096)
    )
    assert 0 < bound <= 1


def test_table_entries_are_rounded_where_they_lie():
    # Just below a grid point: cut off, it is the one below.
    values = np.array([0.5 - 2.0**-40, 0.5, 3 * 2.0**-19, -(2.0**-60)])
    assert rounded_to(values, parse_type("fixed<8,2>")).tolist() == [31, 32, 0, -1]
    assert rounded_to(values, parse_type("fixed<20,2,RND_CONV,SAT>")).tolist() == [131072, 131072, 2, 0]


def test_the_bound_grows_with_what_is_cut_off():
    network = network_with_softmax(10)
    layers = resolve(network, {"probabilities": {"inv_inp": parse_type("ufixed<8,4,RND,SAT>")}})
    sizes = softmax_table_sizes(layers[-1])
    coarse = error_bound(10, layers[-2].result, layers[-1].types, sizes)
    fine_layers = resolve(network, {})
    fine = error_bound(10, fine_layers[-2].result, fine_layers[-1].types, softmax_table_sizes(fine_layers[-1]))
    assert coarse > 4 * fine


def test_a_softmax_that_can_read_one_over_zero_is_refused(tmp_path):
    """With few integer bits above many classes the first cell of the table of inverses stands for a sum of one too."""
    network = network_with_softmax(5)
    given = {"probabilities": {"inv_inp": parse_type("ufixed<12,14>")}}
    layers = resolve(network, given)
    convert(network, layers, HlsConfig(), tmp_path)
    with pytest.raises(UnsupportedError, match="1/0"):
        make_emulator(read_project(tmp_path))


def test_a_stream_of_other_packs_than_its_vectors_is_not_covered(tmp_path):
    """As hls4ml's own converter writes it of an image: one softmax of all by its struct, one of each pack in truth."""
    config = HlsConfig(io_type="io_stream")
    convert(softmax_of_rows((3, 5)), resolve(softmax_of_rows((3, 5)), {}, "io_stream"), config, tmp_path)
    header = tmp_path / "firmware" / "parameters.h"
    header.write_text(header.read_text().replace("n_slice = 5", "n_slice = 15"))
    with pytest.raises(UnsupportedError, match="covers a softmax over the last axis alone"):
        make_emulator(read_project(tmp_path))
