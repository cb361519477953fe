"""What `glutheory dynamics` prints: the losses at steps spread on the logarithmic scale, and what they say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from glutheory.dynamics import Crossing, Crossings
from glutheory.layers import Stack
from glutheory.studies.defaults import NORMS, difference
from glutheory.studies.dynamics.study import Dynamics
from glutheory.studies.dynamics.training import Trained
from glutheory.terminal import Terminal, columns, heading, number
from glutheory.terminal import sentences as paragraphs

Array = npt.NDArray[np.float64]

#: Characters of two names beyond which a column is not named after both.
_NAMES = 24


def text(found: Dynamics, terminal: Terminal) -> str:
    """Heading, table and sentences, in characters that this terminal can show."""
    widths = [side.width for side in found.sides if side.width is not None]
    sizes = f", widths {widths[0]} and {widths[1]}" if widths else ""
    # the option stands within the first 80 columns, whatever the networks are called
    head = (
        f"Expected losses, {found.parametrization} parametrisation{difference('ntk', found.parametrization)}{sizes}: "
        f"{found.plain.label} and {found.gated.label} in gradient descent"
    )
    rate = f"{number(found.rate)}" + ("" if found.given else ", half of the smaller stable one")
    setting = f"{found.inputs}; targets {found.targets}. Mean squared error, learning rate {rate}."
    lines = [*heading(head, terminal), *paragraphs([setting], terminal), "", *columns(_losses(found), terminal), ""]
    return "\n".join([*lines, *columns(_facts(found), terminal), "", *paragraphs(list(sentences(found)), terminal)])


def sentences(found: Dynamics) -> Iterator[str]:
    """What the curves say, and what they do not."""
    steps = [str(math.ceil(item.step)) for item in found.changes]
    yield f"Expected loss: {_lead(found.descent, found, 'step', found.changes, steps)}"
    if found.stable:
        seen = found.flow.found[: len(found.times)]
        flow = _lead(found.flow, found, "time", seen, [f"{time:.5g}" for time in found.times])
        steps = [f"{time / found.rate:.0f}" for time in found.times]
        yield f"Gradient flow (time = rate × steps): {flow}" + (
            f" That is step {', '.join(steps)} at this rate." if steps else ""
        )
    else:
        over = " and ".join(side.label for side in found.sides if found.rate >= side.limit)
        yield f"Warning: the rate is too large for {over}, whose loss never falls to its floor: give a smaller --rate."
    if not math.isinf(found.hidden_from):
        yield (
            f"From about step {number(found.hidden_from)} on errors of the kernels hide who leads: the loss that is "
            "left is in modes that rounding cannot tell from those of eigenvalue 0."
        )
    if found.descent.complete:
        beyond = sum(item.step >= found.hidden_from for item in found.descent)
        hidden = len(found.descent) - beyond - len(found.changes)
        cancel = f"; {hidden} of these cancel between two steps" if hidden else ""
        noise = f"; {beyond} of these lie where errors hide who leads" if beyond else ""
        yield f"These are all crossings: {found.descent.argument}{cancel}{noise}."
    else:
        yield f"There may be more crossings: {found.descent.argument}."
    if found.descent.complete and not found.descent.certain:
        error = max(side.error for side in found.sides)
        yield f"Errors of the kernels (up to {error:.0e} of an entry) could move or remove a crossing."
    if found.otherwise is not None:
        yield _otherwise(found.otherwise)
    if found.trained is not None:
        yield from _trained(found, found.trained)
    if isinstance(found.plain.network, Stack):
        yield (
            "The theory keeps the kernels as they are at initialisation, in the limit of infinite width; networks of a "
            "finite width move away from it, deep ones sooner."
        )
        return
    yield (
        "The theory keeps the kernels as they are at initialisation (networks linearised there). Real networks move "
        "away from it: at the protocol of arXiv 2605.20749 trained losses crossed 17 to 23 times earlier than these "
        "kernels predict" + ("." if found.trained is not None else "; --train 3 trains networks to see.")
    )


def _otherwise(found: Dynamics) -> str:
    """The condition numbers and who leads on the rows otherwise scaled."""
    conditions = ", ".join(f"{side.label} {side.condition}" for side in found.sides)
    steps = [str(math.ceil(item.step)) for item in found.changes]
    return (
        f"With {found.inputs}: condition numbers of the NTK {conditions}; at the learning rate {number(found.rate)} "
        f"{_lead(found.descent, found, 'step', found.changes, steps)} {NORMS}"
    )


def _losses(found: Dynamics) -> list[list[str]]:
    plain, gated = (side.label for side in found.sides)
    steps = _rows(found.steps)
    # formulas of the user's own may be long
    ratio = f"{plain}/{gated}" if len(plain + gated) <= _NAMES else "ratio"
    rows = [["step", plain, gated, ratio, "lower"]]
    losses = [side.loss(steps, found.rate) for side in found.sides]
    for step, first, second, told in zip(steps, *losses, found.told(steps), strict=True):
        with np.errstate(all="ignore"):
            quotient = first / second
        lower = "neither" if first == second else "not known" if not told else plain if first < second else gated
        rows.append([f"{step:.0f}", number(first), number(second), number(quotient, 3), lower])
    return rows


def _facts(found: Dynamics) -> list[list[str]]:
    sides = found.sides
    return [
        ["", *(side.label for side in sides)],
        ["condition number of the NTK", *(str(side.condition) for side in sides)],
        ["largest stable rate", *(number(side.limit) for side in sides)],
        ["loss at the start", *(number(side.curve.initial / found.n, 5) for side in sides)],
        ["loss that never falls", *(number(side.curve.floor / found.n, 3) for side in sides)],
    ]


def _rows(last: int) -> Array:
    """0, 1, 3, 10, 30 and so on, and the last step."""
    decades = range(len(str(last)))
    return np.array([0, *(step * 10**k for k in decades for step in (1, 3) if step * 10**k < last), last], dtype=float)


def _lead(found: Crossings, race: Dynamics, unit: str, changes: Sequence[Crossing], places: Sequence[str]) -> str:
    """Who leads, and from which steps or times on."""
    names = {-1: race.plain.label, 1: race.gated.label}
    if not changes:
        leader = names.get(found.start or found.end)
        every = f"at every {unit}" if math.isinf(race.hidden_from) else "as long as it can be told"
        return "the two losses are the same." if leader is None else f"{leader} leads {every}."
    parts = [f"{names.get(found.start, 'neither')} leads first"]
    parts += [f"{names[item.sign]} from {unit} {place}" for item, place in zip(changes, places, strict=True)]
    return f"{', '.join(parts)} on."


def _trained(found: Dynamics, trained: Trained) -> Iterator[str]:
    networks = "one network" if trained.seeds == 1 else f"{trained.seeds} networks"
    ends = [
        f"{side.label} {losses.mean():.3g} ({losses.min():.3g}–{losses.max():.3g})"
        for side, losses in zip(found.sides, trained.losses[:, :, -1], strict=True)
    ]
    yield (
        f"Trained ({networks} of each kind, all weights, no biases): after {trained.steps} steps the mean squared "
        f"error is {' and '.join(ends)}, mean and range."
    )
    means = trained.mean_crossings
    steps = [step for step in trained.crossings if step is not None]
    mean = f"the mean losses cross at step {', '.join(map(str, means))}" if means else "the mean losses do not cross"
    if steps:
        span = f"step {steps[0]}" if len(set(steps)) == 1 else f"steps {min(steps)} to {max(steps)}"
        yield (
            f"In training {mean}; {found.gated.label} leads to the end from {span} on in {len(steps)} of "
            f"{trained.seeds} pairs."
        )
    else:
        yield f"In training {mean}; {found.gated.label} leads at the end in none of {trained.seeds} pairs."
