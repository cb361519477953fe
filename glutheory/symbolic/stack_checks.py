"""The certificate of a derived recursion.

Price's theorem says that at fixed variances ∂S/∂c = T, so that the derivative of the last covariance in an earlier one
is the factor with which the NTK there arrives at the end: the NTK is Σ over groups of (what the group adds) times
∂Σ_end/∂Σ_there. The recursion multiplies gradients; the certificate differentiates covariances, and compares.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from glutheory.activations import Activation
from glutheory.layers.composition import Stack
from glutheory.layers.records import Dense, Layer, Norm, Parallel, Positions, Product, Repeat, Residual
from glutheory.symbolic import layer_rules as rules
from glutheory.symbolic.certify import Check
from glutheory.symbolic.composing import recursion
from glutheory.symbolic.facts import loops
from glutheory.symbolic.kernels import Moments, d, g, kernels, m, norm, norm_p, sigma_v
from glutheory.symbolic.naming import short
from glutheory.symbolic.recursion import Call, Let, Linear, Loop, Node, Recursion, Step


def composed_checks(layers: tuple[Layer, ...], found: Sequence[Recursion], parametrization: str) -> list[Check]:
    """Of every rule that is used, of every repeated block, and of the whole."""
    standard = parametrization == "standard"
    checks = [rule.check() for rule in _rules(layers, standard)]
    for whole in found:
        checks += [block_check(loop) for loop in loops(whole.nodes)]
    centred = Stack(layers).centred if not _has_positions(layers) else False
    if not _has_positions(layers):
        given = recursion(layers, standard, centred, inputs=False)
        checks.append(whole_check(given))
        checks += _two_layers(layers, found[0], parametrization)
    return checks


def _rules(layers: tuple[Layer, ...], standard: bool) -> list[rules.Rule]:
    found: dict[rules.Rule, None] = {}
    waiting: list[Layer] = list(layers)
    while waiting:
        layer = waiting.pop()
        if isinstance(layer, Dense):
            found[rules.dense_rule(standard, layer.bias != 0)] = None
        elif isinstance(layer, Product):
            waiting.extend(layer.branches)
            found[rules.product_rule(len(layer.branches))] = None
        elif isinstance(layer, Norm):
            found[rules.norm_rule(layer.gain, layer.shift)] = None
        elif isinstance(layer, Residual | Repeat):
            waiting.extend(layer.block)
        elif isinstance(layer, Parallel):
            waiting.extend(inner for block in layer.blocks for inner in block)
        if isinstance(layer, Residual) or (isinstance(layer, Parallel) and len(layer.blocks) > 1):
            found[rules.sum_rule()] = None
    return list(found)


def _has_positions(layers: tuple[Layer, ...]) -> bool:
    return any(isinstance(layer, Positions) for layer in layers)


def block_check(loop: Loop) -> Check:
    """A repeated block's factor of Θ is the derivative of its covariance."""
    _, within, after = loop.ntk
    mixed = [field for field in loop.numbers if field.symbol.name[0] in "Sr"]
    statement = f"in the block that is repeated {loop.times} times, the factor of Θ is ∂Σ'/∂Σ (Price)"
    if not mixed or after is None:
        return Check(statement, "symbolic", after is None or after == within)
    slopes, factors = _slopes(loop.body, mixed[0].symbol, within)
    return Check(statement, "symbolic", _equal(_slope_of(mixed[0].then, slopes), factors.get(after, sp.S.Zero)))


def whole_check(given: Recursion) -> Check:
    """The same from the first layer to the last."""
    start, end = given.start, given.end
    statement = "from the first layer to the last, the factor of Θ is ∂Σ_end/∂Σ_start (Price)"
    assert start.ntk is not None
    if end.ntk is None:
        return Check(statement, "symbolic", True)
    slopes, factors = _slopes(given.nodes, start.moments.mixed, start.ntk)
    return Check(statement, "symbolic", _equal(_slope_of(end.moments.mixed, slopes), factors.get(end.ntk, sp.S.Zero)))


def _equal(one: sp.Expr, other: sp.Expr) -> bool:
    return bool(sp.expand(one - other) == 0 or sp.simplify(one - other) == 0)


def _slope_of(value: sp.Expr, slopes: dict[sp.Symbol, sp.Expr]) -> sp.Expr:
    """The derivative of a formula in names whose derivatives are known (0 where there is none)."""
    return sp.Add(*(sp.diff(value, s) * slopes[s] for s in value.free_symbols if s in slopes))


def _slopes(
    nodes: Sequence[Node], covariance: sp.Symbol, ntk: sp.Symbol
) -> tuple[dict[sp.Symbol, sp.Expr], dict[sp.Symbol, sp.Expr]]:
    """Derivatives in a covariance of all later numbers, and factors of an NTK in all later ones.

    A loop within is one unknown factor of both: its own check says that they are equal.
    """
    slopes: dict[sp.Symbol, sp.Expr] = {covariance: sp.S.One}
    factors: dict[sp.Symbol, sp.Expr] = {ntk: sp.S.One}
    for number, node in enumerate(nodes):
        if isinstance(node, Step):
            for line in node.lines:
                if isinstance(line, Let):
                    slopes[line.symbol] = _slope_of(line.value, slopes)
                elif isinstance(line, Call) and line.T is not None:
                    slopes[line.S] = line.T * _slope_of(line.point.mixed, slopes)
                elif isinstance(line, Linear):
                    factors[line.symbol] = sp.Add(*(f * factors[s] for s, f in line.terms if s in factors))
            continue
        through = sp.Symbol(f"G_{number}")
        for field in node.numbers:
            if field.symbol.name[0] in "Sr":
                slopes[field.symbol] = through * _slope_of(field.first, slopes)
        before, within, _ = node.ntk
        if before is not None and before in factors:
            factors[within] = through * factors[before]
    return slopes, factors


def _two_layers(layers: tuple[Layer, ...], found: Recursion, parametrization: str) -> list[Check]:
    """Product and readout: NNGP and NTK are those that `kernels` derives for the network."""
    product, readout = layers if len(layers) == 2 else (None, None)
    if not (isinstance(product, Product) and isinstance(readout, Dense)):
        return []
    every = (*product.branches, readout)
    if any(dense.bias != 0 or not dense.trained for dense in every):
        return []
    standard = parametrization == "standard"
    if not standard and any(dense.variance != 1 for dense in every):
        return []
    known = kernels(product.network, parametrization)
    steps = list(found.steps())
    calls = [line for line in steps[0].lines if isinstance(line, Call) and line.T is not None]
    values: dict[sp.Expr, sp.Expr] = {}
    gram = found.start.moments
    move = {g: d * gram.mixed, norm: d * gram.first, norm_p: d * gram.second, sigma_v: _root(readout, m)}
    for branch, dense, act in zip(known.branches, product.branches, product.activations, strict=True):
        if branch.sigma != 1:
            move[branch.sigma] = _root(dense, d)
        at = sp.Rational(dense.variance) * gram.mixed
        call = next((call for call in calls if call.activation == act and call.point.mixed == at), None)
        closed = _polynomial(act, dense, gram) if call is None else None
        values[branch.S], values[branch.T] = (call.S, call.T) if call is not None else closed or (sp.nan, sp.nan)
    lets = {line.symbol: line.value for step in steps for line in step.lines if isinstance(line, Let)}
    ntks = {line.symbol: line.value for step in steps for line in step.lines if isinstance(line, Linear)}
    end = ntks[found.end.ntk].subs(ntks).subs(lets) if found.end.ntk is not None else sp.S.Zero
    statement = "two layers: {} is that of the network's own derivation"
    pairs = {"the NNGP": (found.end.moments.mixed.subs(lets), known.nngp), "the NTK": (end, known.ntk)}
    return [
        Check(statement.format(name), "symbolic", _equal(sp.expand(one), sp.expand(other.subs(move).subs(values))))
        for name, (one, other) in pairs.items()
    ]


def _root(dense: Dense, fan_in: sp.Expr) -> sp.Expr:
    return sp.sqrt(sp.Rational(dense.variance) / fan_in)


def _polynomial(act: Activation, dense: Dense, gram: Moments) -> tuple[sp.Expr, sp.Expr] | None:
    variance = sp.Rational(dense.variance)
    return short(act, Moments(*(variance * value for value in gram)), False)
