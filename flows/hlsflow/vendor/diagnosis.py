"""Why a run of AMD's tools failed, in one sentence with the cause and what to do, from its log."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from hlsflow.processes.process import how_it_ended
from hlsflow.vendor.diagnosis_rules import BENIGN, REMARKS, RULES, Rule

RELEVANT_LINES = 12
# A log of hours is long; what ended the run stands at its end.
_READ_BYTES = 8 << 20
_RELEVANT = re.compile(r"error|fail|abort|killed|fatal|cannot|could ?n[o']t|no such|denied|critical", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """What went wrong: a stable code, the cause, what to do, and the line of the log that says so."""

    code: str
    cause: str
    action: str
    line: str

    def __str__(self) -> str:
        return f"{self.cause}; {self.action}"


def read_log(path: Path) -> str:
    """The end of a log, however it is encoded; empty where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _READ_BYTES))
            return file.read().decode("utf-8", errors="replace").replace("\r", "\n")
    except OSError:
        return ""


def diagnose(text: str, returncode: int | None = None) -> Diagnosis | None:
    """The most fundamental failure that a log tells of, None where it tells of none that is known.

    To be asked of runs that failed alone: an error line is no verdict. `returncode` is the program's, negative for a
    signal: a tool that was killed from outside may have written nothing.
    """
    best: tuple[int, re.Match[str], str] | None = None
    for line in _telling(text):
        for rank, rule in enumerate(RULES[: best[0]] if best else RULES):
            matched = rule.pattern.search(line)
            if matched is not None:
                best = rank, matched, line.strip()
                break
    if best is not None:
        rank, matched, line = best
        return _said(RULES[rank], matched, line)
    # 137 is a shell's word for SIGKILL, the signal of the system's own defence against full memory.
    if returncode in (-9, 137):
        killed = next(rule for rule in RULES if rule.code == "killed-for-memory")
        return Diagnosis(
            code="killed", cause="the tool was killed from outside (SIGKILL), most likely by the system for its memory",
            action=killed.action, line="",
        )  # fmt: skip
    return None


def explain(log: Path, returncode: int | None = None) -> tuple[str, str]:
    """(code, text) of a failure: the diagnosis, or the last relevant lines of the log, always with the log's path."""
    text = read_log(log)
    found = diagnose(text, returncode)
    if found is not None:
        said = f"{found}\n  log: {log}"
        return found.code, said + (f"\n    {found.line[:300]}" if found.line else "")
    ended = "it ended without its result" if returncode in (None, 0) else how_it_ended(returncode)
    lines = relevant_lines(text)
    return "undiagnosed", f"{ended}\n  log: {log}" + "".join(f"\n    {line}" for line in lines)


def relevant_lines(text: str) -> list[str]:
    """The last lines of a log that speak of a failure, or simply its last lines where none does."""
    lines = [line.rstrip()[:300] for line in _telling(text) if line.strip()]
    speaking = [line for line in lines if _RELEVANT.search(line)]
    return (speaking or lines)[-RELEVANT_LINES:]


def _telling(text: str) -> list[str]:
    """The lines of a log without those that look like errors and are none: the tool went on after them."""
    lines = [line for line in text.splitlines() if not BENIGN.search(line)]
    for rule in RULES:
        if rule.harmless_before is None:
            continue
        went_on = max((n for n, line in enumerate(lines) if rule.harmless_before.search(line)), default=0)
        lines = [line for n, line in enumerate(lines) if n >= went_on or not rule.pattern.search(line)]
    return lines


def remarks(text: str) -> list[str]:
    """What a log of a successful run says that a reader of its figures has to know, each once."""
    found: dict[str, None] = {}
    for line in text.splitlines():
        for pattern, sentence in REMARKS:
            matched = pattern.search(line)
            if matched is not None:
                found.setdefault(sentence.format(**matched.groupdict()))
    return list(found)


def _said(rule: Rule, matched: re.Match[str], line: str) -> Diagnosis:
    groups = matched.groupdict()

    def fill(template: str) -> str:
        # `{part|part2|of the configuration}`: the first group that matched, else the last word as it stands
        def one(found: re.Match[str]) -> str:
            names = found[1].split("|")
            return next((groups[name] for name in names if groups.get(name)), names[-1])

        return re.sub(r"\{([^{}]*)\}", one, template)

    return Diagnosis(code=rule.code, cause=fill(rule.cause), action=fill(rule.action), line=line)
