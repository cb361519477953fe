"""Two inputs of norm √d at an acute angle: for exactly which widths gating lowers the condition number at all of them.

The kernels of ReLU (width m) and ReGLU (width m̃), biases included, have the entries a, ã on the diagonal and b, b̃ off
it. With k = m − m̃ − d − 1 and c = cos θ,

    2(bã − b̃a) = (m̃ + 2d + 4)(1 − c)((m̃ + d)S + (dc + 1)T) + kR,   R = (m̃ + 2d + 4)S − b̃.

The first term and R are positive on (0, π/2], so that there is no exception for k ≥ 0; for k < 0 small angles are one.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from checks.tools import biased
from checks.tools.clauses import clause, shown
from checks.tools.relu_pairs import relu_duals
from checks.tools.roads import Constants
from checks.tools.theorems import CIRCLE, MEAN_VALUE
from derivations.tools.numbers import larger
from derivations.tools.proof import Outcome as Proven
from derivations.tools.proof import both, every
from derivations.tools.theorems import TAYLOR
from derivations.tools.zero import positive, strictly, zero
from glutheory.claims import About, Evidence

_W, _D, _THETA = sp.symbols("w d theta", positive=True)  # m̃, d and the angle
_K = sp.Symbol("k", real=True)
#: Of these signs: π − θ, sin θ, and q with cos θ = q/(1 + q) in [0, 1).
_LEFT, _SINE, _Q = sp.Symbol("left", positive=True), sp.Symbol("sine", positive=True), sp.Symbol("q", nonnegative=True)
_HALF, _SPLIT = sp.Rational(1, 2), sp.Rational(7, 10)
_PI2 = 2 * sp.pi


@dataclass(frozen=True)
class Sizes:
    """What is claimed: m ≥ m̃ + d + `more`, and with networks matched in size m ≥ 2d + `matched`."""

    more: int = 1
    matched: int = 2


def _off(S: sp.Expr, T: sp.Expr, c: sp.Expr, m: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Entries of both kernels at this cosine."""
    plain = biased.equation(Constants(m, _D, 1 / m, [1 / _D]), _D * c, [(S, T)])
    return plain, biased.equation(Constants(_W, _D, 1 / _W, [1 / _D] * 2), _D * c, [(c, sp.S.One), (S, T)])


def _margin(S: sp.Expr, T: sp.Expr, c: sp.Expr, m: sp.Expr) -> sp.Expr:
    """2(bã − b̃a)."""
    (a, ga), (b, gb) = _off(_HALF, _HALF, sp.S.One, m), _off(S, T, c, m)
    return 2 * (b * ga - gb * a)


def _first(S: sp.Expr, T: sp.Expr, c: sp.Expr) -> sp.Expr:
    return (_W + 2 * _D + 4) * (1 - c) * ((_W + _D) * S + (_D * c + 1) * T)


def _rest(S: sp.Expr, T: sp.Expr, c: sp.Expr) -> sp.Expr:
    """R."""
    return (_W + 2 * _D + 4) * S - _off(S, T, c, sp.S.One)[1]


def _duals() -> Proven:
    S, T = relu_duals(_THETA, sp.cos(_THETA), sp.sin(_THETA))
    left = sp.pi - _THETA
    return zero(_PI2 * S - sp.sin(_THETA) - left * sp.cos(_THETA), _PI2 * T - left)


def _split() -> Proven:
    S, T, c = sp.symbols("S T c", real=True)
    return zero(_margin(S, T, c, _W + _D + 1 + _K) - _first(S, T, c) - _K * _rest(S, T, c))


def _below() -> Proven:
    """m̃ = 1 + u, d = 2 + v."""
    u, v = sp.symbols("u v", nonnegative=True)
    c = sp.Symbol("c", nonnegative=True)
    T = _LEFT / _PI2
    S = c * T + _SINE / _PI2
    H = _SINE * (8 - 3 * c) + _LEFT * c * (7 - 5 * c) - _PI2
    grows = u * S * (1 - c) + v * (2 * S * (1 - c) + c * _SINE / _PI2)
    acute = {c: _Q / (1 + _Q)}
    difference = zero(_rest(S, T, c).subs({_W: 1 + u, _D: 2 + v}) - H / _PI2 - grows)
    # 1 − c = 1/(1 + q)
    signs = positive(sp.factor(grows.subs(1 - c, 1 / (1 + _Q)).subs(acute)))
    return both(difference, signs, strictly(_first(S, T, c).subs(1 - c, 1 / (1 + _Q)).subs(acute)))


def _near() -> Proven:
    """For cos θ = (7/10 + q)/(1 + q)."""
    c, n = sp.cos(_THETA), sp.sin(_THETA)
    H = n * (8 - 3 * c) + (sp.pi - _THETA) * c * (7 - 5 * c) - _PI2
    slope = sp.diff(H, _THETA) - 3 - c * (1 - c) - (sp.pi - _THETA) * n * (10 * c - 7)
    cosine, less, ten = (_SPLIT + _Q) / (1 + _Q), 3 / (10 * (1 + _Q)), 3 * _Q / (1 + _Q)
    parts = zero(1 - cosine - less, 10 * cosine - 7 - ten)
    return both(zero(slope, H.subs(_THETA, 0)), parts, strictly(3 + cosine * less + _LEFT * _SINE * ten))


def _far() -> Proven:
    """G concave in c = 7p/10: a chord and p(1 − p) times something positive, p = q/(1 + q)."""
    c, n, theta = sp.cos(_THETA), sp.sin(_THETA), _THETA
    H = n * (8 - 3 * c) + (sp.pi - theta) * c * (7 - 5 * c) - _PI2
    x = sp.Symbol("c", real=True)
    G = (1 - x**2) * (8 - 3 * x) + sp.pi / 2 * x * (7 - 5 * x) - _PI2
    above = n * (1 - n) * (8 - 3 * c) + (sp.pi / 2 - theta) * c * (7 - 5 * c)
    p = sp.Symbol("p", real=True)
    low, high, bend = sp.symbols("low high bend", positive=True)
    at = _SPLIT * p
    ends = G.subs(x, 0), G.subs(x, _SPLIT)
    curved = 8 + 5 * sp.pi / 2 - 3 * _SPLIT - 3 * at
    chord = (1 - p) * ends[0] + p * ends[1] + _SPLIT**2 * p * (1 - p) * curved
    share = _Q / (1 + _Q)
    # 1 − sin θ, 8 − 3c, π/2 − θ, 7 − 5c: none is negative
    more, eight, right, seven = sp.symbols("more eight right seven", nonnegative=True)
    return both(
        zero(H - G.subs(x, c) - above, G.subs(x, at) - chord),
        positive(_SINE * more * eight + right * share * seven),
        larger((ends[0], sp.S.Zero), (ends[1], sp.S.Zero), (8 + 5 * sp.pi / 2, 6 * _SPLIT)),
        strictly(low / (1 + _Q) + high * share + bend * share / (1 + _Q)),
    )


def _no_exception(more: int) -> Proven:
    """For k = more − 1 + x with x ≥ 0."""
    F, R, x = sp.Symbol("F", positive=True), sp.Symbol("R", positive=True), sp.Symbol("x", nonnegative=True)
    return strictly(F + (more - 1 + x) * R)


def _exception(more: int) -> Proven:
    """The slope of 2(bã − b̃a) at θ = 0, where it is 0; for k = more − 1 − y with y > 0."""
    found = _margin(*relu_duals(_THETA, sp.cos(_THETA), sp.sin(_THETA)), sp.cos(_THETA), _W + _D + 1 + _K)
    slope = (_D + 1) * _K / _PI2
    y = sp.Symbol("y", positive=True)
    start = zero(found.subs(_THETA, 0), sp.diff(found, _THETA).subs(_THETA, 0) - slope)
    return both(start, strictly(sp.factor(-slope.subs(_K, more - 1 - y))))


def _conditions() -> Proven:
    """½ − S = s, ½ − T = t and 1 − c = v are positive, as S, T and c fall from ½, ½ and 1 at θ = 0."""
    a, b, ga, gb = sp.symbols("a b A B", positive=True)
    ones, signs = sp.Matrix([1, 1]), sp.Matrix([1, -1])
    kernel = sp.Matrix([[a, b], [b, a]])
    vectors = zero(*(kernel * ones - (a + b) * ones), *(kernel * signs - (a - b) * signs))
    gap = (a + b) / (a - b) - (ga + gb) / (ga - gb) - 2 * (b * ga - gb * a) / ((a - b) * (ga - gb))
    s, t, v, S, T, m = sp.symbols("s t v S T m", positive=True)
    c = sp.Symbol("c", nonnegative=True)
    diagonal, off = _off(_HALF, _HALF, sp.S.One, m), _off(S, T, c, m)
    plain = m * s + _D * (t + v * T) + t
    gated = _W * (s + S * v) + (_D + 1) * (s + t + v * T) + _D * v * (S + c * T)
    known = {s: _HALF - S, t: _HALF - T, v: 1 - c}
    less = zero(diagonal[0] - off[0] - plain.subs(known), diagonal[1] - off[1] - gated.subs(known))
    falls = sp.diff(relu_duals(_THETA, sp.cos(_THETA), sp.sin(_THETA))[0], _THETA)
    slope = zero(falls + (sp.pi - _THETA) * sp.sin(_THETA) / _PI2)
    return both(vectors, zero(gap), less, slope, strictly(plain, gated, *off, _LEFT * _SINE))


def _matched(matched: int) -> Proven:
    """⌊x⌋ ≤ m − d − 1 exactly if x < m − d: so for m = 2d + `matched` − 1 + y, not for m = 2d + `matched` − 1 − x."""
    m, y, x = sp.Symbol("m", positive=True), sp.Symbol("y", positive=True), sp.Symbol("x", nonnegative=True)
    left, last = (m - _D) * (2 * _D + 1) - m * (_D + 1), 2 * _D + matched - 1
    enough, few = (sp.factor(sign * left.subs(m, last + rest)) for sign, rest in ((1, y), (-1, -x)))
    return both(zero(left - _D * (m - 2 * _D - 1)), strictly(enough), positive(few))


def needed(claimed: Sizes | None = None) -> Evidence:
    """For exactly which widths gating lowers the condition number at every acute angle; `claimed` says which."""
    said = claimed or Sizes()
    return shown(
        clause("ReLU at the angle θ: 2πS = sin θ + (π − θ) cos θ, 2πT = π − θ", _duals, every("theta")),
        clause(
            "2(bã − b̃a) = F + kR with k = m − m̃ − d − 1, F = (m̃ + 2d + 4)(1 − c)((m̃ + d)S + (dc + 1)T), "
            "R = (m̃ + 2d + 4)S − b̃, c = cos θ",
            _split,
            every("w d k S T c"),
        ),
        clause(
            "for 0 < θ ≤ π/2, m̃ ≥ 1, d ≥ 2: F > 0, 2πR ≥ H = (8 − 3c) sin θ + (π − θ)c(7 − 5c) − 2π",
            _below,
            every("w d u v left sine q", CIRCLE),
        ),
        clause("H > 0 where c ≥ 7/10, as H(0) = 0 and H′ > 0", _near, every("theta q left sine", MEAN_VALUE)),
        clause(
            "H > 0 where 0 ≤ c ≤ 7/10: it is at least (1 − c²)(8 − 3c) + πc(7 − 5c)/2 − 2π, concave in c and positive "
            "at both ends",
            _far,
            every("theta p q", CIRCLE),
        ),
        clause(
            f"so bã > b̃a at every such angle where m ≥ m̃ + d + {said.more}",
            lambda: _no_exception(said.more),
            every("F R x"),
        ),
        clause(
            "and else not at small ones: at 0 the difference is 0 and falls",
            lambda: _exception(said.more),
            every("w d k y", TAYLOR),
        ),
        clause(
            "both kernels have the eigenvectors (1, ±1), and cond(K̃) < cond(K) exactly where bã > b̃a",
            _conditions,
            every("a b A B m w d theta", MEAN_VALUE, CIRCLE),
        ),
        clause(
            f"of networks matched in size, m̃ = ⌊m(d + 1)/(2d + 1)⌋, it is so exactly if m ≥ 2d + {said.matched}",
            lambda: _matched(said.matched),
            every("m d x y"),
        ),
        about=About.CORRECTED,
        part="condition",
    )
