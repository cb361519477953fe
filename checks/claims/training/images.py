"""The evidence on images: the same crossing, and where the early lead of the non-gated network comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checks.claims.training.image_task import ImageTask
from checks.claims.training.measures import LEVEL, Race, Statement
from checks.tools.signs import power, shown, signs
from checks.tools.training_task import PAIRS
from glutheory.claims import About, Assumption, Control, Evidence, Figure, Finding, Grade

Array = npt.NDArray[np.float64]
#: Sign tests on images, two-sided, at a level of their own: 3 crossings and 3 early leads.
TESTS = 6
LIMIT = LEVEL / (2 * TESTS)
ImageRaces = Mapping[tuple[str, str], Race]


@dataclass(frozen=True)
class Found:
    """The races on one set of images.

    Attributes:
        task: what was trained.
        races: by pair, with the digits as they are; time in epochs.
        centred: the same with their mean subtracted, up to the early look.
    """

    task: ImageTask
    races: ImageRaces
    centred: ImageRaces

    @property
    def epoch(self) -> float:
        """Of the early look."""
        return self.task.early / self.task.steps


def races(task: ImageTask, losses: Mapping[str, Array]) -> dict[tuple[str, str], Race]:
    """By pair."""
    found = {}
    for plain, gated in PAIRS:
        with np.errstate(invalid="ignore", divide="ignore"):
            gap = np.log(losses[gated]) - np.log(losses[plain])
        found[plain, gated] = Race(gap, task.looks[: len(gap)] / task.steps)
    return found


def differs(task: ImageTask) -> dict[str, Figure]:
    """What was trained, and how that differs from the released code."""
    of = task.protocol
    scale = "that of the release" if task.scale else "mean and deviation of the images trained on"
    return {
        "images": task.source,
        "protocol": of.data,
        "images trained on": f"{task.n} (released: {of.images}), a random part of each class",
        "width": f"{task.hidden} for {task.d} inputs (released: {of.hidden} for {of.inputs})",
        "batch": f"{task.batch} (released: {of.batch})",
        "epochs": f"{task.epochs} of {task.steps} steps (released: {of.epochs} of {-(-of.images // of.batch)})",
        "rate": f"{task.rate:.4g}, times the width {task.rate * task.hidden:.4g} "
        f"(released: {of.rate:g}, {of.rate * of.hidden:.4g})",
        "normalisation": scale,
    }


def crossing(found: Found, statement: Statement) -> Evidence:
    """The crossing of the training losses, on these images."""
    task, events, rows = found.task, {}, dict[str, Figure]()
    for pair, race in found.races.items():
        label, early = "/".join(pair), race.at(found.epoch)
        events[label] = statement.crosses(early, race.end)
        rows[label] = {
            "crossing epoch": shown(race.crossing),
            f"smallest and largest ln(gated/plain) at step {task.early}": _ends(early),
            "at the end": _ends(race.end),
        }
    finding, figures = signs(events, LIMIT)
    what = f"the training losses at step {task.early} and at epoch {task.epochs}, {task.seeds} seeds: {task.name}"
    figures |= {"level of all tests on images": LEVEL, "measured": rows, "what was trained": differs(task)}
    if not task.released:
        return Evidence(Grade.STATISTICAL, what, finding, About.CORRECTED, "images", figures)
    return Evidence(Grade.STATISTICAL, what, finding, About.LITERAL, f"images: {task.protocol.data}", figures)


def lead(found: Found, statement: Statement) -> Evidence:
    """The early lead with and without the mean of the targets."""
    task, events, rows = found.task, {}, dict[str, Figure]()
    for pair, race in found.races.items():
        label, raw = "/".join(pair), race.at(found.epoch)
        centred = found.centred[pair].at(found.epoch)
        events[label] = statement.of_mean(raw, centred)
        rows[label] = {"targets as they are": _ends(raw), "their mean subtracted": _ends(centred)}
    finding, figures = signs(events, LIMIT)
    what = f"without the mean of the targets less than half of the early lead is left, step {task.early}"
    figures |= {"smallest and largest ln(gated/plain)": rows}
    return Evidence(Grade.STATISTICAL, what, finding, About.CORRECTED, "images: the mean", figures)


def controls(found: Found, wrong: Mapping[str, Statement]) -> tuple[Control, ...]:
    """Wrong statements that the evidence on images must refute."""
    made = []
    for altered, statement in wrong.items():
        pieces = crossing(found, statement), lead(found, statement)
        against = [piece.part for piece in pieces if piece.finding is Finding.REFUTES]
        made.append(Control(f"images: {altered}", bool(against), f"refuted by: {', '.join(against) or 'none'}"))
    return tuple(made)


def assumptions(found: Found) -> tuple[Assumption, ...]:
    """Evaluated on the runs."""
    gaps = [race.gap for race in (*found.races.values(), *found.centred.values())]
    chance = power(found.task.seeds, 0.999, LIMIT, TESTS)
    return (
        Assumption(
            "images",
            "no training on images diverges",
            all(np.isfinite(gap).all() for gap in gaps),
            f"{2 * len(found.races) * found.task.seeds} networks trained",
        ),
        Assumption(
            "power on images",
            f"all {TESTS} tests decide with probability 0.99, if each network does as claimed with 0.999",
            chance >= 0.99,
            f"{chance:.4f}",
        ),
    )


def _ends(values: Array) -> Figure:
    return [round(float(np.min(values)), 4), round(float(np.max(values)), 4)]
