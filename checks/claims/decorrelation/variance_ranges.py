"""Smooth gates at every variance: where the criterion on the diagonal decides the whole interval of correlations.

With M = qE[φ'²]/E[φ²], W = q²E[φ''²]/E[φ²], r = d/m, W ≤ (1+r)/r² + 2M/r + 2M² is necessary for the inequality, and
sufficient if besides (derivations/proofs/decorrelation.py)

    M ≤ √((1+r)/2)/r,  or for odd φ  M ≤ 1 + √(1 + (1+3r)/(2r²)),  or for r = 1 and a ramp φ = z/2 + even
    M ≤ 5/2 and (1 + 2M)² γ² ≥ 2(M² − 1) W,  γ = q/(4E[φ²])

Below `LOW` and beyond `reach` elementary bounds take over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

import sympy as sp
from flint import arb

from checks.claims.decorrelation.normalised_kernels import Coefficients, Term, deficit, moment
from checks.tools.branch_and_bound import Cover, Interval, positive
from derivations.tools.zero import is_zero
from glutheory.activations import Activation, Z, activation
from glutheory.ground.balls import Tape, precision
from glutheory.ground.exact import ball
from glutheory.symbolic.hermite import odd_part_is_linear

#: The criterion is certified from here to `reach` in boxes.
LOW = Fraction(1, 64)
_ONE = Fraction(1)
_BITS, _DIGITS = 96, 8


@dataclass(frozen=True)
class Gate:
    """A smooth activation with the facts that its proof at every variance needs.

    Attributes:
        name: in the zoo.
        excess: of a ramp: E[φ²] ≤ (√(q/2) + excess·ln 2)².
        steep: of a ramp: an upper bound of (φ'(z)² + φ'(−z)²)/2. The others are increasing, steepest at 0, |φ| ≤ 1.
    """

    name: str
    excess: int = 0
    steep: Fraction | None = None

    @property
    def act(self) -> Activation:
        return activation(self.name)

    @property
    def ramp(self) -> bool:
        return self.steep is not None

    @property
    def odd(self) -> bool:
        return is_zero(self.act.expr + self.act.expr.subs(Z, -Z))

    def shape(self) -> bool:
        """Whether φ is what its row says: z/2 + even, or a constant plus an odd function."""
        if self.ramp:
            return odd_part_is_linear(self.act)
        return is_zero(sp.diff(self.act.expr + self.act.expr.subs(Z, -Z), Z))


#: zG(z), 0 ≤ G ≤ 1, G(z) + G(−z) = 1: φ(z)² + φ(−z)² ≤ z². With |zG'(z)| ≤ 1/4: −1/4 ≤ φ' ≤ 5/4, hence (25 + 1)/32.
_GATE = Fraction(13, 16)
GATES = (
    Gate("gelu", steep=_GATE),
    Gate("silu", steep=_GATE),
    Gate("sigmoid"),
    Gate("tanh"),
    Gate("erf"),
    Gate("normal_cdf"),
    Gate("softplus", excess=1, steep=Fraction(1, 2)),
)


def doublings(low: Fraction, high: Fraction) -> tuple[Fraction, ...]:
    """From low to high in steps of at most a factor 2."""
    points = [low]
    while points[-1] < high:
        points.append(min(2 * points[-1], high))
    return tuple(points)


def small(gate: Gate, p: Coefficients) -> bool:
    """Whether W ≤ p_0 + p_1 M for all q ≤ LOW, which suffices whatever M is.

    E[φ''²]√q increases with q, so that q²E[φ''²] ≤ q·LOW·E[φ''²] at LOW; and E[φ²], E[φ'²] are at least their minimum
    on |z| ≤ 3√LOW times the probability of it.
    """
    act = gate.act
    with precision(_BITS):
        root = ball(LOW).sqrt()
        inside = (3 / arb(2).sqrt()).erf()
        least = [_least(act, order, (3 * root).upper()) ** 2 * inside for order in (0, 1)]
        most = ball(LOW) * moment(act, 2, LOW, _DIGITS) / root
        return bool(most < ball(p[1]) * least[1]) or bool(most * ball(LOW) < ball(p[0]) * least[0])


def _least(act: Activation, order: int, end: arb) -> arb:
    """A lower bound of |φ^(order)| on [−end, end]; 0 where the ball does not tell."""
    value = Tape([sp.diff(act.expr, Z, order)], [Z]).bind()([(-end).union(end)])[0]
    return arb(abs(value).lower())


def reach(gate: Gate, p: Coefficients) -> Fraction:
    """The first power of 2 beyond which W > p_0 + p_1 M + p_2 M² by elementary bounds."""
    q = Fraction(16)
    while not large(gate, p, q):
        q *= 2
    return q


def large(gate: Gate, p: Coefficients, q: Fraction) -> bool:
    """Whether W > p_0 + p_1 M + p_2 M² from Q = q on. There E[φ''²]√q is at least its value at Q.

    Ramps have q/4 ≤ E[φ²] ≤ eq and E[φ'²] ≤ b = steep: it suffices that qE[φ''²] > p_0 e + p_1 b + 4p_2 b² at Q.
    Steps have E[φ²] ≤ 1, increasing, and √q E[φ'²] ≤ φ'(0)·(total rise)/√(2π), at most twice φ'(0) over √(2π) if odd
    and once else: after division by q both sides are monotone, and Q decides.
    """
    act = gate.act
    with precision(_BITS):
        weights = [ball(value) for value in p]
        size, second = ball(q), moment(act, 2, q, _DIGITS)
        if gate.steep is not None:
            b = ball(gate.steep)
            e = (arb("0.5").sqrt() + gate.excess * arb(2).log() / size.sqrt()) ** 2
            return bool(size.sqrt() * second > weights[0] * e + weights[1] * b + 4 * weights[2] * b**2)
        top = Tape([sp.diff(act.expr, Z).subs(Z, 0)], []).bind()([])[0]
        first = (2 if gate.odd else 1) * top / (2 * arb.pi()).sqrt()
        mean = first * size / moment(act, 0, q, _DIGITS)
        return bool(size.sqrt() * size * second > weights[0] + weights[1] * mean + weights[2] * mean**2)


@lru_cache(maxsize=256)
def side(gate: Gate, end: Fraction, r: Fraction) -> tuple[Cover, ...]:
    """Whether the side conditions of the theorem hold for all q in [LOW, end]."""
    plain: Term = (_ONE, 1, (1,))
    if not gate.ramp or r < 1:
        largest = 1 + _root(1 + (1 + 3 * r) / (2 * r**2)) if gate.odd else _root((1 + r) / 2) / r
        return (_cover(gate.act, [(largest, 0, (0,))], [plain], end),)
    # (1 + 2M)² γ² + 2W − 2M²W times the fourth power of √q E[φ²]
    plus: list[Term] = [
        (Fraction(1, 16), 3, (0, 0)),
        (Fraction(1, 4), 4, (0, 1)),
        (Fraction(1, 4), 5, (1, 1)),
        (Fraction(2), 2, (0, 0, 0, 2)),
    ]
    minus: list[Term] = [(Fraction(2), 4, (0, 1, 1, 2))]
    first = _cover(gate.act, plus, minus, end)
    return first, _cover(gate.act, [(Fraction(5, 2), 0, (0,))], [plain], end)


def _root(value: Fraction) -> Fraction:
    """The square root, rounded down."""
    return Fraction(math.isqrt(int(value * 10**8)), 10**4)


def _cover(act: Activation, plus: list[Term], minus: list[Term], end: Fraction) -> Cover:
    boxes: list[tuple[Interval]] = [((low, high),) for low, high in pairwise(doublings(LOW, end))]
    return positive(lambda box: deficit(plus, minus, act, *box[0], _DIGITS), boxes)
