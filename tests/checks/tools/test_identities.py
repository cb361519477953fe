"""Sentences as evidence: they say no more than was decided, and what SymPy only believes has no part in them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import sympy as sp

import checks
from checks.tools.clauses import clause, identity, shown
from checks.tools.theorems import MEAN_VALUE, SCHWARZ
from derivations.tools import sympys
from derivations.tools.means import instances
from derivations.tools.proof import Outcome, every, ingredient, some
from derivations.tools.zero import positive, strictly, vanishing, zero
from glutheory.claims import Finding, Grade

x = sp.Symbol("x")
#: Where a limit is asked for: the evidence has the grade of `spectral_orders`, an argument.
LIMITS = {"claims/decomposition/statement.py", "tools/far_orders.py"}
BELIEVED = {"simplify", "limit", "trigsimp", "gammasimp", "series", "integrate", "summation", "solve", "nsimplify"}


@pytest.mark.parametrize(
    ("differences", "finding"),
    [
        ((), Finding.UNDECIDED),  # supported, once
        (((x + 1) ** 2 - x**2 - 2 * x - 1,), Finding.SUPPORTS),
        (((x + 1) ** 2 - x**2 - 2 * x - 1, x), Finding.REFUTES),
    ],
)
def test_an_identity(differences: tuple[sp.Expr, ...], finding: Finding) -> None:
    assert identity("test", *differences).finding is finding


#: What was once graded a proof, with what was decided of it: y″ and ∂y/∂κ of x^κ, a slope, a difference of squares, a
#: product, two values. None of the inequalities, extremes, monotones and zeros in these sentences was.
OVERSTATED = (
    (
        "the path is y = x^κ in the eigenbasis, scaled: convex, with the same ends for every κ, and lower for larger κ "
        "(x^κ ln x < 0): an outer convex curve is longer, so straightness falls as κ grows"
    ),
    (
        "cos of the angle between −Ke and −e: its square exceeds that of 2√κ/(1+κ) by a square (Kantorovich), and it "
        "falls as κ grows while the start stays in its place in the eigenbasis"
    ),
    (
        "parameter steps of length 1 move the outputs within the ellipse δᵀK⁻¹δ ≤ 1; the point of it that lowers the "
        "loss most is −Ke/√(eᵀKe): gradient descent moves there"
    ),
    (
        "each entry of the gated kernel of width m is x·x'/d times that of the non-gated one of width m + d: the "
        "cosines multiply, and no |cos| of gradients is larger than that of the inputs (Cauchy–Schwarz)"
    ),
    (
        "ReLU pairs: A, Ã and Ã + A in closed form; cond(K̃)/cond(K) → (1+2r)/(1+r) for close ones; K vanishes at an "
        "obtuse angle, where K̃ = rρS; bilinear gates: K̃ is a multiple of K⊙G"
    ),
)


@pytest.mark.parametrize("what", OVERSTATED)
def test_a_sentence_that_promises_more_than_an_identity_is_an_argument(what: str) -> None:
    found = identity(what, (x + 1) ** 2 - x**2 - 2 * x - 1)
    assert (found.finding, found.grade) == (Finding.SUPPORTS, Grade.ARGUMENT)
    assert found.graded == "argument, 0 of 1 decided"
    assert found.figures["not decided"] == [what]


def test_an_equation_is_a_proof() -> None:
    found = identity("(x + 1)² = x² + 2x + 1", (x + 1) ** 2 - x**2 - 2 * x - 1)
    assert (found.grade, found.graded) == (Grade.PROOF, "proof, 1 of 1 decided")


y = sp.Symbol("y", positive=True)


def _instances() -> Outcome:
    return zero(*((x + n) ** 2 - x**2 - 2 * n * x - n**2 for n in instances("n", (1, 2))))


SQUARES = clause("(x + 1)² = x² + 2x + 1", vanishing((x + 1) ** 2 - x**2 - 2 * x - 1))
BELIEVED_CLAUSE = clause("sin² + cos² = 1", lambda: zero(sympys.simplify(sp.sin(x) ** 2 + sp.cos(x) ** 2) - 1))
RULES = {
    "signs decide an order": ((clause("y > 0", lambda: strictly(y)),), "proof, 1 of 1 decided", Finding.SUPPORTS),
    "a cited theorem completes it": (
        (clause("so it falls", vanishing(sp.diff(1 / y, y) + 1 / y**2), every("", MEAN_VALUE)),),
        "proof, 1 of 1 decided",
        Finding.SUPPORTS,
    ),
    "an ingredient is no proof": (
        (
            SQUARES,
            clause(
                "so it is least at −1",
                vanishing(sp.diff((x + 1) ** 2, x) - 2 * x - 2),
                ingredient("slope", why="a slope is no order"),
            ),
        ),
        "argument, 1 of 2 decided",
        Finding.SUPPORTS,
    ),
    "instances are no proof": (
        (SQUARES, clause("(x + n)² = x² + 2nx + n²", _instances, some("n = 1, 2", why="these were chosen"))),
        "argument, 1 of 2 decided",
        Finding.SUPPORTS,
    ),
    "what is believed is no proof": ((BELIEVED_CLAUSE,), "argument, 0 of 1 decided", Finding.SUPPORTS),
    "a scope beyond the instances": (
        (clause("(x + n)² = x² + 2nx + n²", _instances, every("x n")),),
        "argument, 0 of 1 decided",
        Finding.REFUTES,
    ),
    "a scope with a symbol that was not there": (
        (clause("y > 0", lambda: strictly(y), every("y z")),),
        "argument, 0 of 1 decided",
        Finding.REFUTES,
    ),
    "a wrong sign": ((SQUARES, clause("x ≥ 0", lambda: positive(x))), "argument, 1 of 2 decided", Finding.REFUTES),
    "a check that breaks off": ((clause("x = x", vanishing()), SQUARES), "argument, 0 of 2 decided", Finding.REFUTES),
    "nothing": ((), "argument, 0 of 0 decided", Finding.UNDECIDED),
}


@pytest.mark.parametrize("name", RULES)
def test_a_sentence_is_a_proof_if_each_clause_is_decided(name: str) -> None:
    clauses, graded, finding = RULES[name]
    found = shown(*clauses)
    assert (found.graded, found.finding) == (graded, finding)


def test_the_sentence_is_made_of_the_clauses_and_names_what_is_cited() -> None:
    u = sp.Symbol("u", nonnegative=True)
    found = shown(SQUARES, clause("so |cos| ≤ 1", lambda: positive(u * y), every("u y", SCHWARZ)))
    assert found.what == f"{SQUARES.name}; so |cos| ≤ 1 ({SCHWARZ.name})"
    assert found.figures["cited"] == [str(SCHWARZ)]


def test_every_theorem_is_cited_and_has_one_name() -> None:
    """Those of the checks and of the scripts together; a list that only grows would be no list of what is used."""
    from checks.tools import theorems as ours
    from derivations.tools import theorems as theirs

    named = {name: value for name, value in vars(ours).items() if isinstance(value, theirs.Theorem)}
    sources = [path.read_text(encoding="utf-8") for path in Path(checks.__file__).parent.rglob("claims/**/*.py")]
    assert all(any(f", {name}" in text for text in sources) for name in named)
    others = [value.name for value in vars(theirs).values() if isinstance(value, theirs.Theorem)]
    names = [*others, *(value.name for value in named.values())]
    assert len(set(names)) == len(names)


def test_no_check_grades_itself_a_proof() -> None:
    """Whether something is a proof is said by the clauses and by the proof scripts alone."""
    folder = Path(checks.__file__).parent
    found = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "PROOF"
    }
    assert found == {"tools/clauses.py", "tools/evidence.py"}


def test_no_check_believes_sympy_beside_an_argument() -> None:
    folder = Path(checks.__file__).parent
    found = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if node.value.id == "sp" and node.attr in BELIEVED
    }
    assert found == LIMITS
