"""docs/estimation.md: what the estimator is, how far it is off, its constants. Written by one command."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

from hlsflow.estimation.accuracy import GROUPS, TITLES, HeldOut, accuracy, accuracy_markdown
from hlsflow.estimation.bars import COVERAGE, FITTED_GROUPS, LEVELLED_GROUPS, LEVELS
from hlsflow.estimation.bounds import CONFIDENCES, DEFAULT_CONFIDENCE, Bounds
from hlsflow.estimation.calibration import RIDGE, Prediction
from hlsflow.estimation.model import UNITS, Model

_HEAD = """\
# Estimates without vendor tools

Written by `hlsflow calibrate --write`; do not edit. The estimate is of what C synthesis (csynth) reports, worst-case
cycles; logic synthesis takes about half the LUT (median x0.46 of 30 designs). An estimate is never a measurement: its
stage is `analytic`, it carries an 80 % interval, and it says whether the design is like those it was calibrated on.

## Accuracy

Every design is estimated by constants that were fitted without its repository (leave-one-repository-out), on {designs}
designs of {repositories} repositories (`flows/hlsflow/estimation/data/calibration.csv`). A cell reads: **SMAPE in %**,
median ratio of estimate to measurement, Spearman's rank correlation, share of measurements inside their 80 % interval.

Read it with these in mind:

- The structure (CSD digits, sharing, tree depths, FIFO and ROM shapes) and the unit costs were found looking at these
  very reports; leaving a repository out re-fits the constants and the error bars, not the structure or the delays.
- {one} of the {parallel} dense designs are of one repository (ArgyKokk), one part and one tool version, so a mean over
  designs says little about other authors. Fit and error bars weigh repositories, not designs; counting repositories,
  the mean error of LUT is {fair:.1f} %.
- The tails of the error bars are chosen by the coverage that the tables show, so that the coverage of other designs
  may lie further from 80 %. Where the structure gives exact results (DSP, BRAM, interval), an interval is narrow and
  covers nearly all.
- All {newer} designs in Vitis HLS from 2022 on are of one repository, and {hgq} of them have HGQ's element-wise types.
  Where the generated code with the elements' widths is not among the sources, these are taken as usual ones, and the
  estimate is marked outside its domain.
- No calibrated design uses the resource strategy with io_parallel without being recurrent. The error bars of such
  designs come from single layers (`flows/hlsflow/estimation/data/single_layers.csv`), which are counted apart:
  {modules} modules of recurrent designs in Vivado HLS 2019.2 on UltraScale+, and {synthetic} layers made for wa-hls4ml.
  No constant is fitted to them, but the structure was read off the same modules. What stands around the recurrent
  module of those three designs, channels between the layers included, is estimated within a tenth in LUT and a fifth
  in FF. They support that tool and device alone: elsewhere, for instance on a Zynq-7000 with Vitis, an estimate is
  marked outside its domain. N-TORC's layers were not used: they are of io_stream, with accumulators that saturate.
- Convolutions in io_parallel are hardly known: hls4ml's own synthesis test of one is met within a fifth (Vivado HLS
  2020.1 and Vitis HLS 2024.1, from which the unit of a result was read), but both designs that there are miss by an
  order of magnitude: one of 2018 keeps its arrays in memories, one has types of up to 78 bits.
- Recurrent and attention layers are not modelled: their estimate leaves them out, and says so.

{tables}
## Where it stands outside

The estimate is marked `outside the domain`, with the reason, where the tool generation, device generation, strategy,
io type or a kind of layer is not among the calibrated designs of its group, where the tool version, the clock period,
the number of products or the width of the input lies outside their range, or where a layer or its weights could not be
read.

## Constants

{count} constants, shrunk towards their units (ridge {ridge:g}, non-negative, every repository weighing the same). Error
bars are quantiles of the held-out errors. Their tails are of {least:.0%} to {most:.0%} each, for every group and target
what covers nearest to {coverage:.0%} of the designs left out (the mean of counting designs and counting repositories).

A fit to a device (`hlsflow fit`, `--fit`) plans against what a design's resources stay below with a confidence, each
resource by itself: the least quantile of the errors that held for so many of the designs left out (the same mean). The
default is {confidence:.0%}, the highest that they confirm for every resource of the first three groups; beyond it, and
for the other groups, a bound is the largest error that was seen. A cell reads: factor on the estimate, share of the
designs left out that stayed below it.

{bounds}
## Fitted constants

| target | feature | unit | fitted |
|---|---|---|---|
"""


def estimation_markdown(model: Model, predictions: Sequence[Prediction], found: HeldOut) -> str:
    """The page. `found` is what `estimate_accuracy.held_out` makes of the predictions."""
    parallel = [p for p in predictions if p.row.group == FITTED_GROUPS[0]]
    newer = [p for p in predictions if p.row.traits["tool"] == "vitis-2022" and not p.row.synthetic]
    names = {p.row.repository for p in parallel}
    repositories = {name: [p for p in parallel if p.row.repository == name] for name in sorted(names)}
    text = _HEAD.format(
        designs=found.designs,
        repositories=found.repositories,
        parallel=len(parallel),
        one=sum(p.row.repository.startswith("ArgyKokk") for p in parallel),
        fair=sum(accuracy("lut", part).smape_percent for part in repositories.values()) / len(repositories),
        newer=len(newer),
        hgq=sum(" move" in f" {p.row.traits['kinds']}" for p in newer),
        modules=sum(p.row.group == "parallel_resource" and not p.row.synthetic for p in predictions),
        synthetic=sum(p.row.synthetic for p in predictions),
        tables=accuracy_markdown(found.tables),
        count=sum(len(units) for units in UNITS.values()),
        ridge=RIDGE,
        least=LEVELS[0],
        most=LEVELS[-1],
        coverage=COVERAGE,
        confidence=DEFAULT_CONFIDENCE,
        bounds=_bounds_markdown(model.upper),
    )
    rows = [
        f"| {target} | {name} | {unit:g} | {model.weights[target][name]:.3g} |"
        for target, units in UNITS.items()
        for name, unit in units.items()
    ]
    return text + "\n".join(rows) + "\n"


def _bounds_markdown(upper: Bounds) -> str:
    lines = ["| group | resource | " + " | ".join(f"{confidence:.0%}" for confidence in CONFIDENCES) + " |"]
    lines.append("|---|---|" + "---|" * len(CONFIDENCES))
    for group in [*LEVELLED_GROUPS, *sorted(upper.keys() - {*LEVELLED_GROUPS})]:
        for name, chosen in upper[group].items():
            if chosen[0].held is not None:
                cells = " | ".join(f"x{exp(bound.log_ratio):.2f}, {bound.held:.0%}" for bound in chosen)
                lines.append(f"| {GROUPS[group]} | {TITLES[name]} | {cells} |")
    return "\n".join(lines) + "\n"
