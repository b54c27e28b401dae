"""The methods that make a model out of a trained one: a new one is a module of this room and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from hlsflow.compression import (
    activation_pruning,
    low_rank,
    magnitude_pruning,
    post_training_quantization,
    structured_pruning,
)
from hlsflow.compression.method import Method

METHODS: Mapping[str, Method] = {
    module.METHOD.name: module.METHOD
    for module in (
        post_training_quantization,
        magnitude_pruning,
        structured_pruning,
        activation_pruning,
        low_rank,
    )
}
