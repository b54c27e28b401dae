"""The first lines of an HLS configuration that a command wrote: by which, and whether a person has edited it since."""

from __future__ import annotations

import hashlib
import re

_SEAL = "# Written by hlsflow {command}; SHA-256 of what follows: "
_COMMAND = re.compile(r"^# Fitted to \S+ by `(hlsflow fit [^`\n]+)`\.$", re.MULTILINE)


def sealed(text: str, command: str = "fit") -> str:
    """The text of a configuration behind a line with its digest and the command that wrote it."""
    return f"{_SEAL.format(command=command)}{hashlib.sha256(text.encode()).hexdigest()}\n{text}"


def is_untouched(text: str, command: str = "fit") -> bool:
    """Whether a file is as a command wrote it."""
    first, _, rest = text.partition("\n")
    return first.startswith(_SEAL.format(command=command)) and sealed(rest, command) == text


def command_of(text: str) -> str | None:
    """The command that wrote a configuration, with a word where it was edited since; None where none is named."""
    found = _COMMAND.search(text)
    if found is None:
        return None
    return found[1] if is_untouched(text) else f"{found[1]}, edited since"
