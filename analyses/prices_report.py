"""The report of a priced sweep: a table, a figure, the law behind them, and what they cannot say."""

import pandas as pd

from workbench.analyses.prices import Price, Prices
from workbench.fitting.pricing import Floor
from workbench.reporting import figures
from workbench.reporting.document import Bullets, Code, Column, Figure, Report, Section, Table, Text
from workbench.reporting.figures.pieces import plural

COLUMNS = (
    Column("variant", "technique"),
    Column("change", "what it changes"),
    Column("ended", "runs", "integer"),
    Column("planned", "planned", "integer"),
    Column("points", "points", "integer"),
    Column("bracketed", "rate bracketed", "integer"),
    Column("multiplier", "multiplier", "number"),
    Column("interval", "interval", "interval-number"),
    Column("flops", "FLOPs executed", "number"),
    Column("net", "net multiplier", "number"),
    Column("net_interval", "interval", "interval-number"),
    Column("seconds", "time", "number"),
    Column("remark", "remark"),
)
"""Ratios are to the baseline's; `rate bracketed` counts points."""


def frame(prices: Prices) -> pd.DataFrame:
    """One row a technique, in the order of the prices."""
    rows = []
    for one in prices.prices:
        net = one.net
        rows.append(
            {
                "variant": one.variant,
                "change": one.change,
                "ended": one.ended,
                "planned": one.planned,
                "diverged": one.diverged,
                "points": one.points,
                "bracketed": one.bracketed,
                "multiplier": one.worth.multiplier if one.worth else None,
                "interval": [one.worth.low, one.worth.high] if one.worth else None,
                "flops": one.flops,
                "net": net[0] if net else None,
                "net_interval": [net[1], net[2]] if net else None,
                "seconds": one.seconds,
                "remark": one.remark,
            }
        )
    return pd.DataFrame(rows)


def summary(prices: Prices) -> tuple[str, ...]:
    """What was run, and what is clearly worth more or less than nothing."""
    priced = [one for one in prices.prices if one.worth]
    better = [one for one in priced if one.worth and one.worth.low > 1]
    worse = [one for one in priced if one.worth and one.worth.high < 1]
    others = len(priced) - len(better) - len(worse)
    lines = [
        f"{prices.ended} of {plural(prices.planned, 'planned run')} have ended; {len(priced)} of "
        f"{plural(len(prices.prices), 'technique')} priced, with {100 * prices.level:g}% intervals.",
        f"At equal shape and tokens, worth more: {_named(better)}. Worth less: {_named(worse)}."
        + (f" The intervals of {others} others hold 1." if others else ""),
        f"Per FLOP executed, worth more: {_named([one for one in priced if one.net and one.net[1] > 1], net=True)}. "
        f"Worth less: {_named([one for one in priced if one.net and one.net[2] < 1], net=True)}.",
    ]
    return tuple(lines)


def _named(found: list[Price], net: bool = False) -> str:
    values = {one.variant: one.net[0] if net and one.net else one.worth.multiplier for one in found if one.worth}
    return ", ".join(f"{name} ×{value:.2f}" for name, value in values.items()) or "none"


def report(prices: Prices) -> Report:
    """The document."""
    table = frame(prices)
    floor = Floor.of(prices.law.params, prices.law.draws())
    priced = table[table["multiplier"].notna()].reset_index(drop=True)
    blocks = [Table.of("prices", "What each technique is worth in compute", table, COLUMNS)]
    drawn = []
    if len(priced):
        caption = (
            "Compute multipliers with their intervals; hollow, where the best rate is not bracketed at every point."
        )
        drawn = [Figure("prices", caption, figures.prices(priced), priced)]
    how = (
        Text(
            "A technique worth κ reaches at every compute the loss that the baseline reaches at κ times as much. It is "
            "read where both were trained on the same tokens at the same shape, each at its best rate."
        ),
        Code("ln kappa = -(1/gamma) ln[(L - E) / (L_baseline - E)],  gamma = alpha*beta/(alpha + beta)"),
        Text(
            f"Of the baseline's law, E = {floor.e_S[0]:.4g} and gamma = {floor.gamma_S[0]:.3g}. The net multiplier is "
            "κ over the FLOPs executed, relative to the baseline's."
        ),
    )
    return Report(
        f"Prices of {prices.name}",
        summary(prices),
        (
            Section("Prices", (*drawn, *blocks)),
            Section("How they are made", how),
            Section("What they cannot say", (Bullets(prices.notes),)),
        ),
        {"prices": table.to_dict("records"), "law": prices.law.to_dict(), "noise": prices.noise.sd},
    )
