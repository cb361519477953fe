"""SymPy's Piecewise as a formula with max and min, which every road reads."""

from __future__ import annotations

from itertools import pairwise

import sympy as sp

from glutheory.activations.variable import Z
from glutheory.errors import ExpressionError

_REMEDY = "write each condition as an interval of z, such as z > 0, and let the last one be True"


def without_piecewise(expr: sp.Expr) -> sp.Expr:
    """The same function without Piecewise.

    With branches f_0, …, f_m between the kinks k_1 < … < k_m,

        φ(z) = f_0(min(z, k_1)) + Σ_i [f_i(clip(z, k_i, k_{i+1})) − f_i(k_i)] + Σ_i J_i H(z − k_i),

    where J_i is the jump at k_i. No branch is asked for values beyond its interval, where it might overflow. At a jump
    itself the value is the mean of both sides (H(0) = 1/2), whatever the conditions say of this one point.

    Raises:
        ExpressionError: conditions that are no intervals of z, that leave some z out, or a branch that is not finite
            at its end.
    """
    if not expr.has(sp.Piecewise):
        return expr
    ends, branches = _intervals(expr)
    first = Z if not ends else sp.Min(Z, ends[0])
    total = branches[0].subs(Z, first)
    for index, (left, right) in enumerate(pairwise(branches)):
        kink = ends[index]
        low, high = (_value(branch, kink, expr) for branch in (left, right))
        inside = sp.Max(kink, Z)
        if index + 1 < len(ends):
            inside = sp.Max(kink, sp.Min(Z, ends[index + 1]))
        total += right.subs(Z, inside) - high
        if (jump := sp.simplify(high - low)) != 0:
            total += jump * sp.Heaviside(Z - kink)
    return total


def _intervals(expr: sp.Expr) -> tuple[list[sp.Expr], list[sp.Expr]]:
    """The kinks in ascending order, and the branch on each interval between."""
    folded = sp.piecewise_fold(expr)
    if not isinstance(folded, sp.Piecewise):
        return [], [folded]
    try:
        pairs = folded.as_expr_set_pairs(sp.S.Reals)
        found = [
            (part, branch)
            for branch, where in pairs
            for part in (where.args if isinstance(where, sp.Union) else (where,))
            if part is not sp.S.EmptySet and not isinstance(part, sp.FiniteSet)
        ]
        found.sort(key=lambda pair: sp.default_sort_key(pair[0]) if pair[0] is sp.S.Reals else pair[0].inf)
        starts = [part.inf for part, _ in found]
        stops = [part.sup for part, _ in found]
    except (AttributeError, NotImplementedError, TypeError, ValueError):
        raise ExpressionError(f"the conditions of {_short(expr)} cannot be read: {_REMEDY}.") from None
    whole = [-sp.oo, *stops] == [*starts, sp.oo]
    if not found or not whole or any(branch is sp.nan for _, branch in found):
        raise ExpressionError(f"the conditions of {_short(expr)} do not cover every z: {_REMEDY}.")
    kinks, branches = [], [found[0][1]]
    for (part, _), (_, branch) in pairwise(found):
        if branch != branches[-1]:
            kinks.append(part.sup)
            branches.append(branch)
    return kinks, branches


def _value(branch: sp.Expr, kink: sp.Expr, expr: sp.Expr) -> sp.Expr:
    value = branch.subs(Z, kink)
    if value.is_finite is False or value.is_real is False or value.has(sp.nan, sp.zoo, sp.oo):
        raise ExpressionError(
            f"{_short(expr)} has a branch that is not finite at its end z = {kink}: write one that is."
        )
    return value


def _short(expr: sp.Expr) -> str:
    text = str(expr)
    return text if len(text) <= 60 else f"{text[:59]}…"
