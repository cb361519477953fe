"""Decisions of the `Writer`: the order of summands and factors, where signs and roots go, what needs no dot."""

from __future__ import annotations

import sympy as sp


def tight(text: str, factor: str) -> bool:
    """Whether the factor may follow the text without a dot: 2c, ab, 2π√D, (a + 1)(b + 1)."""
    single = len(factor.rstrip("'⁰¹²³⁴⁵⁶⁷⁸⁹")) == 1
    if factor[0] in "√(" and (factor[0] == "√" or text[-1] == ")" or text.isdigit()):
        return True
    return single and (text.isdigit() or factor[0] > "~" or (factor[0] in "abc" and text[-1] in "abc"))


def functions(expr: sp.Expr) -> bool:
    """Whether a summand contains a function."""
    return any(term.has(sp.Function) or term.has(sp.exp) for term in expr.args)


def fractional(power: sp.Pow) -> bool:
    """Whether a power is written as a fraction or a root."""
    return bool(power.exp.is_Rational and (power.exp.is_negative or power.exp == sp.Rational(1, 2)))


def constant(factors: list[sp.Expr]) -> bool:
    """Whether no factor contains a symbol."""
    return not any(factor.free_symbols for factor in factors)


def bare(text: str) -> str:
    """The text without LaTeX brackets around the whole of it."""
    left, right = r"\left(", r"\right)"
    inner = text[len(left) : -len(right)]
    whole = text.startswith(left) and text.endswith(right)
    return inner if whole and inner.find(right) == -1 else text


def absorb_sign(factors: list[sp.Expr]) -> tuple[bool, list[sp.Expr]]:
    """−(x − y) as y − x, where there is such a factor; whether a sign is left, and the factors."""
    for i, factor in enumerate(factors):
        signs = {term.could_extract_minus_sign() for term in sp.Add.make_args(factor)}
        if len(signs) == 2:
            return False, [*factors[:i], -factor, *factors[i + 1 :]]
    return True, factors


def move_number_root(number: sp.Rational, roots: dict[bool, list[sp.Expr]]) -> sp.Rational:
    """√n·p/q as p/((q/n)√n) where n divides q: SymPy keeps roots of integers above the line."""
    for base in list(roots[True]):
        if base.is_Integer and number.q % int(base) == 0:
            roots[True].remove(base)
            roots[False].insert(0, base)
            number = number * base
    return number


def factor_order(factor: sp.Expr) -> tuple[int, str]:
    """π, small letters, brackets, the inner product, capitals (S, T, A, D), functions."""
    base = factor if isinstance(factor, sp.exp) else factor.as_base_exp()[0]
    if base in (sp.pi, sp.I):
        return 0, ""
    if base.is_Symbol:
        return (3 if base.name == "g" else 1 if base.name[0].islower() else 4), base.name
    broken = factor.is_Pow and not factor.exp.is_Integer
    return (2 if base.is_Add else 5), f"{int(broken)}{base}"


def term_order(term: sp.Expr) -> tuple[int, int, str]:
    """Short polynomial terms first, negative ones after positive ones, constants last."""
    return (
        int(term.could_extract_minus_sign()),
        int(not term.free_symbols),
        f"{sp.count_ops(term):04d}{term}",
    )
