"""The arrays that cross modules, by their elements. What a shape or a grid is, the docstrings of their users say."""

from __future__ import annotations

from typing import Any, TypeAlias

from numpy.typing import NDArray

# Values of a network: integers (int64, or Python's own as objects where they are wider) or floats on a grid.
Array: TypeAlias = NDArray[Any]
