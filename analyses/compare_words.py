"""What a comparison says in words: the same on the page, in the terminal and in the report."""

import math
import re

from workbench.analyses.comparable import MEASURES
from workbench.analyses.compare import NOT_REJECTED, ONE_E, Comparison
from workbench.fitting.forecasts.surface import Estimate
from workbench.fitting.groups.nested import SEPARATE, Step
from workbench.reporting import formats
from workbench.reporting.figures.pieces import plural

ALIKE = 0.005
"""Groups whose price of a model and its tokens differs by less are said to pay the same."""


def answers(found: Comparison) -> tuple[str, ...]:
    """How many times the compute; whether that is one number; and what equal points say without a law."""
    return (
        " ".join(answer(found, group) for group in found.others),
        shared(found),
        " ".join(equal_points(found, group) for group in found.others),
    )


def answer(found: Comparison, group: str) -> str:
    """How many times the compute of the reference a group needs."""
    first, middle, last = (f"{loss:.3f}" for loss in found.losses)
    unit = MEASURES[found.measure]
    one, mine, theirs = found.middle(group), called(group), called(found.reference)
    if math.isinf(one.value) or one.value == 0:
        able, unable = (group, found.reference) if one.value == 0 else (found.reference, group)
        able, unable = called(able), called(unable)
        return f"By the law {unable} never reaches a loss of {middle} {unit}, which {able} does."
    number = f"{times(one)} times the compute"
    told = "" if apart(one) else ", no difference that these runs can tell from none"
    if found.one_number:
        return f"{mine} reaches the losses of {theirs} with {number} ({percent(found)} interval){told}."
    where = "the middle of the losses that all groups reach" if found.overlap else "between the losses of the groups"
    start, end = found.ends(group)
    return (
        f"{mine} reaches the losses of {theirs} with {number} ({percent(found)} interval){told}, at {middle} "
        f"{unit}, {where}; from {first} down to {last} it goes from {formats.number(start)} to {formats.number(end)}."
    )


def called(name: str) -> str:
    """A group in a sentence: in quotes, unless its name is one word."""
    return name if re.fullmatch(r"[\w.-]+", name) and not name.replace(".", "").isdigit() else f"“{name}”"


def times(one: Estimate) -> str:
    """'0.83 (0.78 to 0.89)'."""
    low, high = one.interval
    if math.isnan(low) or math.isnan(high):
        return f"{formats.number(one.value)} (no interval)"
    ends = (formats.number(end) if math.isfinite(end) else "any number" for end in (low, high))
    return f"{formats.number(one.value)} ({' to '.join(ends)})"


def apart(one: Estimate) -> bool:
    """Whether the interval leaves 1 out."""
    return bool(one.interval[0] > 1 or one.interval[1] < 1)


def percent(found: Comparison) -> str:
    """The level of the intervals."""
    return f"{100 * found.law.level:g}%"


def shared(found: Comparison) -> str:
    """The test of what the groups share."""
    asked, one = found.ladder.get(found.law.law), found.ladder.get(ONE_E)
    if asked is None or one is None or math.isnan(asked.p):
        return f"Whether the groups share exponents could not be tested: {found.ladder.reason.rstrip('.')}."
    share = "shared E and exponents" if found.one_number else "shared exponents"
    if asked.p < NOT_REJECTED:
        but = ", too small where runs miss together, as here" if found.together else ""
        said = (
            f"A law for each group fits these runs better than one of {share} (F test, p = {p(asked)}{but}): how many "
            "times the compute it takes changes with the loss, and the number above is of a law that does not hold"
        )
    elif found.one_number:
        said = (
            f"A law for each group fits these runs no better than one of {share} (F test, p = {p(asked)}), so that "
            "nothing speaks against one number at every loss"
        )
    else:
        either = (
            f"nor than one that shares E too (p = {p(one)}), so that nothing speaks against one number at every loss"
            if one.p >= NOT_REJECTED
            else f"but better than one that shares E too (p = {p(one)}), so that the number changes with the loss"
        )
        said = f"A law for each group fits these runs no better than one of {share} (F test, p = {p(asked)}), {either}"
    return f"{said}.{_scored(found, asked)}"


def _scored(found: Comparison, asked: Step) -> str:
    """What the log score says, in a sentence."""
    best = found.ladder.best
    if best is None:
        return ""
    left = f" Of {found.ladder.units} left out one at a time, the losses are predicted"
    if best is asked:
        return f"{left} best by this law."
    near = "as well by this law as by" if asked.behind <= 2 * asked.behind_se else "better by"
    other = "a law for each group" if best.law == SEPARATE else f"a law of {SHORT[best.law]}"
    return f"{left} {near} {other}."


SHORT = {
    "chinchilla": "no difference between the groups",
    "family": "one multiplier",
    "shared-exponents": "shared E and exponents",
    "shared-exponents-corpora": "shared exponents",
}
"""What a law of the ladder shares, in a few words."""


def p(step: Step) -> str:
    """A p value."""
    return f"{step.p:.2g}" if step.p >= 1e-4 else "below 0.0001"


def equal_points(found: Comparison, group: str) -> str:
    """What runs of equal N and D say."""
    mine, theirs = called(group), called(found.reference)
    if group not in found.paired:
        return f"{mine} and {theirs} have no point of the same N and D, which would need no law to compare."
    paired = found.paired[group]
    gap, (low, high) = paired.difference.value, paired.difference.interval
    side = "lower" if gap < 0 else "higher"
    many = plural(len(paired.points), "point")
    said = f"At the {many} where both have the same N and D, {mine} has a loss {_share(abs(gap))} {side} than "
    said += theirs
    if math.isfinite(low):
        ends = (-high, -low) if gap < 0 else (low, high)
        said += f" ({_share(ends[0])} to {_share(ends[1])})"
    if paired.times is not None and math.isfinite(paired.times.interval[0]):
        said += f", which is worth {times(paired.times)} times the compute"
    return f"{said}."


def _share(gap: float) -> str:
    return f"{100 * gap:.2f}%"


def prices(found: Comparison) -> str:
    """What the groups pay for the same model and tokens."""
    ratios = {group: found.costs[group].k / found.costs[found.reference].k for group in found.others}
    dearer = [
        f"{called(group)} pays {formats.number(ratio)} times the FLOPs of {called(found.reference)}"
        for group, ratio in ratios.items()
        if abs(math.log(ratio)) > ALIKE
    ]
    if not dearer:
        return "For the same N and D all groups pay the same FLOPs."
    return f"For the same N and D, {' and '.join(dearer)}; the multiples count that."


def unknown(found: Comparison) -> tuple[str, ...]:
    """What the runs leave open."""
    said = []
    if not found.overlap:
        said.append(
            "The groups reach no loss in common within their compute: the numbers extrapolate one law or the other."
        )
    if not found.law.identified:
        carried = [note for note in found.law.notes if note not in found.table.attrs.get("notes", ())]
        said.append(f"These runs do not determine the law with shared exponents: {' '.join(carried)}")
    said += [f"No law of {called(group)} alone: {fit}" for group, fit in found.alone.items() if isinstance(fit, str)]
    said += [
        f"The law of {called(group)} alone is not identified by its runs."
        for group, fit in found.alone.items()
        if not isinstance(fit, str) and not fit.identified
    ]
    if found.together:
        said.append(
            "Runs of one size (or budget) miss together. The intervals allow for that; the F test does not, so that "
            "its p is too small."
        )
    said.append(
        "That every group was tuned as well as the others is assumed: one trained at a poorer learning rate needs more "
        "compute for that reason alone. Beyond the losses that all groups reach nothing was measured."
    )
    return tuple(said)
