"""What a step may claim: the functions that decide write down what they did, and a scope beyond it is refused."""

import ast
from enum import Enum
from importlib import import_module

import pytest
import sympy as sp

from derivations import catalog
from derivations.catalog import FOLDER
from derivations.tools import sympys
from derivations.tools import theorems as by
from derivations.tools.letters import letters
from derivations.tools.limits import grows, tends
from derivations.tools.means import Means, cases, instances, size, spots
from derivations.tools.numbers import larger
from derivations.tools.proof import Extent, Proof, Step, both, confirmed, every, follows, ingredient, some
from derivations.tools.render import markdown
from derivations.tools.runs import grades, run
from derivations.tools.sentence import inequalities
from derivations.tools.zero import positive, strictly, zero

x, y = sp.symbols("x y", positive=True)


def ran(check, scope, statement="", rule="rule", **names):
    """A proof of one step; its sentence is about numbers, or has the letters that the checks here decide."""
    step = Step("step", statement or ("x = y" if scope.what else "1 = 1"), rule, check, scope, names)
    return run(Proof("title", "source", "summary", "notation", (step,)))


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
    honest = ran(check, some("what was tried", why="nobody tried more"))
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
        "gelu", ran(squares, ingredient("the square", why="the rest is in words"))
    )
    assert "The square; not all, since the rest is in words" in markdown(
        "gelu", ran(squares, ingredient("the square", why="the rest is in words"))
    )
    listed = markdown("gelu", ran(lambda: both(*(squares() for _ in cases(Gate))), every("x y")))
    assert "Each case: Gate = RELU, GELU" in listed


class Gate(Enum):
    """A list that is complete by itself."""

    RELU = "relu"
    GELU = "gelu"


@pytest.mark.parametrize("values", [(1, 2, 3), range(1, 6), "n", int])
def test_numbers_and_sizes_are_no_complete_list(values):
    """Written into the sentence or not: what is chosen are instances, and `instances` says so by itself."""
    with pytest.raises(TypeError, match="take `instances`"):
        cases(values)


# ---------------------------------------------------------------- the sentence is read

#: A sentence, its rule, its scope, its names, and what is found to be said beyond what `squares` decides of x and y.
_CONDITION = r"\mathrm{cond}(\tilde K) \le \mathrm{cond}(K) \quad \text{for all } X, \phi, m"
_SENTENCES = {
    "the planted claim": (
        _CONDITION,
        "r",
        every("x y"),
        {},
        "neither decided nor defined: `K`, `X`, `cond`, `m`, `phi`",
    ),
    "the same with names given to all": (
        r"\mathrm{cond}(\tilde K) \le \mathrm{cond}(K)",
        "r",
        every("x y"),
        {"K": r"\text{the kernel}", r"\tilde K": r"\text{gated}", r"\mathrm{cond}": r"\lambda_1", r"\lambda_1": "1"},
        "nothing that its sentence speaks of is in what was decided",
    ),
    "a name by letters that were not decided": ("x = K", "r", every("x y"), {"K": "m x"}, "`K`"),
    "any number": ("x = K", "r", every("x y"), {"K": r"\text{any number}"}, "neither decided nor defined: `K`"),
    "any number of a range": ("x = K", "r", every("x y"), {"K": r"\text{any positive number} > 1"}, "`K`"),
    "a count": (
        "x = y^L",
        "r",
        every("x y"),
        {"L": r"\text{the number of blocks}"},
        "neither decided nor defined: `L`",
    ),
    "a name that is defined by itself": ("x = K", "r", every("x y"), {"K": "L", "L": "K"}, "`K`"),
    "words alone": (r"\text{both families are equal}", "r", every("x y"), {}, "its sentence is in words"),
    "a conclusion": (r"x = y \Longrightarrow y = x", "r", every("x y"), {}, "of 1 conclusions in the sentence none"),
    "two, one of them cited": (
        r"x = y \Longrightarrow y = x \iff x = y",
        "r",
        every("x y", by.SCHUR),
        {},
        "of 2 conclusions in the sentence 1 is checked or cited",
    ),
    "a conclusion of the rule": ("x = y", "both are 1, so that $x = y$", every("x y"), {}, '("so")'),
    "induction in words": ("x = y", "Induction on $n$", every("x y"), {}, '("induction")'),
    "an interchange in words": ("x = y", "sum and mean may be exchanged", every("x y"), {}, '("be exchanged")'),
    "a conclusion of the rule beside a citation for another": (
        "x = y",
        r"Schur's product theorem gives the first, so $x \ge 0$; so all others move apart",
        every("x y", by.SCHUR),
        {},
        'a conclusion of the rule is neither checked nor cited ("so")',
    ),
    "a conclusion of the rule that no citation quotes": (
        "x = y",
        "both recursions are linear. So **every** kernel tends to a multiple of the identity",
        every("x y", by.GERSHGORIN.gives("both recursions are linear"), by.EXPONENTIAL),
        {},
        'a conclusion of the rule is neither checked nor cited ("so")',
    ),
    "words in the sentence count as arrows": (
        r"x = y \Longrightarrow y = x \quad\text{and so } x = y",
        "r",
        every("x y", by.SCHUR),
        {},
        "of 2 conclusions in the sentence 1 is checked or cited",
    ),
    "a limit beside a theorem that knows none": (r"x \to y", "r", every("x y", by.SCHUR), {}, "a limit or an order"),
    "an inequality": (r"x + y \ge x", "r", every("x y"), {}, "of 1 inequalities in the sentence none is decided"),
    "a chain, one of it cited": (
        r"x \le y: \quad 0 < x \le y < 1",
        "r",
        every("x y", by.SCHUR),
        {},
        "of 3 inequalities in the sentence 1 is decided, checked or cited",
    ),
    "a limit": (r"x \to y", "r", every("x y"), {}, "a limit or an order"),
    "an order": ("x = y + O(x^2)", "r", every("x y"), {}, "a limit or an order"),
}


@pytest.mark.parametrize("label", _SENTENCES)
def test_a_sentence_that_says_more_than_was_decided_is_an_ingredient_whatever_its_scope_says(label):
    statement, rule, scope, names, doubt = _SENTENCES[label]
    done = ran(squares, scope, statement, rule, **names)
    assert done.failure is None
    assert (done.decided, done.proved, grades([done])) == (0, False, "0 of 1 decided, 1 an ingredient")
    assert any(doubt in found for found in done.outcomes[0].doubts)
    page = markdown("gelu", done)
    assert "**An ingredient is decided, not the whole.** Not all: " in page
    assert doubt in page


@pytest.mark.parametrize(
    ("check", "scope", "statement", "rule", "names"),
    [
        (squares, every("x y"), r"(x+y)^2 = x^2 + 2xy + y^2", "r", {}),
        (squares, every("x y"), r"x = \sum_{i=1}^n y_i \text{ for every } \theta", "r", {"n": "2", r"\theta": "x"}),
        (squares, every("x y"), "K = x", "r", {"K": r"m\,y", "m": r"\text{the width}"}),
        (squares, every("x y"), r"F_3(x) = y", "r", {"F_k(z)": r"\int_0^z k\,s^k\,ds + x"}),
        (squares, every("x y", by.PRICE("f g")), "f(x) = g(y)", "r", {}),
        (squares, every("x y"), "x = y^L", "r", {"L": r"\text{the number of } y"}),
        (squares, every("x y", by.SCHUR.gives("hence")), r"x = y \Longrightarrow y = x", "this; hence that", {}),
        (squares, every("x y", by.SCHUR), r"x = y", "by Schur's product theorem, hence that", {}),
        (squares, every("x y", by.SCHUR.gives("$a; b$, so that")), "x = y", "$a; b$, so that it is. It is", {}),
        (lambda: follows("the step", squares()), every("x y"), r"x = y \Longrightarrow y = x", "so, by the step,", {}),
        (squares, every("x y", by.CESARO), r"x \to y", "r", {}),
        (squares, every("x y"), r"x \sim \mathcal{N}(0, y)", "r", {}),
        (lambda: both(squares(), tends(y / x, x)), every("x y"), r"\frac yx \to 0", "r", {}),
        (lambda: both(squares(), positive(x), strictly(y)), every("x y"), r"0 \le x,\ y > 0", "r", {}),
    ],
    ids=[
        "itself",
        "bound",
        "defined",
        "parameters",
        "brought by a theorem",
        "a count of what is decided",
        "quoted",
        "named",
        "quoted across a semicolon of a formula",
        "checked",
        "a limit that is cited",
        "a law",
        "limit",
        "signs",
    ],
)
def test_what_is_decided_defined_cited_or_checked_is_not_doubted(check, scope, statement, rule, names):
    done = ran(check, scope, statement, rule, **names)
    assert done.outcomes[0].doubts == ()
    assert done.proved


def test_a_check_of_something_else_serves_no_conclusion():
    done = ran(lambda: follows("the limit", squares()), every("x y"), "x = y", "so all others move apart")
    assert done.outcomes[0].doubts == ('a conclusion of the rule is neither checked nor cited ("so")',)


def test_a_citation_quotes_the_rule_word_for_word():
    with pytest.raises(ValueError, match=r"cites Schur's product theorem for 'so it is', which its rule does not say"):
        Step("step", "x = y", "thus it is", squares, every("x y", by.SCHUR.gives("so it is")))


def test_what_goes_beyond_a_sentence_is_said_to_be_undecided():
    step = Step("step", "x = y", "r", squares, every("x y"), beyond="so everything is well")
    done = run(Proof("title", "source", "summary", "notation", (step,)))
    assert done.proved
    assert "**In words, not decided.** So everything is well." in markdown("gelu", done)
    assert "for “so it is”." in markdown(
        "gelu", ran(squares, every("x y", by.SCHUR.gives("so it is")), "x = y", "so it is")
    )


def test_names_links_and_what_a_theorem_brings_are_on_the_page():
    scope, check = every("x y", by.PRICE("f g")), lambda: follows("the step from n to n + 1", squares())
    page = markdown("gelu", ran(check, scope, "f(x) = g(K)", K=r"m\,y", m=r"\text{the width}", y=r"\mathcal{N}(0, 1)"))
    assert r"**Names.** $K = m\,y$; $m\colon\ \text{the width}$; $y \sim \mathcal{N}(0, 1)$." in page
    assert "[price](price.md)), for $f, g$." in page
    assert "concluded and checked: the step from n to n + 1" in page


@pytest.mark.parametrize(
    ("latex", "found"),
    [
        (r"\tilde K_m = \sigma_p^2\,G\odot(K + rS)", {"tilde K_m", "sigma_p", "G", "K", "r", "S"}),
        (r"\frac{d}{d\theta}\bigl(f - \cos\theta\bigr) = \frac{d}{m}", {"theta", "f", "d", "m"}),
        (r"\int_0^\infty e^{-r t}\,dr = \mathbb{E}[u_+]", {"t", "u_+"}),
        (r"\sum_{i<j} x_i y^{\top} \text{ where } z", {"x_i", "y", "z"}),
        (r"\bar c\,T_{\mathrm{ReLU}} = \varphi'", {"bar c", "T_mathrmReLU", "varphi"}),
        (r"\frac{\partial^k}{\partial c^k} \mathrm{Tr}\,M", {"k", "c", "M"}),
    ],
)
def test_the_letters_of_a_formula(latex, found):
    assert {str(letter) for letter in letters(latex)} == found


@pytest.mark.parametrize(
    ("latex", "count"),
    [
        (r"x \le y", 1),
        (r"0 < x \le y", 2),
        (r"x \ne 0,\ A \succeq B \succ 0", 3),
        # what is supposed: before a colon or an arrow, behind words, in brackets, under a sum
        (r"x \ge 0:\quad x = y", 0),
        (r"x \ge 0 \Longrightarrow y > 1", 1),
        (r"f(r) < 1 \text{ for } r < 1,\ y \le 2 \text{ if } x > 0", 2),
        (r"(x)^2 \ge 0 \quad (0 \le x < 1)", 1),
        (r"\sum_{i<j} x_i^{n \ge 2} = y", 0),
        (r"n \ge 2: \quad x = y; \qquad x < y", 1),
        (r"\bigl\langle x\bigr\rangle \to \leftarrow \text{less} < \lambda", 1),
        # words that suppose nothing
        (r"x < y \text{ unless } y < z, \quad z < x", 3),
        (r"x < y; \text{but}\quad y < z", 2),
        (r"x < y \text{ but for } y < z, \quad z < x", 2),
        # the two sentences that passed with one inequality and two decided
        (
            r"K_{ii} = 1, \ |k_i| \le \varepsilon: \qquad v^\top K v \ge s\,\|v\|^2, \qquad |k^\top y| \le \frac{n}{s}",
            2,
        ),
        (r"|\rho_L| \le f(r)^L \ \text{ for } |\rho_0| \le r, \qquad |p| \le 1; \qquad f(r) = 1 - Q(r) < 1", 3),
    ],
)
def test_the_inequalities_that_a_sentence_claims(latex, count):
    assert inequalities(latex) == count


@pytest.mark.parametrize(
    ("decide", "count"),
    [
        (lambda: positive(x, y), 2),
        (lambda: strictly(x), 1),
        (lambda: larger((sp.pi, 3), (sp.Integer(4), sp.pi)), 2),
        (squares, 0),
    ],
)
def test_signs_are_counted(decide, count):
    assert ran(decide, every()).outcomes[0].signs == count


@pytest.mark.parametrize("build", [lambda: every().__class__(Extent.ALL, "x", (), "since"), lambda: some("x", why="")])
def test_a_reason_belongs_where_not_all_is_decided(build):
    with pytest.raises(ValueError, match="give a reason where not all is decided"):
        build()


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
    assert found == {("centring", "centring alone can hurt")}


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
