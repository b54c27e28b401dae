"""A sigmoid or its like by a table: as the C simulation gives it for every value, and within a close bound."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from networks import dense_node, input_node

from hlsflow.emulation.emulator import make_emulator
from hlsflow.foundation.errors import ToolError, UnsupportedError
from hlsflow.hls.config import Gate, HlsConfig
from hlsflow.hls.convert import convert
from hlsflow.hls.csim import compile_csim, find_compiler, simulate
from hlsflow.hls.effective import verify
from hlsflow.hls.lint import lint
from hlsflow.hls.project import read_project
from hlsflow.network.fixed_point import Overflow, parse_type
from hlsflow.network.graph import Network, Node, Op
from hlsflow.network.intervals import EXACT_BITS
from hlsflow.network.ranges import resolve
from hlsflow.network.value_tables import FLOAT32_SLACK, bound_text, table_of, table_size

# Coarse and fine, beyond the ends and within, of whole numbers and of fractions alone.
TYPES = ("fixed<12,5>", "ufixed<8,4>", "fixed<6,8>", "fixed<16,3>", "fixed<16,8>", "ufixed<7,0>", "fixed<9,-2>")
GIVEN = ({}, {"table": "fixed<10,2,TRN,SAT>", "result": "fixed<8,2,RND,SAT>"}, {"result": "fixed<20,2>"})
TRUE = {
    "sigmoid": lambda x: np.exp(-np.logaddexp(0, -x)),
    "tanh": np.tanh,
    "softplus": lambda x: np.logaddexp(0, x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
}
FUNCTIONS = tuple(TRUE)


def table_node(function: str, source: str, size: int) -> Node:
    entry = {"name": "end", "class_name": "Activation", "activation": function, "inputs": [source],
             "data_format": "channels_last"}  # fmt: skip
    return Node(
        name="end", op=Op.TABLE, inputs=(source,), shape=(size,), function=function, entry=entry, keras_layer="end"
    )


def network_of(function: str, data: str, size: int = 4) -> Network:
    nodes = (input_node(size, data), table_node(function, "x_in", size))
    return Network(nodes=nodes, inputs=("x_in",), outputs=("end",))


def bound_of(layers) -> float:
    return table_of(layers[1].node, layers[0].result, layers[1].types).error_bound()


def all_values(text: str) -> np.ndarray:
    """Every integer of a type, four a sample."""
    type_ = parse_type(text)
    values = np.arange(type_.min_int, type_.max_int + 1)
    return np.resize(values, (-(-len(values) // 4), 4))


def written(function: str, data: str, given: dict[str, str], folder: Path, io_type: str = "io_parallel"):
    """The layers and the project of a table of the values of an input."""
    network, config = network_of(function, data), HlsConfig(io_type=io_type)
    layers = resolve(network, {"end": {role: parse_type(text) for role, text in given.items()}}, io_type)
    convert(network, layers, config, folder)
    project = read_project(folder)
    verify(project, layers, config)
    return layers, project


@cache
def truth(function: str, text: str) -> np.ndarray:
    return TRUE[function](all_values(text) * parse_type(text).lsb)


@pytest.mark.parametrize("given", GIVEN, ids=("derived", "coarse", "fine"))
@pytest.mark.parametrize("data", TYPES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_bound_holds_for_every_value_and_is_close(function, data, given, tmp_path):
    layers, project = written(function, data, given, tmp_path)
    (found,) = make_emulator(project).run([all_values(data)]).values()
    worst = np.abs(found * layers[1].result.lsb - truth(function, data)).max()
    bound = bound_of(layers)
    assert worst <= bound
    result = layers[1].result
    if function in ("elu", "selu") and result.overflow is Overflow.WRAP and np.abs(truth(function, data)).max() > 2:
        # What passes beside the table wraps, and any value of the type is given.
        assert bound <= 2 + np.abs(truth(function, data)).max() * (1 + 2 * FLOAT32_SLACK)
        return
    # An entry next to a tie may be another one with the C library, by a last bit of the table and then of the result.
    slack = 2 * FLOAT32_SLACK * max(1, np.abs(truth(function, data)).max())
    spare = layers[1].types["table"].lsb + layers[1].result.lsb + slack
    assert bound - spare <= worst <= bound


def test_a_bound_of_finer_types_is_too_small(tmp_path):
    layers, project = written("sigmoid", "fixed<10,3>", GIVEN[1], tmp_path)
    (found,) = make_emulator(project).run([all_values("fixed<10,3>")]).values()
    worst = np.abs(found * layers[1].result.lsb - truth("sigmoid", "fixed<10,3>")).max()
    assert bound_of(resolve(network_of("sigmoid", "fixed<10,3>"), {})) < worst <= bound_of(layers)


def test_a_smaller_table_has_a_greater_bound():
    data, derived = resolve(network_of("tanh", "fixed<16,4>"), {})
    table = table_of(derived.node, data.result, derived.types)
    bounds = [replace(table, size=size).error_bound() for size in (4096, 1024, 256)]
    assert bounds == sorted(set(bounds)) and bounds[1] < 0.01 < bounds[2]


def test_a_bound_is_said_with_two_digits_and_never_below_itself():
    assert [bound_text(bound) for bound in (0.00201, 0.0995, 0.09901, 24.001)] == ["0.0021", "0.1", "0.1", "25"]


@pytest.mark.parametrize(
    ("function", "data", "size"),
    [
        ("sigmoid", "fixed<12,8>", 256), ("sigmoid", "fixed<6,8>", 16), ("sigmoid", "fixed<20,4>", 4096),
        ("tanh", "fixed<12,8>", 128), ("tanh", "fixed<20,4>", 4096), ("tanh", "ufixed<8,0>", 2048),
        ("elu", "fixed<12,8>", 128), ("elu", "fixed<6,8>", 8), ("selu", "fixed<20,4>", 4096),
    ],
)  # fmt: skip
def test_a_table_has_an_entry_for_each_value_up_to_4096(function, data, size):
    assert table_size(function, parse_type(data)) == size


@pytest.mark.slow
@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize("data", TYPES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_c_simulation_gives_the_same_for_every_value(
    function, data, io_type, request, shared_run, programs, tmp_path
):
    if refused_in_streams(function, data, io_type):
        return
    (project,) = tables_of(shared_run, function, data, io_type)
    program = programs.of(request.node, lambda case: tables_of(shared_run, **case))[project.root]
    assert differing(project, all_values(data), parse_type(data).lsb, tmp_path, program) == 0


def tables_of(shared_run, function: str, data: str, io_type: str):
    """The project of a table, made once in a run; none where it is refused."""
    if refused_in_streams(function, data, io_type):
        return []
    name = f"tables/{function}-{data.strip('>').replace('<', '_')}-{io_type}"
    given = {"table": "fixed<18,4,RND,SAT>"}
    return [
        read_project(
            shared_run.once(name, lambda folder: written(function, data, given, folder / "hls", io_type)) / "hls"
        )
    ]


def differing(project, values: np.ndarray, lsb: float, folder: Path, program: Path | None = None) -> int:
    """How many outputs of the C simulation are not those of the emulator."""
    program = program or compile_csim(project, folder / "csim", find_compiler())
    (found,) = simulate(program, project, [values * lsb], layers={}, folder=folder / "run", workers=1).values()
    (expected,) = make_emulator(project).run([values]).values()
    return int(np.count_nonzero(found != expected))


def middle_of(function: str, folder: Path, io_type: str = "io_parallel"):
    """The layers and the project of a dense layer behind a table of the values of an input, and its weights."""
    weights = np.array([[3, -2], [1, 5], [-4, 2], [7, 1]]) / 4
    nodes = (input_node(4, "fixed<12,5>"), table_node(function, "x_in", 4), dense_node("fc", "end", weights))
    network = Network(nodes=nodes, inputs=("x_in",), outputs=("fc",))
    config = HlsConfig(io_type=io_type, gate=Gate(kind="bounded", max_abs_error=0.1))
    layers = lint(network, config).layers
    convert(network, layers, config, folder)
    project = read_project(folder)
    verify(project, layers, config)
    return layers, project, weights


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_stands_behind_a_table_is_off_by_no_more_than_its_bound_times_the_weights(function, tmp_path):
    layers, project, weights = middle_of(function, tmp_path)
    (found,) = make_emulator(project).run([all_values("fixed<12,5>")]).values()
    off = np.abs(found * layers[2].result.lsb - truth(function, "fixed<12,5>") @ weights).max()
    bound = bound_of(layers)
    assert 0 < off <= bound * np.abs(weights).sum(axis=0).max()
    # Equal, but for what the tables are off: the entries of the very types give what stands behind them.
    entries = make_emulator(project).run([all_values("fixed<12,5>")], layers=["end"])["end"]
    assert np.array_equal(found * layers[2].result.lsb, entries * layers[1].result.lsb @ weights)


@pytest.mark.slow
@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_behind_a_table_the_c_simulation_gives_the_same_for_every_value(
    function, io_type, request, shared_run, programs, tmp_path
):
    (project,) = middles_of(shared_run, function, io_type)
    program = programs.of(request.node, lambda case: middles_of(shared_run, **case))[project.root]
    assert differing(project, all_values("fixed<12,5>"), parse_type("fixed<12,5>").lsb, tmp_path, program) == 0


def middles_of(shared_run, function: str, io_type: str):
    name = f"tables/middle-{function}-{io_type}"
    return [read_project(shared_run.once(name, lambda folder: middle_of(function, folder / "hls", io_type)) / "hls")]


@pytest.mark.slow
@pytest.mark.parametrize("function", FUNCTIONS)
def test_one_wrong_entry_in_the_middle_is_caught_behind_it(function, tmp_path):
    layers, project, _ = middle_of(function, tmp_path / "hls")
    spoil(function, tmp_path / "hls")
    # Both outputs of the one sample that reads it.
    assert differing(project, all_values("fixed<12,5>"), layers[0].result.lsb, tmp_path) == 2


def test_an_exact_gate_refuses_a_table_in_the_middle_and_says_what_to_do():
    nodes = (input_node(4), table_node("tanh", "x_in", 4), dense_node("fc", "end", np.ones((4, 2))))
    network = Network(nodes=nodes, inputs=("x_in",), outputs=("fc",))
    with pytest.raises(UnsupportedError) as caught:
        lint(network, HlsConfig())
    assert str(caught.value) == (
        "model 'this network' cannot be converted exactly:\n"
        "  layer 'end': a tanh in the middle is a table, exact only to its resolution; instead: tanh at the end, "
        "quantized_tanh, or `gate: bounded` as `hlsflow config` derives it"
    )


def refused_in_streams(function: str, data: str, io_type: str) -> bool:
    """Whether a stream of such values has no room for the factor of a selu, and is refused for it."""
    type_ = parse_type(data)
    if function != "selu" or io_type != "io_stream" or (type_.lsb <= 1 <= type_.max_int * type_.lsb):
        return False
    with pytest.raises(UnsupportedError, match="in io_stream hls4ml holds the factor of a selu, which is above one"):
        resolve(network_of(function, data), {}, io_type)
    return True


def spoil(function: str, folder: Path) -> None:
    """Makes the entry of one value beside zero wrong by 1/4096, in the C++."""
    header = folder / "firmware" / "nnet_utils" / "nnet_activation.h"
    initial = re.compile(rf"(init_{function}_table<CONFIG_T, CONFIG_T::table_size>\({function}_table\);)")
    number = "1" if function in ("elu", "selu") else "CONFIG_T::table_size / 2 + 1"
    entry = f"{function}_table[{number}]"
    wrong = rf"\1 {entry} = {entry} + typename CONFIG_T::table_t(1.0 / 4096);"
    text, count = initial.subn(wrong, header.read_text())
    assert count == 1
    header.write_text(text)


@pytest.mark.slow
@pytest.mark.parametrize("function", FUNCTIONS)
def test_one_wrong_entry_is_caught_by_the_second_witness(function, tmp_path):
    layers, project = written(function, "fixed<12,5>", {}, tmp_path / "hls")
    spoil(function, tmp_path / "hls")
    assert differing(project, all_values("fixed<12,5>"), layers[0].result.lsb, tmp_path) == 1


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("firmware/parameters.h", r"table_size = \d+", "table_size = 1024", "table_size is 1024 in the C++, 4096"),
        ("firmware/defines.h", r"<18(,1,.*> end_table_t)", r"<17\1", "table is ufixed<17,1,RND,SAT> in the C++"),
        ("firmware/PROJECT.cpp", r"nnet::sigmoid<", "nnet::tanh<", "nnet::tanh in the C++, sigmoid planned"),
    ],
)  # fmt: skip
def test_another_table_than_planned_is_named(file, before, after, said, tmp_path):
    layers, project = written("sigmoid", "fixed<16,4>", {}, tmp_path)
    path = tmp_path / file.replace("PROJECT", project.top)
    text, count = re.subn(before, after, path.read_text())
    assert count == 1
    path.write_text(text)
    with pytest.raises(ToolError, match=re.escape(said)):
        verify(read_project(tmp_path), layers, HlsConfig())


def test_values_beyond_an_int_are_refused(tmp_path):
    with pytest.raises(UnsupportedError, match="cannot be read by values of fixed<32,25>") as caught:
        resolve(network_of("sigmoid", "fixed<32,25>"), {})
    assert "fewer integer bits" in str(caught.value.hint)
    assert resolve(network_of("sigmoid", "fixed<31,24>"), {})[1].result == parse_type("ufixed<16,1,RND,SAT>")


def test_a_table_takes_its_types_from_the_configuration_and_nothing_else():
    nodes = (input_node(4), dense_node("fc", "x_in", np.ones((4, 2))), table_node("sigmoid", "fc", 2))
    network = Network(nodes=nodes, inputs=("x_in",), outputs=("end",))

    def complaints(end: dict) -> list[str]:
        return [
            str(item.message) for item in lint(network, HlsConfig.model_validate({"layers": {"end": end}})).complaints
        ]

    assert complaints({}) == complaints({"precision": {"table": "ufixed<12,1>", "result": "ufixed<10,1>"}}) == []
    assert complaints({"skip": True}) == ["table has no skip; hls4ml ignores it"]
    assert "table has no such type" in complaints({"precision": {"exp_table": "ufixed<12,1>"}})[0]


@pytest.mark.parametrize(
    ("function", "data", "said"),
    [
        ("softplus", "fixed<12,5>", ["hls4ml's table of a softplus ends at 8, and values of fixed<12,5> do not: off by "
                                     "up to 8 there"]),
        ("softsign", "fixed<12,5>", ["hls4ml's table of a softsign ends at 8, and values of fixed<12,5> do not: off by "
                                     "up to 0.053 there"]),
        ("softplus", "fixed<12,4>", []), ("sigmoid", "fixed<12,6>", []), ("tanh", "fixed<12,6>", []),
        ("elu", "fixed<12,6>", []), ("selu", "fixed<12,6>", []),
    ],
)  # fmt: skip
def test_a_function_that_goes_on_where_its_table_ends_is_complained_of(function, data, said):
    assert [item.message for item in lint(network_of(function, data), HlsConfig()).complaints] == said


def selu_of(data: str, io_type: str):
    return resolve(network_of("selu", data), {}, io_type)


def test_a_stream_multiplies_a_selu_by_a_factor_of_the_type_of_its_values():
    layers = {io_type: selu_of("fixed<8,5>", io_type) for io_type in ("io_parallel", "io_stream")}
    tables = {key: table_of(found[1].node, found[0].result, found[1].types) for key, found in layers.items()}
    # 1.0507 cut off after 15 bits, and after three.
    assert tables["io_parallel"].factor == (34429.0, parse_type("ufixed<16,1>"))
    assert tables["io_stream"].factor == (8.0, parse_type("fixed<8,5>"))
    assert tables["io_parallel"].run(np.array([8])).tolist() == [34429.0]
    assert tables["io_stream"].run(np.array([8])).tolist() == [32768.0]
    # A twentieth of 15.875, where the factor is one.
    assert tables["io_parallel"].error_bound() < 0.001 and 0.8 < tables["io_stream"].error_bound() < 0.81
    # Of a value that moved before it, the plan does not know how it rounds: the bound is that of what is cut off.
    rounded = replace(tables["io_stream"], data=parse_type("fixed<9,5,RND>"))
    assert rounded.error_bound() >= replace(rounded, data=parse_type("fixed<9,5>")).error_bound()


@pytest.mark.parametrize("data", ["fixed<6,8>", "fixed<8,1>", "ufixed<7,0>"])
def test_a_stream_of_values_that_hold_no_one_has_no_selu(data):
    assert selu_of(data, "io_parallel")[1].result.signed
    with pytest.raises(UnsupportedError, match="in io_stream hls4ml holds the factor of a selu") as caught:
        selu_of(data, "io_stream")
    assert caught.value.hint == "io_parallel, or give its input a type that does in the configuration"


def test_a_selu_of_values_whose_products_are_too_wide_is_refused_before_it_is_written():
    """A stream multiplies by a factor of the values' own type: twice their width, and what the result has beyond."""
    data, selu = selu_of("fixed<26,3>", "io_stream")[:2]
    assert table_of(selu.node, data.result, selu.types).bits == EXACT_BITS
    with pytest.raises(UnsupportedError, match=f"a product of {EXACT_BITS + 2} bits for values of fixed<27,3>"):
        selu_of("fixed<27,3>", "io_stream")
    assert selu_of("fixed<27,3>", "io_parallel")[1].result.signed


@pytest.mark.parametrize(
    ("function", "data", "result"),
    [
        ("elu", "fixed<12,5>", "fixed<20,5,RND,SAT>"), ("elu", "ufixed<12,5>", "fixed<21,6,RND,SAT>"),
        ("selu", "fixed<12,5>", "fixed<21,6,RND,SAT>"), ("elu", "fixed<9,-2>", "fixed<16,1,RND,SAT>"),
        ("softplus", "fixed<12,5>", "ufixed<16,4,RND,SAT>"), ("softsign", "fixed<12,5>", "fixed<16,1,RND,SAT>"),
    ],
)  # fmt: skip
def test_what_passes_beside_a_table_has_room(function, data, result):
    layers = resolve(network_of(function, data), {})
    assert layers[1].result == parse_type(result)
    if function in ("elu", "selu"):
        assert layers[1].result.max_int * layers[1].result.lsb >= truth(function, data).max()
