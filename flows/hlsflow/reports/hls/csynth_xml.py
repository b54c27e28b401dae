"""`csynth.xml` and `<top>_csynth.xml`: the same estimates as `<top>_csynth.rpt`, and those of every module."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.cells import count, count_or_none, count_range, time_ns
from hlsflow.reports.consistency import check_real_time, check_share
from hlsflow.reports.figures import Clock, Latency, Provenance, Resources, Stage
from hlsflow.reports.report import Joins, Loop, Module, Report, ReportFormat

KIND = "csynth-xml"

RESOURCE_TAGS = {
    "lut": ("LUT",),
    "ff": ("FF",),
    "dsp": ("DSP", "DSP48E"),
    "bram_18k": ("BRAM_18K",),
    "uram": ("URAM",),
}


def parse(text: str) -> Report:
    """The figures of the top after C synthesis, and those of its modules and loops where the file lists them.

    Raises ReportError naming the element that is missing or not understood.
    """
    root = parse_xml(text)
    if root.tag != "profile" or root.find("UserAssignments") is None:
        raise ReportError(f"element <{root.tag}>: no <profile> of C synthesis")
    assignments = needed(root, "UserAssignments")
    performance = needed(root, "PerformanceEstimates")
    area = needed(root, "AreaEstimates")
    top = needed_text(assignments, "TopModelName")
    version = re.match(r"\d{4}\.\d+(\.\d+)*", needed_text(root, "ReportVersion/Version"))
    if version is None:
        raise ReportError("element ReportVersion/Version: no tool version")

    unit = needed_text(performance, "SummaryOfTimingAnalysis/unit")
    clock = Clock(
        target_ns=time_ns(needed_text(assignments, "TargetClockPeriod") + unit, "element TargetClockPeriod"),
        achieved_ns=_time(performance, "SummaryOfTimingAnalysis/EstimatedClockPeriod", unit),
        uncertainty_ns=_time(assignments, "ClockUncertainty", unit),
    )
    latency = _latency(needed(performance, "SummaryOfOverallLatency"), clock)
    used = needed(area, "Resources")
    return Report(
        kind=KIND,
        provenance=Provenance(
            stage=Stage.CSYNTH,
            tool=_tool(assignments, used, version[0]),
            tool_version=version[0],
            part=needed_text(assignments, "Part"),
        ),
        module=top,
        flow_target=assignments.findtext("FlowTarget"),
        pipeline=performance.findtext("PipelineType"),
        resources=_resources(used, needed(area, "AvailableResources")),
        latency=latency,
        clock=clock,
        modules=tuple(_modules(root)),
        loops=tuple(_all_loops(root, performance, top)),
    )


def parse_xml(text: str) -> Element:
    """The root element. Raises ReportError where the text is no whole, harmless XML."""
    try:
        # A declaration of UTF-16 or Latin-1 is no longer true of decoded text.
        return fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))
    except ParseError as error:
        raise ReportError(f"XML: {error} (is the file cut off?)") from error
    except DefusedXmlException as error:
        raise ReportError(f"XML: refused, it declares entities ({type(error).__name__})") from error


def needed(parent: Element, path: str) -> Element:
    """The element at `path`. Raises ReportError naming it where it is missing."""
    found = parent.find(path)
    if found is None:
        raise ReportError(f"element {parent.tag}/{path} is missing")
    return found


def needed_text(parent: Element, path: str) -> str:
    """The text of the element at `path`, not empty. Raises ReportError naming it where it is missing."""
    text = (needed(parent, path).text or "").strip()
    if not text:
        raise ReportError(f"element {parent.tag}/{path} is empty")
    return text


def _time(parent: Element, path: str, unit: str) -> float | None:
    text = (needed(parent, path).text or "").strip()
    return time_ns(text if text in ("", "undef") else text + unit, f"element {path}")


def _tool(assignments: Element, used: Element, version: str) -> str:
    # The file does not name its tool. Vitis writes <FlowTarget> and <DSP>; Vivado HLS ended with 2020.1.
    vitis = assignments.find("FlowTarget") is not None or used.find("DSP") is not None or version >= "2020.2"
    return "vitis_hls" if vitis else "vivado_hls"


def _resources(used: Element, available: Element | None) -> Resources:
    counts: dict[str, int | None] = {}
    for resource, tags in RESOURCE_TAGS.items():
        counts[resource] = _count(used, tags)
        share = used.findtext(f"UTIL_{tags[0].removesuffix('_18K')}")
        part_has = _count(used, (f"AVAIL_{tags[0].removesuffix('_18K')}",))
        if share is not None and part_has is not None and counts[resource] is not None:
            check_share(counts[resource], part_has, share.strip(), f"element {used.tag}/{tags[0]}")
        if available is not None:
            counts[f"{resource}_available"] = _count(available, tags)
        if counts[resource] is None and resource != "uram":
            raise ReportError(f"element {used.tag}/{tags[0]} is missing")
    return Resources(**counts)


def _count(parent: Element, tags: tuple[str, ...]) -> int | None:
    for tag in tags:
        text = parent.findtext(tag)
        if text is not None:
            return count(text.strip(), f"element {parent.tag}/{tag}")
    return None


def _latency(overall: Element, clock: Clock) -> Latency:
    def cycles(tag: str) -> int | None:
        return count_or_none(needed_text(overall, tag), f"element {overall.tag}/{tag}")

    latency = Latency(
        latency_min_cycles=cycles("Best-caseLatency"),
        latency_max_cycles=cycles("Worst-caseLatency"),
        # A module's own list entry states the interval only where it is pipelined.
        interval_min_cycles=cycles("Interval-min") if overall.find("Interval-min") is not None else None,
        interval_max_cycles=cycles("Interval-max") if overall.find("Interval-max") is not None else None,
    )
    for case, number in (("Best", latency.latency_min_cycles), ("Worst", latency.latency_max_cycles)):
        real_time = overall.findtext(f"{case}-caseRealTimeLatency")
        if real_time is not None:
            what = f"element {case}-caseRealTimeLatency"
            check_real_time(number, time_ns(real_time.strip(), what), clock, what)
    return latency


def _modules(root: Element) -> list[Module]:
    modules = []
    for element in root.iterfind("ModuleInformation/Module"):
        name = needed_text(element, "Name")
        performance = needed(element, "PerformanceEstimates")
        timing = needed(performance, "SummaryOfTimingAnalysis")
        overall = needed(performance, "SummaryOfOverallLatency")
        clock = Clock(
            target_ns=_time(timing, "TargetClockPeriod", "ns"),
            achieved_ns=_time(timing, "EstimatedClockPeriod", "ns"),
            uncertainty_ns=_time(timing, "ClockUncertainty", "ns"),
        )
        modules.append(
            Module(
                name=name,
                path=name,
                depth=0 if name == root.findtext("UserAssignments/TopModelName") else 1,
                pipeline=overall.findtext("PipelineType"),
                issue=performance.findtext("SummaryOfViolations/IssueType"),
                resources=_resources(needed(element, "AreaEstimates/Resources"), None),
                latency=_module_latency(overall, clock),
                clock=clock,
            )
        )
    return modules


def _module_latency(overall: Element, clock: Clock) -> Latency:
    latency = _latency(overall, clock)
    interval = overall.findtext("PipelineInitiationInterval")
    if interval is None or latency.interval_max_cycles is not None:
        return latency
    least, greatest = _interval_range(interval.strip(), "element PipelineInitiationInterval")
    return replace(latency, interval_min_cycles=least, interval_max_cycles=greatest)


def _interval_range(text: str, what: str) -> tuple[int | None, int | None]:
    # -1 stands for a bound that the tool does not know: `8 ~ -1`
    return count_range(re.sub(r"(?<![\w.])-1\b", "?", text), what)


def _all_loops(root: Element, performance: Element, top: str) -> list[Loop]:
    # Vitis lists the loops of the top a second time with its modules.
    modules = root.findall("ModuleInformation/Module")
    if not modules:
        return _loops(performance, top)
    return [
        loop
        for module in modules
        for loop in _loops(needed(module, "PerformanceEstimates"), needed_text(module, "Name"))
    ]


def _loops(performance: Element, top: str) -> list[Loop]:
    return [
        loop
        for summary in performance.iterfind("SummaryOfLoopLatency")
        for element in summary
        for loop in _loop(element, top, 1)
    ]


def _loop(element: Element, parent: str, depth: int) -> list[Loop]:
    # <VITIS_LOOP_28_1> <TripCount>8</TripCount> <Latency>8</Latency> <IterationLatency>1</IterationLatency>
    # <PipelineII>1</PipelineII> <PipelineDepth>1</PipelineDepth> ... or a <range> of <min> and <max> in one of them
    def bounds(tag: str) -> tuple[int | None, int | None]:
        found = element.find(tag)
        if found is None:
            return None, None
        span = found.find("range")
        if span is not None:
            return tuple(count_or_none(needed_text(span, bound), f"element {tag}") for bound in ("min", "max"))
        return _interval_range((found.text or "").strip(), f"element {element.tag}/{tag}")

    name = (element.findtext("Name") or element.tag).strip()
    least, greatest = bounds("Latency")
    iteration_min, iteration_max = bounds("IterationLatency")
    trip_min, trip_max = bounds("TripCount")
    path = f"{parent}/{name}"
    loop = Loop(
        name=name,
        path=path,
        depth=depth,
        pipelined=element.findtext("PipelineType"),
        latency=Latency(latency_min_cycles=least, latency_max_cycles=greatest),
        iteration_latency_min_cycles=iteration_min,
        iteration_latency_max_cycles=iteration_max,
        initiation_interval_cycles=bounds("PipelineII")[0],
        trip_count_min=trip_min,
        trip_count_max=trip_max,
    )
    inner = [child for child in element if child.find("TripCount") is not None]
    return [loop, *(found for child in inner for found in _loop(child, path, depth + 1))]


FORMAT = ReportFormat(
    kind=KIND,
    mark=r"\A\s*(<\?xml[^>]*>\s*)?<profile>(?s:.)*<UserAssignments>",
    parse=parse,
    joins=Joins.CSYNTH,
)
