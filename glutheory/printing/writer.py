"""Formulas on one line, as a theorist writes them: √(ab) rather than √a√b, Φ rather than (1 + erf)/2.

A recursive walk over a SymPy expression; what differs between Unicode, ASCII, LaTeX and program code is a `Style`. The
`Writer`'s decisions stand below it: the order of summands and factors, where signs and roots go, what needs no dot.
"""

from __future__ import annotations

import sympy as sp

from glutheory.activations.numbers import shown
from glutheory.printing.groups import MEAN, readable
from glutheory.printing.special_forms import special_form
from glutheory.printing.styles import Style

_SUM, _PRODUCT, _POWER, _ATOM = range(4)
_Written = tuple[str, int]


class Writer:
    """Writes SymPy expressions in one style.

    Attributes:
        style: what differs between Unicode, ASCII, LaTeX and program code.
        decimals: whether long fractions that end are written as decimals, 1.702z rather than 851z/500.
    """

    def __init__(self, style: Style, *, decimals: bool = False) -> None:
        self.style = style
        self.decimals = decimals

    def __call__(self, expr: sp.Expr) -> str:
        """The expression on one line."""
        return self.visit(readable(sp.sympify(expr)))[0]

    def within(self, expr: sp.Expr, level: int) -> str:
        """The expression, in brackets if it binds less than `level`."""
        text, own = self.visit(expr)
        left, right = self.style.brackets
        return text if own >= level else f"{left}{text}{right}"

    def symbol(self, name: str) -> str:
        """A symbol's name; "kappa'" and "sigma_v" have their parts translated."""
        if name == "g":
            return self.style.inner
        if name in self.style.letters:
            return self.style.letters[name]
        head, _, index = name.partition("_")
        stem = head.rstrip("'")
        written = self.style.letters.get(stem, stem) + head[len(stem) :]
        return written + self.style.subscript(index) if index else written

    def visit(self, expr: sp.Expr) -> _Written:
        """The text and how strongly it binds."""
        style = self.style
        if expr.is_Symbol:
            return self.symbol(expr.name), _ATOM
        if expr.is_Integer:
            return (style.number(str(expr)), _ATOM) if expr >= 0 else (f"{style.minus}{style.number(str(-expr))}", _SUM)
        if expr == sp.pi:
            return style.pi, _ATOM
        if expr in (sp.oo, sp.zoo):
            return style.infinity, _ATOM
        if expr in (sp.E, sp.I):
            return (style.e if expr == sp.E else style.i), _ATOM
        if expr.is_Add:
            return self.addition(expr)
        if expr.is_Mul or expr.is_Rational or (expr.is_Pow and _fractional(expr)):
            return self.product(expr)
        if expr.is_Pow:
            return style.power(self.within(expr.base, _ATOM), self.visit(expr.exp)[0]), _POWER
        return special_form(self, expr)

    def addition(self, expr: sp.Expr) -> _Written:
        """A sum; over a common denominator if all its summands have one, with one minus sign if all are negative."""
        terms = sorted(expr.args, key=_term_order)
        if _functions(expr):
            terms.sort(key=lambda term: bool(term.free_symbols))  # 1/4 + arcsin(…), but a + 1
        if all(term.could_extract_minus_sign() for term in terms):
            return f"{self.style.minus}{self.within(-expr, _PRODUCT)}", _SUM
        denominators = {sp.fraction(term)[1] for term in terms}
        if len(denominators) == 1 and (common := denominators.pop()) != 1 and common.is_Integer:
            return self.product(sp.Mul(sp.Add(*(t * common for t in terms)), 1 / common, evaluate=False))
        text = ""
        for term in terms:
            negative = term.could_extract_minus_sign()
            body = self.within(-term if negative else term, _PRODUCT)
            if text:
                text += f" {self.style.minus if negative else '+'} {body}"
            else:
                text = f"{self.style.minus}{body}" if negative else body
        return text, _SUM

    def product(self, expr: sp.Expr) -> _Written:
        """A product as one fraction, its square roots gathered under one sign."""
        above: list[sp.Expr] = []
        below: list[sp.Expr] = []
        roots: dict[bool, list[sp.Expr]] = {True: [], False: []}
        number = sp.S.One
        for factor in sp.Mul.make_args(expr):
            if factor.is_Rational:
                number *= factor
                continue
            base, exponent = (factor.base, factor.exp) if factor.is_Pow else (factor, sp.S.One)
            if not exponent.is_Rational or base == sp.E:
                above.append(factor)
            elif abs(exponent) == sp.Rational(1, 2):
                roots[exponent > 0].append(base)
            else:
                (above if exponent > 0 else below).append(base ** abs(exponent))
        negative, number = number < 0, abs(number)
        if negative:
            negative, above = _absorb_sign(above)
        number = _move_number_root(number, roots)
        over, under = int(number.p), int(number.q)
        front: int | str = over
        if self.decimals and "." in shown(number):
            front, under = shown(number), 1
        bottom = self.factors(under, below, roots[False])
        big = [f for f in above if f.is_Add or isinstance(f, MEAN)] if self.style.latex and _constant(below) else []
        if bottom and big and len(above) > 0 and not roots[False]:
            # \frac{1}{2\pi}(…) rather than a tall numerator
            rest = [f for f in above if f not in big]
            ahead = self.style.fraction(self.join(self.factors(front, rest, roots[True])), self.join(bottom))
            text = self.join([ahead, *(self.within(f, _POWER) for f in big)])
            return (f"{self.style.minus}{text}", _SUM) if negative else (text, _PRODUCT)
        top = self.factors(front, above, roots[True])
        if not bottom:
            text, level = self.join(top), _PRODUCT if len(top) > 1 else _ATOM
            if len(top) == 1 and not (over != 1 and not above):
                level = _POWER
            if len(above) == 1 and not roots[True] and number == 1:
                text, level = self.visit(above[0])
        else:
            text, level = self.fraction(top, bottom), _PRODUCT
        return (f"{self.style.minus}{self.bracket_sum(text, level)}", _SUM) if negative else (text, level)

    def bracket_sum(self, text: str, level: int) -> str:
        """The text, in brackets if it is a sum."""
        left, right = self.style.brackets
        return f"{left}{text}{right}" if level == _SUM else text

    def fraction(self, top: list[str], bottom: list[str]) -> str:
        """The quotient of two products."""
        if self.style.latex:
            return self.style.fraction(
                *(_bare(side[0]) if len(side) == 1 else self.join(side) for side in (top, bottom))
            )
        below = self.join(bottom)
        return self.style.fraction(self.join(top), f"({below})" if len(bottom) > 1 else below)

    def factors(self, number: int | str, others: list[sp.Expr], roots: list[sp.Expr]) -> list[str]:
        """The written factors of one side of a fraction, in reading order; none if it is 1 below the line."""
        texts = [self.style.number(str(number))] if number != 1 else []
        texts += [self.within(f, _POWER) for f in sorted(others, key=_factor_order)]
        if roots:
            gathered = sp.Mul(*roots, evaluate=False) if len(roots) > 1 else roots[0]
            texts.append(self.style.root(self.visit(gathered)[0]))
        return texts

    def join(self, factors: list[str]) -> str:
        """The factors side by side where that reads well (2c, ab), with the sign of multiplication elsewhere."""
        text = ""
        for factor in factors:
            text += (
                factor if not text or (self.style.times == "·" and _tight(text, factor)) else self.style.times + factor
            )
        return text or self.style.number("1")


def _tight(text: str, factor: str) -> bool:
    """Whether the factor may follow the text without a dot: 2c, ab, 2π√D, (a + 1)(b + 1)."""
    single = len(factor.rstrip("'⁰¹²³⁴⁵⁶⁷⁸⁹₁₂₃₄₅₆₇₈₉")) == 1
    digits = text.replace(".", "", 1).isdigit()
    if factor[0] in "√(" and (factor[0] == "√" or text[-1] == ")" or digits):
        return True
    return single and (digits or factor[0] > "~" or (factor[0] in "abc" and text[-1] in "abc"))


def _functions(expr: sp.Expr) -> bool:
    """Whether a summand contains a function."""
    return any(term.has(sp.Function) or term.has(sp.exp) for term in expr.args)


def _fractional(power: sp.Pow) -> bool:
    """Whether a power is written as a fraction or a root."""
    return bool(power.exp.is_Rational and (power.exp.is_negative or power.exp == sp.Rational(1, 2)))


def _constant(factors: list[sp.Expr]) -> bool:
    """Whether no factor contains a symbol."""
    return not any(factor.free_symbols for factor in factors)


def _bare(text: str) -> str:
    """The text without LaTeX brackets around the whole of it."""
    left, right = r"\left(", r"\right)"
    inner = text[len(left) : -len(right)]
    whole = text.startswith(left) and text.endswith(right)
    return inner if whole and inner.find(right) == -1 else text


def _absorb_sign(factors: list[sp.Expr]) -> tuple[bool, list[sp.Expr]]:
    """−(x − y) as y − x, where there is such a factor; whether a sign is left, and the factors."""
    for i, factor in enumerate(factors):
        signs = {term.could_extract_minus_sign() for term in sp.Add.make_args(factor)}
        if len(signs) == 2:
            return False, [*factors[:i], -factor, *factors[i + 1 :]]
    return True, factors


def _move_number_root(number: sp.Rational, roots: dict[bool, list[sp.Expr]]) -> sp.Rational:
    """√n·p/q as p/((q/n)√n) where n divides q: SymPy keeps roots of integers above the line."""
    for base in list(roots[True]):
        if base.is_Integer and number.q % int(base) == 0:
            roots[True].remove(base)
            roots[False].insert(0, base)
            number = number * base
    return number


def _factor_order(factor: sp.Expr) -> tuple[int, str]:
    """π, small letters, brackets, the inner product, capitals (S, T, A, D), functions."""
    base = factor if isinstance(factor, sp.exp) else factor.as_base_exp()[0]
    if base in (sp.pi, sp.I):
        return 0, ""
    if base.is_Symbol:
        return (3 if base.name == "g" else 1 if base.name[0].islower() else 4), base.name
    broken = factor.is_Pow and not factor.exp.is_Integer
    return (2 if base.is_Add else 5), f"{int(broken)}{base}"


def _term_order(term: sp.Expr) -> tuple[int, int, str]:
    """Short polynomial terms first, negative ones after positive ones, constants last."""
    return (
        int(term.could_extract_minus_sign()),
        int(not term.free_symbols),
        f"{sp.count_ops(term):04d}{term}",
    )
