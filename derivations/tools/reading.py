r"""LaTeX of displayed formulas read back as SymPy: what can be read is compared with what was decided.

A strict subset: numbers, letters, + − · / and powers, ``\frac``, ``\sqrt``, elementary functions, derivatives and
values at a point. ⊙ is the product of entries. What is not in it is not guessed: `UnreadError` says so, and the
relation counts as not compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import sympy as sp

from derivations.tools.letters import GREEK, SAME

_TOKEN = re.compile(
    r"\\begin\{pmatrix\}.*?\\end\{pmatrix\}|\\text\{(?:[^{}]|\{[^{}]*\})*\}|\\[A-Za-z]+|\\.|\d+\.\d+|\S"
)
_IGNORED = re.compile(
    r"\\(?:[bB]ig+[lrm]?|left|right|displaystyle|textstyle|nolimits|(?:begin|end)\{gathered\})(?![A-Za-z])"
)
_NAMED = ("sin", "cos", "tan", "sinh", "cosh", "arcsin", "arccos", "arctan", "exp")
_FUNCTIONS: dict[str, Callable[[sp.Expr], sp.Expr]] = {
    name: getattr(sp, name.replace("arc", "a")) for name in _NAMED
} | {"ln": sp.log, "log": sp.log}
#: What a formula may stand for: an expression, a form, a matrix or a tuple of such.
Value: TypeAlias = Any
SPACES = frozenset({r"\,", r"\;", r"\ ", r"\!", "~", r"\quad"})
_ENDS = frozenset({"", "+", "-", ",", ")", "]", "}", r"\}", "|"})
_OPEN = {"(": ")", "[": "]", "{": "}", r"\{": r"\}"}


class UnreadError(Exception):
    """The formula has something that is not read; the message is what."""


def tokens(latex: str) -> list[str]:
    """The tokens of a formula; sizes of brackets and environments are none."""
    return _TOKEN.findall(_IGNORED.sub(" ", latex.replace(r"\lbrace", r"\{")))


def _times(left: Value, right: Value) -> Value:
    """The product; not of tuples, which SymPy repeats, as it joins those of a sum."""
    if isinstance(left, sp.Tuple) or isinstance(right, sp.Tuple):
        raise UnreadError("a factor of a tuple")
    return left * right


def _entrywise(left: Value, right: Value) -> Value:
    """The product of entries: of forms, which are entries, and of matrices."""
    matrices = [isinstance(value, sp.MatrixBase) for value in (left, right)]
    if not any(matrices):
        return _times(left, right)
    if not all(matrices):
        raise UnreadError(r"\odot")
    return sp.matrix_multiply_elementwise(left, right)


@dataclass
class Reader:
    """Reads expressions.

    Attributes:
        means: LaTeX, a letter or a whole term, and its value; the longest that fits is taken.
        names: letters and their definitions in LaTeX, read where they occur.
        scalars: the symbols that were decided, by name: a bracket behind one of them is a factor.
        prime: the variable by which ' differentiates.
    """

    means: Mapping[str, Value]
    names: Mapping[str, str]
    scalars: Mapping[str, sp.Symbol]
    prime: sp.Symbol | None = None
    _open: tuple[str, ...] = ()
    _items: list[str] = field(default_factory=list)
    _at: int = 0

    def read(self, items: list[str]) -> Value:
        """The value of these tokens.

        Raises:
            UnreadError: something in them is not in the subset.
        """
        outer = self._items, self._at
        self._items, self._at = items, 0
        try:
            value = self._sum()
            if self._at < len(items):
                raise UnreadError(self._next())
            return value
        finally:
            self._items, self._at = outer

    def _next(self) -> str:
        return self._items[self._at] if self._at < len(self._items) else ""

    def _take(self, wanted: str = "") -> str:
        token = self._next()
        if not token or (wanted and token != wanted):
            raise UnreadError(token or "the end")
        self._at += 1
        return token

    def _skip(self) -> None:
        while self._next() in SPACES:
            self._at += 1

    def _sum(self) -> Value:
        self._skip()
        sign = self._take() if self._next() in ("+", "-") else "+"
        total = _times(self._product(), sp.S.NegativeOne) if sign == "-" else self._product()
        while self._next() in ("+", "-"):
            sign = sp.S.One if self._take() == "+" else sp.S.NegativeOne
            total = _times(total, sp.S.One) + _times(self._product(), sign)
        return total

    def _product(self) -> Value:
        value, any_ = sp.S.One, False
        while True:
            self._skip()
            token = self._next()
            if token in (r"\cdot", r"\times") and any_:
                self._take()
                value = _times(value, self._factor())
            elif token == r"\odot" and any_:
                self._take()
                value = _entrywise(value, self._factor())
            elif token == "/" and any_:
                self._take()
                value /= self._factor()
                if self._next() not in {*SPACES, *_ENDS, r"\cdot", "/"}:
                    raise UnreadError("/")  # 1/2x can be x/2 or 1/(2x)
            elif any_ and token in _ENDS:
                return value
            elif token in _ENDS - {"|"}:
                raise UnreadError(token or "the end")
            else:
                value = _times(value, self._factor()) if any_ else self._factor()
            any_ = True

    def _factor(self, *, placed: bool = True) -> Value:
        """A factor with its powers, and with the place at which it is taken unless that is for what is around it."""
        self._skip()
        value = self._atom()
        while True:
            if self._next() == "^":
                self._take()
                value = value ** self._argument()
            elif self._next() == "'":
                self._take()
                if self.prime is None:
                    raise UnreadError("'")
                value = sp.diff(value, self.prime)
            elif placed and self._items[self._at : self._at + 2] == ["|", "_"]:
                self._at += 2
                left, equals, right = "".join(self._group()).partition("=")
                symbol = Reader({}, {}, self.scalars).read(tokens(left))
                if not equals or not symbol.is_Symbol:
                    raise UnreadError("|")
                value = value.subs(symbol, self.read(tokens(right)))
            else:
                return value

    def _group(self) -> list[str]:
        """The tokens of the group or of the one token here."""
        self._skip()
        if self._next() != "{":
            return [self._take()]
        depth, start = 0, self._at
        while True:
            depth += {"{": 1, "}": -1}.get(self._take(), 0)
            if depth == 0:
                return self._items[start + 1 : self._at - 1]

    def _argument(self) -> Value:
        return self.read(self._group())

    def _meant(self) -> Value | None:
        """The value of the longest term that starts here, if one does."""
        for latex in sorted(self.means, key=len, reverse=True):
            items = [token for token in tokens(latex) if token not in SPACES]
            place, left = self._at, list(items)
            while left and place < len(self._items):
                if self._items[place] == left[0]:
                    left.pop(0)
                elif self._items[place] not in SPACES or place == self._at:
                    break
                place += 1
            # K is no part of K_m, and no factor in K(x)
            if not left and self._items[place : place + 1] != ["_"] and not self._applied(place):
                self._at = place
                value = self.means[latex]
                if self._next() == "(" and not (isinstance(value, int) or getattr(value, "is_Symbol", False)):
                    raise UnreadError(f"{latex}(")  # f(x + 1) is f at x + 1, or a product
                return sp.Integer(value) if isinstance(value, int) else value
        return None

    def _atom(self) -> Value:
        if (value := self._meant()) is not None:
            return value
        token = self._take()
        command = token[1:] if token.startswith("\\") else ""
        if token[0].isdigit():  # one digit, or a number with a point
            while token.isdigit() and self._next().isdigit():
                token += self._take()
            return sp.Rational(token)
        if token in _OPEN:
            values = [self._sum()]
            while self._next() == ",":
                self._take()
                values.append(self._sum())
            self._take(_OPEN[token])
            return sp.Tuple(*values) if values[1:] else values[0]
        if token == "|":
            value = self._sum()
            self._take("|")
            return sp.Abs(value)
        if token.startswith(r"\begin"):
            rows = [row.split("&") for row in token[len(r"\begin{pmatrix}") : -len(r"\end{pmatrix}")].split(r"\\")]
            return sp.ImmutableDenseMatrix([[self.read(tokens(item)) for item in row] for row in rows])
        if command in ("frac", "tfrac"):
            return self._fraction()
        if command == "sqrt":
            return sp.sqrt(self._argument())
        if command in _FUNCTIONS:
            return self._function(_FUNCTIONS[command])
        if command == "pi" or token == "π":
            return sp.pi
        if token == "e" and self._next() == "^":
            self._take()
            return sp.exp(self._argument())
        return self._letter(token, command)

    def _fraction(self) -> Value:
        top, bottom = self._group(), self._group()
        sign = bottom[:1]
        operator = sign == [r"\partial"] or (sign == ["d"] and "d" not in self.scalars and "d" not in self.means)
        if operator and top[:1] == sign and len(bottom) > 1:
            return self._derivative(top[1:], bottom[1:])
        return self.read(top) / self.read(bottom)

    def _derivative(self, top: list[str], bottom: list[str]) -> Value:
        order = 1
        if top[:1] == ["^"]:
            order, top = int(top[1]), top[2:]
            bottom = bottom[: bottom.index("^")]
        symbol = Reader({}, {}, self.scalars).read(bottom)
        if not symbol.is_Symbol:
            raise UnreadError(r"\partial")
        value = self.read(top) if top else self._factor(placed=False)
        self._skip()
        if not top and self._next() not in _ENDS:
            raise UnreadError(self._next())  # in d/dx x e^x the product is meant, or the first factor
        return sp.diff(value, symbol, order)

    def _function(self, function: Callable[[sp.Expr], sp.Expr]) -> Value:
        power = sp.S.One
        if self._next() == "^":
            self._take()
            power = self._argument()
            if not power.is_positive:
                raise UnreadError(f"^{power}")  # sin^{-1} is the inverse function, or 1/sin
        self._skip()
        if self._next() in ("(", "[", r"\frac", r"\tfrac", r"\sqrt"):
            value = self._atom()
            if self._next() in ("(", "^"):
                raise UnreadError(self._next())  # in exp ½(…) and sin (x)² the argument may go on
            return function(value) ** power
        value, count = sp.S.One, 0
        while self._next().isalnum() or self._next()[1:] in GREEK or self._next() == r"\pi":
            value *= self._factor()
            count += 1
        if not count:
            raise UnreadError(self._next())
        return function(value) ** power

    def _letter(self, token: str, command: str) -> Value:
        accent = ""
        if command in ("tilde", "bar", "hat"):
            accent = token
            (token,) = self._group()[:1] or [""]
            command = token[1:] if token.startswith("\\") else ""
        if not (command in GREEK or (len(token) == 1 and token.isalpha())):
            raise UnreadError(token)
        name, index = accent + token, ""
        if self._next() == "_":
            self._take()
            index = "".join(self._group())
        base = (f"{accent[1:]} " if accent else "") + SAME.get(command or token, command or token)
        plain = f"{base}_{index}".replace("\\", "") if index else base
        if self._applied(self._at) or (self._next() == "(" and plain not in self.scalars):
            raise UnreadError(f"{plain}(")
        wanted = {f"{name}_{index}", f"{name}_{{{index}}}"} if index else {name}
        key = next((key for key in self.names if key.replace(" ", "") in wanted and key not in self._open), "")
        if key and not self.names[key].startswith(r"\text"):
            inner = Reader(self.means, self.names, self.scalars, self.prime, (*self._open, key))
            return inner.read(tokens(self.names[key]))
        if plain not in self.scalars:  # a matrix, perhaps, or a function
            raise UnreadError(plain)
        return self.scalars[plain]

    def _applied(self, place: int) -> bool:
        """Whether an argument stands there: a bracket that holds no sum."""
        if self._items[place : place + 1] != ["("]:
            return False
        depth, start = 1, place + 1
        for at in range(start, len(self._items)):
            token = self._items[at]
            depth += {"(": 1, ")": -1}.get(token, 0)
            if depth == 0:
                return True
            if depth == 1 and token in "+-" and at > start:
                return False
        return True
