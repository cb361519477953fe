"""A small evaluator of Mathematica's language, on the full form that SymPy's parser gives, with mpmath's numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import mpmath
from scipy import integrate
from sympy.parsing.mathematica import MathematicaParser

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Plus": lambda *x: mpmath.fsum(x),
    "Times": lambda *x: mpmath.fprod(x),
    "Power": lambda x, y: x ** (int(y) if y == int(y) else y),
    "Sqrt": mpmath.sqrt, "Exp": mpmath.exp, "Log": mpmath.log, "Sin": mpmath.sin, "Cos": mpmath.cos,
    "Sinh": mpmath.sinh, "Cosh": mpmath.cosh, "Tanh": mpmath.tanh, "ArcSin": mpmath.asin, "ArcCos": mpmath.acos,
    "ArcTan": mpmath.atan, "Erf": mpmath.erf, "Erfc": mpmath.erfc, "Floor": mpmath.floor, "Ceiling": mpmath.ceil,
    "Greater": lambda x, y: x > y, "Length": len, "Part": lambda x, *i: _part(x, i), "N": lambda x, _digits: x,
    "List": lambda *x: list(x),
}  # fmt: skip
_CONSTANTS = {
    "Pi": lambda: +mpmath.pi,
    "E": lambda: +mpmath.e,
    "I": lambda: mpmath.mpc(0, 1),
    "Infinity": lambda: mpmath.inf,
}


def _part(value: Any, indices: tuple[Any, ...]) -> Any:
    for index in indices:
        value = value[int(index) - 1]
    return value


def definitions(text: str) -> list[str]:
    """The definitions of a file, without comments."""
    bare = re.sub(r"\(\*.*?\*\)", "", text, flags=re.DOTALL)
    return [definition.strip() for definition in re.split(r"\n\n+|\n(?=\w)", bare.strip())]


def full_forms(text: str) -> list[Any]:
    """The definitions of a file, one nested list each."""
    parser = MathematicaParser()
    return [
        parser._from_tokens_to_fullformlist(parser._from_mathematica_to_tokens(definition))
        for definition in definitions(text)
    ]


class Session:
    """The definitions of a file; a call evaluates one of its functions."""

    def __init__(self, text: str) -> None:
        self.rules: dict[tuple[str, int], tuple[list[str], Any]] = {}
        self.stored: dict[tuple[str, tuple[Any, ...]], Any] = {}
        self.memoised: set[str] = set()
        for form in full_forms(text):
            head, left, right = form
            if head == "Set":  # f[x_] := f[x] = …
                (_, left, memo) = left
                assert memo[0] == left[0]
                self.memoised.add(left[0])
            else:
                assert head == "SetDelayed"
            names = [pattern[1] for pattern in left[1:] if pattern[::2] == ["Pattern", ["Blank"]]]
            assert len(names) == len(left) - 1
            self.rules[left[0], len(names)] = names, right

    def __call__(self, name: str, *arguments: Any) -> Any:
        """The value of name[arguments]."""
        key = name, arguments
        if key in self.stored:
            return self.stored[key]
        names, body = self.rules[name, len(arguments)]
        value = self.evaluate(body, dict(zip(names, arguments, strict=True)))
        if name in self.memoised:
            self.stored[key] = value
        return value

    def evaluate(self, form: Any, scope: dict[str, Any]) -> Any:
        """The value of a form."""
        if isinstance(form, str):
            return self._atom(form, scope)
        head, *arguments = form
        if head == "With":
            inner = {name: self.evaluate(value, scope) for _, name, value in arguments[0][1:]}
            return self.evaluate(arguments[1], {**scope, **inner})
        if head == "If":
            return self.evaluate(arguments[1 if self.evaluate(arguments[0], scope) else 2], scope)
        if head in ("Sum", "Table"):
            values = [self.evaluate(arguments[0], inner) for inner in self._iterate(arguments[1:], scope)]
            return mpmath.fsum(values) if head == "Sum" else values
        if head == "NIntegrate":
            (_, first, *_rest), (_, second, *_more) = arguments[1:3]
            found, _ = integrate.dblquad(
                lambda x, y: float(self.evaluate(arguments[0], {**scope, first: mpmath.mpf(x), second: mpmath.mpf(y)})),
                0.1, 6, 0.1, 6, epsabs=1e-8, epsrel=1e-7,
            )  # fmt: skip
            return found
        values = [self.evaluate(argument, scope) for argument in arguments]
        called = scope.get(head, head)
        return _FUNCTIONS[called](*values) if called in _FUNCTIONS else self(called, *values)

    def _atom(self, name: str, scope: dict[str, Any]) -> Any:
        if name in scope:
            return scope[name]
        if name in _CONSTANTS:
            return _CONSTANTS[name]()
        if re.fullmatch(r"-?\d+", name):
            return mpmath.mpf(name)
        assert any(name == known for known, _ in self.rules), f"{name} is not defined"
        return name

    def _iterate(self, ranges: list[Any], scope: dict[str, Any]) -> Iterator[dict[str, Any]]:
        axes = []
        for _, name, low, high, *step in ranges:
            first, last = int(self.evaluate(low, scope)), int(self.evaluate(high, scope))
            stride = int(self.evaluate(step[0], scope)) if step else 1
            axes.append([(name, mpmath.mpf(i)) for i in range(first, last + 1, stride)])
        for chosen in product(*axes):
            yield {**scope, **dict(chosen)}
