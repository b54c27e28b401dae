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
    *modules: str, wiring: Collection[str] = (), ends: Collection[str] = (), also: Collection[str] = ()
) -> dict[str, Any]:
    """What decides the result of running these modules besides their inputs, as part of a step's key.

    `wiring` are the modules that call them: their text counts alone. At `ends`, such as a registry of which one entry
    was chosen, the walk along imports stops. `also` are installed distributions that run without being imported.
    """
    closure = sources().closure(*modules, _RUNNER, alone=wiring, ends=ends)
    return {
        "code": closure.digest,
        "python": interpreter(),
        "packages": installed().computing(closure.others, also),
        "environment": reaching(closure.others),
    }
