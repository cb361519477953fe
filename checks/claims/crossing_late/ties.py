"""Normalised data sets on which both kernels have the same least eigenvalue, decided exactly: who leads at every time.

Rows of norm √d that look alike from each other, in the wide limit: K/m = Σ has the entries f(C_ij), C = XXᵀ/d, and
K̃/m = Σ⊙C. Both are sums of the same orthogonal projectors P_i, with eigenvalues that are rational combinations of the
values of f. So a tie is an equality of two combinations, for every activation; balls are needed only for signs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate, pairwise

from flint import arb, fmpq, fmpq_mat

from glutheory import enclose
from glutheory.claims import About, Evidence, Figure, Finding, Grade
from glutheory.ground.balls import precision
from glutheory.ground.exact import ball

_BITS, _DIGITS = 128, 25


@dataclass(frozen=True, eq=False)
class Tie:
    """A data set with its symmetry, and constant targets.

    Attributes:
        activation: of the hidden layer.
        C: the cosines, rational.
        projectors: on the joint eigenspaces of all matrices with entries g(C_ij); rational.
        target: y, of Y = (y, …, y).
    """

    activation: str
    C: fmpq_mat
    projectors: tuple[fmpq_mat, ...]
    target: Fraction


@dataclass(frozen=True)
class Combination:
    """Σ_c values[c]·f(c) + rest: an eigenvalue, or the weight of a mode."""

    values: Mapping[Fraction, Fraction] = field(default_factory=dict)
    rest: Fraction = Fraction(0)

    def plus(self, other: Combination, factor: int = 1) -> Combination:
        cosines = {*self.values, *other.values}
        total = {c: self.values.get(c, Fraction(0)) + factor * other.values.get(c, Fraction(0)) for c in cosines}
        return Combination({c: x for c, x in total.items() if x}, self.rest + factor * other.rest)

    def at(self, f: Mapping[Fraction, arb]) -> arb:
        return sum((ball(x) * f[c] for c, x in self.values.items()), ball(self.rest))


@dataclass(frozen=True, eq=False)
class Decided:
    """What is proved of a tie.

    Attributes:
        form: Yᵀ(K − K̃)Y/m, a ball.
        least: the smaller of the two least eigenvalues of K/m, K̃/m, a ball.
        tied: whether both are the same combination of values of f.
        lead: Tr[PM] − Tr[P̃M̃] over the eigenspaces of the least eigenvalue, a ball.
        always: the sign of L − L̃ at every t > 0: that of all cumulated weights; 0 if they have both signs.
    """

    form: arb
    least: arb
    tied: bool
    lead: arb
    always: int


def _rational(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def _fraction(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def _flat(n: int) -> fmpq_mat:
    return fmpq_mat([[fmpq(1, n)] * n for _ in range(n)])


def _identity(n: int) -> fmpq_mat:
    return fmpq_mat([[fmpq(int(i == j)) for j in range(n)] for i in range(n)])


def triangle(target: Fraction) -> Tie:
    """Three inputs of norm √2 in the plane at 120°, and ReLU."""
    C = fmpq_mat([[fmpq(1) if i == j else fmpq(-1, 2) for j in range(3)] for i in range(3)])
    return Tie("relu", C, (_flat(3), _identity(3) - _flat(3)), target)


def even_parity(target: Fraction) -> Tie:
    """The 16 vertices of {±1}⁵ with an even number of minus signs, and |z|. The harmonics of degree 0, 1, 2."""
    rows = [[(-1) ** (word >> k & 1) for k in range(5)] for word in range(32) if word.bit_count() % 2 == 0]
    C = fmpq_mat([[fmpq(sum(x * y for x, y in zip(a, b, strict=True)), 5) for b in rows] for a in rows])
    linear = C * fmpq(5, 16)
    return Tie("abs", C, (_flat(16), linear, _identity(16) - _flat(16) - linear), target)


def opposite(target: Fraction) -> Tie:
    """Two opposite inputs and the logistic function: gating exchanges the eigenvectors, both of them simple."""
    C = fmpq_mat([[fmpq(1) if i == j else fmpq(-1) for j in range(2)] for i in range(2)])
    return Tie("sigmoid", C, (_flat(2), _identity(2) - _flat(2)), target)


#: Of all the hypothesis on Y holds, and λ_min(K) = λ_min(K̃).
TIES: dict[str, Tie] = {
    "three inputs at 120 degrees, Y = (3, 3, 3), ReLU": triangle(Fraction(3)),
    "the 16 even-parity vertices of {-1, 1}^5, Y = (3, ..., 3), |z|": even_parity(Fraction(3)),
    "two opposite inputs, Y = (3, 3), logistic function": opposite(Fraction(3)),
}
#: With short targets the rule says the opposite; on opposite inputs there are none, the gated loss is higher for all y.
SHORT: dict[str, Tie] = {
    "three inputs at 120 degrees, Y = (1, 1, 1)/4, ReLU": triangle(Fraction(1, 4)),
    "the 16 even-parity vertices of {-1, 1}^5, Y = (1, ..., 1)/40, |z|": even_parity(Fraction(1, 40)),
}


def _consistent(tie: Tie, classes: Mapping[Fraction, fmpq_mat]) -> list[dict[Fraction, Fraction]]:
    """p_i(c) with A_c P_i = p_i(c) P_i, where A_c marks the pairs of cosine c.

    Raises:
        ValueError: the projectors are not what they should be.
    """
    n = tie.C.nrows()
    zero = fmpq_mat(n, n)
    total = zero
    for i, first in enumerate(tie.projectors):
        total = total + first
        for j, second in enumerate(tie.projectors):
            if first * second != (first if i == j else zero):
                raise ValueError(f"projectors {i} and {j} are not orthogonal projectors.")
    if total != _identity(n):
        raise ValueError("the projectors do not add up to the identity.")
    table = []
    for projector in tie.projectors:
        corner = projector[0, 0]
        row = {c: (marks * projector)[0, 0] / corner for c, marks in classes.items()}
        if any(marks * projector != projector * row[c] for c, marks in classes.items()):
            raise ValueError("an eigenspace is not one of the data set's symmetry.")
        table.append({c: _fraction(value) for c, value in row.items()})
    return table


def decide(tie: Tie) -> Decided:
    """Everything about the two loss curves of gradient flow that ends in a sign."""
    n = tie.C.nrows()
    entries = sorted({_fraction(value) for value in tie.C.entries()})
    classes = {
        c: fmpq_mat([[fmpq(int(tie.C[i, j] == _rational(c))) for j in range(n)] for i in range(n)]) for c in entries
    }
    table = _consistent(tie, classes)
    plain = [Combination(row) for row in table]
    gated = [Combination({c: c * x for c, x in row.items() if c * x}) for row in table]
    sizes = [int(sum((p[i, i] for i in range(n)), fmpq(0)).p) for p in tie.projectors]
    square = [_fraction(sum(p.entries(), fmpq(0))) * tie.target**2 for p in tie.projectors]  # YᵀP_iY
    # Σ is K/m: the weight of a mode is its multiplicity times its eigenvalue, and what the targets add
    modes = [
        (kernel[i], Combination({c: sizes[i] * x for c, x in kernel[i].values.items()}, square[i]), sign)
        for kernel, sign in ((plain, 1), (gated, -1))
        for i in range(len(sizes))
    ]
    with precision(_BITS):
        f = {c: enclose(tie.activation, 1, 1, c, digits=_DIGITS)[0] for c in entries}
        merged = _merged(modes)
        order = sorted(merged, key=lambda item: float(item[0].at(f).mid()))
        rates = [rate.at(f) for rate, _ in order]
        if any(not low < high for low, high in pairwise(rates)):
            raise ValueError("two different rates cannot be told apart at this precision.")
        sums = list(accumulate((weight for _, weight in order), Combination.plus))
        signs = {_sign(item, f) for item in sums} - {0}
        form = sum((ball(x) * (a.plus(b, -1)).at(f) for x, a, b in zip(square, plain, gated, strict=True)), arb(0))
        least = [min(kernel, key=lambda item: float(item.at(f).mid())) for kernel in (plain, gated)]
        tied = not least[0].plus(least[1], -1).values
        return Decided(form, rates[0], tied, order[0][1].at(f), signs.pop() if len(signs) == 1 else 0)


def _merged(modes: list[tuple[Combination, Combination, int]]) -> list[tuple[Combination, Combination]]:
    """Rates that are the same combination joined, with the difference of their weights."""
    found: list[tuple[Combination, Combination]] = []
    for rate, weight, sign in modes:
        for index, (known, total) in enumerate(found):
            if not rate.plus(known, -1).values:
                found[index] = (known, total.plus(weight, sign))
                break
        else:
            found.append((rate, Combination().plus(weight, sign)))
    return found


def _sign(item: Combination, f: Mapping[Fraction, arb]) -> int:
    """Of a combination: 0 only if it is one of no values.

    Raises:
        ValueError: the ball holds 0, and the combination is not 0.
    """
    if not item.values and not item.rest:
        return 0
    value = item.at(f)
    if value > 0 or value < 0:
        return 1 if value > 0 else -1
    raise ValueError("a cumulated weight cannot be told from 0 at this precision.")


@lru_cache(maxsize=16)
def decided(label: str) -> Decided:
    """What is proved of the data set of this name in `TIES` or `SHORT`."""
    return decide({**TIES, **SHORT}[label])


def refutes_old(label: str) -> bool:
    """Whether it refutes that on normalised inputs, wide limit, the hypothesis makes the gated loss lower last."""
    found = decided(label)
    return bool(found.form >= 0) and found.always < 0


def rule_at_ties() -> Evidence:
    """At a tie the sign at last is that of Tr[PM] − Tr[P̃M̃]; in both directions, with L − L̃ of one sign always."""
    rows = dict[str, Figure]()
    passed = True
    for label in (*TIES, *SHORT):
        found = decided(label)
        rows[label] = {
            "Y^T(K - Kgated)Y/m": float(found.form.mid()),
            "least eigenvalue of both, over m": float(found.least.mid()),
            "the same combination of kernel values": found.tied,
            "Tr[PM] - Tr[P'M'], over m": float(found.lead.mid()),
            "sign of L - L' at every t > 0": found.always,
        }
        passed = passed and found.tied and bool(found.form > 0)
        passed = passed and (found.lead < 0 and found.always < 0 if label in TIES else bool(found.lead > 0))
    what = (
        "normalised inputs with tied least eigenvalues, in balls: the weights of the slowest modes decide, and with "
        "long targets the gated loss is the higher one at every time although the hypothesis holds"
    )
    return Evidence(Grade.CERTIFICATE, what, Finding.of(passed), About.CORRECTED, "", rows)
