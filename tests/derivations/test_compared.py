"""A displayed statement is read back from its LaTeX and held against what was decided."""

import pytest
import sympy as sp

from derivations.tools.claims import claims
from derivations.tools.compared import compared, has_sign
from derivations.tools.means import ORDER, concluded, ledger, reading
from derivations.tools.proof import both
from derivations.tools.reading import Reader, UnreadError, tokens
from derivations.tools.sums import Index, Tensor, total
from derivations.tools.zero import positive, strictly, zero

x, y, z = sp.symbols("x y z", positive=True)
theta, f = sp.Symbol("theta", positive=True), sp.Function("f")
i, j = Index("i"), Index("j")
K, u = Tensor("K", symmetric=True), Tensor("u")


def read(latex, means=None, names=None):
    known = {symbol.name: symbol for symbol in (x, y, z, theta)}
    return Reader(means or {}, names or {}, known, x).read(tokens(latex))


@pytest.mark.parametrize(
    ("latex", "value"),
    [
        (r"\frac12 x^2 + 3\,y", x**2 / 2 + 3 * y),
        (r"-x^2\cdot y/z", -(x**2) * y / z),
        (r"x/2\,y", x * y / 2),
        (r"\tfrac{x}{y}\Bigl(1 - \frac1z\Bigr)^2", x / y * (1 - 1 / z) ** 2),
        (r"\sqrt{1-x^2}\,e^{-2(x+y)z}", sp.sqrt(1 - x**2) * sp.exp(-2 * (x + y) * z)),
        (r"\sin2x\cos\theta + \sin^2\theta", sp.sin(2 * x) * sp.cos(theta) + sp.sin(theta) ** 2),
        (r"\arcsin\frac{x}{y} - \ln(1/x)", sp.asin(x / y) - sp.log(1 / x)),
        (r"\frac{\partial}{\partial x}(x^3y)", 3 * x**2 * y),
        (r"\frac{d^2w}{dx^2}", 2 * y),
        (r"w\big|_{x=3}", 9 * y),
        (r"w'", 2 * x * y),
        (r"|x| + |-y|", x + y),
        (r"0.25\,x", x / 4),
        (r"w_k + \lambda_{\min}(\tilde K)", z + 7),
        (r"(x,\ 2y)", sp.Tuple(x, 2 * y)),
        (r"\frac{d}{dx}\bigl(x e^x\bigr) + y", (x + 1) * sp.exp(x) + y),
        (r"\frac{d}{dx} x^2 \big|_{x=y}", 2 * y),
        (r"z(x + y)", z * x + z * y),
    ],
)
def test_what_is_read(latex, value):
    means = {"w_k": z, r"\lambda_{\min}(\tilde K)": 7}
    assert sp.simplify(read(latex, means, {"w": "x^2 y"}) - value) == 0 if latex[0] != "(" else read(latex) == value


@pytest.mark.parametrize(
    "latex",
    [
        "K",  # not a symbol that was decided: a matrix, perhaps
        "x(y)",  # a function of y, perhaps
        r"\sum_i x",
        r"x^\top y",
        "1/2x",  # x/2 or 1/(2x)
        r"\exp\tfrac12(x)",
        r"\mathbb{E}[x]",
        r"\sin^2",
        # the inverse function, or a quotient
        r"\sin^{-1}x",
        r"\exp^{-y}(x)",
        # the derivative of the product, or of its first factor
        r"\frac{d}{dx}\,x e^x",
        r"\frac{d}{dx}(x)\,e^x",
        r"\frac{\partial}{\partial x}x\cdot x",
        r"\frac{d}{dx}x/x",
        # the value at x + 1, or a product
        "g(x+1)",
        "g x + g(x + y)",
        # no sum and no product of tuples, none of a matrix and a number by entries
        "2(x, y)",
        "-(x, y)",
        "(x, y) + (y, x)",
        "x + (y, x)",
        r"(x, y)\cdot(y, x)",
        r"(x, y)\odot 2",
        r"x\odot\begin{pmatrix}1&1\\1&1\end{pmatrix}",
        "x +",
        "(x",
        "v",  # it is defined by itself
        "",
    ],
)
def test_what_is_not_read_is_not_guessed(latex):
    with pytest.raises(UnreadError):
        read(latex, {"g": x**2}, {"v": "2v"})


def test_the_product_of_entries_is_not_that_of_matrices():
    ones, rows = r"\begin{pmatrix}1&1\\1&1\end{pmatrix}", r"\begin{pmatrix}x&y\\y&2\end{pmatrix}"
    assert read(rf"{ones}\odot{rows}") == sp.Matrix([[x, y], [y, 2]])
    assert read(rf"{ones}{rows}") == sp.Matrix([[x + y, y + 2], [x + y, y + 2]])
    assert read(rf"x\odot y\,{ones}") == x * y * sp.ones(2, 2)


def test_a_term_is_no_part_of_a_longer_one():
    assert read("K_m + K", {"K": x, "K_m": y}) == x + y
    with pytest.raises(UnreadError):
        read("K_n", {"K": x})
    with pytest.raises(UnreadError):
        read("K(y)", {"K": x})


@pytest.mark.parametrize(
    ("latex", "found"),
    [
        (r"x = y \le z", ["x=y|", r"y\lez|"]),
        (r"x > 0: \qquad y = z, \quad z < 1", ["y=z|x>0", "z<1|x>0"]),
        (r"x > 0: y = z; \qquad z < 1", ["y=z|x>0", "z<1|"]),
        (r"x = 1 \Longrightarrow y = z", ["y=z|x=1"]),
        (r"x = 1, \\ \Longrightarrow y = z", ["x=1|", "y=z|"]),
        (r"y = z \text{ for all } x > 0, \quad z = 1", ["y=z|x>0", "z=1|"]),
        (r"y = z \quad (x > 0)", ["y=z|x>0"]),
        (r"\text{no two} x \text{ parallel} \Longrightarrow y > 0", [r"y>0|\text{no two} x \text{ parallel};x"]),
        (r"x \text{ simple},\ y > 0: z = 1", [r"z=1|x \text{ simple};x;\ y>0"]),
        (r"x = y \iff y = x", ["x=y|", r"\iff|", "y=x|"]),
        (r"x, \quad y = z", ["x|", "y=z|"]),
        (r"(x, y) = (y, x)", ["(x,y)=(y,x)|"]),
        # a word that turns a relation round supposes nothing, and neither does one that only goes on
        (r"y = 0 \text{ unless } x = 0, \quad z = 1", [r"\text{y = 0\text{ unless }x = 0}|", "z=1|"]),
        (r"y = 2 \text{ but } x = 1", ["y=2|", "x=1|"]),
        (r"y = 0; \text{but}\quad z = 1 > 0 \quad (x > 1)", ["y=0|", "z=1|x>1", "1>0|x>1"]),
        (r"y = 0 \text{ but for } x = 1", ["y=0|x=1"]),
        # a supposition ends at a wide space
        (r"y = 0 \text{ for all } x > 0 \quad z = 7", ["y=0|x>0", "z=7|"]),
        (r"y = 0 \quad \text{if}\quad x > 0 \quad z = 7", ["y=0|x>0", "z=7|"]),
    ],
)
def test_the_relations_of_a_statement_and_what_is_supposed_for_them(latex, found):
    made = [
        "".join((*c.left, c.sign, *c.right)).replace(" ", "") + "|" + ";".join("".join(s) for s in c.supposed)
        for c in claims(latex)
    ]
    assert [each.replace(" ", "") for each in made] == [each.replace(" ", "") for each in found]


def done(check):
    """The outcome of a check with what its ledger says."""
    with ledger() as book:
        return check().entered(book)


def squares():
    """What the check of a step would call."""
    return zero((x + y) ** 2 - x**2 - 2 * x * y - y**2, (z, z))


def _read(values, *under, check=squares, **prime):
    def run():
        reading(values, *under, **prime)
        return check()

    return done(run)


_FORM = total(u[i] * K[i, j] * u[j], i, j)
_LOW = {r"\lambda": x, r"\mu": x + y}
#: A statement, the outcome, and of its relations: how many follow, how many there are, how many are read and do not.
_STATEMENTS = [
    (r"(x+y)^2 = x^2 + 2xy + y^2", lambda: done(squares), 1, 1, 0),
    (
        r"(x+y)^2 = x^2 + 2xy - y^2",
        lambda: done(squares),
        0,
        1,
        0,
    ),  # without values from the check it may mean something else
    (r"\mu \ge \lambda, \quad \mu = \lambda + y", lambda: _read(_LOW), 2, 2, 0),
    (r"\mu \le \lambda", lambda: _read(_LOW), 0, 1, 1),
    (r"\mu \ge 2\lambda", lambda: _read(_LOW), 0, 1, 1),
    (r"\mu > \lambda", lambda: _read(_LOW), 1, 1, 0),
    (r"\mu > \lambda", lambda: _read({r"\lambda": x, r"\mu": x + sp.Symbol("s", nonnegative=True)}), 0, 1, 1),
    # what follows under a supposition alone
    (r"x \text{ simple}: \quad \mu > \lambda", lambda: _read(_LOW, r"x \text{ simple}"), 1, 1, 0),
    (r"\mu > \lambda", lambda: _read(_LOW, r"x \text{ simple}"), 0, 1, 0),
    (r"\tilde x \text{ simple}: \quad \mu > \lambda", lambda: _read(_LOW, r"x \text{ simple}"), 0, 1, 0),
    (r"y \text{ or } x \text{ simple}: \quad \mu > \lambda", lambda: _read(_LOW, r"x \text{ simple}"), 0, 1, 0),
    (r"x > z: \quad \mu > \lambda", lambda: _read(_LOW, "x > z"), 1, 1, 0),
    (r"y > x > z: \quad \mu > \lambda", lambda: _read(_LOW, "x > z"), 1, 1, 0),
    (r"\mu > \lambda \text{ for } y > x > z", lambda: _read(_LOW, "x > z"), 1, 1, 0),
    (r"y + x > z: \quad \mu > \lambda", lambda: _read(_LOW, "x > z"), 0, 1, 0),
    (r"3x > z: \quad \mu > \lambda", lambda: _read(_LOW, "x > z"), 0, 1, 0),
    (r"x > z + y: \quad \mu > \lambda", lambda: _read(_LOW, "x > z"), 0, 1, 0),
    (r"x = z: \quad \mu > \lambda", lambda: _read(_LOW, "="), 0, 1, 0),
    (r"x > y: \quad x - y > 0, \quad y - x < 0", lambda: done(squares), 2, 2, 0),
    (r"x - y > 0", lambda: _read({"w": x}), 0, 1, 1),
    (r"z = 2: \quad xz = 2x", lambda: done(squares), 1, 1, 0),
    # forms of every size, limits, exponentials, roots, numbers
    (r"u^\top Ku = w", lambda: _read({r"u^\top Ku": _FORM, "w": total(u[j] * u[i] * K[i, j], j, i)}), 1, 1, 0),
    (r"u^\top Ku = 2w", lambda: _read({r"u^\top Ku": _FORM, "w": _FORM}), 0, 1, 1),
    (r"x \to \infty: \qquad \frac{2x}{x+y} \to 2", lambda: done(squares), 1, 1, 0),
    (r"x \to \infty: \qquad \frac{2x}{x+y} \to 1", lambda: _read({"w": x}), 0, 1, 1),
    (r"e^{-(x+y)z} - e^{-xz} < 0", lambda: done(squares), 1, 1, 0),
    (r"e^{-(x+y)z} - e^{-xz} > 0", lambda: _read({"w": x}), 0, 1, 1),
    (r"\frac{1}{\sqrt{1 - y/x}} = \frac{\sqrt x}{\sqrt{x - y}}", lambda: done(squares), 1, 1, 0),
    (r"\pi - 3 \approx 0.14, \quad \pi - 3 > \tfrac17", lambda: _read({"w": x}), 1, 2, 1),
    # what was found to have a sign
    (r"y - \ln(1+y) \ge 0", lambda: done(lambda: both(squares(), _concluded())), 1, 1, 0),
    (r"y - \ln(1+y) > 0", lambda: done(lambda: both(squares(), _concluded())), 0, 1, 0),
    (r"x^2 \ge 0, \quad xy > 0", lambda: done(lambda: both(positive(x**2), strictly(x * y))), 2, 2, 0),
    (r"\mu = \lambda, \quad \mu < z", lambda: _read({r"\mu": x, r"\lambda": x}, "="), 1, 2, 0),
    (r"\mu = \lambda, \quad \mu > 0", lambda: _read({r"\mu": x}, ORDER), 1, 2, 0),
    (r"x > 0 \text{ unless } z > 0, \quad z > 0", lambda: _read({"w": x}), 1, 2, 0),
    (r"\text{unless } x > z: \quad \mu > \lambda", lambda: _read(_LOW, "x > z"), 0, 1, 0),
    (r"y > x > z \text{ never}: \quad \mu > \lambda", lambda: _read(_LOW, "y > x"), 0, 1, 0),
    (r"\text{not } x > 0: \quad z = 2x", lambda: _read({"w": x}), 0, 1, 1),
    (r"\text{unless } z = 2x: \quad z = 2x", lambda: _read({"w": x}), 0, 1, 1),
    (r"2x = 2 \text{ but } x = 1", lambda: _read({"w": x}), 0, 2, 2),
    (r"x > 0 \text{ for all } y > 0 \quad x = 7", lambda: _read({"w": x}), 1, 2, 1),
    # beyond what is read
    (r"\sum_i x_i = y", lambda: done(squares), 0, 1, 0),
    (r"\text{a word}", lambda: done(squares), 0, 1, 0),
]


def _concluded():
    concluded(y - sp.log(1 + y))
    return zero((sp.diff(y - sp.log(1 + y), y), y / (1 + y)))


@pytest.mark.parametrize(("latex", "check", "found", "shown", "against"), _STATEMENTS)
def test_what_is_displayed_is_held_against_what_was_decided(latex, check, found, shown, against):
    result = compared(latex, check(), {})
    assert (result.found, result.shown, len(result.against)) == (found, shown, against)
    assert result.whole == (found == shown)


@pytest.mark.parametrize(
    ("expr", "strict", "found"),
    [
        # every term has one exponential: the largest or the smallest is a factor
        (sp.exp(-x) - sp.exp(-x - y), True, True),
        (2 * sp.exp(-x) - sp.exp(-x - y) - sp.exp(-x - z), True, True),
        (sp.exp(-x) * y - sp.exp(-x) * y, False, True),
        (sp.exp(-x) * sp.exp(-y) * z, True, True),
        (sp.exp(2 * x) - sp.exp(x), False, True),
        # terms without one: at x = 1 they are negative
        (sp.exp(-x) - sp.Rational(1, 2), True, False),
        (2 - sp.exp(x), True, False),
        (2 - sp.exp(x), False, False),
        # terms with two and with one
        (sp.exp(-x) - 2 * sp.exp(-2 * x), True, False),
        (2 * sp.exp(x) * sp.exp(y) - 3 * sp.exp(z), True, False),
        # what is not known to be real, or below another
        (sp.exp(sp.Symbol("w")), True, False),
        (2 * sp.exp(x) - sp.exp(y), True, False),
    ],
)
def test_signs_of_sums_of_exponentials(expr, strict, found):
    assert has_sign(expr, strict=strict) is found
