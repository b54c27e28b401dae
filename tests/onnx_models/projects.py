"""Frames for a network of a test."""

from __future__ import annotations

import numpy as np


def random_inputs(network, samples: int) -> list[np.ndarray]:
    rng = np.random.default_rng(7)
    found = []
    for name in network.inputs:
        type_ = network[name].declared["result"]
        whole = rng.integers(type_.min_int, type_.max_int + 1, (samples, *network[name].shape))
        whole >>= (np.arange(samples) % 6).reshape(-1, *(1 for _ in network[name].shape))
        found.append(whole * type_.lsb)
    return found
