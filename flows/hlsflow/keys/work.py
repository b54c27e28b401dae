"""What a computation is made of: the source that runs, the packages and the settings that its imports reach."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from hlsflow.keys.distributions import installed, interpreter
from hlsflow.keys.environment import reaching
from hlsflow.keys.imports import sources

# What runs every step, and keeps its result.
_RUNNER = "hlsflow.foundation.steps"


def work_of(
    *modules: str, wiring: Collection[str] = (), unnamed: Collection[str] = (), also: Collection[str] = ()
) -> dict[str, Any]:
    """What decides the result of running these modules besides their inputs, as part of a step's key.

    `wiring` are the modules that call them, and the registries that one of them was chosen from: their text counts
    alone. `unnamed` are modules that a registry names in strings, of which others than these were chosen; `also` are
    installed distributions that run without being imported.
    """
    closure = sources().closure(*modules, _RUNNER, unnamed=unnamed, alone=wiring)
    return {
        "code": closure.digest,
        "python": interpreter(),
        "packages": installed().computing(closure.others, also),
        "environment": reaching(closure.others),
    }
