"""The public result of road 1: a network's kernels with their steps and their certificate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import sympy as sp

from glutheory.networks import Network
from glutheory.networks import network as named_network
from glutheory.symbolic.certify import Check
from glutheory.symbolic.duals import Dual, dual
from glutheory.symbolic.gaussian import a, b, c
from glutheory.symbolic.kernels import Branch, Kernels, d, g, kernels
from glutheory.symbolic.steps import Step, dual_steps, kernel_steps


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


@dataclass(frozen=True, eq=False)
class Derivation:
    """The kernels of a two-layer network in closed form.

    Attributes:
        network: what was derived.
        duals: the dual activations of its branches, in their order.
        kernels: NNGP and NTK blocks in terms of the duals' symbols.
    """

    network: Network
    duals: tuple[Dual, ...]
    kernels: Kernels

    @property
    def dual(self) -> Dual:
        """The dual of the gate (of the last branch in general): its .S and .T are in a, b, c."""
        return self.duals[-1]

    def _substitution(self, keep_last: bool) -> dict[sp.Symbol, sp.Expr]:
        """Each branch's S and T as closed forms; other variances in the standard parametrisation are a_i, b_i."""
        values: dict[sp.Symbol, sp.Expr] = {}
        for i, (branch, own) in enumerate(zip(self.kernels.branches, self.duals, strict=True), start=1):
            last = i == len(self.duals)
            if last and keep_last:
                continue
            move = {} if last or self.kernels.parametrization == "ntk" else _own_symbols(branch, i)
            values[branch.S], values[branch.T] = (value.subs(move, simultaneous=True) for value in (own.S, own.T))
        return values

    @cached_property
    def _values(self) -> dict[sp.Symbol, sp.Expr]:
        return self._substitution(keep_last=False)

    def _closed(self, expr: sp.Expr, values: Mapping[sp.Symbol, sp.Expr] | None = None) -> sp.Expr:
        closed = expr.subs(self._values if values is None else values, simultaneous=True)
        # in the NTK parametrisation γ² x·x' = x·x'/d is the covariance c of every branch
        return closed.subs(g, c * d) if self.kernels.parametrization == "ntk" else closed

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
            key: sp.collect(sp.expand(self._closed(value, values)), [last.S, last.T], sp.factor)
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
        return (*dual_steps(self.dual), *kernel_steps(self.kernels))

    def verify(self) -> Verification:
        """Run the certificate: of every dual activation used, and of the kernels' composition."""
        checks = [check for own in dict.fromkeys(self.duals) for check in own.checks()]
        return Verification((*checks, self.kernels.check()))


def _own_symbols(branch: Branch, index: int) -> dict[sp.Symbol, sp.Expr]:
    """a, b, c of a branch other than the last: its covariance in terms of x·x', its variances as a_i, b_i."""
    first, second = sp.symbols(f"a_{index} b_{index}", positive=True)
    return {a: first, b: second, c: branch.covariance}


@lru_cache(maxsize=128)
def _derivation(network: Network, parametrization: str) -> Derivation:
    return Derivation(network, tuple(dual(act) for act in network.branches), kernels(network, parametrization))


def derivation(network: Network | str, *, parametrization: str = "ntk") -> Derivation:
    """Derive the NNGP and NTK kernels of a network.

    Args:
        network: a `Network`, or a name of the zoo ("swiglu"; an activation's name is the non-gated network).
        parametrization: "ntk" (unit-variance weights, scales outside) or "standard" (variances σ_v², σ_w², σ_p²).

    Raises:
        UnknownNameError: no such network.
        DomainError: no such parametrisation.
    """
    return _derivation(named_network(network), parametrization)
