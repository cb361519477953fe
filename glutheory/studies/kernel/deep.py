"""NNGP and NTK of a stack over the correlation ρ of two inputs, without its gates and with them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import array_api_compat.numpy as xp
import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError
from glutheory.layers import Stack
from glutheory.numeric import gram
from glutheory.numeric.deep.field import make_deep_field
from glutheory.numeric.deep.plan import DeepPlan
from glutheory.numeric.duals import evaluator
from glutheory.numeric.pairs import Geometry
from glutheory.numeric.reading import prepare
from glutheory.studies.pairs import stack_pair

Array = npt.NDArray[np.float64]
#: Of the curves, as tables and figures name them: the NNGP without gates and with them, then the NTK.
NAMES = ("Σ", "Σ̃", "K", "K̃")


@dataclass(frozen=True, eq=False)
class StackCurves:
    """The kernels of a stack and of the one with all else alike, in the ntk parametrisation.

    Attributes:
        plain, gated: the names of the two stacks.
        rho: the correlations of the inputs, ascending, shape (k,).
        nngp, nngp_gated: Σ of the outputs, shape (k,).
        K, K_gated: the NTK; inf at ρ = 1 where an activation jumps.
        slopes: the derivatives of these four in ρ at ρ = 0.
    """

    plain: str
    gated: str
    rho: Array
    nngp: Array
    nngp_gated: Array
    K: Array
    K_gated: Array
    slopes: tuple[float, ...]

    @property
    def columns(self) -> tuple[Array, Array, Array, Array]:
        """The four curves."""
        return self.nngp, self.nngp_gated, self.K, self.K_gated

    @property
    def normalised(self) -> StackCurves:
        """Every curve divided by its value at ρ = 1, which must be among `rho`.

        Raises:
            DomainError: one of them is infinite or 0 there.
        """
        tops = [float(column[-1]) for column in self.columns]
        if not all(math.isfinite(top) and top != 0 for top in tops):
            raise DomainError(
                f"a curve of {self.plain!r} or {self.gated!r} is infinite or 0 at ρ = 1: do not divide by it."
            )
        nngp, nngp_gated, K, K_gated = (column / top for column, top in zip(self.columns, tops, strict=True))
        slopes = tuple(slope / top for slope, top in zip(self.slopes, tops, strict=True))
        return StackCurves(self.plain, self.gated, self.rho, nngp, nngp_gated, K, K_gated, slopes)


def stack_curves(stack: Stack, rho: Array, a: float, b: float) -> StackCurves:
    """The four curves at these correlations.

    Args:
        stack: with gates or without; the other one is found.
        rho: ascending, in [−1, 1], shape (k,).
        a: ‖x‖²/d of one input.
        b: of the other.

    Raises:
        DomainError: an argument of `glutheory.gram`, an activation that jumps elsewhere than at 0, or values beyond
            float64.
    """
    pair = stack_pair([stack])
    for act in stack.activations:
        if evaluator(act).values_only:
            raise DomainError(
                f"{act.label} jumps elsewhere than at 0, and the NTK of opposite inputs cannot be had: use another "
                "one, or take glutheory.gram at your own inputs."
            )
    one = math.sqrt(2 * a) * np.array([[1.0, 0.0]])
    # √(1 − ρ²) without cancellation: the angle keeps its digits up to ρ = ±1
    rows = math.sqrt(2 * b) * np.column_stack([rho, np.sqrt((1 - rho) * (1 + rho))])
    curves, slopes = [], []
    for net in pair:
        nngp, ntk = gram(net, one, rows, kind="both")
        if not np.isfinite(nngp).all():
            raise DomainError(f"the NNGP of {net.name!r} is beyond float64 at variances {a:g} and {b:g}: give smaller.")
        curves.append((nngp[0], ntk[0]))
        slopes.append(_slopes(net, one, math.sqrt(2 * b)))
    (nngp, ntk), (nngp_gated, ntk_gated) = curves
    return StackCurves(
        pair[0].name,
        pair[1].name,
        rho,
        nngp,
        nngp_gated,
        ntk,
        ntk_gated,
        (slopes[0][0], slopes[1][0], slopes[0][1], slopes[1][1]),
    )


def _slopes(stack: Stack, one: Array, norm: float) -> tuple[float, float]:
    """The derivatives of NNGP and NTK at right angles."""
    plan = prepare(stack, one, np.array([[0.0, norm]]))
    assert isinstance(plan, DeepPlan)
    field = make_deep_field(plan)
    pairs = Geometry(xp, np.zeros((1, 1)), False, 0.0)
    with np.errstate(all="ignore"):
        found = [field.terms(pairs, lambda f: f[..., :, None], lambda f: f[..., None, :], k) for k in ("nngp", "ntk")]
    nngp, ntk = (float((terms.rho * terms.scale)[0, 0]) for terms in found)
    return nngp, ntk
