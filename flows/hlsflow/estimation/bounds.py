"""What a design's resources stay below, and with which confidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

# How sure a fit to a device can be asked to be, for each resource: the share of designs that stay below its bound.
CONFIDENCES = (0.5, 0.6, 0.7, 0.8, 0.9)
# The highest that the repositories left out confirm for every resource of LEVELLED_GROUPS; beyond it some bounds are
# the largest error that was seen, without so many designs to show for it. A test holds it to that.
DEFAULT_CONFIDENCE = 0.8


class Bound(NamedTuple):
    """What the error stays below: log((measured + 1) / (estimated + 1)), and of what share of designs it did so.

    `held` is of designs whose repository it was not taken from, None where there was no other repository.
    """

    log_ratio: float
    held: float | None


# By group and resource one bound a confidence, in the order of CONFIDENCES.
Bounds = Mapping[str, Mapping[str, tuple[Bound, ...]]]
