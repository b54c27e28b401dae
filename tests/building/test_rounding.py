"""Types for networks that none carries exactly: no wider than the bound needs, and never beyond it."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest

from hlsflow.building.configure import configure, ensure_config
from hlsflow.building.rounding import ERROR_MARGIN, Bits, _least, same_class
from hlsflow.building.target import Target
from hlsflow.foundation.errors import ConfigError, UsageError
from hlsflow.foundation.log import Log
from hlsflow.foundation.workspace import Workspace


@pytest.mark.parametrize("first", range(2, 9))
@pytest.mark.parametrize("answer", range(3, 8))
def test_the_least_width_is_found_from_any_guess(first, answer):
    assert _least(3, 7, first, lambda bits: bits >= answer) == answer


def test_no_width_is_found_where_the_widest_fails():
    assert _least(3, 7, 5, lambda bits: False) is None


@pytest.mark.parametrize(
    ("task", "found", "keras", "share"),
    [
        ("classification", [[1, 2], [3, 0]], [[0, 9], [0, 1]], 0.5),
        ("binary", [[-1], [2]], [[-3], [5]], 1.0),
        ("binary", [[-1], [-2]], [[-3], [5]], 0.5),
        ("regression", [[1]], [[2]], 1.0),
    ],
)
def test_the_share_of_frames_whose_class_stays(task, found, keras, share):
    assert same_class(task, np.array(found, float), np.array(keras, float)) == share


@pytest.fixture(scope="module")
def added(tmp_path_factory):
    """A workspace with a float model, added with samples and classes, and a quantized one."""
    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    prepare_tensorflow()
    import qkeras
    from tensorflow import keras

    from hlsflow.models.adding import Wishes, add_file

    at = tmp_path_factory.mktemp("rounding")
    workspace = Workspace(root=at)
    for folder in (workspace.models, workspace.hls_configs):
        folder.mkdir()
    keras.utils.set_random_seed(2)
    x = keras.Input((6,), name="x")
    model = keras.Model(x, keras.layers.Dense(3, name="y")(keras.layers.Dense(8, activation="relu", name="h")(x)))
    samples = np.random.default_rng(3).integers(0, 256, (400, 6)) / 256
    np.savez(at / "data.npz", x=samples, y=model.predict(samples, verbose=0).argmax(axis=1))
    model.save(at / "floating.h5")
    keras.Model(x, qkeras.QDense(2, kernel_quantizer="quantized_bits(4,0,alpha=1)", use_bias=False)(x)).save(
        at / "q.h5"
    )
    add_file(workspace, at / "floating.h5", Wishes(task="classification"), data=at / "data.npz")
    add_file(workspace, at / "q.h5", Wishes())
    image = keras.Input((6, 5, 2), name="x")
    inner = keras.layers.DepthwiseConv2D(3, depth_multiplier=2, activation="relu", name="m")(image)
    inner = keras.layers.Flatten(name="f")(keras.layers.DepthwiseConv2D(2, activation="relu", name="dw")(inner))
    keras.Model(image, keras.layers.Dense(3, name="y")(inner)).save(at / "depthwise.h5")
    add_file(workspace, at / "depthwise.h5", Wishes())
    return SimpleNamespace(workspace=workspace)


def derived(added, name="floating", **target):
    """(what was said, the text of the configuration)"""
    log = Log(stream=io.StringIO())
    text = configure(added.workspace, name, Target(**target), None, log)
    return log.stream.getvalue(), text


def widths(text):
    return sorted({int(line.split("fixed<")[1].split(",")[0]) for line in text.splitlines() if "weight: fixed" in line})


@pytest.mark.slow
def test_a_wider_bound_needs_fewer_bits_and_every_bound_is_kept(added):
    found = []
    for bound in (0.5, 0.05, 0.005):
        said, text = derived(added, bound=bound)
        assert f"max_abs_error: {bound}\n" in text
        (line,) = [line for line in said.splitlines() if "off by" in line and "bits for weights" in line]
        error = float(line.split("off by ")[1].split()[0])
        assert 0 < ERROR_MARGIN * error <= bound * 1.01
        found.append(widths(text)[-1])
    assert found[0] < found[1] < found[2] < 16


@pytest.mark.slow
def test_a_width_that_is_asked_for_is_taken_and_its_bound_measured(added):
    said, text = derived(added, bits=12)
    assert str(Bits(weights=12, values=12)) in said and widths(text) == [12]


@pytest.mark.slow
def test_what_hls4ml_would_have_done_is_shown_beside_it(added):
    said, text = derived(added)
    (line,) = [line for line in said.splitlines() if "beside it" in line]
    assert (
        "hls4ml's default, fixed<16,6> for everything: off by 0.0" in line
        and "of these frames, Keras' class on " in line
    )
    assert f"# Beside it, {line.split('beside it')[1].strip()}." in text


@pytest.mark.slow
@pytest.mark.parametrize("target", [{"bound": 1e-9}, {"bits": 6, "bound": 1e-3}], ids=["no width", "this width"])
def test_a_bound_that_cannot_be_kept_is_refused_with_one_that_can(added, target):
    with pytest.raises(ConfigError, match=r"--bound .*outputs are off by .*\n  --bound ") as caught:
        derived(added, **target)
    hint = float(caught.value.hint.split()[1])
    if "bits" in target:
        assert f"max_abs_error: {hint:g}\n" in derived(added, **target | {"bound": hint})[1]


@pytest.mark.slow
def test_an_exact_model_takes_no_bound(added):
    with pytest.raises(UsageError, match="'q' is exact, no bound is needed"):
        ensure_config(added.workspace, "q", Log(quiet=True, stream=io.StringIO()), target=Target(bound=0.1))
    assert not (added.workspace.hls_configs / "q.yaml").exists()


def test_depthwise_layers_count_among_the_products(added):
    said, text = derived(added, name="depthwise")
    assert "bits for weights" in said and "hls4ml's default" in said
    assert "kind: bounded" in text
