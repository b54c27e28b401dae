"""An empty workspace, and a file of somebody's model to add to it."""

from __future__ import annotations

import pytest
from model_files import dense, entrance, functional, weights_of, write_h5

from hlsflow.foundation.workspace import Workspace


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """One that holds nothing; files are read in this process alone, for no damaged one is added."""
    monkeypatch.setattr("hlsflow.frontends.keras.files.reader._check_walk", lambda data, path: None)
    workspace = Workspace(root=tmp_path / "workspace")
    workspace.models.mkdir(parents=True)
    return workspace


@pytest.fixture
def file(tmp_path):
    return write_h5(tmp_path / "net.h5", functional(entrance(), dense("d", "x")), weights_of("d"))
