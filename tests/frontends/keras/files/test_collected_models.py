"""Models that people published: each is read, or refused by a sentence that is true of it."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from tool_fixtures import MODELS_DIR

from hlsflow.foundation.errors import HlsflowError
from hlsflow.frontends.keras.files.reader import read_model_file

# Why a file is refused, by a part of its path.
REFUSED = {
    "KERAS_3layer_binary_smaller": "a layer of its author's own, from before QKeras",
    "KERAS_3layer_binarydense_relu_max": "a layer of its author's own, from before QKeras",
    "KERAS_3layer_ternary_small": "a layer of its author's own, from before QKeras",
    "keras_bnn": "a layer of its author's own, from before QKeras",
    "garnet_": "a layer of its author's own, GarNet",
    "hls4mlprj_extensions_Quartus": "'KReverse' is no layer of Keras or QKeras",
}
FILES = sorted(
    path.relative_to(MODELS_DIR).as_posix()
    for path in MODELS_DIR.rglob("*")
    if path.suffix in (".h5", ".keras", ".json") and not path.stem.endswith("_weights")
)


def reason(name: str) -> str | None:
    return next((said for part, said in REFUSED.items() if part in name), None)


@pytest.mark.usefixtures("collected_models")
def test_there_are_files():
    assert len(FILES) >= 50 and sum(reason(name) is not None for name in FILES) == 7


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_or_refused_with_the_reason(name):
    expected = reason(name)
    try:
        found = read_model_file(MODELS_DIR / name)
    except HlsflowError as error:
        assert expected is not None and expected in str(error)
        assert "instead: " in str(error)
    else:
        assert expected is None
        assert found.architecture.outputs and found.weights and len(found.origin.sha256) == 64


@pytest.fixture(scope="module")
def reference():
    """Keras' own loader, with all that QKeras and tfmot register; it gives None for what it cannot load."""
    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    prepare_tensorflow()
    from qkeras.utils import _add_supported_quantized_objects
    from tensorflow import keras
    from tensorflow_model_optimization.python.core.sparsity.keras.pruning_wrapper import PruneLowMagnitude

    known = {"PruneLowMagnitude": PruneLowMagnitude}
    _add_supported_quantized_objects(known)

    def load(path: Path):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if path.suffix != ".json":
                    return keras.models.load_model(path, custom_objects=known, compile=False)
                model = keras.models.model_from_json(path.read_text(), custom_objects=known)
                model.load_weights(path.with_name(f"{path.stem}_weights.h5"))
                return model
        except Exception:  # Whatever its loader dies of.
            return None

    return load


@pytest.mark.slow
@pytest.mark.usefixtures("collected_models")
def test_what_keras_itself_can_load_is_the_same_model_bit_for_bit(reference):
    """41 files; what Keras 2.15 cannot load, this reader can: files of Keras 3, and of versions between."""
    from hlsflow.frontends.keras.files.keras_model import keras_model

    compared = 0
    for name in FILES:
        theirs = reference(MODELS_DIR / name) if reason(name) is None else None
        if theirs is None:
            continue
        found = read_model_file(MODELS_DIR / name)
        ours = keras_model(found.architecture, found.weights)
        rng = np.random.default_rng(0)
        frames = [rng.normal(size=(4, *(size or 1 for size in x.shape[1:]))).astype(np.float32) for x in ours.inputs]
        outputs = [model(frames if len(frames) > 1 else frames[0], training=False) for model in (ours, theirs)]
        first, second = (item if isinstance(item, list) else [item] for item in outputs)
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            assert np.array_equal(one.numpy(), other.numpy()), name
        compared += 1
    assert compared >= 41
