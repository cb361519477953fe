"""Whether a branch of φ is real and has a second moment: what no road could give a kernel of, in one sentence.

Zeros of denominators and of logarithms' arguments are exact where these are polynomials, else looked for by changes of
sign, up to 30 on either side of 0. Next to one, at distances ε = 2^−20, 2^−40, 2^−60, φ² ε falls like ε if φ has
a limit, and does not fall if φ² has no integral.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise

import sympy as sp
from flint import acb, arb, fmpq

from glutheory.activations import Z
from glutheory.errors import DerivationError
from glutheory.ground.balls import Tape, precision

#: Working precision near a zero, and where one is looked for.
_BITS, _LOOKING = 600, 96
#: Zeros are looked for within this distance of 0, by steps of 1/this, and known to 2^−this.
_REACH, _STEPS, _SHARP = 30, 16, 300
#: Where φ is tried to be real, counted from an end of its interval.
_TRIED = tuple(sp.Rational(p, 32) for p in (1, 4, 17, 33, 67, 160, 331, 970))
#: Characters of a place in a message.
_LONGEST = 30
Run = Callable[[sp.Expr], acb]


@lru_cache(maxsize=512)
def singular(branch: sp.Expr, low: sp.Expr, high: sp.Expr, expr: sp.Expr) -> str | None:
    """What is wrong with a branch that is not real on its interval, or whose square or its derivative's has no mean.

    Args:
        branch: φ there, without switches.
        low: the left end, −oo for none.
        high: the right end, oo for none.
        expr: φ, for the sentence.

    Returns:
        A sentence that names the place; None where nothing is found.
    """
    powers = [node for node in branch.atoms(sp.Pow) if node.has(Z) and node.exp.is_Rational]
    logs = [node.args[0] for node in branch.atoms(sp.log) if node.has(Z)]
    if logs or any(not node.exp.is_Integer for node in powers) or branch.has(sp.asin, sp.acos):
        place = _complex(branch, low, high)
        if place is not None:
            return (
                f"{expr} is not real at z = {place}: write a function that is real for every real z, with max, abs or "
                "steps where its formula ends."
            )
    for suspect in [node.base for node in powers if node.exp < 0] + logs:
        for zero, shown in _zeros(suspect, low, high):
            for function, words, what in ((branch, "", "S"), (sp.diff(branch, Z), "the derivative of ", "T")):
                if any(_diverges(function, zero, side) for side in _sides(zero, low, high)):
                    return (
                        f"{words}{expr} has a pole at z = {shown}, so that the mean of its square, {what}(a, a, a), "
                        "is infinite at every variance: write a function that is finite for every real z."
                    )
    return None


def _run(function: sp.Expr) -> Run | None:
    """The values at rational numbers, None for what balls do not know."""
    try:
        run = Tape([function], [Z]).bind()
    except DerivationError:
        return None
    return lambda z: acb(run([acb(arb(fmpq(int(z.p), int(z.q))))])[0])


def _complex(branch: sp.Expr, low: sp.Expr, high: sp.Expr) -> sp.Rational | None:
    """A place where the branch is not real."""
    with precision(_LOOKING):
        run = _run(branch)
        if run is None:
            return None
        for z in _points(low, high):
            value = run(z)
            if value.imag.is_finite() and not value.imag.contains(0):
                return z
    return None


def _points(low: sp.Expr, high: sp.Expr) -> Iterator[sp.Rational]:
    """Rational numbers inside the interval."""
    start, stop = (sp.Rational(end.evalf(30)) if end.is_finite else end for end in (low, high))
    for step in _TRIED:
        if start.is_finite and stop.is_finite:
            yield start + (stop - start) * step / 32
        elif start.is_finite:
            yield start + step
        elif stop.is_finite:
            yield stop - step
        else:
            yield from (step, -step)


def _zeros(suspect: sp.Expr, low: sp.Expr, high: sp.Expr) -> Iterator[tuple[sp.Rational, str]]:
    """The zeros in the closed interval, to 2^−300, with what to show of each; the nearest to 0 first."""
    roots = _roots(suspect) if suspect.is_polynomial(Z) else None
    if roots is not None:
        for root in roots:
            if low <= root <= high:
                yield _rational(root), str(root) if len(str(root)) < _LONGEST else f"{float(root):.6g}"
        return
    for function in (suspect, sp.diff(suspect, Z)):  # a zero without a change of sign is one of the derivative
        for zero in _changes(function, low, high):
            yield zero, f"{float(zero):.6g}"


def _roots(polynomial: sp.Expr) -> list[sp.Expr] | None:
    try:
        return sorted(set(sp.Poly(polynomial, Z).real_roots()), key=lambda root: abs(float(root)))
    except (NotImplementedError, sp.PolynomialError):
        return None


def _rational(value: sp.Expr) -> sp.Rational:
    if value.is_Rational:
        return value
    return sp.Rational(round(value.evalf(120) * sp.Integer(2) ** _SHARP), sp.Integer(2) ** _SHARP)


def _changes(function: sp.Expr, low: sp.Expr, high: sp.Expr) -> Iterator[sp.Rational]:
    """Where the function changes its sign, or is 0, on a grid in the closed interval; the nearest to 0 first."""
    most = _REACH * _STEPS
    first = max(-most, int(sp.floor(low * _STEPS)) + 1) if low.is_finite else -most
    last = min(most, int(sp.ceiling(high * _STEPS)) - 1) if high.is_finite else most
    places = [sp.Rational(k, _STEPS) for k in range(first, last + 1)]
    with precision(_LOOKING):
        run = _run(function)
        signs = [None if run is None else _sign(run(z)) for z in places]
        ends = [end for end in (low, high) if end.is_Rational and run is not None and run(end).contains(0)]
    found = [(z, z, 0) for z in ends] + [(z, z, 0) for z, sign in zip(places, signs, strict=True) if sign == 0]
    for (left, one), (right, two) in pairwise(zip(places, signs, strict=True)):
        if one and two and one != two:
            found.append((left, right, two))
    for left, right, sign in sorted(found, key=lambda bracket: abs(bracket[0] + bracket[1])):
        yield left if left == right else _bisected(function, left, right, sign)


def _sign(value: acb) -> int | None:
    """Of a real value; None where it is not known."""
    real = value.real
    if not real.is_finite() or not value.imag.contains(0):
        return None
    return 1 if real > 0 else -1 if real < 0 else 0 if real == 0 else None


def _bisected(function: sp.Expr, left: sp.Rational, right: sp.Rational, sign: int) -> sp.Rational:
    with precision(_BITS):
        run = _run(function)
        while run is not None and right - left > sp.Rational(1, 2**_SHARP):
            middle = (left + right) / 2
            own = _sign(run(middle))
            if not own:
                return middle
            left, right = (left, middle) if own == sign else (middle, right)
    return (left + right) / 2


def _sides(zero: sp.Rational, low: sp.Expr, high: sp.Expr) -> list[int]:
    """From which sides the interval comes to its point."""
    far = sp.Rational(1, 2**15)
    return [side for side, end in ((1, high), (-1, low)) if side * (end - zero) > far]


def _diverges(function: sp.Expr, zero: sp.Rational, side: int) -> bool:
    """Whether the function's square has no integral next to the point."""
    with precision(_BITS):
        run = _run(function)
        if run is None:
            return False
        steps = [sp.Rational(1, 2**k) for k in (20, 40, 60)]
        sizes = [abs(run(zero + side * step)) ** 2 * arb(float(step)) for step in steps]
        known = all(size.is_finite() and size > 0 for size in sizes)
        return known and bool(2 * sizes[1] > sizes[0]) and bool(2 * sizes[2] > sizes[1])
