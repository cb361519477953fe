"""Branch points: at a kink k where φ is like (z − k)^{n/2}, φ(k ± w²) is analytic in w.

A reading of the definition, for the rules that integrate up to a kink.
"""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

from glutheory.activations import Z
from glutheory.ground.pieces import Pieces


def _half_powers(branch: sp.Expr, kink: sp.Expr) -> list[sp.Pow]:
    """The powers with exponents n/2 of what is 0 at the kink."""
    powers = [node for node in branch.atoms(sp.Pow) if node.has(Z) and node.exp.is_Rational and node.exp.q == 2]
    return [node for node in powers if (value := node.base.subs(Z, kink)) == 0 or value.equals(0)]


@lru_cache(maxsize=1024)
def branched(branch: sp.Expr, kink: sp.Expr) -> bool:
    """Whether the branch has a branch point there."""
    return bool(_half_powers(branch, kink))


@lru_cache(maxsize=1024)
def unfolded(branch: sp.Expr, kink: sp.Expr, side: int) -> sp.Expr | None:
    """The branch at kink + side·w² as an expression in w ≥ 0, which is called `Z` too and analytic at 0.

    None where there is no branch point, or one that is not that of a polynomial's power.
    """
    own = _half_powers(branch, kink)
    if not own:
        return None
    w = sp.Dummy("w", positive=True)
    names, values = {}, {}
    for node in own:
        base = node.base.subs(Z, kink + side * w**2)
        if not base.is_polynomial(w):
            return None
        polynomial = sp.Poly(sp.expand(base), w)
        order = min(power for (power,) in polynomial.monoms())
        rest = sp.Poly({(power - order,): value for (power,), value in polynomial.terms()}, w).as_expr()
        names[node] = sp.Dummy()
        values[names[node]] = w ** (order * node.exp) * rest**node.exp
    return branch.xreplace(names).subs(Z, kink + side * w**2).xreplace(values).xreplace({w: Z})


def branch_kinks(found: Pieces) -> tuple[sp.Expr, ...]:
    """The kinks at which φ has a branch point on either side."""
    sides = zip(found.kinks, found.branches, found.branches[1:], strict=False)
    return tuple(kink for kink, left, right in sides if branched(left, kink) or branched(right, kink))


def near_line(found: Pieces) -> str | None:
    """Why digits may be out of reach near |ρ| = 1, where φ has branch points; None where it has none."""
    kinks = branch_kinks(found)
    if not kinks:
        return None
    places = " and ".join(f"z = {kink}" for kink in kinks[:2])
    return (
        f"the branch point{'s' if len(kinks) > 1 else ''} at {places}, where both units are singular together, "
        "cannot be resolved so near |ρ| = 1: take |ρ| = 1 itself, |ρ| farther from 1, or fewer digits"
    )
