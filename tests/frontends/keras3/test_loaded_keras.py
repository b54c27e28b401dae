"""The Keras that is loaded is the one that is installed, whatever the variables of the environment say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[3] / "flows"
OPEN = "from hlsflow.frontends.keras.front_end import KERAS_3; KERAS_3._check_loaded(); print('opened')"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "opened"),
        ({"TF_USE_LEGACY_KERAS": "1"}, "TF_USE_LEGACY_KERAS puts Keras 2 in Keras 3's place"),
        ({"KERAS_BACKEND": "numpy"}, "Keras c"),
    ],
    ids=str,
)
def test_another_keras_in_its_place_is_refused(tmp_path, variables, said):
    environ = {**os.environ, "PYTHONPATH": str(PACKAGE), "KERAS_HOME": str(tmp_path), **variables}
    found = subprocess.run(
        [sys.executable, "-c", OPEN], capture_output=True, text=True, env=environ, cwd=tmp_path, timeout=300
    )
    assert said in found.stdout + found.stderr
    assert (found.returncode == 0) == (said == "opened")


def test_what_trains_is_keras_2_and_says_so():
    from hlsflow.foundation.errors import ToolError
    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    with pytest.raises(ToolError, match="this needs Keras, and there is no Keras 2, no qkeras here") as caught:
        prepare_tensorflow()
    assert "uv run" in caught.value.hint
