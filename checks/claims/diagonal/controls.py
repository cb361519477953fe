"""The negative controls: wrong statements, and inputs on which the gate does the opposite."""

from __future__ import annotations

from fractions import Fraction

from checks.claims.diagonal.evidence import Statement
from checks.claims.diagonal.kernels import CLOSE

MUTANTS: dict[str, Statement] = {
    "the non-gated kernel is the more diagonally dominant one": Statement(lower=lambda plain, gated: plain < gated),
    "inputs within 0.3 degrees of one another": Statement(kinds=(CLOSE,)),
    "every gated measure below a tenth of the non-gated one": Statement(lower=lambda plain, gated: gated < plain / 10),
    "every row is diagonally dominant in the literal sense": Statement(dominant=True),
    "cos alpha times the correlation at equal width": Statement(wider_by=Fraction(0)),
    "at a width greater by 2d": Statement(wider_by=Fraction(2)),
    "the square of cos alpha": Statement(power=2),
    "angles of ReGLU larger by 15 %": Statement(stretch=1.15),
}
