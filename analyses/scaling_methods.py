"""How each law was fitted, in the words of a methods section: what was minimised, how well, and what intervals mean."""

from typing import Any

from workbench.analyses.scaling import ScalingStudy, laws_of
from workbench.fitting import LAWS, Fit
from workbench.fitting.isoflop.curves import SHAPES
from workbench.reporting.document import Block, Bullets, Text
from workbench.reporting.figures.pieces import plural

PROCEDURES = {
    "isoflop": (
        "at each budget a curve of loss against N; N_opt = k_N C^a and D_opt = k_D C^b run through the minima",
        "Hoffmann et al. 2022 (arXiv 2203.15556), approach 2",
    ),
    "envelope": (
        "N_opt = k_N C^a and D_opt = k_D C^b run through the best run at each compute",
        "Hoffmann et al. 2022 (arXiv 2203.15556), approach 1",
    ),
}
"""Fits that are procedures and not laws of single runs → what they do, and whose they are."""

OBJECTIVES = {
    "huber": "the sum over runs of the Huber loss (δ = {delta:g}) of ln L − ln L̂",
    "lad": "the sum over runs of |ln L − ln L̂|",
    "log-mse": "the mean over runs of (ln L − ln L̂)²",
    "mse": "the mean over runs of (L − L̂)²",
}
"""Objective → what it sums, in words."""


def how_fitted(study: ScalingStudy) -> list[Block]:
    """Formula, objective, certificate and intervals of every fit under the total count of N."""
    fits = laws_of(tuple(study.fits))
    if not fits:
        return [Text("No law was fitted.", note=True)]
    intro = "All but the envelope are fitted to final losses alone: those of runs whose schedule ended there. "
    return [Text(intro + " ".join(study.fits.notes)), Bullets(tuple(_method(fit) for fit in fits)), _intervals(study)]


def goal(fit: Fit) -> str:
    """What was minimised, in words."""
    text = OBJECTIVES.get(fit.objective, fit.objective)
    text = text.format(delta=fit.delta) if fit.delta is not None else text
    law = LAWS.get(fit.law)
    if law is None or law.response == "loss":
        return text
    return f"{text}, L standing for {law.response}{'' if law.log_response else ', itself and not its logarithm'}"


def certified(certificate: dict[str, Any]) -> str:
    """How far the optimum is known to be the lowest: the certificate as a sentence."""
    basins, many = int(certificate["basins"]), certificate["searched"]
    if not certificate["dense"]:
        agree = f"{100 * certificate['agree']:.0f}% of {many} ended in the lowest optimum found"
        return f"Not certified: {agree}, and a lower one elsewhere is not ruled out."
    if basins == 1:
        return f"One optimum found on {many}; every start ended there."
    runner_up = f"{100 * certificate['runner_up']:.2g}%"
    return f"{basins:,} optima found on {many}; this is the lowest, and the next lies {runner_up} higher."


def _method(fit: Fit) -> str:
    """A few sentences that a methods section could use."""
    law = LAWS.get(fit.law)
    formula, citation = (f"`{law.formula}`", law.citation) if law is not None else PROCEDURES.get(fit.law, ("", ""))
    called = ", the parametric L(N, D)" if fit.law == "chinchilla" else ""
    text = f"`{fit.law}`{called}: {formula} ({citation}). {_found(fit)}"
    if (shape := fit.diagnostics.get("shape")) is not None:
        text += f" The curves are {SHAPES[shape].words}."
    if (certificate := fit.diagnostics.get("certificate")) is not None:
        text += f" {certified(certificate)}"
    return f"{text} {100 * fit.level:g}% intervals: {fit.interval_method}."


def _found(fit: Fit) -> str:
    """How its numbers came about: a law has an objective, the envelope is read off and two lines are drawn."""
    many = plural(fit.n_points, "point")
    if fit.law == "envelope":
        return f"Least squares of ln N and of ln D against ln C through the best runs among {many}."
    what = "Minimised for the curves" if fit.law in PROCEDURES else "Minimised"
    return f"{what}: {goal(fit)}, over {many}; it is {fit.objective_value:.8g}."


def _intervals(study: ScalingStudy) -> Text:
    """What the two kinds of intervals cover."""
    level = f"{100 * study.settings['level']:g}%"
    return Text(
        f"Two kinds of {level} intervals stand in this report. That of a parameter, an optimum or a law's loss covers "
        "what other runs of the same design would have changed, by the method that the fit names: as a rule the "
        "profile, or whole sizes resampled where runs of one size miss together. That of one run (a prediction "
        "interval) adds the noise of a single training, its variance taken from the residuals on as many degrees of "
        "freedom as there are points beyond parameters; it is "
        "the one to hold a new run against. Neither covers a law whose form is wrong."
    )
