"""One table of operations: every op has its entry, its rule of types, and nothing stands there twice."""

from __future__ import annotations

import pytest

from hlsflow.network.graph import MOVES, MULTIPLIES, OPERATIONS, Op
from hlsflow.network.ranges import _RULES


@pytest.mark.parametrize("op", Op)
def test_every_op_is_described_and_has_a_rule(op):
    operation = OPERATIONS[op]
    # The mean's rule depends on who reads it, so it is chosen in place.
    assert op in _RULES or op is Op.AVERAGE_POOL
    assert set(operation.struct_roles) <= set(operation.roles)
    assert set(operation.data_keys) <= set(operation.roles)
    assert (op in MOVES) == (operation.roles == ())
    assert (op in MULTIPLIES) == ("weight" in operation.roles)
