"""docs/estimation.md: what the estimator is, how far it is off, its constants. Written by one command."""

from __future__ import annotations

from collections.abc import Sequence

from hlsflow.synthesis.estimate_accuracy import accuracy_markdown
from hlsflow.synthesis.estimate_fit import BELOW, FITTED_GROUPS, HIGH, LOW, RIDGE, Prediction
from hlsflow.synthesis.estimate_model import UNITS, Model

_HEAD = """\
# Estimates without vendor tools

Written by `hlsflow calibrate --write`; do not edit. The estimate is of what C synthesis (csynth) reports, worst-case
cycles; logic synthesis takes about half the LUT (median x0.46 of 30 designs). An estimate is never a measurement: its
stage is `analytic`, it carries an 80 % interval, and it says whether the design is like those it was calibrated on.

## Accuracy

Every design is estimated by constants that were fitted without its repository (leave-one-repository-out), on {designs}
designs of {repositories} repositories (`flows/hlsflow/synthesis/data/calibration.csv`). A cell reads: **SMAPE in %**,
median ratio of estimate to measurement, Spearman's rank correlation, share of measurements inside their 80 % interval.

Read it with these in mind:

- The structure (CSD digits, sharing, tree depths, FIFO and ROM shapes) and the unit costs were found looking at these
  very reports; leaving a repository out re-fits the constants and the error bars, not the structure or the delays.
- 35 of the {parallel} dense designs are of one repository (ArgyKokk), one part and one tool version, so a mean over
  designs says little about other authors. Error bars and fit weigh repositories, not designs.
- No calibrated design uses the resource strategy with io_parallel without being recurrent: there, an estimate is marked
  outside its domain. The same goes for HGQ's element-wise types, whose widths stand in generated code alone (two of
  six such designs are overestimated by a factor of 1.5 to 6 in LUT).
- Recurrent and attention layers are not modelled: their estimate leaves them out, and says so.

{tables}
## Where it stands outside

The estimate is marked `outside the domain`, with the reason, where the tool generation, device generation, strategy,
io type or a kind of layer is not among the calibrated designs of its group, where the tool version, the clock period,
the number of products or the width of the input lies outside their range, or where a layer or its weights could not be
read.

## Constants

{count} constants, shrunk towards their units (ridge {ridge:g}, non-negative, every repository weighing the same). Error
bars are the {low:.0%} and {high:.0%} quantiles of the held-out errors, chosen so that about 80 % of held-out designs of
both modelled groups are covered; a fit to a device takes the {below:.0%} quantile as its margin.

| target | feature | unit | fitted |
|---|---|---|---|
"""


def estimation_markdown(model: Model, predictions: Sequence[Prediction]) -> str:
    """The page."""
    text = _HEAD.format(
        designs=len(predictions),
        repositories=len({p.row.repository for p in predictions}),
        parallel=sum(p.row.group == FITTED_GROUPS[0] for p in predictions),
        tables=accuracy_markdown(predictions),
        count=sum(len(units) for units in UNITS.values()),
        ridge=RIDGE,
        low=LOW,
        high=HIGH,
        below=BELOW,
    )
    rows = [
        f"| {target} | {name} | {unit:g} | {model.weights[target][name]:.3g} |"
        for target, units in UNITS.items()
        for name, unit in units.items()
    ]
    return text + "\n".join(rows) + "\n"
