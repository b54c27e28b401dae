"""Every failure that a user can cause, with its exit code. Caught once, in `hlsflow.__main__.main`."""

from __future__ import annotations


class HlsflowError(Exception):
    """A failure with a message for a person: what failed, with which value, and what to do next.

    `exit_code` is documented in docs/commands.md and stable.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}\n  {hint}")
        self.message = message
        self.hint = hint

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it: the sentence, for the calls that led to it are none of the user's."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(HlsflowError):
    """A command line, model name or option that cannot be meant."""

    exit_code = 2


class ConfigError(HlsflowError):
    """A recipe or HLS configuration that is malformed or that does not fit its model."""

    exit_code = 3


class UnsupportedError(HlsflowError):
    """A construct that no policy makes exact, refused before conversion."""

    exit_code = 4


class ModelError(HlsflowError):
    """Weights that are missing, corrupt, or of another architecture."""

    exit_code = 5


class DataError(HlsflowError):
    """A dataset that is absent or unreadable."""

    exit_code = 6


class ToolError(HlsflowError):
    """An external program (compiler, C simulation, synthesis) that is missing, failed or hung."""

    exit_code = 7


class MismatchError(HlsflowError):
    """The gate: the hardware's integers differ from the quantized model's."""

    exit_code = 8


class ReportError(HlsflowError):
    """A tool's report that is cut off, of the wrong kind, or of an unknown layout."""

    exit_code = 9


class StorageError(HlsflowError):
    """A full disk, a read-only folder, or a file that cannot be written."""

    exit_code = 10


INTERRUPTED_EXIT_CODE = 130


def did_you_mean(word: str, known: list[str] | tuple[str, ...]) -> str:
    """A suggestion such as `did you mean 'fc1'?`, or the known words where none is near."""
    import difflib

    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    return "known: " + ", ".join(sorted(known)) if known else "none is known"
