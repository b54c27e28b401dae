"""A fit for a person: what was chosen for each layer, its cost, what limits it, and what its neighbours would be."""

from __future__ import annotations

from hlsflow.fitting.fit import Fit
from hlsflow.fitting.impossible import NAMES
from hlsflow.fitting.options import RESOURCES
from hlsflow.fitting.program import Choice, Goal


def fit_lines(fit: Fit) -> list[str]:
    """The explanation, a line each."""
    best = fit.best
    wish = str(fit.wish.goal) if fit.wish.interval_cycles is None else f"interval of {fit.wish.interval_cycles} cycles"
    lines = [f"fitted to {fit.device.name} ({fit.device.source}), goal {wish}; estimates, nothing is measured:"]
    if fit.device.caveat is not None:
        lines.append(f"  {fit.device.caveat}")
    rows = [
        (
            option.layer,
            option.strategy,
            f"reuse_factor {option.reuse_factor}",
            f"{option.multipliers:,} multipliers",
            f"{option.interval_cycles:,.0f} cycles",
            f"LUT {option.cost['lut']:,.0f}",
            f"DSP {option.cost['dsp']:.0f}",
            f"BRAM {option.cost['bram_18k']:.0f}",
        )
        for option in best.options.values()
        if option.multipliers
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    for row in rows:
        lines.append("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    shares = best.share(fit.device)
    lines.append(f"  total: {_total(best)}")
    used = ", ".join(f"{NAMES[name]} {shares[name]:.0%}" for name in RESOURCES)
    lines.append(f"  share of the device at what 8 of 10 such designs stay below: {used}")
    lines.append(f"  {_reason(fit, shares)}")
    lines.append("  one notch smaller: " + _neighbour(fit, fit.smaller, "there is none that the estimate tells apart"))
    lines.append("  one notch faster:  " + _neighbour(fit, fit.faster, "there is none: this is the fastest there is"))
    return lines


def _total(choice: Choice) -> str:
    values, ranges = choice.estimate.values, choice.estimate.ranges
    parts = [f"{NAMES[name]} {values[name]:,.0f} ({ranges[name][0]:,.0f}-{ranges[name][1]:,.0f})" for name in RESOURCES]
    return (
        ", ".join(parts) + f", latency {values['latency_cycles']:,.0f} cycles, interval "
        f"{values['interval_cycles']:,.0f} cycles"
    )


def _reason(fit: Fit, shares: dict[str, float]) -> str:
    """Why not faster, or why not smaller."""
    worst = max(shares, key=lambda name: shares[name])
    if fit.wish.goal is not Goal.LATENCY:
        return f"of all that meet the goal, its largest share ({NAMES[worst]}, {shares[worst]:.0%}) is the least"
    if fit.faster is None:
        return "every layer is as fast as it can be"
    over = {name: share for name, share in fit.faster.share(fit.device).items() if share > 1}
    if not over:
        return f"of all that fit it has the least latency; it is limited by {NAMES[worst]}"
    named = ", ".join(f"{NAMES[name]} to {share:.0%}" for name, share in over.items())
    return f"of all that fit it has the least latency: anything faster takes {named} of the device"


def _neighbour(fit: Fit, choice: Choice | None, none: str) -> str:
    if choice is None:
        return none
    changes = [
        f"{name}: {option.strategy} {option.reuse_factor}"
        for name, option in choice.options.items()
        if option.multipliers and option != fit.best.options[name]
    ]
    shares = choice.share(fit.device)
    worst = max(shares, key=lambda name: shares[name])
    fits = "fits" if shares[worst] <= 1 else "does not fit"
    values = choice.estimate.values
    return (
        f"{', '.join(changes) or 'the same'} -> LUT {values['lut']:,.0f}, DSP {values['dsp']:.0f}, BRAM "
        f"{values['bram_18k']:.0f}, {values['latency_cycles']:,.0f} cycles, interval {values['interval_cycles']:,.0f}; "
        f"{fits} ({NAMES[worst]} {shares[worst]:.0%})"
    )
