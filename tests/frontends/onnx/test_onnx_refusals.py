"""What is not converted: one sentence that names the node, the reason and a way out. And files that nobody should
trust."""

from __future__ import annotations

import random

import numpy as np
import pytest
from onnx_models.making import Maker, live

from hlsflow.foundation.errors import HlsflowError, ModelError, UnsupportedError
from hlsflow.frontends.onnx.front_end import ONNX
from hlsflow.frontends.onnx.wire import is_onnx
from hlsflow.frontends.registry import front_end_of
from hlsflow.network.fixed_point import parse_type

if ONNX.needs.missing:
    pytest.skip("no onnx, onnxruntime or qonnx: uv run --extra onnx pytest", allow_module_level=True)

TYPE = parse_type("fixed<8,3>")


def of_vector(body, **more):
    maker = Maker((8,), **more)
    return maker.model(body(maker, "x0"))


def of_image(body):
    maker = Maker((3, 6, 5))
    return maker.model(body(maker, "x0"))


def _many(m, x):
    return m.conv(x, 3, 4096, 1, 1)


def _unread():
    maker = Maker((8,), (8,))
    return maker.model(maker.dense("x0", 8, 4))


REFUSED = {
    "an unknown operator": (lambda m, x: m.node("Erf", x), of_vector, "Erf: no test proves", "docs/onnx.md"),
    "two tensors multiplied": (lambda m, x: m.node("MatMul", x, x), of_vector, "computed from values", "constant"),
    "another domain": (
        lambda m, x: m.node("Quant", x, domain="com.someone"), of_vector, "domain 'com.someone'", "QONNX"),
    "CEIL of values": (lambda m, x: m.quant(m.dense(x, 8, 6), 0.5, 4, mode="CEIL"), of_vector, "'CEIL'", "FLOOR"),
    "a width with a half": (lambda m, x: m.quant(x, 0.5, 3.5), of_vector, "a width of", "whole number"),
    "a scale below zero": (lambda m, x: m.quant(x, -0.5, 4), of_vector, "not above zero", "above zero"),
    "a zero point with a half": (lambda m, x: m.quant(x, 0.5, 4, zero=0.5), of_vector, "no whole number", "zero point"),
    "a computed scale": (
        lambda m, x: m.node("Quant", x, x, m.const(0.0), m.const(4.0), domain="onnx.brevitas"), of_vector,
        "its scale is computed", "constants"),
    "the batch moved": (lambda m, x: m.node("Transpose", x, perm=[1, 0]), of_vector, "axis of the batch", "first axis"),
    "a softmax over channels": (
        lambda m, x: m.node("Softmax", m.conv(x, 3, 4, 1, 1), axis=1), of_image, "other axes than the last", "axis=-1"),
    "a linear resize": (
        lambda m, x: m.node("Resize", x, "", m.const([1, 1, 2, 2]), mode="linear"), of_image, "a resize by", "nearest"),
    "pads that reflect": (
        lambda m, x: m.node("Pad", x, m.const([0, 0, 1, 1, 0, 0, 1, 1], np.int64), mode="reflect"), of_image,
        "pads by 'reflect'", "zeros"),
    "an unusual auto_pad": (lambda m, x: m.conv(x, 3, 4, 3, 3, auto_pad="SOME"), of_image, "auto_pad=SOME", "NOTSET"),
    "a window larger than the image": (lambda m, x: m.conv(x, 3, 4, 9, 9), of_image, "a window of 9", "smaller"),
    "groups that do not fit": (
        lambda m, x: m.conv(x, 3, 4, 3, 3, group=2, weight=m.on_grid(4, 3, 3, 3)), of_image, "2 groups", "a kernel of"),
    "norms of another size": (lambda m, x: m.norm(m.dense(x, 8, 6), 5), of_vector, "for 6 channels", "each channel"),
    "an odd zero point of QuantizeLinear": (
        lambda m, x: m.node("DequantizeLinear", m.node("QuantizeLinear", x, m.const(0.5), m.const(3, np.uint8)),
                            m.const(0.5), m.const(3, np.uint8)), of_vector, "an odd zero point", "an even"),
    "another scale on the way back": (
        lambda m, x: m.node("DequantizeLinear", m.node("QuantizeLinear", x, m.const(0.5), m.const(0, np.uint8)),
                            m.const(0.25), m.const(0, np.uint8)), of_vector, "its integers are read by", "QDQ"),
    "a division by values": (lambda m, x: m.node("Div", m.const(1.0), x), of_vector, "divides a constant", "constant"),
    "an output that is a constant": (
        lambda m, x: m.node("Mul", m.const(np.ones(4)), m.const(2.0)), of_vector, "an output that is a constant",
        "leave it out"),
    "rows that do not fit": (lambda m, x: m.node("Gemm", x, m.on_grid(7, 4)), of_vector, "7 rows", "as many rows"),
    "groups beyond any hardware": (
        lambda m, x: m.conv(_many(m, x), 4096, 4098, 1, 1, group=2, weight=m.on_grid(4098, 2048, 1, 1)), of_image,
        "zeros counted", "fewer"),
    "a resize beyond any hardware": (
        lambda m, x: m.node("Resize", m.node("Resize", x, "", m.const([1, 1, 64, 64])), "", m.const([1, 1, 64, 64])),
        of_image, "values a sample", "at most"),
    "a constant without end": (
        lambda m, x: m.node("Add", x, m.node("ConstantOfShape", m.const([1 << 20, 1 << 20], np.int64))), of_vector,
        "ConstantOfShape of constants gives more than", "smaller"),
    "constants that spread": (
        lambda m, x: m.node("Add", x, m.node("Mul", m.const(np.ones((1 << 15, 1))), m.const(np.ones((1, 1 << 15))))),
        of_vector, "Mul of constants gives more than", "smaller"),
    "an operator of constants": (
        lambda m, x: m.node("Add", x, m.node("Erf", m.const(1.0))), of_vector, "Erf of constants", "onnxsim"),
    "a mean over channels": (
        lambda m, x: m.node("ReduceMean", m.conv(x, 3, 4, 1, 1), axes=[1]), of_image,
        "ReduceMean over the axes", "no channels"),
    "an input that nothing reads": (None, lambda _: _unread(), "no node reads this input", "leave it out"),
    "a factor beyond any number": (
        lambda m, x: m.node("Mul", x, m.node("Mul", m.const(1e300, np.float64), m.const(1e300, np.float64))), of_vector,
        "constants are NaN or infinite", "float32"),
    "an empty clip": (
        lambda m, x: m.node("Clip", m.dense(x, 8, 4), m.const(2.0), m.const(1.0)), of_vector, "empty", "minimum below"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_names_the_node_the_reason_and_a_way_out(name):
    body, make, reason, way_out = REFUSED[name]
    with pytest.raises(UnsupportedError) as refused:
        live(make(body)).network(TYPE)
    said = str(refused.value)
    assert reason in said and way_out in said
    assert "node '" in said or "layer '" in said


def test_all_nodes_are_named_at_once_and_what_reads_them_is_not():
    maker = Maker((8,))
    bad = maker.node("Erf", maker.node("Relu", maker.node("Det", "x0")))
    worse = maker.node("Hardmax", "x0")
    with pytest.raises(UnsupportedError) as refused:
        live(maker.model(bad, worse)).network(TYPE)
    lines = str(refused.value).splitlines()
    assert len(lines) == 3 and "Det" in lines[1] and "Hardmax" in lines[2]


def a_model() -> bytes:
    maker = Maker((8,))
    return maker.model(maker.dense(maker.relu_quant(maker.dense("x0", 8, 6)), 6, 4)).SerializeToString()


def read(data: bytes, tmp_path, name: str = "m.onnx"):
    path = tmp_path / name
    path.write_bytes(data)
    return ONNX.read(path)


def test_a_file_is_known_by_its_content(tmp_path):
    path = tmp_path / "weights.bin"
    path.write_bytes(a_model())
    assert is_onnx(path) and front_end_of(path) is ONNX
    found = ONNX.read(path)
    assert found.input_shapes == {"x0": (8,)} and found.origin.format == "QONNX, opset 13"
    for other in (b"", b"\x89HDF\r\n\x1a\n" + bytes(64), b"PK\x03\x04" + bytes(64), b"{}", bytes(100), b"\x08"):
        path.write_bytes(other)
        assert not is_onnx(path)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
def test_a_file_that_was_cut_off_is_refused(share, tmp_path):
    data = a_model()
    with pytest.raises(HlsflowError):
        read(data[: int(len(data) * share)], tmp_path)


def test_damaged_bytes_give_a_sentence_or_a_model_and_nothing_else(tmp_path):
    rng, data = random.Random(3), a_model()
    refused = 0
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(rng.choice((1, 1, 3, 20))):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        try:
            found = read(bytes(broken), tmp_path)
            assert found.own_types is not None and found.task and found.notes is not None
            live_again(found).network(TYPE)
        except HlsflowError as error:
            refused += 1
            assert "\n" not in error.message.splitlines()[0]
    assert refused > 30


def live_again(found):
    from hlsflow.frontends.onnx.live import OnnxModel

    return OnnxModel(graph=found.graph)


def changed(change) -> bytes:
    import onnx

    model = onnx.ModelProto()
    model.ParseFromString(a_model())
    change(model)
    return model.SerializeToString()


def _external(model):
    item = model.graph.initializer[0]
    item.data_location = 1
    entry = item.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def _circle(model):
    model.graph.node[0].input[0] = model.graph.node[-1].output[0]


def _missing(model):
    del model.graph.initializer[0]


def _huge(model):
    model.graph.initializer[0].dims[:] = [1 << 40, 1 << 20]


def _open_axis(model):
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "sequence"


def _twice(model):
    model.graph.node[1].output[0] = model.graph.node[0].output[0]


def _branch(model):
    import onnx

    model.graph.node[0].attribute.append(onnx.helper.make_attribute("then_branch", model.graph))


def _opset(version):
    def change(model):
        model.opset_import[0].version = version

    return change


def _no_opset(model):
    del model.opset_import[:]


def _nan(model):
    from onnx import numpy_helper

    values = numpy_helper.to_array(model.graph.initializer[0]).copy()
    values.ravel()[0] = np.nan
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(values, model.graph.initializer[0].name))


def _texts(model):
    model.graph.initializer[0].data_type = 8


def _negative(model):
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = -8


HOSTILE = {
    "weights in another file": (_external, UnsupportedError, "a file of its own"),
    "a circle": (_circle, ModelError, "a circle of nodes"),
    "a missing initializer": (_missing, ModelError, "which nothing in it gives"),
    "a tensor of impossible size": (_huge, UnsupportedError, "values"),
    "an axis without a size": (_open_axis, UnsupportedError, "beside the batch has no size"),
    "an axis below zero": (_negative, UnsupportedError, "beside the batch has no size"),
    "a tensor that two nodes give": (_twice, ModelError, "two nodes give"),
    "a graph in a node": (_branch, UnsupportedError, "a graph of its own"),
    "operators of the future": (_opset(99), UnsupportedError, "operators of version 99"),
    "operators of no version": (_no_opset, ModelError, "no version of ONNX' operators"),
    "NaN": (_nan, ModelError, "NaN or infinite"),
    "texts for weights": (_texts, HlsflowError, "initializer"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_cannot_be_meant_is_refused_in_a_sentence(name, tmp_path):
    change, kind, words = HOSTILE[name]
    with pytest.raises(kind, match=words):
        read(changed(change), tmp_path)


def test_control_characters_of_names_reach_no_terminal(tmp_path):
    def change(model):
        model.graph.node[-1].op_type = "\x1b[31mErf"
        model.graph.node[-1].name = "a\x1b]0;title\x07"

    with pytest.raises(HlsflowError) as refused:
        live_again(read(changed(change), tmp_path)).network(TYPE)
    assert "\x1b" not in str(refused.value) and "\x07" not in str(refused.value)


def test_weights_beside_it_are_none(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(a_model())
    with pytest.raises(HlsflowError, match="holds its own"):
        ONNX.read(path, weights=path)


def test_frames_are_given_as_the_model_takes_them(tmp_path):
    from hlsflow.foundation.errors import DataError
    from hlsflow.models.given_data import in_hardware_order

    maker = Maker((3, 4, 4))
    model = maker.model(maker.node("Flatten", maker.relu_quant(maker.conv("x0", 3, 2, 3, 3))))
    found = read(model.SerializeToString(), tmp_path)
    assert found.input_shapes == {"x0": (4, 4, 3)} and found.input_axes == {"x0": (1, 2, 0)}
    assert any("channels first" in note for note in found.notes)
    data = np.arange(2 * 48).reshape(2, 3, 4, 4)
    (moved,) = in_hardware_order([data], "x.npy", found.input_shapes, found.input_axes)
    assert moved.shape == (2, 4, 4, 3) and np.array_equal(moved, data.transpose(0, 2, 3, 1))
    (flat,) = in_hardware_order([data.reshape(2, -1)], "x.npy", found.input_shapes, found.input_axes)
    assert np.array_equal(flat, moved)
    with pytest.raises(DataError, match=r"the model takes 'x0' as \(3, 4, 4\)"):
        in_hardware_order([moved], "x.npy", found.input_shapes, found.input_axes)


def test_an_input_quantizer_states_the_type_of_the_input(tmp_path):
    maker = Maker((8,), (8,), (8,))
    own, odd, bare = maker.quant("x0", 0.125, 6), maker.quant("x1", 0.1, 6), maker.dense("x2", 8, 8)
    found = read(maker.model(maker.node("Add", own, odd), bare).SerializeToString(), tmp_path)
    assert {name: str(type_) for name, type_ in found.own_types.items()} == {"x0": "fixed<6,3>"}


def test_a_wrong_weight_is_told_from_the_right_one():
    """The comparison of the constructs can fail."""
    from hlsflow.frontends.witness import reference_outputs

    first, second = Maker((8,)), Maker((8,))
    a, b = (live(m.model(m.node("Gemm", "x0", m.on_grid(8, 4)))) for m in (first, second))
    other = Maker((8,), seed=2)
    c = live(other.model(other.node("Gemm", "x0", other.on_grid(8, 4))))
    network, x = a.network(TYPE), [np.eye(8)]
    found = [reference_outputs(model, network, x, network.gate_outputs)[network.outputs[0]] for model in (a, b, c)]
    assert np.array_equal(found[0], found[1]) and not np.array_equal(found[0], found[2])
