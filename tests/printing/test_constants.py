"""Long numbers are printed by names, and the page with its names is the exact formula."""

from __future__ import annotations

import json
import re
from functools import cache

import pytest
import sympy as sp
from sympy.parsing.sympy_parser import parse_expr

from glutheory.activations import Activation, activation
from glutheory.ground.normal import Phi, Phi2Rho
from glutheory.networks import Network, network
from glutheory.notebook import forms
from glutheory.printing import render
from glutheory.printing.constants import Constants, constants, grows, long, written
from glutheory.printing.contents import Report, report
from glutheory.printing.groups import MEAN
from glutheory.printing.legible import legible
from glutheory.symbolic import derivation
from glutheory.terminal import Terminal

pytestmark = pytest.mark.usefixtures("evaluated_once")

#: ASCII, and every formula on one line.
PLAIN = Terminal(10**6, unicode=False)
LAMBDA, ALPHA = "1.0507009873554804934193349852946", "1.6732632423543772848170429916717"
OWN = {
    "linear": "1.2345678901234567*max(0,z)+0.98765432109876543*z",
    "kink": "z/2+max(0,z-0.98765432109876543)",
    "scale": "z*erf(0.98765432109876543*z)",
    "gaussian": "0.98765432109876543*z*exp(-1.2345678901234567*z**2/2)",
    "selu and more": "2*selu(z)+1.2345678901234567*z",
    # short, but its powers are long
    "steep": "z/(1+exp(-1.702*z))+z/3",
    "steep and long": "z/(1+exp(-1.702*z))+1.2345678901234567*z",
}
CASES = ("selu", "selu_glu", "quick_gelu", "laplace", "laplace_glu", *OWN)
#: Averages over scales, which `_read` does not.
AVERAGES = ("quick_gelu", "steep", "steep and long")
_NAMES = {
    "Phi": Phi, "Phi2": Phi2Rho, "arcsin": sp.asin, "arccos": sp.acos, "sqrt": sp.sqrt, "exp": sp.exp, "pi": sp.pi,
    "c": sp.Symbol("c", real=True), "theta": sp.Symbol("theta", real=True),
}  # fmt: skip


@cache
def _found(name: str) -> Report:
    own = Network(name, (Activation(name, Activation(OWN[name]).expr),)) if name in OWN else network(name)
    return report(own, digits=8)


@cache
def _page(name: str) -> str:
    return render(_found(name), "text", PLAIN)


def _read(text: str) -> sp.Expr:
    """A printed formula; `lambda` is no name in Python."""
    plain = text.replace("^", "**").replace(";", ",").replace("lambda", "lamda")
    names = {name: sp.Symbol(name, positive=True) for name in re.findall(r"\b[A-Za-z]\w*", plain)}
    return parse_expr(plain, local_dict=names | _NAMES)


def _equations(line: str) -> dict[sp.Expr, sp.Expr]:
    """Those of a line "with x = …,  y = …"."""
    pairs = (equation.split(" = ") for equation in line.removeprefix("with ").split(",  "))
    return {_read(left): sp.Rational(right) if right[0].isdigit() else _read(right) for left, right in pairs}


def _printed(page: str, head: str) -> sp.Expr:
    """The formula with this left side in the sections of formulas, all its names replaced by what the page says."""
    after = page.split("Dual activations", 1)[1]
    found = re.search(rf"{re.escape(head)} = (.*)", after)
    assert found is not None
    formula = _read(found[1])
    lines = [line.strip() for line in page.splitlines() if line.strip().startswith("with ")]
    for line in reversed(lines):  # the numbers stand first, and D may be in A
        meanings = _equations(line)
        for _ in meanings:
            formula = formula.subs(meanings)
    return formula


#: The arguments of arcsines have no sign but that of c.
_ONES = dict.fromkeys((*sp.symbols("a b", positive=True), sp.Symbol("c", real=True)), 1)


def _zero(difference: sp.Expr) -> bool:
    """Whether SymPy finds it to be 0, with one of the two angles, arcsines of one argument and factored radicands."""
    angles = difference.replace(sp.acos, lambda x: sp.pi / 2 - sp.asin(x))
    angles = angles.replace(sp.asin, lambda x: sp.asin(sp.sign(x.subs(_ONES)) * sp.sqrt(sp.factor(x**2))))
    if sp.expand(difference) == 0 or sp.expand(angles) == 0:
        return True
    roots = angles.replace(lambda node: node.is_Pow and node.exp.q == 2, lambda node: sp.factor(node.base) ** node.exp)
    return bool(sp.simplify(sp.expand(sp.powdenest(roots, force=True))) == 0)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in CASES if name not in AVERAGES])
def test_the_page_with_its_numbers_is_the_exact_formula(name: str) -> None:
    exact = _found(name)
    assert exact.notation is not None
    for head, formula in zip(("S(a,b,c)", "T(a,b,c)"), exact.notation.formulas, strict=True):
        assert _zero(_printed(_page(name), head) - exact.notation.expand(formula))
    for value in exact.special:
        if value.formula is not None:
            assert _zero(_printed(_page(name), f"{value.name}({value.arguments.replace('−', '-')})") - value.formula)


@pytest.mark.parametrize("name", AVERAGES)
def test_averages_with_their_numbers_are_the_exact_formula(name: str) -> None:
    """What is averaged, to 40 digits at three points."""
    found = _found(name)
    assert found.notation is not None
    assert found.constants
    numbers = found.constants.values
    for printed, short in zip(found.formulas, found.notation.formulas, strict=True):
        for _ in found.definitions:
            printed = printed.subs(found.definitions)
        difference = printed.xreplace(numbers).replace(MEAN, lambda x, *_: x) - found.notation.expand(short)
        for point in ((1, 2, "1/3"), ("3/2", "1/2", "-1/5"), (4, 1, 0)):
            values = dict(zip("abc", map(sp.Rational, point), strict=True)) | {"kappa": sp.Rational(4, 5), "kappa'": 1}
            at = {symbol: values[symbol.name] for symbol in difference.free_symbols}
            # the terms are of size 1
            assert abs(difference.subs(at).evalf(50)) < 1e-40


@pytest.mark.parametrize("name", ["selu", "linear"])
def test_another_digit_is_another_formula(name: str) -> None:
    page, exact = _page(name), _found(name)
    assert exact.notation is not None
    value = exact.constants.table[0][1]
    changed = page.replace(f"= {written(value)}", f"= {written(value + sp.Rational(1, 10**16))}")
    assert changed != page
    difference = _printed(changed, "S(a,b,c)") - exact.notation.expand(exact.notation.formulas[0])
    point = {"a": 1, "b": 2, "c": sp.Rational(1, 3)}
    at = {symbol: point[symbol.name] for symbol in difference.free_symbols}
    # S is of size 1 and moves by about 1e-16; 40 digits of it are computed
    assert 1e-18 < abs(difference.subs(at).evalf(40)) < 1e-14


def _longest(page: str) -> list[str]:
    """Digits beyond what `long` allows; values near 0 begin with noughts."""
    return [digits for digits in re.findall(r"\d{13,}", page) if len(digits.lstrip("0")) > 12]


@pytest.mark.parametrize("form", ["text", "latex"])
@pytest.mark.parametrize("name", CASES)
def test_long_numbers_stand_once(name: str, form: str) -> None:
    page = render(_found(name), form, PLAIN, steps=True)
    own = _found(name).constants
    for _, value in own.table:
        assert page.count(written(value)) == 1
        page = page.replace(written(value), "")
    assert _longest(page) == []


def test_the_names_of_selu() -> None:
    own = constants([activation("selu").expr])
    assert [(symbol.name, written(value)) for symbol, value in own.table] == [("lambda", LAMBDA), ("alpha", ALPHA)]
    assert "with λ = " + LAMBDA + ",  α = " + ALPHA in render(_found("selu"), "text", Terminal(100))
    assert "$\\lambda = " + LAMBDA + "$, $\\alpha = " + ALPHA + "$" in render(_found("selu"), "latex", PLAIN)
    assert "k₁²" in render(_found("linear"), "text", Terminal(100))


def test_notebooks_have_the_names() -> None:
    for own in (activation("selu"), network("selu_glu"), derivation(network("selu"))):
        shown = forms.markdown(own)
        assert shown is not None
        assert (shown.count(LAMBDA), shown.count(ALPHA)) == (1, 1)
        assert re.findall(r"\d{13,}", shown.replace(LAMBDA, "").replace(ALPHA, "")) == []


@pytest.mark.parametrize("name", ["selu", "linear"])
def test_json_and_programs_have_numbers(name: str) -> None:
    found = _found(name)
    record = json.loads(render(found, "json", PLAIN))
    assert record["dual"]["S"]["srepr"] == sp.srepr(found.ntk.dual.S)
    symbols = {s.name for s in sp.sympify(record["dual"]["short"]["S"]["srepr"]).free_symbols}
    assert symbols <= {"a", "b", "c", "D", "theta"}
    comment, program = render(found, "python", PLAIN).split('"""', 2)[1:]
    comment = " ".join(comment.split())
    assert all(f" = {written(value)}" in comment for value in found.constants.values.values())
    assert not re.search(r"\b(lambda|alpha|k_1)\b", program)


@pytest.mark.parametrize(
    ("number", "text", "is_long"),
    [
        ("0.044715", "0.044715", False),
        ("1.702", "1.702", False),
        ("1/3", "1/3", False),
        (LAMBDA, LAMBDA, True),
        ("-0.98765432109876543", "-0.98765432109876543", True),
        ("123456789012", "123456789012", False),
        ("1234567890123", "1234567890123", True),
        ("1/12345678901", "1/12345678901", False),
        ("1/1234567890123", "1/1234567890123", True),
        ("1/1048576", "1/1048576", False),
    ],
)
def test_numbers(number: str, text: str, is_long: bool) -> None:
    value = sp.Rational(number)
    assert (written(value), long(value)) == (text, is_long)
    assert sp.Rational(written(value)) == value


def test_products_are_found_and_neighbours_are_not() -> None:
    x, y = sp.symbols("k_1 k_2", positive=True)
    first, second = sp.Rational("1.2345678901234567"), sp.Rational("0.98765432109876543")
    own = Constants(((x, first), (y, second)))
    for product in (3 * x / 7, -(x**2) * y**3, x / y, y**-4 / 2):
        number = product.subs({x: first, y: second})
        assert own.named(number * sp.Symbol("z")) == product * sp.Symbol("z")
        assert own.product(number + sp.Rational(1, 10**60)) is None
    assert own.product(first**5) is None
    assert own.of([first * second + 1]).symbols == (x, y, sp.Symbol("k_3", positive=True))


def test_names_of_a_definition_are_not_taken() -> None:
    k, scale = sp.symbols("k_1 lambda", positive=True)
    own = constants([k * sp.Rational("1.2345678901234567") + scale * sp.Rational(LAMBDA)])
    assert [symbol.name for symbol in own.symbols] == ["k_2", "k_3"]


def test_short_numbers_stay() -> None:
    for name, numbers in (
        ("gelu_tanh", {}), ("relu", {}), ("leaky_relu", {}), ("silu", {"beta": "3/2"}), ("silu", {"beta": 12}),
    ):  # fmt: skip
        assert not report(network(activation(name, **numbers))).constants


def _silu(**parameters: object) -> Report:
    return report(network(activation("silu", **parameters)), digits=8)


@pytest.mark.parametrize("form", ["text", "latex"])
def test_a_parameter_has_its_own_name(form: str) -> None:
    """Its number stands beside φ and in the network's name; the formulas are those with a symbol."""
    found, beta = _silu(beta=1.702), sp.Symbol("beta", positive=True)
    page = render(found, form, PLAIN, steps=True)
    assert page.count("1.702") - page.count("silu(beta=1.702)") == 1
    assert "724201" not in page
    assert _longest(page) == []
    assert found.constants.table == ((beta, sp.Rational("1.702")),)
    assert found.formulas == _silu(beta=beta).formulas
    assert ("These are S and T for every beta > 0." in page) == (form == "text")
    assert "For every beta:" not in page


def test_names_that_a_parameter_does_not_get() -> None:
    number, other, z = sp.Rational("1.702"), sp.Rational("2.503"), sp.Symbol("z")
    theta = sp.Symbol("theta", positive=True)
    for parameter in (("theta", number), ("beta", -number), ("beta", theta), ("lambda", other)):
        own = constants([number * z + sp.Rational(LAMBDA)], [parameter], grows)
        assert [symbol.name for symbol in own.symbols] == ["lambda", "k_1"]
    two = constants([number * z, other * z], [("beta", number), ("beta", other)], grows)
    assert [symbol.name for symbol in two.symbols] == ["beta", "k_1"]
    assert not constants([number * z], [("beta", number)])


@pytest.mark.parametrize(
    ("number", "growing"),
    [("1.702", True), ("0.044715", True), ("1/3", False), ("1.25", False), ("1234", False), ("7/12", False)],
)
def test_numbers_whose_powers_are_long(number: str, growing: bool) -> None:
    assert grows(sp.Rational(number)) is grows(-sp.Rational(number)) is growing


def test_short_numbers_stay_where_the_names_are_not_certified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glutheory.printing.legible._equal", lambda _first, _second: False)
    found = _silu(beta=1.702)
    assert found.notation is not None
    assert not found.constants
    assert found.definitions == found.notation.definitions


def test_without_the_certificate_the_exact_formula_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glutheory.printing.legible._equal", lambda _first, _second: False)
    found = _found("linear")
    assert found.notation is not None
    made = legible(found.ntk.dual, found.notation, constants([found.gate.expr]))
    assert made.dual is found.ntk.dual
    for named, exact in zip(made.formulas, found.notation.formulas, strict=True):
        assert sp.expand(named.subs(made.constants.values) - exact) == 0
