"""A derived recursion at numbers: every formula of it in ball arithmetic, S and T by the certified evaluation of duals.

Covariances below the first activation are balls; how S and T vary within them is `ground.boxes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, reduce
from typing import Any

import sympy as sp
from flint import arb

from glutheory.activations import Activation
from glutheory.errors import DomainError, PrecisionError
from glutheory.ground.balls import Tape
from glutheory.ground.boxes import Pair, boxed
from glutheory.ground.exact import Point
from glutheory.ground.symmetry import Ray, symmetry
from glutheory.layers.pairs import Chosen
from glutheory.symbolic.duals import dual
from glutheory.symbolic.evaluation import evaluate_balls
from glutheory.symbolic.kernels import d, m
from glutheory.symbolic.recursion import Call, Follow, Let, Linear, Loop, Node, Recursion, Step

#: The block of all groups together.
ALL = ""
_SAME = Ray(1, Fraction(1))
#: Of a variance, the binary exponent beyond which nothing is evaluated.
_FARTHEST = 1000


@dataclass(frozen=True)
class Values:
    """A state of the stream in numbers.

    Attributes:
        moments: variances at x and x', and the covariance.
        means: the products of the units' means.
        ntk: by group of weights, or all under `ALL`.
        ray: the unit at x' as a multiple of that at x.
    """

    moments: tuple[arb, arb, arb]
    means: tuple[arb, arb, arb]
    ntk: Mapping[str, arb]
    ray: Ray | None


@dataclass(frozen=True)
class End:
    """What a recursion ends with.

    Attributes:
        covariance: of a unit at x and x'.
        means: the product of its means there.
        ntk: by group of weights, or all under `ALL`.
        ray: the unit at x' as a multiple of that at x.
    """

    covariance: arb
    means: arb
    ntk: Mapping[str, arb]
    ray: Ray | None


class Runner:
    """Runs recursions at the current precision.

    Args:
        weights: which groups count, and the fan-ins.
        digits: of S and T.
        blocks: whether the NTK is kept by group.
    """

    def __init__(self, weights: Chosen, digits: int, blocks: bool) -> None:
        self._weights, self._digits, self._blocks = weights, digits, blocks
        self._programs: dict[sp.Expr, tuple[Any, tuple[sp.Symbol, ...]]] = {}

    def run(self, found: Recursion, start: Values, names: Iterator[tuple[str, ...]]) -> End:
        """What a recursion ends with.

        Args:
            found: the recursion.
            start: the state before it.
            names: of the groups of weights, a tuple for each layer that has any, in the order of the layers.
        """
        env = _Environment({d: arb(self._weights.d), m: arb(self._weights.width)}, {}, {})
        begin = found.start
        for symbols, values in ((begin.moments, start.moments), (begin.means, start.means)):
            env.numbers.update({s: v for s, v in zip(symbols, values, strict=True) if s.is_Symbol})
        if begin.ntk is not None:
            env.ntks[begin.ntk] = start.ntk
        env.rays[begin.ray] = start.ray
        self._nodes(found.nodes, env, names)
        end = found.end
        ntk = {} if end.ntk is None else env.ntks[end.ntk]
        return End(self._value(end.moments.mixed, env), self._value(end.means.mixed, env), ntk, env.rays[end.ray])

    def _nodes(self, nodes: Sequence[Node], env: _Environment, names: Iterator[tuple[str, ...]]) -> None:
        for node in nodes:
            if isinstance(node, Step):
                self._step(node, env, next(names) if node.weights else ())
            else:
                self._loop(node, env, names)

    def _loop(self, loop: Loop, env: _Environment, names: Iterator[tuple[str, ...]]) -> None:
        before, within, after = loop.ntk
        values = {own.symbol: self._value(own.first, env) for own in loop.numbers}
        ntk = {} if before is None else env.ntks[before]
        ray = env.rays[loop.rays[0]]
        for _ in range(loop.times):
            env.numbers.update(values)
            env.ntks[within], env.rays[loop.rays[1]] = ntk, ray
            self._nodes(loop.body, env, names)
            values = {own.symbol: self._value(own.then, env) for own in loop.numbers}
            ntk, ray = {} if after is None else env.ntks[after], env.rays[loop.rays[2]]
        env.numbers.update(values)
        env.ntks[within], env.rays[loop.rays[1]] = ntk, ray

    def _step(self, step: Step, env: _Environment, names: tuple[str, ...]) -> None:
        if any(self._value(divisor, env) == 0 for divisor in step.divisors):
            raise DomainError(
                "a row of data is zero where a norm divides by its length: leave the row out, or use a bias."
            )
        for line in step.lines:
            if isinstance(line, Let):
                env.numbers[line.symbol] = self._value(line.value, env)
            elif isinstance(line, Call):
                S, T = self._call(line, env)
                env.numbers[line.S] = S
                if line.T is not None:
                    env.numbers[line.T] = T
            elif isinstance(line, Linear):
                env.ntks[line.symbol] = self._linear(line, env, names)
            else:
                assert isinstance(line, Follow)
                env.rays[line.name] = line.how(*(env.rays[source] for source in line.sources))

    def _linear(self, line: Linear, env: _Environment, names: tuple[str, ...]) -> dict[str, arb]:
        total: dict[str, arb] = {}
        for symbol, factor in line.terms:
            old = env.ntks[symbol]
            # without NTK below there is nothing to multiply, were the factor infinite
            number = self._product(factor, env) if old else arb(0)
            for group, value in old.items():
                # an infinite NTK times 0 is nothing known: near such rows both may tend to a product of any size
                own = _times(number, value) if value.is_finite() else number * value
                total[group] = total.get(group, arb(0)) + own
        for place, expr in line.own:
            if names[place] in self._weights.groups:
                group = names[place] if self._blocks else ALL
                total[group] = total.get(group, arb(0)) + self._product(expr, env)
        return total

    def _product(self, expr: sp.Expr, env: _Environment) -> arb:
        """A formula whose factors may be 0 and ∞."""
        if expr.is_Add:
            return sum((self._product(part, env) for part in expr.args), arb(0))
        if expr.is_Mul:
            return reduce(_times, (self._product(part, env) for part in expr.args))
        return self._value(expr, env)

    def _call(self, line: Call, env: _Environment) -> Pair:
        a, b, c = (self._value(value, env) for value in line.point)
        own = symmetry(line.activation.expr)
        if own.degree is None:
            for side in (a, b):
                _check_size(side, line.activation.label)
        ray = _SAME if line.ray == "" else None if line.ray is None else env.rays[line.ray]
        digits, act = self._digits, line.activation
        return boxed(lambda *point: _at(act, *point, digits), own, a, b, c, ray)

    def _value(self, expr: sp.Expr, env: _Environment) -> arb:
        if expr.is_Symbol:
            return env.numbers[expr]
        known = self._programs.get(expr)
        if known is None:
            symbols = tuple(sorted(expr.free_symbols, key=str))
            known = self._programs[expr] = Tape([expr], symbols).bind(), symbols
        program, symbols = known
        found: arb = program([env.numbers[symbol] for symbol in symbols])[0]
        return found


def _times(one: arb, other: arb) -> arb:
    """A product in which exactly 0 times infinity is 0: what is not there has no NTK, however steep φ is."""
    return arb(0) if one == 0 or other == 0 else one * other


@dataclass
class _Environment:
    """What the names stand for."""

    numbers: dict[sp.Symbol, arb]
    ntks: dict[sp.Symbol, Mapping[str, arb]]
    rays: dict[str, Ray | None]


@lru_cache(maxsize=4096)
def _at(act: Activation, a: Fraction, b: Fraction, c: Fraction, digits: int) -> Pair:
    try:
        return evaluate_balls(dual(act), Point(a, b, c), digits)
    except PrecisionError as error:
        # correct, only wider: whether they are too wide the whole stack shows
        return error.reached[0], error.reached[1]


def _check_size(variance: arb, label: str) -> None:
    if variance == 0 or not variance.is_finite():
        return
    mantissa, exponent = variance.mid().man_exp()
    size = int(exponent) + int(mantissa).bit_length()
    if abs(size) > _FARTHEST:
        raise DomainError(
            f"the variance before {label} is about 2^{size}, which is beyond what is evaluated: put a norm before it, "
            "or take fewer blocks."
        )
