"""An activation as finitely many smooth branches: its kinks, the branch on each interval between, its jumps.

The switches are Heaviside, sign, Abs, Max and Min; inner ones first. Where the roots of their arguments can be written
down, as those of straight lines can, kinks are these (`glutheory.ground.switches`); elsewhere, as where z/2 meets
tanh(z), they are isolated, and known to any number of digits (`glutheory.ground.isolation`).
Both certified roads start from here wherever they integrate: a ball must never be asked on which side of a
kink it lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import sympy as sp

from glutheory.activations import Z
from glutheory.errors import DerivationError, ExpressionError
from glutheory.ground.balls import Tape, precision
from glutheory.ground.isolation import NotIsolatedError, isolated
from glutheory.ground.poles import singular
from glutheory.ground.roots import Root
from glutheory.ground.switches import roots

_JUMPING = (sp.Heaviside, sp.sign)
_SWITCHES = (*_JUMPING, sp.Abs, sp.Max, sp.Min)
#: Bits at which signs of constants are asked.
_BITS = (128, 1024)
#: Kinks beyond this number are refused: the work of every integrator grows with its square.
MAX_KINKS = 32


@dataclass(frozen=True)
class Pieces:
    """φ between its kinks.

    Attributes:
        kinks: exact real SymPy numbers in ascending order, the points where the formula changes.
        branches: one smooth expression in `Z` per open interval, left to right; ``len(kinks) + 1`` of them.
        jumps: at each kink the right limit minus the left limit of φ, exact; 0 where φ is continuous.
    """

    kinks: tuple[sp.Expr, ...]
    branches: tuple[sp.Expr, ...]
    jumps: tuple[sp.Expr, ...]

    def derivative(self) -> tuple[sp.Expr, ...]:
        """The regular part of φ', branch by branch; the rest of φ' is the sum of jump·delta(z − kink).

        Raises:
            ExpressionError: φ' is unbounded at a kink, as that of √|z| is, whose square has no mean.
        """
        found = tuple(_slope(branch) for branch in self.branches)
        for branch, slope, own in zip(self.branches, found, self._ends(), strict=True):
            for kink in own:
                if slope.subs(Z, kink).is_infinite:
                    raise ExpressionError(
                        f"the derivative of {branch} is unbounded at z = {kink}, and the NTK asks for the mean of its "
                        "square: write a function with bounded derivatives on both sides of its kinks."
                    )
        return found

    def _ends(self) -> list[tuple[sp.Expr, ...]]:
        """The kinks at the ends of each branch's interval."""
        return [self.kinks[max(k - 1, 0) : k + 1] for k in range(len(self.branches))]

    @property
    def constant(self) -> sp.Expr | None:
        """The number that φ is but at its kinks, as sign(z²) is; None for others."""
        level = self.branches[0]
        steady = not any(branch.has(Z) for branch in self.branches) and all(jump == 0 for jump in self.jumps)
        return level if steady else None

    @property
    def smooth(self) -> bool:
        """Whether φ has no kink at all."""
        return not self.kinks


def _slope(branch: sp.Expr) -> sp.Expr:
    """φ' of a branch; SymPy would write that of (−z)^(3/2), z < 0, as a fraction with the denominator z."""
    swap = {node: sp.Dummy() for node in branch.atoms(sp.Pow) if node.exp.is_Rational and not node.exp.is_Integer}
    outer = branch.xreplace(swap)
    total = sp.diff(outer, Z)
    for node, name in swap.items():
        if outer.has(name):
            total += sp.diff(outer, name) * node.exp * sp.Pow(node.base, node.exp - 1) * _slope(node.base)
    return total.xreplace({name: node for node, name in swap.items()})


def _sign(value: sp.Expr, expr: sp.Expr) -> int:
    """The sign of an exact real constant; refused where it is not decided."""
    sign = 1 if value.is_positive else -1 if value.is_negative else _balls_sign(value)
    if sign is not None:
        return sign
    if value.is_zero or value.equals(0):
        return 0
    raise ExpressionError(f"cannot decide the sign of {value} in {expr}: write its constants as rational numbers.")


def _balls_sign(value: sp.Expr) -> int | None:
    """The sign of a constant, by balls, where that decides it."""
    for bits in _BITS:
        with precision(bits):
            try:
                ball = Tape([value], []).bind()([])[0]
            except DerivationError:
                return None
            if ball > 0 or ball < 0:
                return 1 if ball > 0 else -1
    return None


def _roots(argument: sp.Expr, low: sp.Expr, high: sp.Expr, expr: sp.Expr) -> tuple[sp.Expr, ...]:
    """The points between low and high where the argument of a switch may change its sign."""
    found = roots(argument)
    if found is not None:
        return found
    try:
        return isolated(argument, low, high)
    except NotIsolatedError as reason:
        raise ExpressionError(
            f"a switch in {expr} has the argument {argument}, whose roots {reason}: write the function with switches "
            "at finitely many places, such as roots of straight lines."
        ) from None


def _always(argument: sp.Expr) -> int | None:
    """The sign of the argument where it is the same for every real z and SymPy knows it."""
    if argument.is_positive:
        return 1
    return -1 if argument.is_negative else None


def _inside(low: sp.Expr, high: sp.Expr) -> sp.Expr:
    """A point of the open interval."""
    if low.is_finite and high.is_finite:
        return _between(low, high) if (low + high).has(Root) else (low + high) / 2
    return high - 1 if high.is_finite else (low + 1 if low.is_finite else sp.S.Zero)


def _between(low: sp.Expr, high: sp.Expr) -> sp.Expr:
    """A rational number between two places that are known to differ."""
    middle, bits = (low + high) / 2, 8
    while True:
        found = sp.Rational(round(middle.evalf(bits) * 2**bits), 2**bits)
        if (found - low).is_positive and (high - found).is_positive:
            return found
        bits *= 2


def _arguments(node: sp.Expr) -> list[sp.Expr]:
    """The functions whose signs decide the switch."""
    if isinstance(node, sp.Max | sp.Min):
        return [x - y for i, x in enumerate(node.args) for y in node.args[:i]]
    return [node.args[0]]


def _resolve(node: sp.Expr, point: sp.Expr, expr: sp.Expr) -> sp.Expr:
    """What the switch is on an interval that holds no root of its arguments and holds `point`."""

    def sign_of(argument: sp.Expr) -> int:
        known = _always(argument)
        return _sign(argument.subs(Z, point), expr) if known is None else known

    if isinstance(node, sp.Max | sp.Min):
        better = 1 if isinstance(node, sp.Max) else -1
        best = node.args[0]
        for other in node.args[1:]:
            if sign_of(other - best) == better:
                best = other
        return best
    sign = sign_of(node.args[0])
    if isinstance(node, sp.Heaviside):
        return sp.Rational(1 + sign, 2)
    return sp.Integer(sign) if isinstance(node, sp.sign) else sign * node.args[0]


def _split(expr: sp.Expr, low: sp.Expr, high: sp.Expr, whole: sp.Expr) -> list[tuple[sp.Expr, sp.Expr]]:
    """Pairs (left end, branch) that cover the interval, left to right; inner switches are resolved first."""
    switches = [node for node in expr.atoms(*_SWITCHES) if node.has(Z)]
    if not switches:
        return [(low, expr)]
    node = min(switches, key=lambda switch: (switch.count(sp.Function), sp.count_ops(switch), str(switch)))
    cuts = [low, high]
    for argument in _arguments(node):
        if _always(argument) is None:
            for root in _roots(argument, low, high, whole):
                _insert(cuts, root, whole)
    found: list[tuple[sp.Expr, sp.Expr]] = []
    for left, right in pairwise(cuts):
        value = _resolve(node, _inside(left, right), whole)
        found += _split(expr.xreplace({node: value}), left, right, whole)
    return found


def _insert(cuts: list[sp.Expr], root: sp.Expr, expr: sp.Expr) -> None:
    """Put the root in its place among the ascending cuts, if it is new and strictly inside."""
    for index, (left, right) in enumerate(pairwise(cuts)):
        above = 1 if left == -sp.oo else _sign(root - left, expr)
        below = 1 if right == sp.oo else _sign(right - root, expr)
        if above > 0 and below > 0:
            cuts.insert(index + 1, root)
            return


def _exact(expr: sp.Expr) -> sp.Expr:
    """The expression with every float replaced by the rational number it stands for."""
    return expr.xreplace({number: sp.Rational(number) for number in expr.atoms(sp.Float)})


def pieces(expr: sp.Expr) -> Pieces:
    """The smooth pieces of a numeric activation φ(z) = `expr`.

    Args:
        expr: a SymPy expression in `Z`, without other symbols.

    Raises:
        ExpressionError: a symbolic constant, a switch whose argument has roots that were not all found, too many
            kinks, a function that is not real or not finite at one of its kinks, or a pole.
    """
    free = expr.free_symbols - {Z}
    if free:
        names = ", ".join(sorted(str(symbol) for symbol in free))
        raise ExpressionError(f"{expr} contains the symbol {names}: give it a numeric value.")
    refused = [node for node in (sp.Piecewise, sp.DiracDelta) if expr.has(node)]
    if refused:
        raise ExpressionError(
            f"{expr} contains {refused[0].__name__}: write its kinks with max, min, abs, sign or heaviside."
        )
    found = _split(_exact(expr), -sp.oo, sp.oo, expr)
    kept = [found[0]]
    for low, branch in found[1:]:
        if sp.expand(branch - kept[-1][1]) != 0:
            kept.append((low, branch))
    if len(kept) > MAX_KINKS + 1:
        raise ExpressionError(f"{expr} has more than {MAX_KINKS} kinks: write one with fewer switches.")
    kinks = tuple(low for low, _ in kept[1:])
    branches = tuple(branch for _, branch in kept)
    for branch, (low, high) in zip(branches, pairwise((-sp.oo, *kinks, sp.oo)), strict=True):
        refusal = singular(branch, low, high, expr)
        if refusal is not None:
            raise ExpressionError(refusal)
    cuts = [*(low for low, _ in found), sp.oo]
    jumps = tuple(
        _jump_at_root(left, right, kink, cuts, expr) if kink.has(Root) else _jump(left, right, kink, expr)
        for left, right, kink in zip(branches, branches[1:], kinks, strict=False)
    )
    return Pieces(kinks, branches, jumps)


def _jump_at_root(left: sp.Expr, right: sp.Expr, kink: sp.Expr, cuts: list[sp.Expr], expr: sp.Expr) -> sp.Expr:
    """The jump where no formula gives the kink: whether it is 0 does not show in the values there.

    It is 0 where no switch that jumps turns, and where the branches differ by a multiple of what is 0 there.
    """
    place = cuts.index(kink)
    around = (cuts[place - 1], kink), (kink, cuts[place + 1])
    if len({_settled(_exact(expr), _inside(*ends), expr) for ends in around}) == 1:
        return sp.S.Zero
    jump = (right - left).subs(Z, kink)
    if _balls_sign(jump) is not None:
        return jump
    (root,) = kink.atoms(Root)
    function = root.function if kink == root else root.function.subs(Z, -Z)
    if sp.simplify((right - left) / function).is_polynomial(Z):
        return sp.S.Zero
    raise ExpressionError(
        f"cannot decide whether {expr} jumps at z = {kink}: write a function that is continuous there, or one that "
        "jumps there by more."
    )


def _settled(expr: sp.Expr, point: sp.Expr, whole: sp.Expr) -> sp.Expr:
    """With the switches that jump replaced by what they are around the point."""
    while nodes := [node for node in expr.atoms(*_JUMPING) if node.has(Z)]:
        node = min(nodes, key=lambda switch: (switch.count(sp.Function), sp.count_ops(switch), str(switch)))
        expr = expr.xreplace({node: _resolve(node, point, whole)})
    return expr


def _jump(left: sp.Expr, right: sp.Expr, kink: sp.Expr, expr: sp.Expr) -> sp.Expr:
    jump = sp.expand(right.subs(Z, kink) - left.subs(Z, kink))
    if not (jump.is_finite and jump.is_real):
        raise ExpressionError(
            f"the formula {expr} has no finite value at its kink z = {kink}, and no limit is taken there: write one "
            "that has a value at every real z."
        )
    return sp.S.Zero if jump.is_zero or jump.equals(0) else jump
