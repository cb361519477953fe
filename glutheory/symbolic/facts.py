"""Simplifications of a derived recursion: found in it, and proved from it.

* variances before an activation that are numbers, whatever the inputs are: S and T are functions of one variable;
* homogeneous activations: their closed forms scale, S(λa, λb, λc) = λ^p S(a, b, c), decided by SymPy;
* a repeated block that knows its input by ρ = Σ/√(AB) alone: one scalar map, or ρ and variances that grow evenly;
* of the NTK, that every block is linear, by construction (`recursion.Linear`): of these blocks its two coefficients.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from glutheory.activations import Activation
from glutheory.symbolic.gaussian import a, b, c
from glutheory.symbolic.homogeneity import homogeneous
from glutheory.symbolic.recursion import Call, Let, Linear, Loop, Node, Recursion, Step, words

_LAMBDA = sp.Symbol("lambda", positive=True)
#: Of the units before a repeated block, and after it.
RHO, RHO_NEXT, THETA, THETA_NEXT = sp.symbols("rho rho' Theta Theta'", real=True)


@dataclass(frozen=True)
class Fact:
    """A simplification.

    Attributes:
        statement: what holds, for people.
        method: how it was proved.
        equations: what it says in formulas, (left, right).
    """

    statement: str
    method: str
    equations: tuple[tuple[sp.Expr, sp.Expr], ...] = ()


def facts(found: Recursion) -> tuple[Fact, ...]:
    """Everything of the above that holds of a recursion."""
    made: list[Fact] = []
    known = words(found.activations)
    for step in found.steps():
        calls = [line for line in step.lines if isinstance(line, Call) and line.T is not None]
        for call in calls:
            if all(value.is_number for value in call.point[:2]):
                first, second = call.point[:2]
                made.append(
                    Fact(
                        f"variances before {call.activation.label} in {step.layer} are {first} and {second} for all "
                        "inputs",
                        "symbolic: they are numbers",
                    )
                )
    for act in found.activations:
        degree = homogeneous(act)
        if degree is not None:
            S = sp.Function(f"S_{known[act]}")
            made.append(
                Fact(
                    f"{act.label} is homogeneous of degree {degree}: S and T are functions of c/√(ab), up to powers of "
                    "ab",
                    "symbolic: its closed form scales",
                    ((S(_LAMBDA * a, _LAMBDA * b, _LAMBDA * c), _LAMBDA**degree * S(a, b, c)),),
                )
            )
    for loop in loops(found.nodes):
        made += _of_loop(loop, known)
    return tuple(dict.fromkeys(made))


def loops(nodes: Sequence[Node]) -> Iterator[Loop]:
    """All loops, those within others after these."""
    waiting = list(reversed(nodes))
    while waiting:
        node = waiting.pop()
        if isinstance(node, Loop):
            yield node
            waiting.extend(reversed(node.body))


def _of_loop(loop: Loop, known: Mapping[Activation, str]) -> list[Fact]:
    if any(isinstance(node, Loop) for node in loop.body):
        return []
    steps = [node for node in loop.body if isinstance(node, Step)]
    values = expanded(steps, known)
    fields = {field.symbol.name[0]: field for field in loop.numbers}
    mixed = fields.get("S") or fields.get("r")
    if mixed is None or not set(fields) <= set("ABSr"):
        return []
    first, second = (fields.get(name) for name in "AB")
    then = {field.symbol: field.then.subs(values) for field in loop.numbers}
    if first is None and second is None:
        if mixed.symbol.name[0] != "r":
            return []
        in_rho = {mixed.symbol: RHO}
        return [_map_fact(loop, then[mixed.symbol].subs(in_rho), _theta(loop, steps, values, in_rho))]
    if first is None or second is None:
        return []
    in_rho = {mixed.symbol: RHO * sp.sqrt(first.symbol) * sp.sqrt(second.symbol)}
    grown = [sp.simplify(then[side.symbol] - side.symbol) for side in (first, second)]
    ends = [then[side.symbol] for side in (first, second)]
    image = sp.simplify(then[mixed.symbol].subs(in_rho))
    sides = {first.symbol, second.symbol}
    if all(value.is_number or not value.free_symbols & sides for value in ends) and not image.free_symbols & sides:
        return [_map_fact(loop, image / sp.sqrt(ends[0] * ends[1]), _theta(loop, steps, values, in_rho))]
    branch = sp.simplify(then[mixed.symbol] - mixed.symbol).subs(in_rho)
    branch = sp.simplify(branch)
    if all(not value.free_symbols & sides for value in grown) and not branch.free_symbols & sides:
        return [_sum_fact(loop, branch, grown[0], _theta(loop, steps, values, in_rho))]
    return []


def _theta(
    loop: Loop, steps: Sequence[Step], values: Mapping[sp.Symbol, sp.Expr], in_rho: Mapping[sp.Symbol, sp.Expr]
) -> tuple[sp.Expr, sp.Expr] | None:
    """(α, β) of Θ' = α·Θ + β over the block, in ρ and the variances A, B before it; None where it has no NTK."""
    _, start, end = loop.ntk
    if end is None:
        return None
    forms = {start: (sp.S.One, sp.S.Zero)}
    for step in steps:
        for line in step.lines:
            if isinstance(line, Linear):
                own = sp.Add(*(value for _, value in line.own))
                factors = [(forms.get(symbol, (sp.S.Zero, sp.S.Zero)), factor) for symbol, factor in line.terms]
                forms[line.symbol] = (
                    sp.Add(*(alpha * factor for (alpha, _), factor in factors)),
                    sp.Add(*(beta * factor for (_, beta), factor in factors), own),
                )
    sides = {field.symbol: sp.Symbol(field.symbol.name[0], positive=True) for field in loop.numbers}
    alpha, beta = (sp.simplify(form.subs(values).subs(in_rho)).subs(sides) for form in forms[end])
    return alpha, beta


def _map_fact(loop: Loop, image: sp.Expr, theta: tuple[sp.Expr, sp.Expr] | None) -> Fact:
    equations = [(RHO_NEXT, sp.simplify(image))]
    if theta is not None:
        equations.append((THETA_NEXT, theta[0] * THETA + theta[1]))
    return Fact(
        f"the block that is repeated {loop.times} times is one scalar map ρ ↦ ρ' of correlations"
        + (", and one linear recursion for Θ" if theta is not None else ""),
        "symbolic: nothing else of its input is left in its formulas",
        tuple(equations),
    )


def _sum_fact(loop: Loop, branch: sp.Expr, growth: sp.Expr, theta: tuple[sp.Expr, sp.Expr] | None) -> Fact:
    number, last, start = sp.symbols("l A_l A_0", positive=True)
    equations = [
        (sp.Symbol("Sigma'", real=True) - sp.Symbol("Sigma", real=True), branch),
        (last, start + number * growth),
    ]
    if theta is not None:
        equations.append((THETA_NEXT - THETA, sp.simplify(theta[0] - 1) * THETA + theta[1]))
    return Fact(
        f"each of the {loop.times} repetitions adds the same function of the correlation ρ to the covariance, and the "
        "same number to the variances" + (", and is one linear recursion for Θ" if theta is not None else ""),
        "symbolic: nothing else of its input is left in what it adds",
        tuple(equations),
    )


def expanded(steps: Sequence[Step], known: Mapping[Activation, str]) -> Mapping[sp.Symbol, sp.Expr]:
    """Every named formula in terms of what enters, with S and T of pairs as functions of their arguments."""
    values: dict[sp.Symbol, sp.Expr] = {}
    for step in steps:
        for line in step.lines:
            if isinstance(line, Let):
                values[line.symbol] = line.value.subs(values)
            elif isinstance(line, Call):
                point = [sp.sympify(value).subs(values) for value in line.point]
                word = known[line.activation]
                values[line.S] = sp.Function(f"S_{word}")(*point)
                if line.T is not None:
                    values[line.T] = sp.Function(f"T_{word}")(*point)
    return values


__all__ = ["Fact", "expanded", "facts", "loops"]
