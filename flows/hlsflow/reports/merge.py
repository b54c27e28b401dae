"""Reports of one run of a tool, joined into one `Run`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from hlsflow.foundation.part_name import part_of, spelled
from hlsflow.reports.figures import RESOURCE_NAMES, Clock, Stage
from hlsflow.reports.hls import csynth_summary
from hlsflow.reports.kinds import format_of, rank_of
from hlsflow.reports.report import Joins, Report
from hlsflow.reports.run import Note, NoteKind, Role, Run

# Words of a file's name that tell the kind or the stage of a report of Vivado, not which run it belongs to.
REPORT_WORDS = re.compile(
    r"(^|[_.-])(utilization|util|hierarchical|hierarchy|hier|timing|summary|power|paths|post|report|rpt|synthesis|synth|syn"
    r"|opt|placed|place|routed|route|impl)(?=$|[_.-])"
)


def run_key(report: Report) -> tuple[str, ...]:
    """What the reports of one run have in common: folder and module, for Vivado also the name without report words."""
    path = PurePosixPath(report.provenance.source_file)
    folder, stage = str(path.parent), str(report.provenance.stage)
    match format_of(report).joins:
        case Joins.CSYNTH:
            return "csynth", folder, str(report.module)
        case Joins.VIVADO:
            stem = path.stem
            while (shorter := REPORT_WORDS.sub("", stem)) != stem:
                stem = shorter
            return "vivado", folder, str(report.module), stem, stage
        case Joins.EXPORT:
            return "export", folder, stage
        case Joins.ALONE:
            return report.kind, str(path)


def with_stage_of_neighbours(reports: Sequence[Report]) -> list[Report]:
    """The same reports; a timing or export report that does not state its stage takes that of the others of its run,
    where they agree."""
    stages: dict[tuple[str, ...], set[Stage]] = {}
    for report in reports:
        if report.provenance.stage is not None and format_of(report).joins in (Joins.VIVADO, Joins.EXPORT):
            stages.setdefault(run_key(report)[:-1], set()).add(report.provenance.stage)
    settled = []
    for report in reports:
        known = stages.get(run_key(report)[:-1], set()) if report.provenance.stage is None else set()
        if format_of(report).joins in (Joins.VIVADO, Joins.EXPORT) and len(known) == 1:
            report = replace(report, provenance=replace(report.provenance, stage=next(iter(known))))
        settled.append(report)
    return settled


def split(reports: Iterable[Report]) -> list[tuple[list[Report], tuple[Note, ...]]]:
    """The reports of one folder and module, apart where their figures contradict each other; then with a note."""
    ordered = sorted(reports, key=lambda r: (rank_of(r), len(r.modules) == 0, r.provenance.source_file))
    clusters: list[list[Report]] = []
    notes: list[tuple[Note, ...]] = []
    for report in ordered:
        contradicting = []
        for number, cluster in enumerate(clusters):
            differences = [text for member in cluster for text in _differences(member, report)]
            if not differences:
                cluster.append(report)
                break
            contradicting.append((number, differences))
        else:
            clusters.append([report])
            name = PurePosixPath(clusters[0][0].provenance.source_file).name
            text = (
                f"not the run of {name} beside it: {', '.join(dict.fromkeys(contradicting[0][1]))}"
                if contradicting
                else ""
            )
            notes.append((Note(kind=NoteKind.REPORTS_DISAGREE, text=text),) if text else ())
    return list(zip(clusters, notes, strict=True))


def merge(project: str, role: Role, ordered: Sequence[Report], notes: Iterable[Note] = ()) -> Run:
    """One run from its reports: every figure is that of the first report that states it."""
    first = ordered[0]
    notes = list(notes)
    if first.provenance.stage is None:
        notes.append(Note(kind=NoteKind.STAGE_UNKNOWN, text="no report states whether the design is routed"))

    boxes = tuple(dict.fromkeys(box for report in ordered for box in report.black_boxes))
    if boxes:
        text = f"does not count {len(boxes)} black boxes: {', '.join(boxes[:3])}{' …' if len(boxes) > 3 else ''}"
        notes.append(Note(kind=NoteKind.BLACK_BOXES, text=text))

    def stated(name: str) -> object:
        return next((value for report in ordered if (value := getattr(report, name)) not in (None, ())), None)

    provenance = replace(
        first.provenance,
        # every report spells it in its own way; from here on it has one name
        part=next((spelled(r.provenance.part) for r in ordered if r.provenance.part is not None), None),
        tool_version=next((r.provenance.tool_version for r in ordered if r.provenance.tool_version is not None), None),
    )
    return Run(
        project=project,
        module=stated("module"),
        role=role,
        provenance=provenance,
        kinds=tuple(dict.fromkeys(report.kind for report in ordered)),
        source_files=tuple(report.provenance.source_file for report in ordered),
        date=stated("date"),
        flow_target=stated("flow_target"),
        pipeline=stated("pipeline"),
        resources=stated("resources"),
        latency=stated("latency"),
        clock=_clock(ordered),
        modules=_modules(ordered),
        loops=stated("loops") or (),
        power=stated("power"),
        simulation=stated("simulation"),
        notes=tuple(notes),
    )


def _clock(ordered: Sequence[Report]) -> Clock | None:
    clocks = [report.clock for report in ordered if report.clock is not None]
    if not clocks:
        return None
    names = Clock.__dataclass_fields__
    return Clock(**{n: next((v for c in clocks if (v := getattr(c, n)) is not None), None) for n in names})


def _modules(ordered: Sequence[Report]) -> tuple:
    # The synthesis summary alone nests the modules; csynth.xml lists them flat, csynth.rpt one level of instances.
    preferred = [r for r in ordered if r.kind == csynth_summary.KIND and r.modules] or [r for r in ordered if r.modules]
    return preferred[0].modules if preferred else ()


def _differences(first: Report, other: Report) -> Iterable[str]:
    one, two = first.provenance, other.provenance
    if None not in (one.tool_version, two.tool_version) and one.tool_version != two.tool_version:
        yield f"version {two.tool_version}, not {one.tool_version}"
    if None not in (one.part, two.part) and not part_of(one.part).may_be(part_of(two.part)):
        yield f"part {two.part}, not {one.part}"
    if first.resources is not None and other.resources is not None:
        for name in RESOURCE_NAMES:
            ours, theirs = getattr(first.resources, name), getattr(other.resources, name)
            if None not in (ours, theirs) and ours != theirs:
                yield f"{name} {theirs}, not {ours}"
    if first.latency is not None and other.latency is not None:
        # The intervals of a module that is not pipelined differ by one between csynth.rpt and csynth.xml.
        ours, theirs = first.latency.latency_max_cycles, other.latency.latency_max_cycles
        if None not in (ours, theirs) and ours != theirs:
            yield f"latency {theirs} cycles, not {ours}"
    if first.clock is not None and other.clock is not None:
        for name, digits in (("target_ns", 2), ("achieved_ns", 3)):
            ours, theirs = getattr(first.clock, name), getattr(other.clock, name)
            # csynth.rpt rounds to two and three digits, and writes `0.137 us` where csynth.xml has 136.895
            rounding = 1.01 * 10.0**-digits if ours is None or ours < 100.0 else 0.005 * ours
            if None not in (ours, theirs) and abs(ours - theirs) > rounding:
                yield f"{name.removesuffix('_ns')} period {theirs:g} ns, not {ours:g} ns"
