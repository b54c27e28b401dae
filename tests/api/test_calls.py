"""hlsflow's functions for notebooks: a live model built as the command line builds a file, and results that say so."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import hlsflow
from hlsflow.foundation.errors import DataError, ModelError, UnsupportedError, UsageError


def test_what_is_imported_first_is_nothing_of_weight():
    code = (
        "import sys, hlsflow; assert set(hlsflow.__all__) <= set(dir(hlsflow)); hlsflow.build; "
        "print(sorted({'numpy', 'pydantic', 'rich', 'tensorflow', 'yaml', 'h5py'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"


def test_another_name_is_no_attribute():
    with pytest.raises(AttributeError, match="module 'hlsflow' has no attribute 'bild'"):
        hlsflow.bild  # noqa: B018


def test_an_error_is_shown_in_a_notebook_as_its_sentence():
    error = UsageError("no option 'x'", hint="did you mean 'y'?")
    assert error._render_traceback_() == ["UsageError: no option 'x'\n  did you mean 'y'?"]


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda at: hlsflow.build("m", backnd="Vitis", workspace=at), UsageError, "no option 'backnd'.*'backend'"),
        (lambda at: hlsflow.build("m", workspace=at), UsageError, "no model 'm'"),
        (lambda at: hlsflow.build("m", x=[1], workspace=at), UsageError, "'m' is a model of the workspace"),
        (lambda at: hlsflow.build("m", device="icebreaker", workspace=at), UsageError, 'device goes with synth="open"'),
        (lambda at: hlsflow.board("m", workspace=at), UsageError, "no model 'm'"),
        (lambda at: hlsflow.build("none.h5", workspace=at), ModelError, "no file none.h5"),
        (lambda at: hlsflow.build(3, workspace=at), UnsupportedError, "int is no model of Keras"),
        (lambda at: hlsflow.estimate(at / "no"), UsageError, "no folder"),
        (lambda at: hlsflow.parse(), UsageError, "no path"),
        (lambda at: hlsflow.compare(["none"], workspace=at), UsageError, "none"),
    ],
    ids=["option", "name", "data of a name", "device", "board", "file", "no model", "project", "nothing", "no build"],
)
def test_what_cannot_be_meant_is_said(call, error, said, tmp_path):
    (tmp_path / "models").mkdir()
    with pytest.raises(error, match=r"(?s)" + said):
        call(tmp_path)


QUANTIZERS = {"kernel_quantizer": "quantized_bits(6,0,alpha=1)", "bias_quantizer": "quantized_bits(6,0,alpha=1)"}


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """A live model, samples and classes of it, what its build gave, and where."""
    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    prepare_tensorflow()
    import qkeras
    from tensorflow import keras

    keras.utils.set_random_seed(4)
    x = keras.Input((6,), name="x")
    y = qkeras.QActivation("quantized_bits(6,2)")(x)
    y = qkeras.QActivation("quantized_relu(6,2)")(qkeras.QDense(8, **QUANTIZERS)(y))
    model = keras.Model(x, qkeras.QDense(3, **QUANTIZERS, name="y")(y), name="tiny")
    samples = np.random.default_rng(1).normal(size=(60, 6))
    classes = model.predict(samples, verbose=0).argmax(axis=1)
    at = tmp_path_factory.mktemp("notebook")
    options = {"task": "classification", "workspace": at, "quiet": True}
    return SimpleNamespace(
        model=model,
        x=samples,
        y=classes,
        at=at,
        options=options,
        built=hlsflow.build(model, samples, classes, **options),
    )


@pytest.mark.slow
def test_a_live_model_is_built_exact_and_shown_as_the_report_shows_it(live, capsys):
    assert live.built.exact and live.built.record.accuracy_csim == 1.0
    shown, text = live.built._repr_html_(), repr(live.built)
    for said in ("exact: 0 of 180 output integers differ from Keras (60 samples)", "C simulation 100.00 %"):
        assert said in shown and said in text
    (figure,) = [figure for figure in live.built.record.figures if figure.module is None]
    assert f"<td style='text-align:left'>{figure.stage}</td>" in shown and f"{figure.lut:,} (" in shown
    assert capsys.readouterr() == ("", "")


@pytest.mark.slow
def test_a_second_call_does_nothing_and_says_so(live, capsys):
    again = hlsflow.build(live.model, live.x, live.y, **live.options | {"quiet": False})
    assert again.result.unchanged and "nothing changed since the last build" in capsys.readouterr().out


@pytest.mark.slow
def test_a_retrained_model_takes_the_place_and_its_types_are_derived_anew(live):
    before = (live.at / "hls_configs" / "tiny.yaml").read_text()
    layer = live.model.get_layer("y")
    old = layer.get_weights()
    try:
        layer.set_weights([np.zeros_like(old[0]), np.full_like(old[1], 0.5)])
        found = hlsflow.build(live.model, live.x, live.y, **live.options)
    finally:
        layer.set_weights(old)
    assert found.exact and (live.at / "hls_configs" / "tiny.yaml").read_text() != before
    hlsflow.build(live.model, live.x, live.y, **live.options)


@pytest.mark.slow
def test_what_else_is_asked_of_a_live_model(live):
    linted = hlsflow.lint(live.model, workspace=live.at, quiet=True)
    assert not linted.linted.complaints and "the sum stays in" in linted._repr_html_()
    assert "kind: exact" in hlsflow.config(live.model, workspace=live.at, io_type="io_stream", quiet=True)
    estimated = hlsflow.estimate(live.built.result.project)
    assert "nothing measured" in repr(estimated) and estimated._repr_html_().startswith(
        "<pre>Estimate (nothing measured)"
    )
    compared = hlsflow.compare([live.built], workspace=live.at)
    assert len(compared.comparison.rows) == 1 and "Designs" in repr(compared)
    assert compared._repr_html_().startswith('<iframe srcdoc="&lt;!doctype html&gt;')


@pytest.mark.slow
@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (lambda x: x[:, :5], lambda y: y, r"takes \(6,\) values a sample, the data is \(60, 5\)"),
        (lambda x: x, lambda y: y[:7], "7.*60 samples"),
        (lambda x: {"z": x}, lambda y: y, "no array for the input 'x'"),
        (lambda x: None, lambda y: y, "y without x"),
    ],
    ids=["width", "labels", "input", "no samples"],
)
def test_data_that_do_not_fit_change_nothing(live, x, y, said):
    card = (live.at / "models" / "tiny" / "model.yaml").read_bytes()
    with pytest.raises((DataError, UsageError), match=r"(?s)" + said):
        hlsflow.build(live.model, x(live.x), y(live.y), **live.options)
    assert (live.at / "models" / "tiny" / "model.yaml").read_bytes() == card


def test_reports_are_shown_with_those_that_cannot_be_read(tmp_path):
    (tmp_path / "myproject_csynth.xml").write_text("<profile>")
    found = hlsflow.parse(tmp_path)
    assert not found.discovery.runs and "unreadable: " in repr(found) and "&lt;" not in repr(found)
    assert "unreadable: " in found._repr_html_()
