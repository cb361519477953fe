"""Branch points: at a kink k where φ is like (z − k)^{n/2}, φ(k ± w²) is analytic in w.

A reading of the definition, for the rules that integrate up to a kink.
"""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

from glutheory.activations import Z


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
        rest = sp.Poly(dict(((power - order,), value) for (power,), value in polynomial.terms()), w).as_expr()
        names[node] = sp.Dummy()
        values[names[node]] = w ** (order * node.exp) * rest**node.exp
    return branch.xreplace(names).subs(Z, kink + side * w**2).xreplace(values).xreplace({w: Z})
