"""What several builds and tools found of one design, as one record: it only grows, whatever a poorer run finds.

A record is of one design (`BuildRecord.design`: the contents of the HLS project). Its verification is of that design
against one Keras model under one gate, its subject. Of two verifications of a subject the better one is kept: on the
model's own data, on more samples, passed; of two as good the earlier, unless they say different things. Of two results
of one tool for one design that of more samples and more parts is kept, by the same rule. Figures of other tools and
versions stand beside each other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from hlsflow.foundation.part_name import part_of
from hlsflow.foundation.steps import digest
from hlsflow.records.record import (
    BuildRecord,
    CounterexampleRecord,
    FigureRecord,
    Samples,
)
from hlsflow.records.tools import TOOL_KINDS
from hlsflow.reports.figures import compiler_of

# What follows from a build's inputs and the code alone, and is not measured: the newest build knows it best.
_DESCRIBES = ("model", "variant", "request", "title", "configuration", "size", "layers", "warnings")
# What is no verdict of a verification: who made it with what, and what is not of it.
_NO_VERDICT: dict[str, Any] = {
    **dict.fromkeys(_DESCRIBES, True),
    **dict.fromkeys(("schema_version", "digest", "versions", "trained", "counterexamples", "figures", "stages"), True),
    "samples": {"source"},
}

# The stages of a build, and the stages of the figures that each of them gives, in the order of a record.
_GIVES = {kind.name: kind.gives for kind in TOOL_KINDS}
# Of the stages of all figures.
_ORDER = tuple(dict.fromkeys(stage for kind in TOOL_KINDS for stage in kind.gives))
# What tells where a figure was read and how its part is spelled, not what it says.
_INCIDENTAL = {"notes", "source_file", "part"}

Key = tuple[str, ...]


def subject(record: BuildRecord) -> str | None:
    """The digest of what a record's verification is of: design, Keras model, gate. None: the design is not known."""
    if record.design is None:
        return None
    return digest(
        {
            "design": record.design,
            "reference": record.reference,
            "gate": [record.gate.kind, record.gate.allowed_abs_error],
        }
    )


def joined(earlier: BuildRecord, newer: BuildRecord) -> BuildRecord:
    """The sum of two records of one design. What `newer` adds nothing to is given back equal to `earlier`.

    Where the subjects differ the verification is the newer one's, since the other says nothing of it.
    """
    assert earlier.design == newer.design and newer.design is not None
    same = subject(earlier) == subject(newer)
    best = earlier if same and not _is_better(newer, earlier) else newer
    figures, stages = _joined_figures(earlier, newer)
    return best.model_copy(
        update={
            **{name: getattr(newer, name) for name in _DESCRIBES},
            "trained": newer.trained or earlier.trained,
            "counterexamples": _counterexamples(earlier, newer, best) if same else newer.counterexamples,
            "figures": figures,
            "stages": stages,
        }
    )


def _rank(record: BuildRecord) -> tuple[bool, int, bool]:
    """How good a verification is: own data before a substitute's, more samples before fewer, passed before failed."""
    return not record.samples.substitute, record.samples.count, record.gate.passed


def _is_better(newer: BuildRecord, earlier: BuildRecord) -> bool:
    """Whether a verification takes the place of an earlier one: of two as good, one that says another thing."""
    if _rank(newer) != _rank(earlier):
        return _rank(newer) > _rank(earlier)
    return not _alike(*(record.model_dump(exclude=_NO_VERDICT) for record in (newer, earlier)))


def _alike(one: Any, other: Any) -> bool:
    """Whether two values are the same but for the last digits of floats, which differ from one processor to another."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-6)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return one == other


def _counterexamples(earlier: BuildRecord, newer: BuildRecord, best: BuildRecord) -> list[CounterexampleRecord]:
    """The failed runs that a passed verification does not answer. A newer one on the same samples, or more, does."""
    found = [*earlier.counterexamples, *_as_counterexample(earlier, best)]
    if newer.gate.passed:
        found = [item for item in found if not _covers(newer.samples, item.samples)]
    found += [*newer.counterexamples, *_as_counterexample(newer, best)]
    by_samples = {(item.samples.dataset, item.samples.count, item.samples.sha256): item for item in found}
    return [by_samples[key] for key in sorted(by_samples)]


def _as_counterexample(record: BuildRecord, best: BuildRecord) -> list[CounterexampleRecord]:
    if record.gate.passed or not best.gate.passed:
        return []
    return [CounterexampleRecord(samples=record.samples, gate=record.gate, versions=record.versions)]


def _covers(samples: Samples, others: Samples) -> bool:
    """Whether the first samples of a data set hold other first samples of it."""
    if (samples.dataset, samples.substitute) != (others.dataset, others.substitute):
        return False
    return samples.count > others.count or samples.sha256 == others.sha256


def ordered(figures: Iterable[FigureRecord]) -> list[FigureRecord]:
    """Figures in the order of a record: estimate, vendor's tools, open tools; of each the whole designs first."""
    families = list(dict.fromkeys(_GIVES.values()))

    def place(figure: FigureRecord) -> tuple[int, bool, int, Key]:
        family = next((number for number, stages in enumerate(families) if figure.stage in stages), len(families))
        position = _ORDER.index(figure.stage) if figure.stage in _ORDER else len(_ORDER)
        return family, figure.module is not None, position, _key(figure)

    return sorted(figures, key=place)


def _key(figure: FigureRecord) -> Key:
    """What tells one tool's result of a design from another's. Modules belong to the whole design's result."""
    if figure.stage == "analytic":
        # An estimate is computed, not measured: the newest takes the place of the one of an older version.
        return figure.stage, figure.tool
    part = part_of(figure.part) if figure.part and figure.part.strip() else None
    named = "" if part is None else f"{part.body}-{part.speed}-{part.temperature}"
    return figure.stage, compiler_of(figure.tool), figure.tool_version or "", named, figure.architecture or ""


def _results(figures: Iterable[FigureRecord]) -> dict[Key, list[FigureRecord]]:
    found: dict[Key, list[FigureRecord]] = {}
    for figure in figures:
        found.setdefault(_key(figure), []).append(figure)
    return found


def _adds(newer: Sequence[FigureRecord], earlier: Sequence[FigureRecord]) -> bool:
    """Whether a tool's newer result takes the place of its earlier one for the same design."""
    estimate = newer[0].stage == "analytic"
    if _amount(newer) == _amount(earlier) or estimate:
        ignored = {"source_file", "tool_version"} if estimate else _INCIDENTAL
        return [_said(figure, ignored) for figure in newer] != [_said(figure, ignored) for figure in earlier]
    return all(new >= old for new, old in zip(_amount(newer), _amount(earlier), strict=True))


def _amount(figures: Sequence[FigureRecord]) -> tuple[int, int, bool]:
    """How much a result tells: samples through the simulation, parts of the design, and whether the tool was run here.

    What was imported is believed, but nobody saw that run.
    """
    here = not any("-imported/" in (figure.source_file or "") for figure in figures)
    return max(figure.samples or 0 for figure in figures), len(figures), here


def _said(figure: FigureRecord, ignored: set[str]) -> dict[str, object]:
    return figure.model_dump(exclude=ignored)


def _joined_figures(earlier: BuildRecord, newer: BuildRecord) -> tuple[list[FigureRecord], dict[str, str]]:
    before, now = _results(earlier.figures), _results(newer.figures)
    replaced = {key for key in now.keys() & before.keys() if _adds(now[key], before[key])}
    results = {**now, **{key: figures for key, figures in before.items() if key not in replaced}}
    states = {}
    for stage in sorted({*earlier.stages, *newer.stages}, key=lambda stage: (_place(stage), stage)):
        gives = _GIVES.get(stage, ())
        states[stage] = _joined_state(
            earlier.stages.get(stage),
            newer.stages.get(stage),
            {key for key in before if key[0] in gives},
            {key for key in now if key[0] in gives},
            changed=any(key[0] in gives for key in replaced),
        )
    return ordered(figure for figures in results.values() for figure in figures), states


def _place(stage: str) -> int:
    return list(_GIVES).index(stage) if stage in _GIVES else len(_GIVES)


def _joined_state(
    earlier: str | None, newer: str | None, before: set[Key], now: set[Key], *, changed: bool
) -> str:  # fmt: skip
    """What became of a stage, of two lines about it: a failure never hides what was done."""
    if newer is None:
        assert earlier is not None, "one of the two has run it"
        return earlier
    if earlier is None:
        return newer
    ended_early = (_ended_early(earlier), _ended_early(newer))
    if ended_early == (False, True):
        return earlier
    if ended_early == (True, False):
        return newer
    if ended_early == (True, True):
        return newer if now >= before else earlier
    done_before, done_now = before | _done(earlier), now | _done(newer)
    if done_now >= done_before:
        return newer if changed or done_now > done_before else earlier
    if done_before >= done_now or newer in earlier:
        return earlier
    return f"{earlier}; {newer}"


def _ended_early(state: str) -> bool:
    return state.startswith(("failed", "skipped"))


def _done(state: str) -> set[Key]:
    """The vendor's stages that a line says are done, with the tools that did them: packing an IP gives no figure."""
    found: set[Key] = set()
    for listed in re.findall(r"done: ([a-z, ]+?) by ", state):
        found |= {("done", stage) for stage in listed.split(", ")}
    return found


def kept(record: BuildRecord, own: BuildRecord) -> str | None:
    """What better evidence a joined record keeps than a run of its own gave, in words; None where there is none."""
    words = []
    if subject(record) == subject(own) and _rank(record)[:2] > _rank(own)[:2]:
        words.append(f"the verification on {record.samples.count:,} samples of {record.samples.dataset}")
    mine = _results(own.figures)
    better = {
        key[0] for key, figures in _results(record.figures).items() if key not in mine or _adds(figures, mine[key])
    }
    if better:
        words.append(f"the figures of {', '.join(sorted(better, key=_position))}")
    return " and ".join(words) or None


def _position(stage: str) -> int:
    return _ORDER.index(stage) if stage in _ORDER else len(_ORDER)


def contradiction(record: BuildRecord) -> str | None:
    """The first counterexample in words, None where there is none."""
    for item in record.counterexamples:
        tools = ", ".join(f"{tool} {version}" for tool, version in sorted(item.versions.items()))
        return (
            f"on {item.samples.count:,} samples of {item.samples.dataset} ({tools}) it failed, "
            f"{'; '.join(item.gate.failures) or 'for a reason that is not recorded'}"
        )
    return None
