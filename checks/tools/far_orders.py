"""Claimed orders far out: against the deterministic equivalent where it is a power law, and against proved bounds."""

from __future__ import annotations

import sympy as sp

from checks.tools.evidence import proof, script_figures, script_grade
from checks.tools.exponents import PowerLaw, power_law
from checks.tools.far_spectrum import far
from checks.tools.orders import Law, Order
from derivations.proofs.relu_expansion import d, n
from glutheory.claims import About, Evidence, Figure, Finding, Grade

Scale = tuple[int, int]
#: Two scales (n, d), d ≪ n ≪ d², and the factors around them; errors there are of order √(d/n) and √n/d.
SCALES: tuple[Scale, Scale] = ((10**11, 10**8), (10**20, 10**14))
#: The proof script of the bounds.
SCRIPT = "spectral_orders"
_FACTORS = (1, 3, 10)
#: 2√(d/n) = 2e-3 at the further scale, times 2 for what a quotient of two edges adds, rounded up.
_FAR_MARGIN = 0.005


def _far_fit(order: Order, scale: tuple[int, int]) -> tuple[PowerLaw, float]:
    """The exponents of the equivalent around this scale, and its constant there."""
    sizes = [(a * scale[0], b * scale[1]) for a in _FACTORS for b in _FACTORS]
    values = [order.of(*far(*size)) for size in sizes]
    fit = power_law(values, n=[float(x) for x, _ in sizes], d=[float(y) for _, y in sizes])
    middle = (float(_FACTORS[1] * scale[0]), float(_FACTORS[1] * scale[1]))
    return fit, order.of(*far(*(int(x) for x in middle))) / order.at(*middle)


def asymptotic(
    law: Law, about: About = About.CORRECTED, part: str = "", scales: tuple[Scale, Scale] = SCALES
) -> Evidence:
    """The claimed orders against the deterministic equivalent far out, at two scales: the further one is closer."""
    rows: dict[str, Figure] = {}
    good = True
    for name, order in law.items():
        (near, off), (fit, ratio) = (_far_fit(order, scale) for scale in scales)
        errors = (abs(fit.exponent("n") - order.n), abs(fit.exponent("d") - order.d), abs(ratio - 1))
        before = (abs(near.exponent("n") - order.n), abs(near.exponent("d") - order.d), abs(off - 1))
        closer = max(errors) <= max(before)
        good = good and max(errors) <= _FAR_MARGIN and closer
        rows[name] = {
            "claimed": [order.constant, order.n, order.d],
            "exponents": [fit.exponent("n"), fit.exponent("d")],
            "over the claimed order": ratio,
            "over the claimed order, nearer": off,
        }
    (n0, d0), (n1, d1) = scales
    what = (
        f"constants and exponents of the deterministic equivalent around (n, d) = ({n0:.0e}, {d0:.0e}) and "
        f"({n1:.0e}, {d1:.0e}), within {_FAR_MARGIN} at the latter"
    )
    return Evidence(Grade.NUMERICAL, what, Finding.of(good), about, part, rows)


def exceeded(bound: sp.Expr, order: sp.Expr, part: str, what: str, about: About = About.LITERAL) -> Evidence:
    """A proved lower bound over a claimed upper order: refuted if unbounded along n = 2d and along n = d^(3/2).

    A lower bound that is not unbounded says nothing of an upper order. `bound` and `order` are expressions in n and d.
    """
    limits = [sp.limit((bound / order).subs(n, size), d, sp.oo) for size in (2 * d, d ** sp.Rational(3, 2))]
    proved = proof(SCRIPT).finding is Finding.SUPPORTS and all(limit == sp.oo for limit in limits)
    finding = Finding.REFUTES if proved else Finding.UNDECIDED
    figures: dict[str, Figure] = {
        f"at d = {size}, n = 2d, at least": float((bound / order).subs({n: 2 * size, d: size}))
        for size in (10, 100, 1000)
    }
    return Evidence(script_grade(SCRIPT), what, finding, about, part, {**figures, **script_figures(SCRIPT)})


def bounded(bound: sp.Expr, order: sp.Expr, part: str, what: str, about: About = About.LITERAL) -> Evidence:
    """A proved upper bound over a claimed order: supported if it stays finite along n = 2d and along n = d^(3/2).

    An upper bound that does not says nothing: it need not be attained.
    """
    limits = [sp.limit((bound / order).subs(n, size), d, sp.oo) for size in (2 * d, d ** sp.Rational(3, 2))]
    finite = all(limit.is_finite for limit in limits)
    figures: dict[str, Figure] = {
        "limit of the bound over the order, n = 2d": str(limits[0]),
        "n = d^1.5": str(limits[1]),
    }
    proved = proof(SCRIPT).finding is Finding.SUPPORTS and finite
    finding = Finding.SUPPORTS if proved else Finding.UNDECIDED
    return Evidence(script_grade(SCRIPT), what, finding, about, part, {**figures, **script_figures(SCRIPT)})
