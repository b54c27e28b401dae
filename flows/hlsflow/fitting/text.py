"""A fit for a person: what was chosen for each layer, its cost, what limits it, and what its neighbours would be."""

from __future__ import annotations

from hlsflow.estimation.bounds import CONFIDENCES
from hlsflow.estimation.cost import RESOURCES
from hlsflow.fitting.fit import Fit
from hlsflow.fitting.impossible import NAMES, irreducible, percent
from hlsflow.fitting.program import Choice, Goal


def fit_lines(fit: Fit) -> list[str]:
    """The explanation, a line each."""
    best = fit.best
    wish = str(fit.wish.goal) if fit.wish.interval_cycles is None else f"interval of {fit.wish.interval_cycles} cycles"
    lines = [
        f"fitted to {fit.device.name} ({fit.device.source}), goal {wish}; estimates of what C synthesis "
        "will report, nothing is measured:"
    ]
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
    lines.append(f"  share of the device that it stays below with {best.confidence:.0%} confidence: {_shares(shares)}")
    lines += [f"  {line}" for line in (*_confidence(fit), *_irreducible(best))]
    lines.append(f"  {_reason(fit, shares)}")
    lines.append("  one notch smaller: " + _neighbour(fit, fit.smaller, "there is none that the estimate tells apart"))
    lines.append("  one notch faster:  " + _neighbour(fit, fit.faster, "there is none: this is the fastest there is"))
    return lines


def _shares(shares: dict[str, float]) -> str:
    return ", ".join(f"{NAMES[name]} {percent(shares[name])}" for name in RESOURCES)


def _confidence(fit: Fit) -> list[str]:
    """The highest confidence with which it fits, the next with which it does not, and what that rests on."""
    best, lines = fit.best, []
    fits = [one for one in CONFIDENCES if max(best.share(fit.device, one).values()) <= 1]
    beyond = [one for one in CONFIDENCES if one > fits[-1]] if fits else []
    if beyond:
        over = {name: share for name, share in best.share(fit.device, beyond[0]).items() if share > 1}
        lines.append(
            f"it fits with {fits[-1]:.0%} confidence, each resource by itself, and not with {beyond[0]:.0%}, where it "
            f"takes up to {_named(over)} (a design that does: --confidence {beyond[0]:g})"
        )
    elif fits:
        lines.append(f"it fits with {fits[-1]:.0%} confidence, each resource by itself: the highest there is")
    unconfirmed = [
        f"{NAMES[name]} ({'no other' if bound.held is None else f'{bound.held:.0%} of them'})"
        for name, bound in fit.backing.items()
        if bound.held is None or bound.held < best.confidence
    ]
    if unconfirmed:
        lines.append(
            f"designs of other authors that stayed below such bounds do not confirm {best.confidence:.0%}: "
            + ", ".join(unconfirmed)
        )
    if best.estimate.outside:
        lines.append(
            f"outside what the estimator was calibrated on ({best.estimate.outside[0]}): the confidence is that of "
            "designs that were"
        )
    return lines


def _irreducible(choice: Choice) -> list[str]:
    """What no reuse factor reduces, where it is a tenth of a resource or more, with the layers that take most."""
    parts = []
    for name in RESOURCES:
        layers, total = irreducible(choice, name), choice.estimate.values[name]
        fixed = sum(layers.values())
        if total and fixed >= 0.1 * total:
            most = ", ".join(f"{layer.strip('()')} {value:,.0f}" for layer, value in list(layers.items())[:3])
            parts.append(f"{NAMES[name]} {fixed:,.0f} of {total:,.0f} ({fixed / total:.0%}: {most})")
    return [f"no reuse factor reduces {'; '.join(parts)}"] if parts else []


def _named(shares: dict[str, float]) -> str:
    return ", ".join(f"{NAMES[name]} {percent(share)}" for name, share in shares.items()) + " of the device"


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
        return f"of all that meet the goal, its largest share ({NAMES[worst]}, {percent(shares[worst])}) is the least"
    if fit.faster is None:
        return "every layer is as fast as it can be"
    over = {name: share for name, share in fit.faster.share(fit.device).items() if share > 1}
    if not over:
        return f"of all that fit it has the least latency; it is limited by {NAMES[worst]}"
    named = ", ".join(f"{NAMES[name]} to {percent(share)}" for name, share in over.items())
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
        f"{fits} ({NAMES[worst]} {percent(shares[worst])})"
    )
