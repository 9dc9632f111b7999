"""What `workbench sweep plan` prints, as text and as JSON."""

import heapq
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.output import counted

if TYPE_CHECKING:
    from workbench.runner.plan import Plan
    from workbench.runner.price import Price


def plan_payload(planned: "Plan", done: set[str], slots: int, price: "Price | None" = None) -> dict[str, Any]:
    """A plan as JSON: every run, and in sum."""
    from workbench.runner.plan import wall_seconds

    todo = [run for run in planned.runs if run.run_id not in done]
    runs: list[dict[str, Any]] = [
        {
            "run_id": run.run_id,
            "size": run.size,
            "role": run.role,
            "level": run.level,
            "n_params": run.counts.n_params,
            "n_params_non_embedding": run.counts.n_params_non_embedding,
            "tokens": run.horizon.tokens,
            "flops": run.horizon.flops,
            "flops_6nd": run.horizon.flops_6nd,
            "flops_spent": run.horizon.flops * run.own_share,
            "parent_id": run.parent_id,
            "steps": run.horizon.steps,
            "batch_tokens": run.horizon.batch_tokens,
            "learning_rate": run.horizon.learning_rate,
            "reasons": run.horizon.reasons,
            "seconds": run.seconds,
            "memory_bytes": run.memory_bytes,
            "done": run.run_id in done,
        }
        | ({"money": price.of(run.seconds)} if price else {})
        for run in planned.runs
    ]
    wall = wall_seconds(todo, slots)
    warned = [*planned.warnings, *lifelong(planned, wall)]
    payload = {
        "sweep": planned.name,
        "runs": runs,
        "total_flops": sum(run["flops_spent"] for run in runs),
        "total_flops_alone": sum(run["flops"] for run in runs),
        "total": total(runs, slots, price is not None),
        "left": total([run for run in runs if not run["done"]], slots, price is not None),
        "todo": len(todo),
        "seconds": wall,
        "workers": slots,
        "timing": planned.timing.to_dict(),
        "warnings": warned,
        "packs": [list(members) for members in planned.packs],
    }
    if price:
        payload["price"] = price.to_dict() | {"money_until_the_last_ends": price.until(wall)}
    return payload


def total(runs: list[dict[str, Any]], slots: int, priced: bool = False) -> dict[str, Any]:
    """The sum over runs: seconds are a worker's, and memory that of the largest runs side by side."""
    summed = (
        "n_params",
        "tokens",
        "flops",
        "flops_6nd",
        "flops_spent",
        "steps",
        "seconds",
        *(["money"] if priced else []),
    )
    memory = sum(heapq.nlargest(slots, (run["memory_bytes"] for run in runs)))
    return {
        "runs": len(runs),
        **{key: sum(run[key] for run in runs) for key in summed},
        "memory_bytes": memory,
        "done": sum(run["done"] for run in runs),
    }


def print_plan(planned: "Plan", payload: dict[str, Any]) -> None:
    """A line a run, one for all of them, and what is left to do."""
    priced = "price" in payload
    click.echo(
        "run_id          size       role        N         D         C  steps  batch      rate      time    memory"
        + ("     money" if priced else "")
    )
    for run in payload["runs"]:
        click.echo(
            f"{run['run_id']}  {run['size']:<9}  {run['role']:<4} {run['n_params']:>8,} {run['tokens']:>9.3g}"
            f" {run['flops']:>9.3g} {run['steps']:>6} {run['batch_tokens']:>6} {run['learning_rate']:>9.3g}"
            + _tail(run, priced)
            + ("  done" if run["done"] else "")
        )
    all_of = payload["total"]
    click.echo(
        f"{'in all':<14}  {all_of['runs']:<9}       {all_of['n_params']:>8,} {all_of['tokens']:>9.3g}"
        f" {all_of['flops']:>9.3g} {all_of['steps']:>6} {'':>6} {'':>9}{_tail(all_of, priced)}  {all_of['done']} done"
    )
    click.echo(
        f"{planned.name}: {counted(len(planned.runs), 'run')}, {payload['total_flops']:.3g} FLOPs; "
        f"{payload['todo']} left, about {spoken(payload['seconds'])} on {counted(payload['workers'], 'worker')} "
        f"({planned.timing.words})"
    )
    branched = [run for run in planned.runs if run.parent_id]
    if branched:
        trunks = len({run.parent_id for run in branched})
        click.echo(
            f"{len(branched)} runs branch off {trunks} trunks, which takes {payload['total_flops']:.3g} FLOPs in place "
            f"of {payload['total_flops_alone']:.3g} (×{payload['total_flops'] / payload['total_flops_alone']:.2f})"
        )
    if planned.packs:
        many = sum(map(len, planned.packs))
        click.echo(f"{many} of them in {len(planned.packs)} packs, each trained as one batched model")
    if priced:
        click.echo(
            f"Money: {payload['left']['money']:.3g} for the runs left, {payload['price']['computed']}; "
            f"{payload['price']['money_until_the_last_ends']:.3g} for {payload['price']['devices']} "
            f"device{'' if payload['price']['devices'] == 1 else 's'} until the last run ends"
        )


def _tail(row: dict[str, Any], priced: bool) -> str:
    money = f" {row['money']:>9.3g}" if priced else ""
    return f" {spoken(row['seconds']):>9} {_mebibytes(row['memory_bytes']):>6} MiB{money}"


def _mebibytes(count: int) -> str:
    whole = f"{count / 2**20:.0f}"
    return "<1" if whole == "0" else whole


YEAR = 365.25 * 86_400
LIFETIME = 80 * YEAR
"""Of a person, who would like to see the end of a sweep."""


def spoken(seconds: float) -> str:
    """A duration for a person."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    if seconds < 100 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86_400:.0f} days" if seconds < 2 * YEAR else f"{seconds / YEAR:.3g} years"


def lifelong(planned: "Plan", seconds: float) -> list[str]:
    """A warning of a plan that nobody will see the end of: a level may have an exponent too many."""
    if seconds < LIFETIME:
        return []
    most = max(planned.runs, key=lambda run: run.seconds)
    return [
        f"this would take {spoken(seconds)}, longer than a person lives; the longest run, {most.size} at "
        f"{most.level:.3g}, trains on {most.horizon.tokens:.3g} tokens"
    ]
