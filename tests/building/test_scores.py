"""Scores of outputs where the truth is known, and what is said where the two do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from hlsflow.building.scores import accuracy, errors
from hlsflow.foundation.errors import DataError

OUTPUTS = np.array([[1.0, 2.0, 0.5], [3.0, -1.0, 0.0], [0.0, 0.25, 4.0], [1.0, 0.0, 0.0]])


def test_the_share_of_right_classes():
    assert accuracy("classification", OUTPUTS, np.array([1, 0, 2, 1])) == 0.75
    assert accuracy("classification", OUTPUTS, None) is None


def test_each_yes_or_no_counts():
    assert accuracy("binary", OUTPUTS[:, :2], np.array([[1, 1], [1, 1], [0, 1], [1, 0]])) == 0.875
    assert accuracy("binary", OUTPUTS[:, :1], np.array([1, 1, 0, 0])) == 0.75


def test_values_have_errors_and_no_accuracy():
    truth = OUTPUTS + np.array([0.5, 0.0, -1.0])
    assert accuracy("regression", OUTPUTS, truth) is None
    found = errors("regression", OUTPUTS, truth)
    assert (found.mean_abs, found.root_mean_square) == (0.5, pytest.approx(np.sqrt(1.25 / 3), rel=1e-5))
    assert errors("classification", OUTPUTS, truth) is None and errors("regression", OUTPUTS, None) is None


@pytest.mark.parametrize(
    ("score", "task", "truth", "said"),
    [
        (accuracy, "classification", np.array([0, 1, 2, 3]), "up to class 3, and a model of 3 classes"),
        (accuracy, "binary", np.zeros((4, 2)), "2 values a sample, the model gives 3"),
        (errors, "regression", np.zeros((4, 6)), "6 values a sample, the model gives 3"),
    ],
)
def test_labels_of_another_number_are_said(score, task, truth, said):
    with pytest.raises(DataError, match=said):
        score(task, OUTPUTS, truth)
