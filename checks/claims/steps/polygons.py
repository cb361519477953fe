"""Small data sets on which the network of the smaller condition number is the slower one, certified in balls.

Regular polygons of norm √2 in the plane, wide limit: K/m has the entries f(C_ij) with rational cosines, and K̃/m has
C_ij f(C_ij). Both have the same rational eigenvectors, and a target along one of them is learned by one factor: each
network at its own rate 1/λ_max takes the first k with (1 − λ/λ_max)^k ≤ ε.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from flint import arb

from glutheory import enclose
from glutheory.claims import Evidence, Figure, Finding, Grade
from glutheory.ground.balls import precision
from glutheory.ground.exact import ball

_BITS, _DIGITS = 128, 25
_MOST = 1000
Vector = tuple[int, ...]


@dataclass(frozen=True)
class Example:
    """A data set with a target.

    Attributes:
        activation, networks: of the hidden layer, and of the two networks.
        first: the cosines of the first input with all: the matrix is that of a cyclic group.
        vectors: orthogonal eigenvectors of every such matrix; the target is the first one.
        target: in words.
        error: ε.
    """

    activation: str
    networks: str
    first: tuple[Fraction, ...]
    vectors: tuple[Vector, ...]
    target: str
    error: Fraction

    @property
    def label(self) -> str:
        shape = {3: "triangle", 4: "square"}[len(self.first)]
        return f"{self.networks}, {shape}, {self.target} target, ε = {float(self.error):g}"


_TRIANGLE = (Fraction(1), Fraction(-1, 2), Fraction(-1, 2))
_SQUARE = (Fraction(1), Fraction(0), Fraction(-1), Fraction(0))
_CONSTANT_FIRST: tuple[Vector, ...] = ((1, 1, 1), (2, -1, -1), (0, 1, -1))
_LINEAR_FIRST: tuple[Vector, ...] = ((1, 0, -1, 0), (0, 1, 0, -1), (1, 1, 1, 1), (1, -1, 1, -1))
EXAMPLES = (
    Example("relu", "ReLU/ReGLU", _TRIANGLE, _CONSTANT_FIRST, "constant", Fraction(1, 100)),
    Example("gelu", "GELU/GEGLU", _SQUARE, _LINEAR_FIRST, "linear", Fraction(1, 100)),
    Example("silu", "SiLU/SwiGLU", _SQUARE, _LINEAR_FIRST, "linear", Fraction(1, 100)),
)


@dataclass(frozen=True)
class Decided:
    """What is proved of an example.

    Attributes:
        conditions: of K and K̃, balls.
        steps: of both networks, exact.
    """

    conditions: tuple[arb, arb]
    steps: tuple[int, int]

    @property
    def slower(self) -> bool:
        """Whether the gated network has certainly the smaller condition number, and takes more steps."""
        return bool(self.conditions[1] < self.conditions[0]) and self.steps[1] > self.steps[0]


def _combination(first: tuple[Fraction, ...], vector: Vector) -> dict[Fraction, Fraction]:
    """The numbers p with A v = Σ_c p_c g(c) v for every matrix A_ij = g(C_ij), C cyclic.

    Raises:
        ValueError: it is no eigenvector of all of them.
    """
    n, found = len(first), dict[Fraction, Fraction]()
    for c in dict.fromkeys(first):
        image = [sum(vector[j] for j in range(n) if first[(j - i) % n] == c) for i in range(n)]
        place = next(i for i in range(n) if vector[i])
        found[c] = Fraction(image[place], vector[place])
        if any(image[i] != found[c] * vector[i] for i in range(n)):
            raise ValueError(f"{vector} is no eigenvector of the pairs with cosine {c}.")
    return found


def decide(example: Example) -> Decided:
    """The condition numbers and the steps.

    Raises:
        ValueError: the vectors are not orthogonal eigenvectors, or two balls cannot be told apart.
    """
    vectors, n = example.vectors, len(example.first)
    crossed = [sum(a * b for a, b in zip(u, v, strict=True)) for i, u in enumerate(vectors) for v in vectors[:i]]
    if len(vectors) != n or any(crossed):
        raise ValueError(f"the vectors of {example.label} are no orthogonal basis.")
    tables = [_combination(example.first, vector) for vector in vectors]
    with precision(_BITS):
        f = {c: enclose(example.activation, 1, 1, c, digits=_DIGITS)[0] for c in tables[0]}
        conditions, steps = [], []
        for gated in (False, True):
            # equal combinations are the same eigenvalue
            keys = [_scaled(table, gated) for table in tables]
            classes = {key: sum((ball(p) * f[c] for c, p in key), arb(0)) for key in keys}
            top, bottom = _extreme(classes, 1), _extreme(classes, -1)
            conditions.append(classes[top] / classes[bottom])
            mine = keys[0]
            steps.append(1 if mine == top else _steps(1 - classes[mine] / classes[top], ball(example.error)))
        return Decided((conditions[0], conditions[1]), (steps[0], steps[1]))


Key = tuple[tuple[Fraction, Fraction], ...]


def _scaled(table: dict[Fraction, Fraction], gated: bool) -> Key:
    """The same combination of values of f, for g(c) = f(c) or c f(c)."""
    scaled = ((c, p * c if gated else p) for c, p in table.items())
    return tuple((c, p) for c, p in scaled if p)


def _extreme(classes: dict[Key, arb], sign: int) -> Key:
    """The key of the certainly largest, or smallest, value; of equal balls that of one."""
    best = max(classes, key=lambda key: sign * float(classes[key].mid()))
    for key, value in classes.items():
        if key != best and not sign * value < sign * classes[best]:
            raise ValueError("two eigenvalues cannot be told apart at this precision.")
    return best


def _steps(factor: arb, error: arb) -> int:
    power = arb(1)
    for k in range(1, _MOST):
        power = power * factor
        if power <= error:
            return k
        if not power > error:
            break
    raise ValueError("the number of steps is not decided at this precision.")


def refutation(examples: tuple[Example, ...] = EXAMPLES) -> Evidence:
    """The smaller condition number does not make the faster network."""
    rows = dict[str, Figure]()
    slower = []
    for example in examples:
        found = decide(example)
        slower.append(found.slower)
        rows[example.label] = {
            "condition numbers (non-gated, gated)": [float(x.mid()) for x in found.conditions],
            "steps (non-gated, gated)": list(found.steps),
        }
    what = (
        "three and four inputs in the plane, wide limit, each network at its own rate 1/λ_max: the gated one has the "
        "smaller condition number and takes more steps"
    )
    finding = Finding.REFUTES if any(slower) else Finding.UNDECIDED
    return Evidence(Grade.CERTIFICATE, what, finding, part="speed", figures=rows)
