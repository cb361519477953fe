"""The public result of road 1: a network's kernels, the steps of their derivation, and their certificate.

A step says what was done, by which rule or theorem, with which result; `Derivation.verify` checks the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import sympy as sp

from glutheory.activations import Activation, Z
from glutheory.ground import rational
from glutheory.ground.normal_form import KAPPA, as_expression, differentiate
from glutheory.networks import Network
from glutheory.networks import network as named_network
from glutheory.shown import Shown
from glutheory.symbolic.certify import Check
from glutheory.symbolic.duals import HERMITE, MIXTURE, Dual, dual
from glutheory.symbolic.gaussian import a, b, c, sigma, tau
from glutheory.symbolic.kernels import DUAL, Branch, Kernels, kernels
from glutheory.symbolic.pairs import KAPPA_PRIME, Part

S = sp.Function("S")
T = sp.Function("T")
_PHI = sp.Function("phi")


@dataclass(frozen=True, eq=False, repr=False)
class Derivation(Shown):
    """The kernels of a two-layer network in closed form.

    Attributes:
        network: what was derived.
        duals: the dual activations of its branches, in their order.
        kernels: NNGP and NTK blocks in terms of the duals' symbols.
    """

    network: Network
    duals: tuple[Dual, ...]
    kernels: Kernels

    def __repr__(self) -> str:
        return (
            f"<Derivation of {self.network.name}: {self.kernels.parametrization} parametrisation, {self.dual.method}>"
        )

    @property
    def dual(self) -> Dual:
        """The dual of the gate (of the last branch in general): its .S and .T are in a, b, c."""
        return self.duals[-1]

    def _substitution(self, keep_last: bool) -> dict[sp.Symbol, sp.Expr]:
        """Each branch's S and T as closed forms, at the branch's own point."""
        values: dict[sp.Symbol, sp.Expr] = {}
        pairs = list(zip(self.kernels.branches, self.duals, strict=True))
        for branch, own in pairs[:-1] if keep_last else pairs:
            values[branch.S], values[branch.T] = _at(branch, own.S), _at(branch, own.T)
        return values

    @cached_property
    def _values(self) -> dict[sp.Symbol, sp.Expr]:
        return self._substitution(keep_last=False)

    def _closed(self, expr: sp.Expr, values: Mapping[sp.Symbol, sp.Expr] | None = None) -> sp.Expr:
        return self.kernels.named(expr.subs(self._values if values is None else values, simultaneous=True))

    @cached_property
    def formulas(self) -> Mapping[str, sp.Expr]:
        """The short forms, in which S and T of the last branch (the gate) stay symbols.

        Keys: "nngp", "ntk" and the blocks' roles; e.g. the NTK of a gated network is 2cS + c²T in the NTK
            parametrisation.
        """
        values = self._substitution(keep_last=True)
        last = self.kernels.branches[-1]
        table = {"nngp": self.kernels.nngp, **self.kernels.blocks, "ntk": sp.Add(*self.kernels.blocks.values())}
        return {
            key: sp.collect(sp.expand(self._closed(value, values)), [last.S, last.T], rational.factor)
            for key, value in table.items()
        }

    @property
    def nngp(self) -> sp.Expr:
        """E[z(x) z(x')] in closed form; in the NTK parametrisation a function of a = ‖x‖²/d, b, c = x·x'/d only."""
        return self._closed(self.kernels.nngp)

    @property
    def ntk(self) -> sp.Expr:
        """The NTK in closed form (the sum of `blocks`)."""
        return sp.Add(*self.blocks.values())

    @property
    def blocks(self) -> Mapping[str, sp.Expr]:
        """The NTK by weight group: "readout", then "hidden", or "value" and "gate", or "branch1" and so on."""
        return {role: self._closed(block) for role, block in self.kernels.blocks.items()}

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The derivation as named steps, each with its rule."""
        return (*_dual_steps(self.dual), *_kernel_steps(self.kernels))

    def verify(self) -> Verification:
        """Run the certificate: of every dual activation used, and of the kernels' composition."""
        checks = [check for own in dict.fromkeys(self.duals) for check in own.checks()]
        return Verification((*checks, self.kernels.check()))


def derivation(network: Network | Activation | str, *, parametrization: str = "ntk") -> Derivation:
    """Derive the NNGP and NTK kernels of a network.

    Args:
        network: a `Network`, or a name of the zoo ("swiglu"; an activation's name is the non-gated network).
        parametrization: "ntk" (unit-variance weights, scales outside) or "standard" (variances σ_v², σ_w², σ_p²).

    Raises:
        UnknownNameError: no such network.
        DomainError: no such parametrisation.
    """
    return _derivation(named_network(network), parametrization)


@lru_cache(maxsize=128)
def _derivation(network: Network, parametrization: str) -> Derivation:
    return Derivation(network, tuple(dual(act) for act in network.branches), kernels(network, parametrization))


def _at(branch: Branch, value: sp.Expr) -> sp.Expr:
    """A function of a, b, c at the branch's own point."""
    move = {symbol: own for symbol, own in zip(DUAL, branch.point, strict=True) if own != symbol}
    return value.subs(move, simultaneous=True)


@dataclass(frozen=True)
class Verification:
    """The outcome of `Derivation.verify`.

    Attributes:
        checks: every identity that was checked.
    """

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed (and there is at least one)."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods used, e.g. ("symbolic",)."""
        return tuple(dict.fromkeys(check.method for check in self.checks))


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


def _dual_steps(found: Dual) -> tuple[Step, ...]:
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


def _elementary(part: Part) -> sp.Expr:
    if part.family is None:
        return part.coefficient * part.value
    s2, t2 = part.squares
    root = sp.sqrt((a + s2) * (b + t2) - c**2)
    return part.coefficient * part.family.elementary.expression({a: a, b: b, sigma: s2, tau: t2}, sp.S.Zero, root)


def _kernel_steps(found: Kernels) -> tuple[Step, ...]:
    """The steps from the duals to NNGP and NTK."""
    steps = [Step("NNGP", "independent neurons and weights: the expectation factors", sp.Symbol("Sigma"), found.nngp)]
    for role, block in found.blocks.items():
        rule = f"gradient with respect to the {role} weights at x and x', expectation by independence"
        steps.append(Step(f"{role} block of the NTK", rule, sp.Symbol(f"K_{role}"), block))
    steps.append(Step("NTK", "sum over the weight groups", sp.Symbol("K"), found.ntk))
    return tuple(steps)
