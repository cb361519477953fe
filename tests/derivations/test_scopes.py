"""What a step may claim: the functions that decide write down what they did, and a scope beyond it is refused."""

import ast
from importlib import import_module

import pytest
import sympy as sp

from derivations import catalog
from derivations.catalog import FOLDER
from derivations.tools import sympys
from derivations.tools import theorems as by
from derivations.tools.limits import grows, tends
from derivations.tools.means import Means, cases, instances, size, spots
from derivations.tools.numbers import larger
from derivations.tools.proof import Extent, Proof, Step, confirmed, every, grades, ingredient, run, some
from derivations.tools.render import markdown
from derivations.tools.zero import positive, strictly, zero

x, y = sp.symbols("x y", positive=True)


def ran(check, scope):
    return run(Proof("title", "source", "summary", "notation", (Step("step", "1 = 1", "rule", check, scope),)))


def squares():
    return zero((x + y) ** 2 - x**2 - 2 * x * y - y**2)


def sized():
    size("3 rows")
    return zero(sp.S.Zero)


@pytest.mark.parametrize(
    ("check", "scope", "reason"),
    [
        (squares, every("x y z"), "z does not occur in what was decided"),
        (lambda: zero(*(sp.S.Zero * n for n in instances("n", (1, 2)))), every(), "only n = 1, 2 was gone through"),
        (sized, every(), "only 3 rows was gone through"),
        (lambda: confirmed(True, Means.POINTS), every(), "balls at exact points"),
        (lambda: larger((sp.pi, 3)), every("x"), "x does not occur"),
    ],
    ids=["symbol", "instances", "size", "points", "numbers"],
)
def test_a_scope_that_says_more_than_was_decided_fails(check, scope, reason):
    done = ran(check, scope)
    assert done.failure is not None
    assert reason in done.failure.reason
    assert done.failure.reason.startswith("claims more than was decided")
    assert done.decided == 0
    # said as what it is it passes, and does not count
    honest = ran(check, some("what was tried"))
    assert (honest.failure, honest.decided, honest.proved) == (None, 0, False)


@pytest.mark.parametrize(
    "function",
    [
        lambda: sympys.simplify(sp.sin(x) ** 2 + sp.cos(x) ** 2 - 1),
        lambda: sympys.limit(1 / x, x, sp.oo),
        lambda: sympys.series(sp.cos(x), x, 1) - 1,
        lambda: sympys.integrate(x, (x, 0, 1)) - sp.Rational(1, 2),
        lambda: sympys.summation(y, (y, 0, 1)) - 1,
        lambda: sympys.gammasimp(sp.gamma(x + 1) / sp.gamma(x)) - x,
        lambda: sympys.solve(x - 1, x)[0] - 1,
    ],
)
def test_what_sympy_computed_is_not_decided_and_says_so(function):
    done = ran(lambda: zero(function()), every())
    assert done.failure is None
    assert (done.decided, done.proved) == (0, False)
    assert grades([done]) == "0 of 1 decided, 1 computed"
    page = markdown("gelu", done)
    assert "**Computed.**" in page
    assert "not decided but believed: SymPy's `" in page
    assert "An argument: 0 of 1 decided" in page


def test_what_is_decided_is_rendered_with_its_symbols_and_what_it_cites():
    page = markdown("gelu", ran(squares, every("x y", by.SCHUR)))
    assert "**Decided for all $x, y$.**" in page
    assert "**Cited, not checked.** Schur's product theorem (I. Schur" in page
    assert "A proof: 1 of 1 decided" in page
    assert "**An ingredient is decided, not the whole.** The square;" in markdown(
        "gelu", ran(squares, ingredient("the square"))
    )
    listed = markdown("gelu", ran(lambda: zero(*(x - x for _ in cases("k", range(1, 6)))), every()))
    assert "Each case: k = 1, …, 5" in listed


def test_a_citation_needs_a_source():
    with pytest.raises(ValueError, match="needs both"):
        by.Theorem("folklore", "")
    theorems = [value for value in vars(by).values() if isinstance(value, by.Theorem)]
    assert len({theorem.name for theorem in theorems}) == len(theorems) > 30
    cited = {theorem for name in catalog.names() for step in catalog.load(name).steps for theorem in step.scope.cites}
    assert {theorem.name for theorem in theorems} == {theorem.name for theorem in cited}


@pytest.mark.parametrize(
    ("outcome", "passed"),
    [
        (lambda: tends((2 * x + 1) / (x + y), x, 2), True),
        (lambda: tends((2 * x + 1) / (x + y), x, 1), False),
        (lambda: tends((1 + sp.sqrt(x)) ** 2 / x, x, 1, root=2), True),
        (lambda: tends(x, x), False),
        (lambda: tends(sp.Symbol("epsilon_0", positive=True) / (x + 1) * x, x), False),
        (lambda: grows(x / (x + 1), x), False),
        (lambda: grows(x**2 * (sp.pi - 3) / (x + y), x), True),
        (lambda: grows(x**2 * (sp.pi - 4) / (x + y), x), False),
        (lambda: larger((sp.pi, sp.Rational(22, 7) - sp.Rational(1, 700))), True),
        (lambda: larger((sp.pi, sp.Rational(22, 7))), False),
        (lambda: larger((sp.pi, sp.pi)), False),
        (lambda: larger((sp.sqrt(2), sp.Rational(7, 5)), (sp.S.One, 1 / sp.pi)), True),
        (lambda: positive(x * y, sp.S.Zero), True),
        (lambda: positive(x - y), False),
        (lambda: strictly(sp.S.Zero), False),
    ],
)
def test_limits_and_inequalities(outcome, passed):
    assert outcome().passed is passed


@pytest.mark.parametrize("slope", [x - y, sp.sin(y) ** 2 + sp.cos(y) ** 2 - 1], ids=str)
def test_a_limit_with_a_denominator_that_may_vanish_is_refused(slope):
    """1/(slope·z + 1) tends to 1 and not to 0 where the slope is 0."""
    z = sp.Symbol("z", positive=True)
    with pytest.raises(ValueError, match="sign"):
        tends(1 / (slope * z + 1), z)


# ---------------------------------------------------------------- what the sources may not do

#: Functions of SymPy whose result would have to be believed, evaluation by digits, and matrices of a fixed size.
_FORBIDDEN = {
    "limit",
    "simplify",
    "trigsimp",
    "gammasimp",
    "series",
    "integrate",
    "summation",
    "solve",
    "nsimplify",
    "N",
}
_METHODS = {"evalf", "n", "series", "limit", "simplify"}
#: The covariance of a pair is what these two speak of.
_PAIRS = {"erf.py", "gelu.py"}


@pytest.mark.parametrize(
    "path", sorted([*FOLDER.glob("proofs/*.py"), *FOLDER.glob("tools/*.py")]), ids=lambda p: p.name
)
def test_no_script_asks_sympy_past_the_ledger(path):
    if path.name == "sympys.py":
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sp":
            if node.attr in _FORBIDDEN or (node.attr == "Matrix" and path.name not in _PAIRS):
                found.append(f"sp.{node.attr}, line {node.lineno}")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
            found.append(f".{node.func.attr}(), line {node.lineno}")
        elif isinstance(node, ast.keyword) and node.arg == "force" and getattr(node.value, "value", False) is True:
            found.append(f"force=True, line {node.value.lineno}")
    assert found == []


@pytest.mark.parametrize("path", sorted(FOLDER.glob("proofs/*.py")), ids=lambda path: path.name)
def test_whoever_goes_through_numbers_says_whether_they_are_all(path):
    """A loop over numbers in a check is one of `cases`, `instances` or `spots`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = []
    for node in ast.walk(tree):
        for loop in [node] if isinstance(node, ast.For) else getattr(node, "generators", []):
            source = loop.iter
            literal = isinstance(source, ast.Tuple) and source.elts and all(_number(item) for item in source.elts)
            constant = isinstance(source, ast.Name) and source.id.lstrip("_").isupper() and len(source.id) > 1
            ranged = isinstance(source, ast.Call) and isinstance(source.func, ast.Name) and source.func.id == "range"
            ranged = ranged and not any(isinstance(node, ast.Name) and node.id.islower() for node in ast.walk(source))
            if literal or ranged or constant:
                found.append(ast.unparse(source))
    assert found == _ALLOWED.get(path.name, [])


def test_a_step_that_names_no_symbol_speaks_of_numbers():
    """An empty scope is not held against the symbols that were decided: it needs a statement without any."""
    found = {
        (name, step.name)
        for name in catalog.names()
        for step in catalog.load(name).steps
        if step.scope.extent is Extent.ALL and not step.scope.what
    }
    assert found == {("centring", "centring alone can hurt"), ("phase_boundary", "the same singularity")}


def _trying(script):
    """The script and the tools that it imports, by name, of those that make trials."""
    text = script.read_text(encoding="utf-8")
    tools = [path for path in FOLDER.glob("tools/*.py") if path.stem not in ("__init__", "means") and path.stem in text]
    return [
        f"derivations.{path.parent.name}.{path.stem}"
        for path in (script, *tools)
        if "spots(" in path.read_text(encoding="utf-8")
    ]


@pytest.mark.parametrize("name", [path.stem for path in sorted(FOLDER.glob("proofs/*.py")) if _trying(path)])
def test_nothing_rests_on_trials(name, monkeypatch):
    """Without any of them every step is still confirmed, and claims no more than is decided then."""
    for module in _trying(FOLDER / "proofs" / f"{name}.py"):
        monkeypatch.setattr(import_module(module), "spots", lambda _: ())
    done = run(catalog.load(name))
    assert done.failure is None


def _number(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


#: Loops over the points at which balls are compared, and over two expressions.
_ALLOWED = {
    "kolmogorov.py": ["_POINTS"],
    "spectral_orders.py": ["_BULKS", "_BULKS"],
}


def test_spots_stand_for_nothing():
    assert spots(range(3)) == (0, 1, 2)
    assert ran(lambda: zero(*(x - x for _ in spots(range(3)))), every()).failure is None
