"""What `hlsflow config` chooses where nobody says it."""

from __future__ import annotations

import pytest
from proof_networks import Chain

from hlsflow.building.configure import _candidates, _too_large
from hlsflow.building.target import Target


@pytest.mark.parametrize(
    ("shape", "io_types", "said"),
    [
        ((64, 64, 1), ["io_parallel"], None),
        ((65, 64, 1), ["io_stream", "io_parallel"], "gives 4,160 values, and HLS keeps up to 4,096 in registers"),
    ],
)
def test_what_registers_do_not_hold_is_streamed_where_it_can_be(shape, io_types, said):
    network = Chain(shape, "fixed<8,3>").activation("act", "relu").network()
    assert [config.io_type for config in _candidates(network, Target())] == io_types
    assert (_too_large(network) or "").endswith(said or "") and (said is None) == (_too_large(network) is None)


def test_an_io_type_that_is_asked_for_is_taken():
    network = Chain((65, 64, 1), "fixed<8,3>").activation("act", "relu").network()
    assert [config.io_type for config in _candidates(network, Target(io_type="io_parallel"))] == ["io_parallel"]
