"""The figure of `glutheory dynamics`: the two losses over the steps, trained ones beside them, and their ratio."""

from __future__ import annotations

import numpy as np

from glutheory.charts import Chart, Role, Series
from glutheory.studies.dynamics import Dynamics
from glutheory.studies.dynamics_training import Trained, marks

#: Points per decade of a curve.
_POINTS = 25
_ROLES = (Role.PLAIN, Role.GATED)


def charts(found: Dynamics) -> tuple[Chart, ...]:
    """The losses, and the ratio of the two."""
    steps = marks(found.steps, _POINTS)[1:]
    plain, gated = (side.loss(steps, found.rate) for side in found.sides)
    series = [
        Series(f"{side.label}, expected", steps.tolist(), loss.tolist(), role)
        for side, loss, role in zip(found.sides, (plain, gated), _ROLES, strict=True)
    ]
    with np.errstate(all="ignore"):
        ratios = [Series("expected", steps.tolist(), (plain / gated).tolist(), Role.THEORY)]
    if found.trained is not None:
        series += _trained(found, found.trained)
        ratios.append(_ratio(found.trained))
    inside = [item.step for item in found.changes if item.step <= found.steps]
    if inside:
        at = found.plain.loss(inside, found.rate).tolist()
        series.append(Series("expected losses cross", inside, at, Role.THEORY, line=False))
    names = f"{found.plain.label} and {found.gated.label}"
    beyond = "" if len(inside) == len(found.changes) else " A crossing lies beyond the steps shown."
    trained = "" if found.trained is None else f" Bands: the range of {found.trained.seeds} trained networks."
    return (
        Chart(
            f"{names} in gradient descent, learning rate {found.rate:.3g}",
            "step $k$",
            "mean squared error",
            series,
            xscale="log",
            yscale="log",
            note=(
                f"On {found.inputs}. At step 0 the losses are {found.plain.curve.initial / found.n:.4g} and "
                f"{found.gated.curve.initial / found.n:.4g}.{beyond}{trained}"
            ),
        ),
        Chart(
            f"The loss of {found.plain.label} over that of {found.gated.label}",
            "step $k$",
            "ratio of the losses",
            ratios,
            xscale="log",
            yscale="log",
            note=f"Where it is above 1, {found.gated.label} has the lower loss.",
        ),
    )


def _trained(found: Dynamics, trained: Trained) -> list[Series]:
    at = marks(trained.steps, _POINTS).astype(int)[1:]
    return [
        Series(
            f"{side.label}, trained",
            at.tolist(),
            losses.mean(axis=0)[at].tolist(),
            role,
            losses.min(axis=0)[at].tolist(),
            losses.max(axis=0)[at].tolist(),
            dashed=True,
        )
        for side, losses, role in zip(found.sides, trained.losses, _ROLES, strict=True)
    ]


def _ratio(trained: Trained) -> Series:
    at = marks(trained.steps, _POINTS).astype(int)[1:]
    plain, gated = trained.losses.mean(axis=1)
    return Series("trained, means", at.tolist(), (plain / gated)[at].tolist(), Role.OTHER, dashed=True)
