"""The figure of `glutheory dynamics`: the two losses over the steps, trained ones beside them, and their ratio."""

from __future__ import annotations

import numpy as np

from glutheory.figures.chart import Chart, Role, Series
from glutheory.studies.dynamics.study import Array, Dynamics, Side
from glutheory.studies.dynamics.training import Trained, marks

#: Points per decade of a curve.
_POINTS = 25
#: Losses outside of these multiples of the first one are not drawn: they would leave no room for the others.
_RANGE = (1e-20, 1e6)
_ROLES = (Role.PLAIN, Role.GATED)


def charts(found: Dynamics) -> tuple[Chart, ...]:
    """The losses, and the ratio of the two."""
    steps = marks(found.steps, _POINTS)[1:]
    plain, gated = (_drawable(side.loss(steps, found.rate), side) for side in found.sides)
    series = [
        Series(f"{side.label}, expected", steps.tolist(), loss.tolist(), role)
        for side, loss, role in zip(found.sides, (plain, gated), _ROLES, strict=True)
    ]
    with np.errstate(all="ignore"):
        ratio = plain / gated
    # a single point is no line
    ratios = [Series("expected", steps.tolist(), ratio.tolist(), Role.THEORY, line=bool(np.isfinite(ratio).sum() > 1))]
    if found.trained is not None:
        series += _trained(found, found.trained)
        ratios.append(_ratio(found.trained))
    # what happens before the first step has no place on the axis
    inside = [item.step for item in found.changes if 1 <= item.step <= found.steps]
    if inside:
        at = found.plain.loss(inside, found.rate).tolist()
        series.append(Series("expected losses cross", inside, at, Role.THEORY, line=False))
    names = f"{found.plain.label} and {found.gated.label}"
    beyond = (
        " A crossing lies beyond the steps shown." if any(item.step > found.steps for item in found.changes) else ""
    )
    if np.isnan(plain).any() or np.isnan(gated).any():
        beyond += f" Left out: losses beyond {_RANGE[1]:.0e} or below {_RANGE[0]:.0e} of that at the start."
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


def _drawable(loss: Array, side: Side) -> Array:
    first = side.curve.initial / len(side.curve.weights)
    with np.errstate(invalid="ignore"):
        inside = (loss >= _RANGE[0] * first) & (loss <= _RANGE[1] * first)
    return np.where(inside, loss, np.nan)


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
