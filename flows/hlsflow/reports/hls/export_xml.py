"""`export_syn.xml`, `export_impl.xml` and their like: what `export_design` found in Vivado, as XML."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.cells import count, number_or_none
from hlsflow.reports.figures import Clock, Provenance, Resources, Stage
from hlsflow.reports.hls.csynth_xml import needed, needed_text, parse_xml
from hlsflow.reports.report import Joins, Module, Report, ReportFormat

KIND = "export-xml"

# BRAM is counted in RAMB18: the tool adds twice RAMB36 itself.
RESOURCE_TAGS = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram_18k": "BRAM", "uram": "URAM"}
RUN_TYPES = {"synth": Stage.LOGIC_SYNTHESIS, "syn": Stage.LOGIC_SYNTHESIS, "impl": Stage.POST_ROUTE}


def parse(text: str) -> Report:
    """Counts, clock periods and slack in ns of the top, and the counts of its instances. The file names no part.

    Raises ReportError naming the element that is missing or not understood.
    """
    root = parse_xml(text)
    if root.tag != "profile" or root.find("TimingReport") is None:
        raise ReportError(f"element <{root.tag}>: no <profile> of an export with Vivado")
    timing = needed(root, "TimingReport")
    run_type = root.findtext("RunData/RUN_TYPE")
    if run_type is not None and run_type not in RUN_TYPES:
        raise ReportError(f"element RunData/RUN_TYPE: unknown run '{run_type}'")
    version = re.search(r"\d{4}\.\d+(\.\d+)*", root.findtext("RunData/VIVADO_VERSION") or "")
    available = root.find("AreaReport/AvailableResources")
    resources = Resources(
        **_counts(needed(root, "AreaReport/Resources")),
        **({} if available is None else {f"{k}_available": v for k, v in _counts(available).items()}),
    )
    modules = [_module(element) for element in root.iterfind("RtlModules/RtlModule")]
    top = next((e for e in root.iterfind("RtlModules/RtlModule") if e.get("IS_TOP") == "1"), None)
    return Report(
        kind=KIND,
        provenance=Provenance(
            stage=None if run_type is None else RUN_TYPES[run_type],
            tool="vivado",
            tool_version=version[0] if version else None,
        ),
        module=None if top is None else top.get("MODULENAME"),
        resources=resources,
        clock=_clock(timing),
        modules=tuple(modules),
    )


def _clock(timing: Element) -> Clock:
    def period(tag: str) -> float | None:
        return number_or_none((timing.findtext(tag) or "").strip(), f"element TimingReport/{tag}")

    target = number_or_none(needed_text(timing, "TargetClockPeriod"), "element TimingReport/TargetClockPeriod")
    achieved = number_or_none(needed_text(timing, "AchievedClockPeriod"), "element TimingReport/AchievedClockPeriod")
    slack = period("SLACK_FINAL")
    if None not in (target, achieved, slack) and abs(target - achieved - slack) > 0.002:
        raise ReportError(
            f"element TimingReport: {target:g} - {achieved:g} is not the slack {slack:g}: a damaged file?"
        )
    return Clock(
        name=timing.findtext("CLOCK_NAME"),
        target_ns=target,
        achieved_ns=achieved,
        slack_ns=slack,
        total_negative_slack_ns=period("TNS_FINAL"),
    )


def _counts(parent: Element) -> dict[str, int]:
    counts = {}
    for resource, tag in RESOURCE_TAGS.items():
        text = parent.findtext(tag)
        if text is not None:
            counts[resource] = count(text.strip(), f"element {parent.tag}/{tag}")
        elif resource != "uram":
            raise ReportError(f"element {parent.tag}/{tag} is missing")
    return counts


def _module(element: Element) -> Module:
    cell = element.get("CELL") or ""
    if not cell:
        raise ReportError("element RtlModule: no CELL")
    stated = element.find("Resources")
    # The tool leaves zeros out of <Resources/>, and the element out where nothing is left of the instance.
    resources = None
    if stated is not None:
        resources = Resources(
            **{name: count(stated.get(tag, "0"), f"element {cell}/{tag}") for name, tag in RESOURCE_TAGS.items()}
        )
    return Module(
        name=element.get("MODULENAME") or cell.rsplit("/", 1)[-1],
        path=cell,
        depth=cell.count("/"),
        instance=cell.rsplit("/", 1)[-1],
        resources=resources,
    )


FORMAT = ReportFormat(
    kind=KIND,
    mark=r"\A\s*(<\?xml[^>]*>\s*)?<profile>(?s:.)*<TimingReport>",
    parse=parse,
    joins=Joins.EXPORT,
)
