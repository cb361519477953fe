"""An activation rewritten so that floating-point evaluation neither overflows nor gives inf/inf.

`1/(1 + exp(−z))` is right in exact arithmetic, yet its derivative `exp(−z)/(1 + exp(−z))²` is inf/inf in float32 at
z = −100. Here every quotient of that shape becomes a power of the logistic function, every `log(1 + exp(z))` the
softplus function, `sinh/cosh` a hyperbolic tangent; only then is it differentiated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from glutheory.activations import Activation, Z
from glutheory.errors import DomainError, ExpressionError
from glutheory.ground.pieces import pieces


class logistic(sp.Function):  # noqa: N801  (SymPy's functions are lower case)
    """σ(z) = 1/(1 + exp(−z)), left unevaluated."""

    nargs = 1
    is_real = True
    is_positive = True

    def fdiff(self, argindex: int = 1) -> sp.Expr:  # noqa: ARG002  (SymPy's signature)
        """σ' = σ(1 − σ)."""
        return self * (1 - self)


class softplus(sp.Function):  # noqa: N801
    """log(1 + exp(z)), left unevaluated."""

    nargs = 1
    is_real = True
    is_positive = True

    def fdiff(self, argindex: int = 1) -> sp.Expr:  # noqa: ARG002
        """The derivative, σ."""
        return logistic(self.args[0])


class normal_cdf(sp.Function):  # noqa: N801
    """Φ(z) = (1 + erf(z/√2))/2, left unevaluated: GELU and its derivative then share it."""

    nargs = 1
    is_real = True
    is_positive = True

    def fdiff(self, argindex: int = 1) -> sp.Expr:  # noqa: ARG002
        """The normal density."""
        return sp.exp(-(self.args[0] ** 2) / 2) / sp.sqrt(2 * sp.pi)


@dataclass(frozen=True)
class _TwoExponentials:
    """``p·exp(r) + q·exp(s) = p·exp(r)·(1 + exp(y))``, p and q positive numbers."""

    factor: sp.Expr  #: p
    exponent: sp.Expr  #: r
    argument: sp.Expr  #: y = s − r + log(q/p)
    shift: sp.Expr  #: log(q/p)


def stable(expr: sp.Expr) -> sp.Expr:
    """The same function of `Z` with logistic, softplus, tanh and the normal CDF in place of what they stand for."""
    if not expr.args:
        return expr
    inner = _stable_factor if isinstance(expr, sp.Mul) else stable
    rebuilt = expr.func(*(inner(argument) for argument in expr.args))
    if isinstance(rebuilt, sp.Mul | sp.Pow):
        return _quotient(rebuilt)
    if isinstance(rebuilt, sp.Add):
        constant = rebuilt.as_coeff_Add()[0]
        for term in rebuilt.args:
            coefficient, function = term.as_coeff_Mul()
            if isinstance(function, sp.erf) and coefficient == constant:
                return rebuilt - constant - term + 2 * constant * normal_cdf(sp.sqrt(2) * function.args[0])
    if isinstance(rebuilt, sp.log):
        found = _two_exponentials(rebuilt.args[0])
        if found is not None:
            return sp.log(found.factor) + found.exponent + softplus(found.argument)
    return rebuilt


def _stable_factor(expr: sp.Expr) -> sp.Expr:
    """The same, but a denominator is left in its place: its numerator may be the factor beside it."""
    if isinstance(expr, sp.Pow) and expr.exp.is_Integer and expr.exp.is_negative:
        return stable(expr.base) ** expr.exp
    return stable(expr)


def regular_derivative(activation: Activation, phi: sp.Expr) -> sp.Expr:
    """φ' almost everywhere, for `phi` = ``stable(activation.expr)``.

    Raises:
        DomainError: φ jumps: its derivative then contains delta functions, which no sample ever meets.
        ExpressionError: φ has no derivative that SymPy can write down, or its jumps cannot be located.
    """
    slope = sp.diff(phi, Z)
    if slope.has(sp.DiracDelta):
        # z*heaviside(z) differentiates to a delta function too, with the weight 0: only a true jump counts.
        found = pieces(activation.expr)
        for kink, jump in zip(found.kinks, found.jumps, strict=True):
            if jump != 0:
                raise DomainError(
                    f"activation {activation.label} jumps at z = {kink}: its derivative there is a delta function, "
                    "which a sampled NTK cannot see; use kind='nngp', or an activation without jumps."
                )
        slope = slope.replace(sp.DiracDelta, lambda *_: sp.S.Zero)
    if slope.has(sp.Derivative, sp.Subs):
        raise ExpressionError(
            f"activation {activation.label} = {activation.expr} has no derivative in closed form: "
            "write it with the functions of the zoo."
        )
    return stable(slope)


def _two_exponentials(expr: sp.Expr) -> _TwoExponentials | None:
    """The expression as a sum of two exponentials with positive coefficients (one may be constant), or None."""
    terms = sp.Add.make_args(expr)
    if len(terms) != 2:
        return None
    # The constant term, if there is one, comes first: then y is the other's own exponent.
    parts = sorted((_exponential(term) for term in terms), key=lambda part: (part[1] != 0, sp.default_sort_key(part)))
    (p, r), (q, s) = parts
    if not (p.is_positive and q.is_positive) or p.has(Z) or q.has(Z) or not s.has(Z):
        return None
    shift = sp.log(q / p)
    return _TwoExponentials(p, r, s - r + shift, shift)


def _exponential(term: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """(c, w) with term = c·exp(w), c free of exponentials of z."""
    factor, exponent = sp.S.One, sp.S.Zero
    for part in sp.Mul.make_args(term):
        if isinstance(part, sp.exp) and part.has(Z):
            exponent += part.args[0]
        elif isinstance(part, sp.Pow) and isinstance(part.base, sp.exp) and part.base.has(Z):
            exponent += part.base.args[0] * part.exp
        else:
            factor *= part
    return factor, exponent


def _quotient(expr: sp.Expr) -> sp.Expr:
    """Denominators that are sums of two exponentials, or hyperbolic cosines, joined with their numerators."""
    for part in sp.Mul.make_args(expr):
        if not (isinstance(part, sp.Pow) and part.exp.is_Integer and part.exp.is_negative and part.has(Z)):
            continue
        if isinstance(part.base, sp.cosh):
            over = expr / part
            matched = sp.sympify(over.as_powers_dict()[sp.sinh(part.base.args[0])])
            if matched.is_Integer and 0 < matched <= -part.exp:
                sinh = sp.sinh(part.base.args[0])
                ratio = sp.tanh(part.base.args[0]) ** matched * part.base ** (part.exp + matched)
                return _quotient(over / sinh**matched * ratio)
            continue
        found = _two_exponentials(part.base)
        if found is not None:
            return sp.Add(*(_over(term, found, -part.exp) for term in _numerators(expr / part)))
    return expr


def _numerators(expr: sp.Expr) -> tuple[Any, ...]:
    """The terms of a numerator; it is expanded only where a sum in it holds exponentials."""
    sums = [part for part in sp.Mul.make_args(expr) if isinstance(part, sp.Add) and part.has(sp.exp)]
    return sp.Add.make_args(sp.expand_mul(expr)) if sums else (expr,)


def _over(term: sp.Expr, found: _TwoExponentials, power: int) -> sp.Expr:
    """``term / (p·exp(r)·(1 + exp(y)))^power``, with exp(y)/(1 + exp(y)) = σ(y) wherever the numerator has it."""
    factor, exponent = _exponential(term)
    exponent = sp.expand(exponent - power * found.exponent)
    step = sp.expand(found.argument - found.shift)
    ratio = sp.cancel(exponent / step)
    count = int(ratio) if ratio.is_Integer and 0 <= ratio <= power else 0
    # exp(ratio·step) = exp(count·y)·exp(−count·shift)·(what is left)
    rest = sp.exp(sp.expand(exponent - count * step)) * sp.exp(-count * found.shift)
    sigmas = logistic(found.argument) ** count * logistic(-found.argument) ** (power - count)
    return _quotient(factor / found.factor**power * rest * sigmas)
