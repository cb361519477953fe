"""The derivation told as steps: what was done, by which rule, with which result."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from glutheory.activations import Z
from glutheory.symbolic.duals import HERMITE, MIXTURE, Dual
from glutheory.symbolic.gaussian import a, b, c, sigma, tau
from glutheory.symbolic.kernels import Kernels
from glutheory.symbolic.pairs import KAPPA_PRIME, Part
from glutheory.terms import KAPPA, as_expression, differentiate


@dataclass(frozen=True)
class Step:
    """One step of a derivation.

    Attributes:
        name: a few words.
        rule: the rule or theorem used, with its source.
        left, right: the statement ``left = right``, SymPy expressions (left may be a bare symbol or function).
    """

    name: str
    rule: str
    left: sp.Expr
    right: sp.Expr


S = sp.Function("S")
T = sp.Function("T")
_PHI = sp.Function("phi")


def _elementary(part: Part) -> sp.Expr:
    if part.family is None:
        return part.coefficient * part.value
    s2, t2 = part.squares
    root = sp.sqrt((a + s2) * (b + t2) - c**2)
    return part.coefficient * part.family.elementary.expression({a: a, b: b, sigma: s2, tau: t2}, sp.S.Zero, root)


def dual_steps(found: Dual) -> tuple[Step, ...]:
    """The steps by which S and T were found."""
    definition = Step("definition", "the activation", _PHI(Z), found.activation.expr)
    if found.method == HERMITE:
        return (
            definition,
            Step(
                "Hermite series",
                "orthonormal Hermite polynomials; Mehler's formula; Parseval bounds the tail",
                S(a, b, c),
                found.S,
            ),
            Step("Hermite series of the derivative", "the same for φ'", T(a, b, c), found.T),
        )
    normal = sp.Add(*(as_expression(term) for term in found.terms))
    steps = [definition]
    if found.method == MIXTURE:
        rule = "the logistic distribution is a normal scale mixture (Andrews & Mallows 1974; Stefanski 1991); E over κ"
        steps.append(Step("scale mixture", rule, _PHI(Z), normal))
    elif normal != found.activation.expr:
        steps.append(Step("normal form", "sum of powers of z times kernels", _PHI(Z), normal))
    k = found.order
    given = " for given κ, κ'" if found.method == MIXTURE else ""
    if k:
        derivative = sp.Add(*(as_expression(term) for term in differentiate(found.terms, k)))
        steps.append(
            Step(
                f"differentiate {k} time{'s' if k > 1 else ''}",
                "in the sense of distributions",
                sp.Derivative(_PHI(Z), (Z, k)),
                derivative,
            )
        )
        elementary = sp.Add(*(_elementary(part) for part in found.s.parts if part.order == k))
        steps.append(
            Step(
                f"elementary expectation{given}",
                "Price's theorem: ∂^k S/∂c^k = E[φ^(k)(u) φ^(k)(v)], a Gaussian integral",
                sp.Derivative(S(a, b, c), (c, k)),
                elementary,
            )
        )
        mean = found.mean.kernel
        means = mean * mean.subs({a: b, KAPPA: KAPPA_PRIME}, simultaneous=True)
        steps.append(
            Step(
                f"value at c = 0{given}",
                "independence of u and v; E[φ(u)] by symmetry and Stein's lemma",
                S(a, b, 0),
                means,
            )
        )
        rule = (
            f"integrate {k} time{'s' if k > 1 else ''} in c (Hermite/Ostrogradsky reduction: ansatz and linear system)"
            + ("; then average over κ, κ'" if given else "")
        )
    else:
        rule = "a Gaussian integral: complete the square (Isserlis for polynomials)"
    steps.append(Step("S", rule, S(a, b, c), found.S))
    steps.append(Step("T", "the same for φ'; equals ∂S/∂c", T(a, b, c), found.T))
    return tuple(steps)


def kernel_steps(found: Kernels) -> tuple[Step, ...]:
    """The steps from the duals to NNGP and NTK."""
    steps = [Step("NNGP", "independent neurons and weights: the expectation factors", sp.Symbol("Sigma"), found.nngp)]
    for role, block in found.blocks.items():
        rule = f"gradient with respect to the {role} weights at x and x', expectation by independence"
        steps.append(Step(f"{role} block of the NTK", rule, sp.Symbol(f"K_{role}"), block))
    steps.append(Step("NTK", "sum over the weight groups", sp.Symbol("K"), found.ntk))
    return tuple(steps)
