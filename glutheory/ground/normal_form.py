"""The normal form of an activation: a sum of coefficient · z^n · kernel(z), read off its definition.

Kernels, closed under differentiation and under multiplication by z:

    ExpQuad(beta, alpha)       exp(−beta z² + alpha z)             1, exp, sin and cos (complex alpha), Gaussian
    NormalCdf(s, m, alpha)     e^{alpha z} Φ(±(z−m)/s)             erf, Φ, GELU; s = 0, the Heaviside step H(z−m): step,
                                                                   sign, |z|, ReLU^k, every piecewise polynomial, ELU
    NormalPdf(s, j, m)         j-th derivative of the N(m, s²) density; s = 0: of the delta function

A scale s that contains `KAPPA` is random: 2·KAPPA times a standard normal is logistic when KAPPA is Kolmogorov
distributed (Andrews & Mallows 1974; Stefanski 1991), so σ(z) = E[Φ(z/(2 KAPPA))] is a NormalCdf as well, and the
normal form stands for its expectation over KAPPA.

`read` turns special functions of a multiple of z into kernels; products with powers of z stay, all else is refused:

    H, sign, |·|, max, min                     NormalCdf(0)
    erf, erfc, also of a straight line         NormalCdf(s, m)
    1/(1+e^{−βz}), tanh, log(1+e^{βz})         NormalCdf and NormalPdf of a random scale
    exp of a quadratic, sin, cos, sinh, cosh   ExpQuad

and, where that ends and the constants are numbers, a function whose pieces are sums of z^n e^{αz}, α real, by its
kinks m: each z^n e^{αz} times H(z−m) or H(m−z).

This is a reading of the definition, not a derivation: both roads that need it start here, and the tests compare the sum
with the definition point by point.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from glutheory.activations import Z
from glutheory.errors import ExpressionError
from glutheory.ground.pieces import pieces
from glutheory.ground.roots import Root

#: The Kolmogorov-distributed mixing variable of the logistic family.
KAPPA = sp.Symbol("kappa", positive=True)


@dataclass(frozen=True)
class ExpQuad:
    """exp(−beta z² + alpha z); beta = alpha = 0 is the constant 1."""

    beta: sp.Expr = sp.S.Zero
    alpha: sp.Expr = sp.S.Zero


@dataclass(frozen=True)
class NormalCdf:
    """e^{alpha z} Φ(side·(z−shift)/s), with the distribution function of N(shift, s²); the Heaviside step at s = 0."""

    s: sp.Expr
    shift: sp.Expr = sp.S.Zero
    alpha: sp.Expr = sp.S.Zero
    side: int = 1


@dataclass(frozen=True)
class NormalPdf:
    """The derivative of this order of the N(shift, s²) density; of the delta function at s = 0."""

    s: sp.Expr
    order: int = 0
    shift: sp.Expr = sp.S.Zero


Kernel = ExpQuad | NormalCdf | NormalPdf


@dataclass(frozen=True)
class Term:
    """coefficient · z^power · kernel(z); `collect` gives a NormalPdf power 0, since z N = −s² N'."""

    coefficient: sp.Expr
    power: int
    kernel: Kernel


def read(expr: sp.Expr) -> tuple[Term, ...] | None:
    """The normal form of φ(z) = `expr`, or None if it has none (then only the Hermite series is available)."""
    found = _read(expr)
    return _by_pieces(expr) if found is None else found


def _by_pieces(expr: sp.Expr) -> tuple[Term, ...] | None:
    """By its pieces: for each z^n e^{αz}, α real, its coefficients on the intervals as a sum of steps at the kinks."""
    if expr.free_symbols != {Z}:
        return None
    try:
        found = pieces(expr)
    except ExpressionError:
        return None
    if any(kink.has(Root) for kink in found.kinks):
        # that φ is continuous there is no identity of the numbers in its steps
        return None
    branches = [_read(branch) for branch in found.branches]
    waves: dict[tuple[int, sp.Expr], list[sp.Expr]] = {}
    for i, branch in enumerate(branches):
        for term in branch or ():
            kernel = term.kernel
            if not isinstance(kernel, ExpQuad) or kernel.beta != 0 or not kernel.alpha.is_real:
                return None
            row = waves.setdefault((term.power, kernel.alpha), [sp.S.Zero] * len(branches))
            row[i] = term.coefficient
    if found.smooth or None in branches:
        return None
    flat = _flat(waves, found.kinks)
    return collect(term for wave, row in waves.items() for term in _steps(*wave, row, found.kinks, flat))


def _flat(waves: Mapping[tuple[int, sp.Expr], Sequence[sp.Expr]], kinks: Sequence[sp.Expr]) -> int | None:
    """The interval that has 0 inside, where φ is a constant on it: small variances see only what lies beyond it."""
    index = sum(1 for kink in kinks if kink.is_negative)
    inside = all(kink.is_negative or kink.is_positive for kink in kinks)
    return index if inside and all(wave == (0, 0) or row[index] == 0 for wave, row in waves.items()) else None


def _steps(
    power: int, alpha: sp.Expr, row: Sequence[sp.Expr], kinks: Sequence[sp.Expr], flat: int | None
) -> Iterable[Term]:
    """Z^power e^{alpha z} times the step function of these values.

    By steps away from 0 where φ is `flat` around it, so that no step is 1 there: nearly 1 less nearly 1 would cost all
    the digits that cancel. Otherwise by steps whose exponentials vanish if they can.
    """
    if flat is not None:
        if row[flat] != 0:
            yield Term(row[flat], power, ExpQuad(sp.S.Zero, alpha))
        for i, (kink, left, right) in enumerate(zip(kinks, row, row[1:], strict=False)):
            side = -1 if i < flat else 1
            yield Term(side * (right - left), power, NormalCdf(sp.S.Zero, kink, alpha, side))
        return
    side = -1 if row[-1] == 0 and alpha != 0 else 1
    if side > 0 and row[0] != 0:
        yield Term(row[0], power, ExpQuad(sp.S.Zero, alpha))
    for kink, left, right in zip(kinks, row, row[1:], strict=False):
        yield Term(side * (right - left), power, NormalCdf(sp.S.Zero, kink, alpha, side))


def _read(expr: sp.Expr) -> tuple[Term, ...] | None:
    """By the functions in it."""
    reader = _Reader()
    rewritten = reader.rewrite(expr)
    if rewritten is None:
        return None
    kernels = {dummy: kernel for kernel, dummy in reader.dummies.items()}
    terms = []
    for summand in sp.Add.make_args(sp.powsimp(sp.expand(rewritten))):
        factors = list(sp.Mul.make_args(summand))
        constants = [f for f in factors if not f.free_symbols & {Z, *kernels}]
        powers = [f for f in factors if f.as_base_exp()[0] == Z]
        others = [f for f in factors if f not in constants and f not in powers]
        degree = sp.Add(*(f.as_base_exp()[1] for f in powers))
        kernel = _kernel(others, kernels)
        if kernel is None or not (degree.is_Integer and degree >= 0):
            return None
        coefficient = sp.Mul(*constants)
        if isinstance(kernel, ExpQuad):
            constant = sp.Add(*(f.args[0].subs(Z, 0) for f in others if isinstance(f, sp.exp)))
            coefficient *= sp.exp(constant)
        terms.append(Term(coefficient, int(degree), kernel))
    return collect(terms)


def _kernel(factors: list[sp.Expr], kernels: dict[sp.Dummy, Kernel]) -> Kernel | None:
    """The one kernel that a product of kernels and exponentials is, or None."""
    exponent = sp.expand(sum((f.args[0] for f in factors if isinstance(f, sp.exp)), sp.S.Zero))
    found: set[Kernel] = set()
    for factor in factors:
        if isinstance(factor, sp.exp):
            continue
        base, power = factor.as_base_exp()
        kernel = kernels.get(base)
        # the step is idempotent; no other product of kernels is a kernel
        if kernel is None or not (power == 1 or kernel == NormalCdf(sp.S.Zero)):
            return None
        found.add(kernel)
    if exponent == 0:
        return ExpQuad() if not found else (found.pop() if len(found) == 1 else None)
    if found or not exponent.is_polynomial(Z) or sp.degree(exponent, Z) > 2:
        return None
    beta, alpha = -exponent.coeff(Z, 2), exponent.coeff(Z, 1)
    return ExpQuad(beta, alpha) if beta.is_nonnegative else None


class _Reader:
    """Replaces each special function by a polynomial in dummy symbols, one dummy per kernel."""

    def __init__(self) -> None:
        self.dummies: dict[Kernel, sp.Dummy] = {}

    def dummy(self, kernel: Kernel) -> sp.Dummy:
        return self.dummies.setdefault(kernel, sp.Dummy(f"k{len(self.dummies)}"))

    def cdf(self, beta: sp.Expr, scale: sp.Expr, shift: sp.Expr = sp.S.Zero) -> sp.Expr:
        """The distribution function F(β(z − shift)), F symmetric, whose Φ-kernel has the scale `scale`/|β|."""
        if beta.is_positive:
            return self.dummy(NormalCdf(sp.powsimp(scale / beta), shift))
        return 1 - self.dummy(NormalCdf(sp.powsimp(-scale / beta), shift))

    def ramp(self, argument: sp.Expr) -> sp.Expr | None:
        """max(0, argument)."""
        if sp.expand(argument) == 0:
            return sp.S.Zero
        beta = _slope(argument)
        return None if beta is None else beta * Z * self.cdf(beta, sp.S.Zero)

    def softplus(self, beta: sp.Expr) -> sp.Expr:
        """log(1 + e^{βz}) = E[|β|(zΦ(z/s) + s² N_s(z))] with s = 2κ/|β|, plus βz if β < 0."""
        s = 2 * KAPPA / sp.Abs(beta)
        upper = sp.Abs(beta) * (Z * self.dummy(NormalCdf(s)) + s**2 * self.dummy(NormalPdf(s)))
        return upper if beta.is_positive else upper + beta * Z

    def function(self, node: sp.Expr) -> sp.Expr | None:
        """One special function of a multiple of z, or None if it is not in the table."""
        if isinstance(node, sp.Max | sp.Min) and len(node.args) == 2:
            first, second = node.args
            ramp = self.ramp(first - second if isinstance(node, sp.Max) else second - first)
            # max(x, y) = y + (x − y)₊ and min(x, y) = y − (y − x)₊
            return None if ramp is None else (second + ramp if isinstance(node, sp.Max) else second - ramp)
        if isinstance(node, sp.log):
            rest = sp.expand(node.args[0] - 1)
            beta = _slope(rest.args[0]) if isinstance(rest, sp.exp) else None
            return None if beta is None else self.softplus(beta)
        if isinstance(node, sp.Pow) and node.exp == -1:
            rest = sp.expand(node.base - 1)
            beta = _slope(rest.args[0]) if isinstance(rest, sp.exp) else None
            return None if beta is None else self.cdf(-beta, 2 * KAPPA)
        if isinstance(node, sp.erf | sp.erfc):
            return self.error_function(node)
        beta = _slope(node.args[0]) if len(node.args) >= 1 else None
        if beta is None:
            return None
        if isinstance(node, sp.Heaviside):
            return self.cdf(beta, sp.S.Zero)
        if isinstance(node, sp.sign):
            return 2 * self.cdf(beta, sp.S.Zero) - 1
        if isinstance(node, sp.Abs):
            return beta * Z * (2 * self.cdf(beta, sp.S.Zero) - 1)
        if isinstance(node, sp.tanh):
            return 2 * self.cdf(2 * beta, 2 * KAPPA) - 1
        return None

    def error_function(self, node: sp.Expr) -> sp.Expr | None:
        """Erf or erfc of βz + γ."""
        constant = sp.expand(node.args[0]).coeff(Z, 0)
        beta = _slope(node.args[0] - constant)
        if beta is None:
            return None
        value = 2 * self.cdf(beta, 1 / sp.sqrt(2), sp.radsimp(-constant / beta)) - 1
        return value if isinstance(node, sp.erf) else 1 - value

    def rewrite(self, node: sp.Expr) -> sp.Expr | None:
        """The expression with every special function replaced, or None where one is not in the table."""
        if not node.has(Z) or node == Z:
            return node
        if isinstance(node, sp.Add | sp.Mul):
            args = [self.rewrite(arg) for arg in node.args]
            return None if any(arg is None for arg in args) else node.func(*args)
        if isinstance(node, sp.Pow) and node.exp.is_Integer and node.exp > 0:
            base = self.rewrite(node.base)
            return None if base is None else base**node.exp
        if isinstance(node, sp.sin | sp.cos | sp.sinh | sp.cosh):
            return node.rewrite(sp.exp)
        if isinstance(node, sp.exp):
            return node
        return self.function(node)


def _slope(argument: sp.Expr) -> sp.Expr | None:
    """β with argument = β z and a known sign, else None."""
    beta = sp.expand(argument).coeff(Z, 1)
    if sp.expand(argument - beta * Z) != 0 or not (beta.is_positive or beta.is_negative):
        return None
    return beta


def collect(terms: Iterable[Term]) -> tuple[Term, ...]:
    """The sum with equal z^n·kernel merged, powers of z moved off the densities, and zero terms dropped."""
    sums: dict[tuple[int, Kernel], sp.Expr] = {}
    queue = list(terms)
    while queue:
        term = queue.pop()
        if isinstance(term.kernel, NormalPdf) and term.power:
            # z·N^(j)(z−m) = m N^(j) − s² N^(j+1) − j N^(j−1), from (z−m) N = −s² N' by Leibniz; for s = 0 the middle
            # term is zero
            s, j, m, rest = term.kernel.s, term.kernel.order, term.kernel.shift, term.power - 1
            queue.append(Term(-term.coefficient * s**2, rest, NormalPdf(s, j + 1, m)))
            queue.append(Term(term.coefficient * m, rest, term.kernel))
            if j:
                queue.append(Term(-j * term.coefficient, rest, NormalPdf(s, j - 1, m)))
            continue
        key = (term.power, term.kernel)
        sums[key] = sums.get(key, sp.S.Zero) + term.coefficient
    kept = ((key, sp.expand(value)) for key, value in sums.items())
    ordered = sorted(((k, v) for k, v in kept if v != 0), key=lambda item: (repr(item[0][1]), item[0][0]))
    return tuple(Term(value, power, kernel) for (power, kernel), value in ordered)


def differentiate(terms: Iterable[Term], times: int = 1) -> tuple[Term, ...]:
    """The derivative in z, in the sense of distributions (a step's derivative is the delta function)."""
    current = tuple(terms)
    for _ in range(times):
        new: list[Term] = []
        for term in current:
            c, n, kernel = term.coefficient, term.power, term.kernel
            if n:
                new.append(Term(n * c, n - 1, kernel))
            if isinstance(kernel, ExpQuad):
                new.append(Term(c * kernel.alpha, n, kernel))
                new.append(Term(-2 * c * kernel.beta, n + 1, kernel))
            elif isinstance(kernel, NormalCdf):
                s, m, alpha = kernel.s, kernel.shift, kernel.alpha
                new.append(Term(c * alpha, n, kernel))
                # e^{αz} N(z; m, s²) = e^{αm + α²s²/2} N(z; m + αs², s²)
                c *= kernel.side
                new.append(Term(c * sp.exp(alpha * m + alpha**2 * s**2 / 2), n, NormalPdf(s, 0, m + alpha * s**2)))
            else:
                new.append(Term(c, n, NormalPdf(kernel.s, kernel.order + 1, kernel.shift)))
        current = collect(new)
    return current


def as_expression(term: Term) -> sp.Expr:
    """The term as an ordinary SymPy expression in `Z` (KAPPA left free; a delta function is ``DiracDelta``)."""
    kernel = term.kernel
    if isinstance(kernel, ExpQuad):
        value = sp.exp(-kernel.beta * Z**2 + kernel.alpha * Z)
    elif isinstance(kernel, NormalCdf):
        y = kernel.side * (Z - kernel.shift)
        value = sp.Heaviside(y) if kernel.s == 0 else (1 + sp.erf(y / (kernel.s * sp.sqrt(2)))) / 2
        value *= sp.exp(kernel.alpha * Z)
    elif kernel.s == 0:
        value = sp.DiracDelta(Z - kernel.shift, kernel.order)
    else:
        density = sp.exp(-((Z - kernel.shift) ** 2) / (2 * kernel.s**2)) / (kernel.s * sp.sqrt(2 * sp.pi))
        value = sp.diff(density, Z, kernel.order)
    return term.coefficient * Z**term.power * value


def is_plain(kernel: Kernel) -> bool:
    """Whether it is centred at 0 and has no exponential beside its distribution function: the arcsine family's kind."""
    if isinstance(kernel, NormalCdf):
        return kernel == NormalCdf(kernel.s)
    return isinstance(kernel, ExpQuad) or kernel.shift == 0


def is_mixture(terms: Iterable[Term]) -> bool:
    """Whether some scale is random, that is contains `KAPPA`."""
    return any(isinstance(term.kernel, NormalCdf | NormalPdf) and KAPPA in term.kernel.s.free_symbols for term in terms)
