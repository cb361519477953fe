"""The recursion of a composition, derived: each layer's rule applied to the state of the stream, blocks only once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial

import sympy as sp

from glutheory.errors import DomainError
from glutheory.layers import rays
from glutheory.layers.records import Dense, Layer, Norm, Parallel, Positions, Product, Repeat, Residual, Scale
from glutheory.layers.text import written
from glutheory.symbolic import layer_rules as rules
from glutheory.symbolic.gaussian import a, b, c
from glutheory.symbolic.kernels import Moments, d, m
from glutheory.symbolic.layer_rules import SIGMA, A, B
from glutheory.symbolic.naming import Names
from glutheory.symbolic.recursion import (
    Call,
    Carried,
    Line,
    Loop,
    Node,
    Recursion,
    State,
    Step,
)

_ZEROS = Moments(sp.S.Zero, sp.S.Zero, sp.S.Zero)
#: The inputs' inner products over d, by their usual names.
GRAM = Moments(a, b, c)
_Own = tuple[tuple[int, sp.Expr], ...]


@lru_cache(maxsize=128)
def recursion(
    layers: tuple[Layer, ...], standard: bool = False, centred: bool = False, inputs: bool = True
) -> Recursion:
    """Derive the recursion of these layers.

    Args:
        layers: without a mean over positions.
        standard: the standard parametrisation, with the symbols d and m for the dimension and the width; else ntk.
        centred: whether products of means are followed, for layernorms.
        inputs: whether the layers stand on the inputs; else on a stream whose variances, means and NTK are given.

    Raises:
        DomainError: a mean over positions within a block.
    """
    return _Composer(standard, centred).whole(layers, inputs)


class _Composer:
    def __init__(self, standard: bool, centred: bool) -> None:
        self._standard, self._centred = standard, centred
        self._names = Names()

    def whole(self, layers: tuple[Layer, ...], inputs: bool) -> Recursion:
        if inputs:
            start = State(GRAM, _ZEROS, None, self._names.name("ray"), True)
        else:
            means = self._names.moments("M") if self._centred else _ZEROS
            start = State(GRAM, means, self._names.symbol("Theta"), self._names.name("ray"), False)
        nodes, end = self._run(layers, start)
        return Recursion(start, nodes, end, self._standard)

    def _run(self, layers: Sequence[Layer], state: State) -> tuple[tuple[Node, ...], State]:
        nodes: list[Node] = []
        for layer in layers:
            made, state = self._one(layer, state)
            nodes += made
        return tuple(nodes), state

    def _one(self, layer: Layer, state: State) -> tuple[tuple[Node, ...], State]:
        if isinstance(layer, Repeat):
            return self._repeat(layer, state)
        if isinstance(layer, Residual):
            nodes, image = self._run((*layer.block, *([] if layer.scale == 1 else [Scale(layer.scale)])), state)
            step, total = self._add(state, image)
            return (*nodes, step), total
        if isinstance(layer, Parallel):
            found: list[Node] = []
            images = []
            for block in layer.blocks:
                nodes, image = self._run(block, state)
                found += nodes
                images.append(image)
            total = images[0]
            for image in images[1:]:
                step, total = self._add(total, image)
                found.append(step)
            return tuple(found), total
        if isinstance(layer, Positions):
            raise DomainError("positions stands within a block: put it between the layers of the stack itself.")
        if isinstance(layer, Dense):
            step, after = self._dense(layer, state)
        elif isinstance(layer, Product):
            step, after = self._product(layer, state)
        elif isinstance(layer, Norm):
            step, after = self._norm(layer, state)
        else:
            step, after = self._scale(layer, state)
        return (step,), after

    # one layer each

    def _before(self, layer: Dense, state: State) -> tuple[Moments, sp.Expr, sp.Expr | None]:
        """A dense layer's moments, the factor of Θ, and what its own weights add (None where they are frozen)."""
        rule = rules.dense_rule(self._standard, layer.bias != 0)
        values = {
            rules.VARIANCE: sp.Rational(layer.variance),
            rules.BIAS: sp.Rational(layer.bias),
            rules.FAN_IN: d if state.inputs else m,
        }
        given = [expr.subs(values) for expr in (rule.covariance, rule.through[0], rule.own)]
        moments = Moments(*(given[0].subs(SIGMA, value) for value in state.moments))
        return moments, given[1], given[2].subs(SIGMA, state.moments.mixed) if layer.trained else None

    def _dense(self, layer: Dense, state: State) -> tuple[Step, State]:
        moments, factor, own = self._before(layer, state)
        lines: list[Line] = []
        moments = self._names.named(moments, lines)
        ntk = self._names.ntk([(state.ntk, factor)], [] if own is None else [(0, own)], lines)
        ray = self._names.follow((state.ray,), partial(rays.through_dense, layer=layer), lines)
        rule = rules.dense_rule(self._standard, layer.bias != 0)
        return Step(written([layer]), rule.reason, 1, tuple(lines)), State(moments, _ZEROS, ntk, ray, False)

    def _product(self, layer: Product, state: State) -> tuple[Step, State]:
        rule = rules.product_rule(len(layer.branches))
        S, T = rules.dual_symbols(len(layer.branches))
        lines: list[Line] = []
        pair: dict[sp.Symbol, sp.Expr] = {}
        sides: list[dict[sp.Symbol, sp.Expr]] = [{}, {}]
        means: list[dict[sp.Symbol, sp.Expr]] = [{}, {}, {}]
        terms: list[tuple[sp.Symbol | None, sp.Expr]] = []
        own: list[tuple[int, sp.Expr]] = []
        for k, (act, dense) in enumerate(zip(layer.activations, layer.branches, strict=True)):
            at, factor, added = self._before(dense, state)
            ray = self._names.follow((state.ray,), partial(rays.through_dense, layer=dense), lines)
            pair[S[k]], pair[T[k]] = self._names.dual(act, at, ray, lines)
            for side, variance in zip(sides, at[:2], strict=True):
                side[S[k]] = self._names.dual(act, Moments(*3 * (variance,)), "", lines)[0]
            if self._centred:
                for table, ends in zip(means, ((0, 0), (1, 1), (0, 1)), strict=True):
                    independent = Moments(at[ends[0]], at[ends[1]], sp.S.Zero)
                    table[S[k]] = self._names.dual(act, independent, None, lines)[0]
            terms.append((state.ntk, factor * rule.through[k]))
            if added is not None:
                own.append((k, added * rule.through[k]))
        moments = Moments(*(rule.covariance.subs(side) for side in (*sides, pair)))
        moments = self._names.named(moments, lines)
        ntk = self._names.ntk(
            [(name, expr.subs(pair)) for name, expr in terms], [(k, expr.subs(pair)) for k, expr in own], lines
        )
        new_means = (
            self._names.named(Moments(*(rule.covariance.subs(t) for t in means)), lines) if self._centred else _ZEROS
        )
        ray = self._names.follow((state.ray,), partial(rays.through_product, layer=layer), lines)
        step = Step(written([layer]), rule.reason, len(layer.branches), tuple(lines))
        return step, State(moments, new_means, ntk, ray, False)

    def _norm(self, layer: Norm, state: State) -> tuple[Step, State]:
        rule = rules.norm_rule(layer.gain, layer.shift)
        lines: list[Line] = []
        moments = state.moments
        if layer.centred:
            moments = Moments(*(value - mean for value, mean in zip(moments, state.means, strict=True)))
        sides = {A: moments.first, B: moments.second}
        normed = Moments(sp.S.One, sp.S.One, rule.covariance.subs({**sides, SIGMA: moments.mixed}, simultaneous=True))
        normed = self._names.named(normed, lines, "rho")
        own = rule.own.subs(rule.covariance, normed.mixed)
        trained = layer.gain or layer.shift
        ntk = self._names.ntk([(state.ntk, rule.through[0].subs(sides))], [(0, own)] if trained else [], lines)
        means = _ZEROS
        if not layer.centred:
            x, y = (sp.sqrt(value) for value in (moments.first, moments.second))
            means = Moments(*(v / w for v, w in zip(state.means, (x * x, y * y, x * y), strict=True)))
            means = self._names.named(means, lines, "M")
        ray = self._names.follow((state.ray,), rays.normed, lines)
        step = Step(written([layer]), rule.reason, 1, tuple(lines), (moments.first, moments.second))
        return step, State(normed, means, ntk, ray, state.inputs)

    def _scale(self, layer: Scale, state: State) -> tuple[Step, State]:
        square = sp.Rational(layer.factor) ** 2
        lines: list[Line] = []
        moments = self._names.named(Moments(*(square * value for value in state.moments)), lines)
        means = self._names.named(Moments(*(square * value for value in state.means)), lines, "M")
        ntk = self._names.ntk([(state.ntk, square)], [], lines)
        step = Step(written([layer]), "E[(f h)(f h')] = f² E[h h']", 0, tuple(lines))
        return step, replace(state, moments=moments, means=means, ntk=ntk)

    def _add(self, state: State, image: State) -> tuple[Step, State]:
        rule = rules.sum_rule()
        lines: list[Line] = []
        total = Moments(
            *(
                rule.covariance.subs(dict(zip(rule.inputs, pair, strict=True)), simultaneous=True)
                for pair in zip(state.moments, image.moments, strict=True)
            )
        )
        moments = self._names.named(total, lines)
        ntk = self._names.ntk(list(zip((state.ntk, image.ntk), rule.through, strict=True)), [], lines)
        ray = self._names.follow((state.ray, image.ray), rays.added, lines)
        return Step("sum", rule.reason, 0, tuple(lines)), State(moments, state.means, ntk, ray, False)

    # a repeated block

    def _repeat(self, layer: Repeat, state: State) -> tuple[tuple[Node, ...], State]:
        times = layer.times
        before: tuple[Node, ...] = ()
        # fan-ins differ where the first block stands on the inputs; variances are numbers from the second block on
        if times > 1 and ((state.inputs and self._standard) or self._settles(layer, state)):
            before, state = self._run(layer.block, state)
            times -= 1
        if times == 1:
            nodes, state = self._run(layer.block, state)
            return (*before, *nodes), state
        inside = self._inside(state, self._kept(layer, state))
        body, after = self._run(layer.block, inside)
        fields = [*zip(inside.moments, state.moments, after.moments, strict=True)]
        fields += [*zip(inside.means, state.means, after.means, strict=True)]
        numbers = tuple(Carried(symbol, first, then) for symbol, first, then in fields if symbol != first)
        loop = Loop(times, numbers, (state.ntk, _sure(inside.ntk), after.ntk), (state.ray, inside.ray, after.ray), body)
        # after the loop the names within it stand for the values handed on last
        end = State(inside.moments, inside.means, inside.ntk, inside.ray, False)
        return (*before, loop), end

    def _inside(self, state: State, kept: frozenset[int]) -> State:
        """The state within a loop: names, but for what is the same in every repetition."""
        given = (*state.moments, *state.means)
        normed = kept >= {0, 1} and state.moments[:2] == (1, 1)
        bases = ("A", "B", "rho" if normed else "Sigma", "M", "M", "M")
        fields = [
            value if i in kept else self._names.symbol(base, positive=base in "AB")
            for i, (value, base) in enumerate(zip(given, bases, strict=True))
        ]
        inputs = state.inputs and not self._standard
        return State(
            Moments(*fields[:3]), Moments(*fields[3:]), self._names.symbol("Theta"), self._names.name("ray"), inputs
        )

    def _kept(self, layer: Repeat, state: State) -> frozenset[int]:
        """Which of the variances, the covariance and the means a block hands on as it got them.

        By induction over the repetitions: what stays where the others that are claimed to stay do so.
        """
        kept = frozenset(range(6))
        while True:
            _, after = self._trial(layer, state, kept)
            pairs = zip((*state.moments, *state.means), (*after.moments, *after.means), strict=True)
            stays = kept & {i for i, (before, then) in enumerate(pairs) if before == then}
            if stays == kept:
                return kept
            kept = stays

    def _settles(self, layer: Repeat, state: State) -> bool:
        """Whether after one block the variances are numbers that stay, and the block would use them."""
        if all(value.is_number for value in state.moments[:2]):
            return False
        nodes, after = self._trial(layer, state, frozenset() if self._centred else frozenset({3, 4, 5}))
        if not all(value.is_number for value in after.moments[:2]):
            return False
        steps = Recursion(state, nodes, after, False).steps()
        calls = [line for step in steps for line in step.lines if isinstance(line, Call)]
        return any(not value.is_number for call in calls for value in call.point[:2])

    def _trial(self, layer: Repeat, state: State, kept: frozenset[int]) -> tuple[tuple[Node, ...], State]:
        """One more block, whose names are not used."""
        trial = _Composer(self._standard, self._centred)
        trial._names.used.update(self._names.used)
        return trial._run(layer.block, trial._inside(state, kept))


def _sure(symbol: sp.Symbol | None) -> sp.Symbol:
    assert symbol is not None
    return symbol
