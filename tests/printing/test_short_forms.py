"""Short forms equal the derived formulas and read as in the literature."""

import pytest
import sympy as sp

from glutheory.activations import activation_names
from glutheory.activations.parser import parse_expression
from glutheory.ground.normal import Phi2Rho
from glutheory.printing.styles import ASCII, LATEX, UNICODE
from glutheory.printing.ways import present
from glutheory.printing.writer import Writer
from glutheory.symbolic.duals import dual
from tests.printing.reports import OWN, found

pytestmark = pytest.mark.usefixtures("evaluated_once")


def _symbols(expr: sp.Expr) -> list[sp.Symbol]:
    return sorted(expr.free_symbols, key=str)


#: With several kinks, of which others are shorter.
LATE = ("relu6", "hard_sigmoid", "hard_swish", "hard_tanh", "xielu")


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [*(pytest.param(n, marks=pytest.mark.slow) if n in LATE else n for n in activation_names()), *OWN[:3]],
)
def test_the_short_form_is_the_derived_formula(name: str) -> None:
    act = found(name).gate
    kernels = [dual(act).s.kernel, dual(act).t.kernel]
    notation = present(kernels)
    for short, long in zip(notation.formulas, kernels, strict=True):
        difference = notation.expand(short) - long
        for seed in (2, 5):
            point = {s: sp.Rational(seed + 3 * i, 7) for i, s in enumerate(_symbols(difference))}
            point[sp.Symbol("c", real=True)] = sp.Rational(-seed, 31)
            assert abs(difference.subs(point).evalf(40)) < 1e-30
        # Φ₂ is written with its correlation, c/√(ab), in place of a direction
        assert short.count_ops() <= long.count_ops() + 4 * short.count(Phi2Rho)


def test_a_mixture_averages_whatever_depends_on_kappa() -> None:
    # D depends on κ only through A: 2/(π√D) alone once lost its expectation
    write = Writer(UNICODE)
    assert write(found("tanh").formulas[1]) == "2·E_{κ,κ'}[1/√D]/π"
    assert write(found("sigmoid").formulas[0]) == "1/4 + E_{κ,κ'}[arcsin(c/√A)]/(2π)"


@pytest.mark.parametrize(
    ("name", "S"),
    [
        ("relu", "(c·(π − θ) + √D)/(2π)"),
        ("abs", "2(√D + c·arcsin(c/√(ab)))/π"),
        ("sign", "2·arcsin(c/√(ab))/π"),
        ("erf", "2·arcsin(2c/√A)/π"),
        ("relu2", "(3c√D + (ab + 2c²)(π − θ))/(2π)"),
        ("gelu", "c/4 + (c·arcsin(c/√A) + (c² + ab·D)/(A√D))/(2π)"),
        ("gaussian", "1/√D"),
        ("sin", "exp(−(a + b)/2)·sinh(c)"),
    ],
)
def test_known_closed_forms_read_as_in_the_literature(name: str, S: str) -> None:
    assert Writer(UNICODE)(found(name).formulas[0]) == S


@pytest.mark.parametrize(
    ("expr", "unicode", "ascii_", "latex"),
    [
        ("z*Phi(z)", "z·Φ(z)", "z*Phi(z)", r"z \Phi\left(z\right)"),
        ("sqrt(2)*z/2", "z/√2", "z/sqrt(2)", r"\frac{z}{\sqrt{2}}"),
        ("z**2-z", "z² − z", "z^2 - z", "z^{2} - z"),
        ("-(z+1)*z", "−z·(z + 1)", "-z*(z + 1)", r"-z \left(z + 1\right)"),
        ("abs(z)", "|z|", "|z|", r"\left|z\right|"),
        ("log(1+exp(z))/3", "log(1 + exp(z))/3", "log(1 + exp(z))/3", r"\frac{\log\left(1 + e^{z}\right)}{3}"),
        ("2-2*Phi(z)", "2·Φ(−z)", "2*Phi(-z)", r"2 \Phi\left(-z\right)"),
    ],
)
def test_the_writer(expr: str, unicode: str, ascii_: str, latex: str) -> None:
    parsed = parse_expression(expr)
    assert [Writer(style)(parsed) for style in (UNICODE, ASCII, LATEX)] == [unicode, ascii_, latex]
