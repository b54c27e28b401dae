"""These tests need Keras 3 with qkeras-v3, an environment of its own:

uv run --no-group keras2 --group keras3 pytest tests/building/test_constructs.py tests/frontends/keras3
"""

from __future__ import annotations

import pytest
from tool_fixtures import needed

from hlsflow.frontends.installed import with_it
from hlsflow.frontends.keras.needs import KERAS_3


@pytest.fixture(scope="session", autouse=True)
def keras():
    """Keras 3, with TensorFlow silenced."""
    needed(not KERAS_3.missing, "Keras 3 with qkeras-v3", with_it(KERAS_3, "pytest tests/frontends/keras3"))
    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    prepare_tensorflow(any_keras=True)
    return pytest.importorskip("keras")
