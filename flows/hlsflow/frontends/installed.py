"""Whether a framework is installed here, and the one command that runs with it."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from hlsflow.foundation.errors import ToolError


@dataclass(frozen=True, kw_only=True, slots=True)
class Needs:
    """What opens the models of a framework: packages by their names as imported, and how to have them.

    `environment` are the options of `uv run`, `extra` is the one of hlsflow for pip, `python` the release of Python
    that it is bound to, None where it is to none.
    """

    framework: str
    packages: tuple[str, ...]
    environment: str
    extra: str
    python: str | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """Those packages that this environment has not; none of them is imported."""
        return absent(*self.packages)


def absent(*packages: str) -> tuple[str, ...]:
    """Those packages, by their names as imported, that this environment has not; none of them is imported."""
    return tuple(name for name in packages if _is_absent(name))


def _is_absent(name: str) -> bool:
    if name in sys.modules:
        return sys.modules[name] is None
    try:
        found = find_spec(name)
        # A mere folder of that name, here or on the path, is a package to Python, too; it has no file of its own.
        return found is None or found.origin is None
    except (ImportError, ValueError):
        return True


def check_installed(needs: Needs) -> None:
    """Raises ToolError, with the command that does what was asked, where a framework is not installed here."""
    if needs.missing:
        raise ToolError(
            f"this needs {needs.framework}, and there is no {', no '.join(needs.missing)} here",
            hint=f"{with_it(needs, _this_command())}\n  or, of an installed package: {by_pip(needs)}",
        )


def with_it(needs: Needs, command: str) -> str:
    """A command in an environment of the project that has the framework."""
    return " ".join(filter(None, ("uv run", needs.environment, command)))


def by_pip(needs: Needs) -> str:
    """How pip brings the framework."""
    needed = "" if needs.python is None else f", with Python {needs.python}"
    return f"pip install 'hlsflow[{needs.extra}]'{needed}"


def _this_command() -> str:
    """The command line that runs now; `hlsflow …` where another program does."""
    words = sys.argv[1:] if Path(sys.argv[0]).stem in ("hlsflow", "__main__", "build") else ["…"]
    built = ["build"] if Path(sys.argv[0]).stem == "build" else []
    return shlex.join(["hlsflow", *built, *words]) if words != ["…"] else "hlsflow …"
