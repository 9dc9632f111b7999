"""The parts of the scaling report on what stays unknown: what the runs do not identify, and which would settle it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.analyses.scaling import MULTIPLES, ScalingStudy
from workbench.analyses.scaling_judged import LAW
from workbench.errors import BadInput
from workbench.fitting import Fit
from workbench.fitting.design.candidates import Candidates, bounds_of, candidates, sizes_between
from workbench.fitting.design.proposal import Proposal
from workbench.fitting.design.proposing import propose
from workbench.fitting.design.targets import Target
from workbench.fitting.determined import narrow
from workbench.fitting.record import CONVENTION_LABELS
from workbench.reporting import formats
from workbench.reporting.document import Block, Bullets, Code, Column, Table, Text

COLUMNS = (
    Column("purpose", "for"),
    Column("n", "N", "count"),
    Column("d", "D", "count"),
    Column("c", "C [FLOPs]", "power"),
    Column("repeats", "runs", "integer"),
)

PURPOSES = {"target": "the target", "check": "checking the law"}


def not_identified(study: ScalingStudy) -> list[Block]:
    """Laws not fitted and why; notes of those that were; checks that failed."""
    blocks: list[Block] = []
    if study.problems:
        blocks.append(Bullets(study.problems))
    else:
        blocks.append(Text("Every law could be fitted and is identified under the total count of N."))
    if notes := _notes(study):
        blocks += [Text("Notes that the fits carry:"), Bullets(notes)]
    blocks.append(
        Text(
            "The intervals say how far the parameters are determined by these runs if the law's form is right. They do "
            "not cover a law that bends beyond the largest budget, a recipe that would have to change with size, or "
            "another corpus or tokenizer."
        )
    )
    return blocks


def _notes(study: ScalingStudy) -> tuple[str, ...]:
    """Each note once, with the laws that carry it; what is said of the whole table already is left out."""
    carriers: dict[str, list[str]] = {}
    for fit in study.fits:
        label = fit.law if fit.convention == "n" else f"{fit.law} (N {CONVENTION_LABELS[fit.convention]})"
        for note in fit.notes:
            if note not in study.fits.notes:
                carriers.setdefault(note, []).append(label)
    every = len(tuple(study.fits))
    return tuple(f"{'all laws' if len(of) == every else ', '.join(of)}: {note}" for note, of in carriers.items())


@dataclass(frozen=True)
class Next:
    """The proposal for the next runs, and what was asked of it."""

    at: float
    """Compute whose N_opt is to be narrowed."""
    flops: float
    """What the next runs may cost: what the fitted ones took."""
    proposal: Proposal | None
    reason: str = ""
    """Why there is none."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        asked = {"at": self.at, "flops_asked": self.flops, "reason": self.reason}
        if self.proposal is None:
            return asked
        return {**asked, **self.proposal.to_dict(), "share": self.proposal.width_then / self.proposal.width_now}


def proposed(study: ScalingStudy) -> Next | None:
    """The runs that would narrow N_opt at the first forecast most, for as much compute as the fitted ones took."""
    fit = study.fits.get(LAW)
    if fit is None or not np.isfinite(study.largest):
        return None
    at, spent = study.largest * MULTIPLES[0], float(fit.residuals["c"].sum())
    try:
        return Next(at, spent, propose(fit, Target("n-opt", at), _ladder(fit, spent), spent))
    except BadInput as error:
        return Next(at, spent, None, str(error))


def settling(study: ScalingStudy, found: Next | None) -> list[Block]:
    """Which runs would shrink the interval of the first forecast most."""
    if found is None:
        return []
    asked = f"workbench next {study.source} --target n-opt --at {found.at:.6g} --flops {found.flops:.3g}"
    command = Code(f"{asked} --out next.{'csv' if study.runs is None else 'toml'}", "sh")
    if found.proposal is None:
        said = f"No runs could be proposed: {found.reason.rstrip('.')}. Another budget or target may do:"
        return [Text(said, note=True), command]
    written = "This command proposes them as a sweep to train, in sizes of the sweep's own family:"
    if study.runs is None:
        written = "This command proposes them as a table:"
    runs = found.proposal.runs.assign(purpose=found.proposal.runs["purpose"].map(PURPOSES))
    caption = "The runs that would narrow N_opt most, any size being trainable at the cost that the fit found"
    shown = Table.of("next-runs", caption, runs, COLUMNS)
    return [Text(_promise(found.proposal, found.at, found.flops)), shown, Text(written), command]


def _ladder(fit: Fit, flops: float) -> Candidates:
    bounds = bounds_of(fit.residuals, "n", flops)
    sizes = sizes_between(fit.residuals, "n", bounds)
    return candidates(sizes, [fit.cost.flops(float(n), 1.0) for n in sizes], bounds)


def _promise(proposal: Proposal, at: float, spent: float) -> str:
    """What is gained, if it can be said."""
    share = proposal.width_then / proposal.width_now
    start = (
        f"Spending {formats.power(spent)} FLOPs again, as much as the fitted runs took, on the runs below would leave "
        f"the interval of N_opt at {formats.power(at)} FLOPs"
    )
    if not np.isfinite(share) or min(proposal.now) <= 0 or not narrow(proposal.now):
        return f"{start} narrower than it is; how wide cannot be said, for these runs do not determine the law."
    now, then = (f"{formats.count(low)} to {formats.count(high)}" for low, high in (proposal.now, proposal.then))
    return (
        f"{start} about {formats.percent(share)} as wide (of ln N_opt): {then} in place of {now}, if the estimate "
        "stays where it is and the law's form holds. Some of the runs check that form."
    )
