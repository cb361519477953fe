"""The third wall around a user's expression: the size of every intermediate result.

SymPy evaluates while it builds: ``exp(10**30*log(2))`` becomes a power of two that fills the memory, and a
function that contains its argument twice doubles the tree each time it is nested. It also multiplies out and
splits into real and imaginary parts to decide on signs. Used by `glutheory.activations.parser` only.
"""

from __future__ import annotations

import math

import sympy as sp

from glutheory.activations.variable import Z
from glutheory.errors import ExpressionError

MAX_EXPONENT = 16  #: absolute value of an exponent
MAX_DEGREE = 64  #: total degree, where z and every function of z count at least 1
MAX_TERMS = 100  #: after multiplying out, which SymPy does to decide on signs
MAX_SPREAD = 12  #: the same for real and imaginary parts, of an argument that might not be real
MAX_SIZE = 250  #: nodes of the SymPy tree
MAX_RADICALS = 4  #: different roots of constants (zero tests cost 2**radicals)
MAX_BITS = 400  #: of an exact number's numerator and denominator
MAX_MAGNITUDE = sp.Integer(10) ** 100  #: of a constant that is not exact, and of its reciprocal


def admit(expression: sp.Expr) -> sp.Expr:
    """The expression itself, if it is small, finite and has real constants.

    Raises:
        ExpressionError: it is not; the message is a clause that continues "expression '…': ".
    """
    radicals = set()
    for size, node in enumerate(sp.preorder_traversal(expression)):
        if size >= MAX_SIZE:
            raise ExpressionError(f"it grows beyond {MAX_SIZE} terms and factors: simplify it.")
        if node in (sp.zoo, sp.oo, -sp.oo, sp.nan):
            raise ExpressionError("it divides by zero or takes the logarithm of zero: remove that.")
        if node is sp.I:
            raise ExpressionError("it takes the root or logarithm of a negative number: keep it real.")
        if isinstance(node, sp.Rational) and max(abs(node.p), node.q).bit_length() > MAX_BITS:
            raise ExpressionError(f"it contains a number of more than {MAX_BITS} bits: use smaller numbers.")
        if isinstance(node, sp.Pow) and node.is_number and not node.exp.is_Integer:
            radicals.add(node)
    if len(radicals) > MAX_RADICALS:
        raise ExpressionError(f"it has {len(radicals)} roots of constants: use at most {MAX_RADICALS}.")
    if _terms(expression) > MAX_TERMS:
        raise ExpressionError(f"multiplied out it exceeds {MAX_TERMS} terms: use fewer terms or powers.")
    if Z not in expression.free_symbols:
        _admit_constant(expression)
    elif _degree(expression) > MAX_DEGREE:
        raise ExpressionError(f"its degree is above {MAX_DEGREE}: use smaller powers.")
    return expression


def admit_exponent(value: sp.Expr) -> sp.Rational:
    """The exponent itself, if it is a small integer or half of one: x**1.5 is x*sqrt(x).

    Raises:
        ExpressionError: it is not.
    """
    if isinstance(value, sp.Rational) and value.q <= 2 and abs(value) <= MAX_EXPONENT:
        return value
    text = str(value)
    shown = text if len(text) <= 40 else text[:37] + "..."
    raise ExpressionError(
        f"the exponent {shown} is not an integer from -{MAX_EXPONENT} to {MAX_EXPONENT}, or halfway between two: "
        "write x**1.5 for x*sqrt(x), where x is never negative, and exp(z) for e**z; no other is possible."
    )


def admit_argument(argument: sp.Expr, *, kinked: bool) -> sp.Expr:
    """A function's argument itself, if SymPy can be let loose on it.

    Args:
        argument: what the function is called with.
        kinked: whether the function compares its argument, as max, abs and step do.

    Raises:
        ExpressionError: it contains a large multiple of a logarithm, which an exponential would make a power;
            or the argument might not be real and the function is kinked or the argument not small (SymPy
            would expand it into real and imaginary parts, which can take for ever).
    """
    if not argument.is_extended_real and (kinked or _spread(argument) > MAX_SPREAD):
        raise ExpressionError(
            "inside a function a root, logarithm or quotient might not be real: "
            "write it so that its argument is plainly positive, as in log(1+z**2)."
        )
    for term in sp.Add.make_args(argument):
        factor, rest = term.as_coeff_Mul()
        if isinstance(rest, sp.log) and abs(factor) > MAX_EXPONENT:
            raise ExpressionError(
                f"it contains {str(factor)[:20]} times a logarithm: keep that factor within {MAX_EXPONENT}."
            )
    return argument


def _admit_constant(constant: sp.Expr) -> None:
    if constant.is_Rational:
        return
    value = constant.evalf(15)
    if value.has(sp.I):
        raise ExpressionError("it takes the root or logarithm of a negative number: keep it real.")
    if not (value.is_Float and value.is_finite and abs(value) < MAX_MAGNITUDE):
        raise ExpressionError("it contains a constant beyond 1e100: use a smaller one.")
    # Precision 1 is SymPy's mark of a value that cancels to nothing at its largest working precision.
    if value._prec == 1 or abs(value) * MAX_MAGNITUDE < 1:
        raise ExpressionError("it contains a constant that cannot be told from zero: simplify it.")


def _terms(expression: sp.Expr) -> int:
    """An upper bound of the number of terms after multiplying out, a function counting as one."""
    if isinstance(expression, sp.Add):
        return sum(_terms(argument) for argument in expression.args)
    if isinstance(expression, sp.Mul):
        return math.prod(_terms(argument) for argument in expression.args)
    if isinstance(expression, sp.Pow) and expression.exp.is_Rational:
        power = math.ceil(abs(expression.exp))
        return math.comb(_terms(expression.base) + power - 1, power)
    return 1


def _spread(expression: sp.Expr) -> int:
    """An upper bound of the number of terms of the real and imaginary parts."""
    spreads = [_spread(argument) for argument in expression.args]
    if isinstance(expression, sp.Add):
        return sum(spreads)
    if isinstance(expression, sp.Mul):
        return math.prod(spreads)
    if isinstance(expression, sp.Pow) and expression.exp.is_Integer:
        return math.comb(spreads[0] + abs(expression.exp) - 1, abs(expression.exp))
    return max(spreads, default=1) * (1 if expression.is_extended_real else 2)


def _degree(expression: sp.Expr) -> int:
    """An upper bound of the degree as a polynomial in z and in the functions of z."""
    if Z not in expression.free_symbols:
        return 0
    degrees = [_degree(argument) for argument in expression.args]
    if isinstance(expression, sp.Mul):
        return sum(degrees)
    if isinstance(expression, sp.Pow) and expression.exp.is_Rational:
        power: int = math.ceil(abs(expression.exp))
        return degrees[0] * max(1, power)
    return max(1, max(degrees, default=0))
