"""One layer of a composition as a step of its recursion: the layer's rule, applied to names."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

import sympy as sp

from glutheory.layers import rays
from glutheory.layers.records import Dense, Norm, Product, Scale
from glutheory.layers.text import written
from glutheory.symbolic import layer_rules as rules
from glutheory.symbolic.kernels import Moments, d, m
from glutheory.symbolic.layer_rules import SIGMA, A, B
from glutheory.symbolic.naming import Names
from glutheory.symbolic.recursion import Line, State, Step

#: Of units without means, and of what is not followed.
ZEROS = Moments(sp.S.Zero, sp.S.Zero, sp.S.Zero)


@dataclass
class LayerSteps:
    """What each layer does to the state of the stream, as a step with fresh names.

    Attributes:
        standard: the standard parametrisation; else ntk.
        centred: whether products of means are followed.
        names: those that are used.
    """

    standard: bool
    centred: bool
    names: Names = field(default_factory=Names)

    def _before(self, layer: Dense, state: State) -> tuple[Moments, sp.Expr, sp.Expr | None]:
        """A dense layer's moments, the factor of Θ, and what its own weights add (None where they are frozen)."""
        rule = rules.dense_rule(self.standard, layer.bias != 0)
        values = {
            rules.VARIANCE: sp.Rational(layer.variance),
            rules.BIAS: sp.Rational(layer.bias),
            rules.FAN_IN: d if state.inputs else m,
        }
        given = [expr.subs(values) for expr in (rule.covariance, rule.through[0], rule.own)]
        moments = Moments(*(given[0].subs(SIGMA, value) for value in state.moments))
        return moments, given[1], given[2].subs(SIGMA, state.moments.mixed) if layer.trained else None

    def dense(self, layer: Dense, state: State) -> tuple[Step, State]:
        """Moments and NTK behind a dense layer."""
        moments, factor, own = self._before(layer, state)
        lines: list[Line] = []
        moments = self.names.named(moments, lines)
        ntk = self.names.ntk([(state.ntk, factor)], [] if own is None else [(0, own)], lines)
        ray = self.names.follow((state.ray,), partial(rays.through_dense, layer=layer), lines)
        rule = rules.dense_rule(self.standard, layer.bias != 0)
        return Step(written([layer]), rule.reason, 1, tuple(lines)), State(moments, ZEROS, ntk, ray, False)

    def product(self, layer: Product, state: State) -> tuple[Step, State]:
        """S and T of the branches, and their products."""
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
            ray = self.names.follow((state.ray,), partial(rays.through_dense, layer=dense), lines)
            pair[S[k]], pair[T[k]] = self.names.dual(act, at, ray, lines)
            for side, variance in zip(sides, at[:2], strict=True):
                side[S[k]] = self.names.dual(act, Moments(*3 * (variance,)), "", lines)[0]
            if self.centred:
                for table, ends in zip(means, ((0, 0), (1, 1), (0, 1)), strict=True):
                    independent = Moments(at[ends[0]], at[ends[1]], sp.S.Zero)
                    table[S[k]] = self.names.dual(act, independent, None, lines)[0]
            terms.append((state.ntk, factor * rule.through[k]))
            if added is not None:
                own.append((k, added * rule.through[k]))
        moments = Moments(*(rule.covariance.subs(side) for side in (*sides, pair)))
        moments = self.names.named(moments, lines)
        ntk = self.names.ntk(
            [(name, expr.subs(pair)) for name, expr in terms], [(k, expr.subs(pair)) for k, expr in own], lines
        )
        new_means = (
            self.names.named(Moments(*(rule.covariance.subs(t) for t in means)), lines) if self.centred else ZEROS
        )
        ray = self.names.follow((state.ray,), partial(rays.through_product, layer=layer), lines)
        step = Step(written([layer]), rule.reason, len(layer.branches), tuple(lines))
        return step, State(moments, new_means, ntk, ray, False)

    def norm(self, layer: Norm, state: State) -> tuple[Step, State]:
        """Everything over the lengths; about the means, for LayerNorm."""
        rule = rules.norm_rule(layer.gain, layer.shift)
        lines: list[Line] = []
        moments = state.moments
        if layer.centred:
            moments = Moments(*(value - mean for value, mean in zip(moments, state.means, strict=True)))
        sides = {A: moments.first, B: moments.second}
        normed = Moments(sp.S.One, sp.S.One, rule.covariance.subs({**sides, SIGMA: moments.mixed}, simultaneous=True))
        normed = self.names.named(normed, lines, "rho")
        own = rule.own.subs(rule.covariance, normed.mixed)
        trained = layer.gain or layer.shift
        ntk = self.names.ntk([(state.ntk, rule.through[0].subs(sides))], [(0, own)] if trained else [], lines)
        means = ZEROS
        if not layer.centred:
            x, y = (sp.sqrt(value) for value in (moments.first, moments.second))
            means = Moments(*(v / w for v, w in zip(state.means, (x * x, y * y, x * y), strict=True)))
            means = self.names.named(means, lines, "M")
        ray = self.names.follow((state.ray,), rays.normed, lines)
        step = Step(written([layer]), rule.reason, 1, tuple(lines), (moments.first, moments.second))
        return step, State(normed, means, ntk, ray, state.inputs)

    def scale(self, layer: Scale, state: State) -> tuple[Step, State]:
        """Moments and NTK times a square."""
        square = sp.Rational(layer.factor) ** 2
        lines: list[Line] = []
        moments = self.names.named(Moments(*(square * value for value in state.moments)), lines)
        means = self.names.named(Moments(*(square * value for value in state.means)), lines, "M")
        ntk = self.names.ntk([(state.ntk, square)], [], lines)
        step = Step(written([layer]), "E[(f h)(f h')] = f² E[h h']", 0, tuple(lines))
        return step, replace(state, moments=moments, means=means, ntk=ntk)

    def add(self, state: State, image: State) -> tuple[Step, State]:
        """Sums: the image of a block is independent and centred."""
        rule = rules.sum_rule()
        lines: list[Line] = []
        total = Moments(
            *(
                rule.covariance.subs(dict(zip(rule.inputs, pair, strict=True)), simultaneous=True)
                for pair in zip(state.moments, image.moments, strict=True)
            )
        )
        moments = self.names.named(total, lines)
        ntk = self.names.ntk(list(zip((state.ntk, image.ntk), rule.through, strict=True)), [], lines)
        ray = self.names.follow((state.ray, image.ray), rays.added, lines)
        return Step("sum", rule.reason, 0, tuple(lines)), State(moments, state.means, ntk, ray, False)
