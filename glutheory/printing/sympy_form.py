"""A report as a Python module of exact SymPy expressions."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.printing.str import StrPrinter

from glutheory.ground.normal import Phi, Phi2
from glutheory.printing.comments import folded, head, wrapped
from glutheory.printing.contents import Report
from glutheory.printing.program import KERNELS, MEANINGS, branch_duals, kernel_calls, require_closed
from glutheory.printing.styles import PYTHON
from glutheory.printing.writer import Writer
from glutheory.symbolic.duals import MIXTURE

_USE = (
    "Everything is exact: S, T, nngp and ntk are expressions in the symbols a, b, c, and `value` evaluates one of them "
    "to any number of digits, e.g. value(ntk, 1, 1, Rational(1, 2), digits=50)."
)
_MIXED = (
    "kappa, kappa_prime are independent and Kolmogorov distributed: 2*kappa times a standard normal variable is "
    "logistic. `value` takes the means by the trapezoidal rule on log(kappa), whose error falls exponentially."
)
_VALUE = '''
def value(formula, at_a, at_b, at_c, digits=15):
    """The formula at exact a, b, c (integers, rationals, or decimals as text), to this many digits."""
    point = {symbol: Rational(number) for symbol, number in ((a, at_a), (b, at_b), (c, at_c))}
    return formula.subs(point, simultaneous=True).evalf(digits).as_real_imag()[0]
'''
_NORMAL_VALUE = '''
def value(formula, at_a, at_b, at_c, digits=15):
    """The formula at exact a, b, c (integers, rationals, or decimals as text), to this many digits.

    Where |c| = sqrt(a*b) leaves 0/0, the limit from within.
    """
    point = {symbol: Rational(number) for symbol, number in ((a, at_a), (b, at_b), (c, at_c))}
    found = formula.subs(point, simultaneous=True).evalf(digits).as_real_imag()[0]
    if found is not nan:
        return found
    # the error falls like the square root of the distance, and T of a function that jumps grows as that falls
    near = [{**point, c: point[c] * (1 - Rational(1, 10 ** (2 * digits + more)))} for more in (4, 8)]
    first, last = (formula.subs(at, simultaneous=True).evalf(digits + 8) for at in near)
    return last * oo if abs(last) > 10 * max(1, abs(first)) else last.evalf(digits)
'''
_MIXTURE_VALUE = '''
class KolmogorovDensity(Function):
    """The density 8*x*Sum((-1)**(n - 1)*n**2*exp(-2*n**2*x**2), (n, 1, oo)) of the Kolmogorov distribution, x > 0."""

    nargs = 1


def kolmogorov_density(x):
    """The density of the Kolmogorov distribution at an mpmath number, by whichever of its two series is faster."""
    count = int(1.5 * mpmath.sqrt(mpmath.mp.dps)) + 3
    if x > 0.8:
        return 8 * x * mpmath.fsum((-1) ** (n - 1) * n**2 * mpmath.exp(-2 * (n * x) ** 2) for n in range(1, count))
    terms = ((m * mpmath.pi / x) ** 2 for m in range(1, 2 * count, 2))
    return mpmath.sqrt(2 * mpmath.pi) / x**2 * mpmath.fsum((t / 4 - 1) * mpmath.exp(-t / 8) for t in terms)


def kolmogorov_rule(digits):
    """Nodes and weights of the trapezoidal rule on log(kappa), whose error is about 10**-digits."""
    t = digits * mpmath.log(10) + 12 * mpmath.log(2)
    h = 2 * mpmath.pi * mpmath.mpf("0.74") / t
    first, last = mpmath.floor(mpmath.log(mpmath.pi**2 / (8 * t)) / (2 * h)), mpmath.ceil(mpmath.log(t / 2) / (2 * h))
    nodes = [mpmath.exp(k * h) for k in range(int(first) - 1, int(last) + 2)]
    return [(node, h * node * kolmogorov_density(node)) for node in nodes]


def value(formula, at_a, at_b, at_c, digits=15):
    """The formula at exact a, b, c (integers, rationals, or decimals as text), to this many digits."""
    point = {symbol: Rational(number) for symbol, number in ((a, at_a), (b, at_b), (c, at_c))}
    rest, means = formula.subs(point, simultaneous=True), {}
    with mpmath.workdps(digits + 12):
        rule = kolmogorov_rule(digits + 3)
        for number, mean in enumerate(sorted(rest.atoms(Integral), key=count_ops, reverse=True)):
            if rest.has(mean):
                # the integrand of the nested integrals without the densities, which are in the weights
                inner = mean.replace(Integral, lambda function, *limits: function)
                inner = inner.replace(KolmogorovDensity, lambda x: Integer(1))
                inner = lambdify((kappa, kappa_prime), inner, "mpmath", cse=True)
                total = mpmath.fsum(w * v * inner(x, y) for x, w in rule for y, v in rule)
                means[Symbol(f"mean{number}")] = Float(total, digits + 12)
                rest = rest.subs(mean, Symbol(f"mean{number}"))
        return rest.evalf(digits, subs=means).as_real_imag()[0]
'''


_NORMAL = ("Phi", "Phi2")
_NORMAL_FUNCTIONS = '''
class Phi(Function):
    """The standard normal distribution function."""

    nargs = 1

    def _eval_evalf(self, prec):
        return (erfc(-self.args[0] / sqrt(2)) / 2)._eval_evalf(prec)


class Phi2(Function):
    """The bivariate normal distribution function at x, y, for the correlation c/sqrt(c**2 + d**2)."""

    nargs = 4

    def _eval_evalf(self, prec):
        with mpmath.workprec(prec + 20):
            x, y, c, d = (mpmath.mpf(argument.evalf(mpmath.mp.dps)) for argument in self.args)
            if not d:  # Y = X or Y = -X
                ends = mpmath.ncdf(x), mpmath.ncdf(y) if c > 0 else mpmath.ncdf(-y)
                return Float(min(ends) if c > 0 else max(ends[0] - ends[1], mpmath.mpf(0)), precision=prec)
            r = mpmath.hypot(c, d)
            places = sorted({-mpmath.inf, x, *((min(x, (y + k * d / r) * r / c) for k in (-8, 0, 8)) if c else ())})
            total = mpmath.quad(lambda t: mpmath.npdf(t) * mpmath.ncdf((y * r - c * t) / d), places)
            return Float(total, precision=prec)
'''


class _Printer(StrPrinter):
    """SymPy's own printer, with exact numbers and the names of this module; what is printed rebuilds the expression."""

    def _print_Rational(self, expr: sp.Rational) -> str:  # noqa: N802 (SymPy's hook)
        return f"Rational({expr.p}, {expr.q})"

    def _print_Symbol(self, expr: sp.Symbol) -> str:  # noqa: N802 (SymPy's hook)
        return "kappa_prime" if expr.name == "kappa'" else str(expr.name)

    def _print_Mul(self, expr: sp.Mul) -> str:  # noqa: N802 (SymPy's hook)
        # 2*(x + y)/z is read as (2*(x + y))/z, in which SymPy multiplies out
        coefficient, rest = expr.as_coeff_Mul()
        sums = any(power.as_base_exp()[0].is_Add for power in sp.Mul.make_args(rest))
        if coefficient == 1 or not sums:
            return str(super()._print_Mul(expr))
        arguments = ", ".join(self.doprint(argument) for argument in expr.args)
        return f"Mul({arguments}{'' if expr.func(*expr.args) == expr else ', evaluate=False'})"


def expressions(found: Report) -> str:
    """The text of a module with the expressions S, T, nngp and ntk; with each branch's S and T for a product.

    Raises:
        DerivationError: a Hermite series or a symbolic constant.
    """
    require_closed(found, "SymPy")
    duals = branch_duals(found)
    mixed = any(own.method == MIXTURE for _, own in duals)
    write = _write
    statements: list[tuple[str, str, str]] = []
    written: list[Any] = []
    for suffix, own in duals:
        for (letter, meaning), formula in zip(MEANINGS.items(), (own.S, own.T), strict=True):
            statements.append((f"{letter}{suffix}", write(formula), meaning))
            written.append(formula)
    for name, formula in kernel_calls(found).items():
        calls = {call: sp.Symbol(call.func.__name__) for call in formula.atoms(sp.core.function.AppliedUndef)}
        statements.append((name, Writer(PYTHON)(formula.xreplace(calls)), f"{KERNELS[name]}, NTK parametrisation"))
    normal = any(formula.has(Phi, Phi2) for formula in written)
    names = _imports(written, mixed, " ".join(text for _, text, _ in statements))
    texts = [
        '"""' + "\n".join(wrapped([*head(found), _USE, *([_MIXED] if mixed else [])])) + '\n"""',
        ("import mpmath\n" if mixed or normal else "") + f"from sympy import {', '.join(names)}",
        'a, b = Symbol("a", positive=True), Symbol("b", positive=True)\nc = Symbol("c", real=True)'
        + ('\nkappa, kappa_prime = Symbol("kappa", positive=True), Symbol("kappa\'", positive=True)' if mixed else ""),
    ]
    if normal:
        texts.append(_NORMAL_FUNCTIONS.strip())
    assignments = "\n".join("\n".join(_statement(*statement)) for statement in statements)
    value = (_MIXTURE_VALUE if mixed else _NORMAL_VALUE if normal else _VALUE).strip("\n")
    # the density is used by the expressions of a mixture
    return "\n\n".join(texts) + f"\n\n\n{value}\n\n\n{assignments}\n"


def _write(expr: sp.Expr) -> str:
    return f"Integer({expr})" if expr.is_Integer else str(_Printer().doprint(expr))


def _statement(name: str, text: str, meaning: str) -> list[str]:
    whole = f"{name} = {text}"
    lines = [whole] if len(whole) <= 110 else [f"{name} = (", *folded(f"    {text}", "    "), ")"]
    return [f"# {meaning}", *lines]


def _imports(formulas: list[Any], mixed: bool, text: str) -> list[str]:
    """The names of `sympy` that the text uses."""
    names = {"Rational", "Symbol", *(name for name in ("Integer", "Mul", "sqrt") if f"{name}(" in text)}
    if any(formula.has(Phi, Phi2) for formula in formulas):
        names |= {"Float", "Function", "erfc", "nan", "oo", "sqrt"}
    if mixed:
        names |= {"Float", "Function", "Integer", "Integral", "count_ops", "lambdify"}
    for formula in formulas:
        names |= {type(node).__name__ for node in formula.atoms(sp.Function)} - {"KolmogorovDensity", *_NORMAL}
        if formula.has(sp.oo):
            names.add("oo")
        names |= {name for name, constant in (("pi", sp.pi), ("E", sp.E), ("I", sp.I)) if formula.has(constant)}
    return sorted(names, key=lambda name: (name.lower(), name))
