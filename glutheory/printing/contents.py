"""What is to be said about a network, collected once for all formats: a `Report`, each part computed when asked for.

`told` tells its derivation as steps in which each auxiliary quantity (D, A, θ) is named where it first occurs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, partial

import sympy as sp

from glutheory.activations import Activation, Z, activation
from glutheory.errors import DerivationError, ExpressionError
from glutheory.ground import rational
from glutheory.networks import Network
from glutheory.printing.constants import Constants, constants, grows, long
from glutheory.printing.digits import GUARD, certified, shown
from glutheory.printing.legible import Legible, Pairs, legible
from glutheory.printing.samples import Sample, SpecialValue, balls_of_a_series, formula_balls, samples, special_values
from glutheory.printing.ways import Notation, present
from glutheory.symbolic.derived import Derivation, Step, Verification, derivation
from glutheory.symbolic.duals import HERMITE, MIXTURE, dual

#: How many coefficients of a Hermite series are shown, and with how many digits.
SHOWN, SHOWN_DIGITS = 8, 7


@dataclass(frozen=True, eq=False)
class Report:
    """A derivation with everything that is printed about it.

    Attributes:
        network: what was derived.
        digits: the significant digits of the values.
        begin: told what is computed next, in a word or two.
    """

    network: Network
    digits: int
    begin: Callable[[str], None]

    @cached_property
    def ntk(self) -> Derivation:
        """The derivation in the NTK parametrisation."""
        return derivation(self.network)

    @cached_property
    def standard(self) -> Derivation:
        """The derivation in the standard parametrisation."""
        return derivation(self.network, parametrization="standard")

    @property
    def gate(self) -> Activation:
        """φ: the gate, or the only activation."""
        return self.ntk.dual.activation

    @property
    def method(self) -> str:
        """How S and T were found: one of the three methods of `glutheory.symbolic.duals`."""
        return self.ntk.dual.method

    @cached_property
    def notation(self) -> Notation | None:
        """S and T with named auxiliary quantities, for given mixing variables; None for a series."""
        self.begin("formulas")
        own = self.ntk.dual
        return None if self.method == HERMITE else present([own.s.kernel, own.t.kernel])

    @cached_property
    def legible(self) -> Legible | None:
        """S, T and their special values with names for long numbers; None for a series."""
        if self.notation is None:
            return None
        exprs = [act.expr for act in self.network.branches]
        if self.notation.has(long):
            parameters = [pair for act in self.network.branches for pair in act.parameters]
            short = legible(self.ntk.dual, self.notation, constants(exprs, parameters, grows))
            if short.dual is not self.ntk.dual:
                return short
        return legible(self.ntk.dual, self.notation, constants(exprs))

    @property
    def constants(self) -> Constants:
        """The named numbers of the definitions and the formulas; empty where all numbers are short."""
        if self.legible is None:
            return constants(act.expr for act in self.network.branches)
        return self.legible.constants

    @property
    def formulas(self) -> tuple[sp.Expr, sp.Expr]:
        """S and T as they are printed, the expectation over the mixing variables included."""
        return (self.ntk.dual.S, self.ntk.dual.T) if self.legible is None else self.legible.formulas

    @property
    def definitions(self) -> Pairs:
        """The auxiliary quantities that the printed S and T use, with their meanings."""
        return () if self.legible is None else self.legible.definitions

    @cached_property
    def general(self) -> tuple[sp.Symbol, Notation] | None:
        """S and T for a symbolic parameter (before averaging), where φ has one whose value is a broken number.

        None where `free` has it.
        """
        act = self.gate
        if self.method == HERMITE or len(act.parameters) != 1 or act.parameters[0][1].is_Integer or self.free:
            return None
        symbol = sp.Symbol(act.parameters[0][0], positive=True)
        own = dual(activation(act.name, **{symbol.name: symbol}))
        return symbol, present([own.s.kernel, own.t.kernel])

    @property
    def free(self) -> sp.Symbol | None:
        """The one parameter of φ, where S and T are printed by its name: they are those of every value."""
        named = [symbol for symbol in self.constants.symbols if symbol.name in dict(self.gate.parameters)]
        return named[0] if len(named) == len(self.gate.parameters) == 1 else None

    @cached_property
    def verification(self) -> Verification:
        """The certificate of the derivation."""
        self.begin("checks")
        return self.ntk.verify()

    @cached_property
    def special(self) -> tuple[SpecialValue, ...]:
        """The special values ρ = 1, c = 0, ρ = −1."""
        self.begin("special values")
        values = partial(
            balls_of_a_series if self.method == HERMITE else formula_balls, self.ntk, digits=self.digits + GUARD
        )
        return special_values(self.notation, values, partial(shown, digits=self.digits))

    @property
    def legible_special(self) -> tuple[SpecialValue, ...]:
        """The special values as they are printed."""
        if self.legible is None:
            return self.special
        formulas = self.legible.special
        return tuple(replace(value, formula=own) for value, own in zip(self.special, formulas, strict=True))

    @cached_property
    def samples(self) -> tuple[Sample, ...]:
        """The sample values by both roads."""
        self.begin("sample values")
        return samples(self.ntk, self.digits)

    @cached_property
    def hermite(self) -> tuple[str, ...]:
        """h_0, h_1, … at variance 1 where the series is the first or the second representation; "0" for exact zeros."""
        if self.method not in (HERMITE, MIXTURE):
            return ()
        from glutheory.symbolic.hermite import hermite_series

        series = hermite_series(self.gate, Fraction(1), SHOWN, SHOWN_DIGITS + GUARD)
        return tuple(certified(h, SHOWN_DIGITS) or "0" for h in series.coefficients)

    @cached_property
    def half_linear(self) -> bool:
        """Whether φ(z) = z/2 + an even function, so that h_1(a) = √a/2 and all other odd coefficients vanish."""
        if self.method not in (HERMITE, MIXTURE) or self.hermite[1] != "0.5000000":
            return False
        odd = self.gate.expr - self.gate.expr.subs(Z, -Z) - Z
        if sp.cancel(odd) == 0:  # a rational function of z and e^z: decided without `simplify`, which is slow to import
            return True
        from glutheory.symbolic.hermite import odd_part_is_linear

        try:
            return odd_part_is_linear(self.gate)
        except (DerivationError, ExpressionError):
            return False

    @property
    def refuted(self) -> tuple[str, ...]:
        """Every failed check and every disagreement of the roads, one sentence each; empty if all is well."""
        failed = [f"check failed: {check.statement}" for check in self.verification.checks if not check.passed]
        for at in self.samples:
            failed += [
                f"the roads disagree: {q.name}({at.a},{at.b},{at.c}) is {q.formula} by the formula, "
                f"{q.integral} by the integral"
                for q in at.quantities
                if q.agree is False
            ]
        return tuple(failed)


def _unheard(_what: str) -> None:
    """Nobody wants to know."""


def report(network: Network, *, digits: int = 15, begin: Callable[[str], None] = _unheard) -> Report:
    """The report on a network, with this many digits in its values; its parts are computed when first asked for.

    Args:
        network: what to derive.
        digits: the significant digits of the values.
        begin: called with a word or two for each part before it is computed.
    """
    return Report(network, digits, begin)


def kernel_formulas(own: Derivation) -> dict[str, sp.Expr]:
    """The keys "nngp", "ntk" and the blocks' roles; the branches of a product keep their own symbols S_i, T_i."""
    if len(own.duals) == 1 or own.network.gated:
        return dict(own.formulas)
    return {"nngp": own.kernels.nngp, **own.kernels.blocks, "ntk": own.kernels.ntk}


@dataclass(frozen=True)
class ToldStep:
    """One step for readers.

    Attributes:
        name: a few words.
        rule: the rule used.
        statements: pairs left = right; the first is the step's own, the others define what it names.
    """

    name: str
    rule: str
    statements: tuple[tuple[sp.Expr, sp.Expr], ...]


def told(found: Report) -> list[ToldStep]:
    """The steps of the NTK-parametrised derivation; a quantity such as D is defined in the first step that uses it."""
    known: set[sp.Symbol] = set()
    named = found.ntk.dual if found.legible is None else found.legible.dual
    own = replace(found.ntk, duals=tuple(named if dual is found.ntk.dual else dual for dual in found.ntk.duals))
    return [_told(found, step, known) for step in own.steps]


def _told(found: Report, step: Step, known: set[sp.Symbol]) -> ToldStep:
    right: sp.Expr = step.right
    definitions: tuple[tuple[sp.Symbol, sp.Expr], ...] = ()
    if step.name in ("S", "T"):
        right = found.formulas["ST".index(step.name)]
        definitions = found.definitions
    elif isinstance(step.left, sp.Derivative) and len(step.left.expr.args) == 1:
        right = right if right.has(sp.DiracDelta) else rational.factor(right)
    elif isinstance(step.left, sp.Derivative):
        notation: Notation = present([right])
        right, definitions = notation.formulas[0], notation.definitions
    new = tuple(pair for pair in definitions if pair[0] not in known)
    known.update(symbol for symbol, _ in new)
    named = found.constants.named
    return ToldStep(step.name, step.rule, tuple((left, named(own)) for left, own in ((step.left, right), *new)))
