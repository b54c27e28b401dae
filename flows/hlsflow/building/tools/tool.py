"""What a tool after the gate is: a step of the build that leaves figures, and refuses early what it cannot do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hlsflow.building.plan import Plan
    from hlsflow.foundation.log import Step
    from hlsflow.network.graph import Network
    from hlsflow.network.layer_types import LayerTypes

Options = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """A tool of the registry.

    `step_inputs(plan, options)`: what its result depends on besides the project and the options, for the step's key.
    `compute(plan, hls, folder, step, options)` writes its result into the folder (`result.write_figures`) and gives
    back what to say in the log; it raises StageFailed where it ended early. `check_request(plan, options)`, called
    before any work, and `check_network(plan, network, layers, options)`, before conversion, raise what `compute` would
    raise after the C simulation.
    """

    name: str
    step_inputs: Callable[[Plan, Options], dict[str, Any]]
    compute: Callable[[Plan, Path, Path, Step, Options], str]
    check_request: Callable[[Plan, Options], None] | None = None
    check_network: Callable[[Plan, Network, Sequence[LayerTypes], Options], None] | None = None
