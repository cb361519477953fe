"""The recursion in ball arithmetic, from certified series of the activation, against enclosures of whole stacks."""

from __future__ import annotations

from fractions import Fraction

from checks.claims.depth.law import Law
from checks.settings import Settings
from checks.tools.deep_balls import differences, recursion
from checks.tools.deep_kernels import Block
from checks.tools.evidence import equal
from glutheory.claims import Evidence

_POINTS = (Fraction(1, 4), Fraction(-1, 2))


def entries(law: Law, settings: Settings) -> Evidence:
    """The NTK of whole stacks, enclosed by integration, less the recursion."""
    gates = ("reglu", "geglu", "swiglu", "glu") if settings.profile.thorough else ("reglu", "swiglu")
    depths = (1, 3)
    found = []
    for block in (Block(gate, gated) for gate in gates for gated in (False, True)):
        for residual in (True, False):
            for rho in _POINTS:
                claimed = recursion(law.block(block), rho, max(depths), law.residual(residual), law.rule)
                found += differences({depth: claimed[depth] for depth in depths}, block, rho, residual)
    what = (
        f"the recursion against enclosed NTKs of stacks of {depths} blocks at two inner products ({', '.join(gates)})"
    )
    return equal(what, found, part="recursion")
