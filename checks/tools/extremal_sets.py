"""Data sets in exact numbers, and what is certified of the spectra on them.

`EXAMPLES` are named sets on which gating worsens the condition number, with their condition numbers as balls; all in
LeCun's variances. The ntk parametrisation is among them: its kernels are those of width m = d, divided by d.
`rounded`, `exact` and `ends` give small random sets and the certified ends of the spectra of ReLU and ReGLU on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt
from flint import arb, arb_mat

from checks.tools import roads
from checks.tools.formulas import gated as gated_equation
from checks.tools.formulas import plain as plain_equation
from checks.tools.roads import Constants, Formula, Inputs, Road, Setting, lecun
from glutheory.ground.balls import precision
from glutheory.ground.exact import ball
from glutheory.networks import GATES
from glutheory.spectra import certified_condition, certified_extremes

_Integers = npt.NDArray[np.int_]
#: Denominator of the inputs: exact in binary.
GRID = 16
#: Half-angle tangents: (1, 1) turned by 2·atan(u) is a rational point of the circle ‖x‖² = 2.
_CLOSE, _CLOSER, _OBTUSE, _EIGHTH = Fraction(1, 2000), Fraction(1, 20000), Fraction(91, 60), Fraction(12, 29)
#: Relative accuracy of the certified condition numbers.
_DIGITS = 12
_BITS = 160


@dataclass(frozen=True)
class Example:
    """A data set with two condition numbers.

    Attributes:
        name: two or three words.
        gate: of the gated network; the non-gated one has the gate's activation.
        X: the inputs, exact.
        width: of both networks; None for the limit of infinite width.
        plain, gated: the recorded condition numbers, every digit but the last one right.
        normalised: whether ‖x‖² = d for all inputs.
        costly: whether its second road, that of enclosed integrals, is left to the full profile.
    """

    name: str
    gate: str
    X: Inputs
    width: int | None
    plain: str
    gated: str
    normalised: bool = True
    costly: bool = False

    @property
    def d(self) -> int:
        return len(self.X[0])

    @property
    def where(self) -> str:
        """The network, its width and the size of the set, in words."""
        width = "wide limit" if self.width is None else f"m={self.width}"
        return f"{self.name} ({self.gate}, {width}, n={len(self.X)}, d={self.d})"

    @property
    def factor(self) -> Fraction:
        """The proved bound of cond(K̃)/cond(K): (1 + d/m) max‖x‖²/min‖x‖²."""
        norms = [sum((value * value for value in row), Fraction(0)) for row in self.X]
        return (1 + (0 if self.width is None else Fraction(self.d, self.width))) * max(norms) / min(norms)

    def setting(self, gated: bool) -> Setting:
        """The network on these inputs, with its variances; width 1 stands for the wide limit."""
        return lecun(self.gate if gated else GATES[self.gate], self.X, self.width or 1)


@lru_cache(maxsize=256)
def conditions(example: Example) -> tuple[tuple[arb, arb], tuple[arb, arb]]:
    """(plain, gated) as stated with the closed forms, and as derived with the enclosed integrals."""
    return (
        (
            condition(example, False, stated(example, False), roads.symbolic),
            condition(example, True, stated(example, True), roads.symbolic),
        ),
        (
            condition(example, False, derived(example, False), roads.quadrature),
            condition(example, True, derived(example, True), roads.quadrature),
        ),
    )


def condition(example: Example, gated: bool, formula: Formula, road: Road) -> arb:
    """The condition number as a ball."""
    matrix = kernel(example, gated, formula, road)
    with precision(_BITS):
        return certified_condition(matrix, digits=_DIGITS)


def kernel(example: Example, gated: bool, formula: Formula, road: Road) -> arb_mat:
    """The kernel matrix of the example as balls: this formula with the duals of this road."""
    return _matrix(formula, example.setting(gated), road)


def _matrix(formula: Formula, setting: Setting, road: Road) -> arb_mat:
    """The kernel of the formula on the setting's inputs, as balls, with the duals of this road."""
    size = len(setting.X)
    matrix = arb_mat(size, size)
    for (i, j), value in zip(setting.pairs, roads.entries(formula, setting, road), strict=True):
        matrix[i, j] = matrix[j, i] = value
    return matrix


def stated(example: Example, gated: bool) -> Formula:
    """Eq. 3 or 4, or its wide limit: the formula that the example is about."""
    if example.width is None:
        return _wide_gated if gated else _wide_plain
    return gated_equation if gated else plain_equation


def derived(example: Example, gated: bool) -> Formula:
    """The same as the engine derives it by differentiating the network; the wide limit as stated."""
    if example.width is None:
        return stated(example, gated)
    return partial(roads.derived, setting=example.setting(gated))


def _wide_plain(_: Constants, inner: object, duals: roads.Duals) -> object:  # noqa: ARG001 (the signature of a formula)
    """The limit of K/m, S."""
    return duals[-1][0]


def _wide_gated(scales: Constants, inner: object, duals: roads.Duals) -> object:
    """The limit of K̃/m, (x·x'/d) S."""
    return duals[-1][0] * inner / scales.d


def agrees(value: arb, recorded: str) -> bool:
    """Whether the whole ball lies within one unit of the last recorded digit."""
    places = len(recorded.partition(".")[2])
    with precision(_BITS):
        return bool(abs(value - ball(Fraction(recorded))) <= ball(Fraction(1, 10**places)))


def ends(X: Inputs, width: int) -> tuple[tuple[arb, arb], tuple[arb, arb]]:
    """Certified (λ_min, λ_max) of K and K̃, LeCun variances."""
    rows = ((plain_equation, "relu"), (gated_equation, "reglu"))
    first, second = (
        certified_extremes(_matrix(formula, lecun(net, X, width), roads.symbolic)) for formula, net in rows
    )
    return first, second


def exact(data: _Integers) -> Inputs:
    """The inputs of these sixteenths."""
    return tuple(tuple(Fraction(int(value), GRID) for value in line) for line in data)


def rounded(rng: np.random.Generator, n: int, d: int) -> _Integers:
    """Standard Gaussian inputs in sixteenths, shape (n, d)."""
    return np.asarray(np.rint(GRID * rng.standard_normal((n, d))).astype(int))


def gaussian(n: int, d: int, seed: int) -> Inputs:
    """Standard Gaussian inputs rounded to multiples of 1/16."""
    return exact(rounded(np.random.default_rng(seed), n, d))


def turned(*tangents: Fraction) -> Inputs:
    """(1, 1) turned by each angle 2·atan(u), exactly; ‖x‖² = 2."""
    rows = []
    for u in tangents:
        cosine, sine = (1 - u * u) / (1 + u * u), 2 * u / (1 + u * u)
        rows.append((cosine - sine, cosine + sine))
    return tuple(rows)


def both_turns(first: Fraction, second: Fraction) -> Fraction:
    """The half-angle tangent of the sum of two turns."""
    return (first + second) / (1 - first * second)


def points(*rows: tuple[int | str, ...]) -> Inputs:
    """Rows of exact numbers."""
    return tuple(tuple(map(Fraction, row)) for row in rows)


_FAR = both_turns(_OBTUSE, _CLOSER)


_RAYS, _OPPOSITE = points((1,), (-2,)), points((1,), (-1,))


_LINES = turned(Fraction(0), _EIGHTH, Fraction(1), both_turns(Fraction(1), _EIGHTH))


#: The smallest or the worst sets that were found of each kind; `checks.claims.not_always.subset_search` found them.
EXAMPLES: tuple[Example, ...] = (
    Example("opposite rays", "reglu", _RAYS, 1, "4.0000000000", "16.000000000", normalised=False),
    Example("opposite rays", "reglu", _RAYS, None, "4.0000000000", "16.000000000", normalised=False),
    Example("orthogonal pair", "bilinear", points((1, 0), (0, 2)), 2, "4.0000000000", "16.000000000", normalised=False),
    Example("short and long", "swiglu", points(("1/4",), (4,)), 1, "1566.8830221", "402529.77834", normalised=False),
    Example("antipodal pair", "glu", _OPPOSITE, 1, "2.8339762444", "3.7995562905"),
    Example("antipodal pair", "geglu", _OPPOSITE, 1, "1.3120868054", "1.3482083721"),
    Example("antipodal pair", "swiglu", _OPPOSITE, 1, "2.1253273989", "2.1991981407"),
    Example("antipodal pair", "swiglu", _OPPOSITE, 64, "2.3553743545", "2.3554969907"),
    Example("obtuse pair", "reglu", turned(Fraction(0), _OBTUSE), 2, "1.0001480598", "1.0392356076"),
    Example("obtuse pair", "reglu", turned(Fraction(0), Fraction(3)), 16, "1.0118681326", "1.0129166880"),
    Example("close pair", "reglu", turned(Fraction(0), _CLOSE), 2, "12526.027290", "18672.594209"),
    Example("close pair", "reglu", turned(Fraction(0), _CLOSE), 16, "55759.552938", "60917.298003"),
    Example(
        "three on a circle", "reglu", turned(Fraction(0), _CLOSER, Fraction(11, 400)), 2, "187710.86015", "281717.35583"
    ),
    Example("two close pairs", "reglu", turned(Fraction(0), _CLOSER, _OBTUSE, _FAR), 2, "125658.68794", "191973.21885"),
    Example("four directions", "gtu", _LINES, 2, "22.279272463", "27.142154843"),
    Example("Gaussian", "reglu", gaussian(12, 5, 0), 5, "69.552908528", "335.89846486", normalised=False),
    Example(
        "Gaussian", "reglu", gaussian(40, 5, 1), 1000, "7826.1570575", "14126.072264", normalised=False, costly=True
    ),
    Example(
        "Gaussian", "geglu", gaussian(12, 2, 0), 100, "3029042.4312", "8323399.9619", normalised=False, costly=True
    ),
)
