"""The formats: short forms equal the derivation, printed code needs `math` alone, LaTeX compiles, ASCII is ASCII."""

import json
import re
import shutil
import subprocess
import sys
from fractions import Fraction
from functools import cache

import mpmath
import pytest
import sympy as sp
from flint import arb, ctx, fmpq
from hypothesis import example, given
from hypothesis import strategies as st

from glutheory import terminal as layout
from glutheory.activations import Activation, activation, activation_names
from glutheory.errors import DerivationError, DomainError, ExpressionError, PrecisionError
from glutheory.ground.parser import parse_expression
from glutheory.networks import Network, network, network_names, product
from glutheory.printing import FORMATS, render, samples
from glutheory.printing import digits as dg
from glutheory.printing.contents import Report, averaged, report
from glutheory.printing.samples import Quantity, Sample
from glutheory.printing.sentences import MIXTURE_NOTE
from glutheory.printing.styles import ASCII, LATEX, UNICODE
from glutheory.printing.ways import present
from glutheory.printing.writer import Writer
from glutheory.symbolic.certify import Check
from glutheory.symbolic.derived import Verification
from glutheory.symbolic.duals import MIXTURE, dual
from glutheory.symbolic.evaluation import evaluate, evaluate_balls
from glutheory.terminal import Terminal, ascii_text, write_whole

WIDE = Terminal(100, True, False)
PLAIN = Terminal(100, False, False)
OWN = ("z*erf(z)", "max(0,z)+z*Phi(z)", "max(0,z)**3", "exp(z)+erf(z)", "sin(2*z)+z", "z*exp(-z**2/2)")


def own(text: str) -> Network:
    return Network(text, (Activation(text, parse_expression(text)),))


@cache
def found(name: str) -> Report:
    return report(network(name) if name in network_names() else own(name), digits=8)


@pytest.fixture(autouse=True, scope="module")
def _evaluate_once():
    # seven gated networks share their gates with the plain ones
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "evaluate_balls", cache(evaluate_balls))
        yield


# --- short forms


def _symbols(expr: sp.Expr) -> list[sp.Symbol]:
    return sorted(expr.free_symbols, key=str)


@pytest.mark.parametrize("name", [*activation_names(), *OWN[:3]])
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
        assert short.count_ops() <= long.count_ops()


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


# --- every name in every format


_BRACKETS = r"\\begin\{(\w+\*?)\}|\\end\{(\w+\*?)\}|(\\left)[^\w]|(\\right)[^\w]|(?<!\\)([{}])"


def _balanced(source: str) -> bool:
    stack = []
    for token in re.findall(
        r"\\begin\{(\w+\*?)\}|\\end\{(\w+\*?)\}|(\\left)[^\w]|(\\right)[^\w]|(?<!\\)([{}])", source
    ):
        begin, end, left, right, brace = token
        if begin or left or brace == "{":
            stack.append(begin or left or brace)
        elif not stack or stack.pop() != (end or ("\\left" if right else "{")):
            return False
    return not stack


@pytest.mark.parametrize("name", network_names())
@pytest.mark.parametrize("form", FORMATS)
def test_every_name_renders(name: str, form: str) -> None:
    text = render(found(name), form, WIDE, steps=True)
    assert text.endswith("\n")
    assert form == "json" or "erf(sqrt" not in text
    assert found(name).refuted == ()
    if form == "latex":
        assert text.isascii()
        assert _balanced(text)
        assert text.count("$") % 2 == 0
    if form == "text":
        assert max(map(len, text.splitlines())) <= WIDE.width
        assert "E[φ(u) φ(v)]" in text
        assert text.count("digits agree") == 6


@pytest.mark.parametrize("name", ["relu", "swiglu", "leaky_relu", "step"])
@pytest.mark.parametrize("form", FORMATS)
def test_ascii_is_ascii(name: str, form: str) -> None:
    text = render(found(name), form, PLAIN, steps=True)
    assert text.isascii()
    assert "?" not in text


@pytest.mark.parametrize("width", [50, 60, 79])
def test_lines_keep_to_the_width(width: int) -> None:
    text = render(found("geglu"), "text", Terminal(width, True, False))
    assert max(map(len, text.splitlines())) <= width


def test_colour_only_when_asked_for() -> None:
    assert "\x1b[" not in render(found("relu"), "text", WIDE)
    assert "\x1b[1m" in render(found("relu"), "text", Terminal(100, True, True))


def test_a_mixture_says_what_is_not_known() -> None:
    text = " ".join(render(found("swiglu"), "text", WIDE).split())
    assert MIXTURE_NOTE in text
    assert "no elementary closed form of it is known" in text
    assert "h_1(a) = √a/2" in text


@pytest.mark.slow
def test_a_series_prints_its_coefficients() -> None:
    text = render(found("z*atan(z)"), "text", WIDE, steps=True)
    assert "h_0 = 0.6556795" in text
    assert "Hermite series" in text
    assert "Σ_{k≥0}" in text
    with pytest.raises(DerivationError, match="Hermite series"):
        render(found("z*atan(z)"), "python", WIDE)
    assert json.loads(render(found("z*atan(z)"), "json", WIDE))["dual"]["short"] is None


def test_a_product_of_branches() -> None:
    both = report(product("relu", "sin"), digits=6)
    text = render(both, "text", WIDE)
    assert "z(x) = V [φ_1(W_1 x) ⊙ φ_2(W_2 x)]" in text
    assert "NNGP  Σ(x,x') = S_branch1·S_branch2" in text
    assert "W_2 ~ N(0, σ_w2²)" in text
    assert both.refuted == ()
    assert _balanced(render(both, "latex", WIDE))
    assert json.loads(render(both, "json", WIDE))["kernels"]["ntk"]["nngp"]["str"] == "S_branch1*S_branch2"
    assert "return S_branch1(a, b, c) * S_branch2(a, b, c)" in render(both, "python", WIDE)


def test_delta_functions() -> None:
    z = sp.Symbol("z", real=True)
    delta = [sp.DiracDelta(z), sp.DiracDelta(z, 1), sp.DiracDelta(z, 3)]
    assert [Writer(UNICODE)(d) for d in delta] == ["δ(z)", "δ'(z)", "δ^(3)(z)"]
    assert Writer(LATEX)(delta[1]) == r"\delta'\left(z\right)"


# --- failures are loud


def test_a_road_out_of_reach_leaves_its_wider_balls(monkeypatch) -> None:
    def tired(*_args: object, **_named: object) -> None:
        raise PrecisionError("no more digits.", (arb("0.33", "0.01"), arb("0.3", "0.2")))

    def unable(*_args: object, **_named: object) -> None:
        raise ExpressionError("cannot bound this.")

    monkeypatch.setattr("glutheory.quadrature.enclose", tired)
    text = render(report(network("relu"), digits=8), "text", WIDE)
    assert "the work limit of the integral allows no more digits here" in text
    monkeypatch.setattr("glutheory.quadrature.enclose", unable)
    text = render(report(network("relu"), digits=8), "text", WIDE)
    assert "not compared" in text
    assert "cannot bound this" in text
    monkeypatch.setattr(samples, "evaluate_balls", tired)
    wide = report(network("relu"), digits=8)
    assert wide.samples[0].quantities[0].formula in ("0.3", "0.33")
    assert wide.special[0].at_one == "0.5"


def test_a_failed_check_and_a_disagreement_are_shown() -> None:
    bad = report(network("relu"), digits=12)
    verified, sampled = "verification", "samples"
    bad.__dict__[verified] = Verification((Check("1 = 2", "symbolic", False), Check("1 = 1", "symbolic", True)))
    wrong = Quantity("S", "0.3", "[0.4 +/- 1e-9]", False, 0)
    bad.__dict__[sampled] = (Sample(Fraction(1), Fraction(1), Fraction(0), (wrong,), "1", "1", "a note"),)
    assert len(bad.refuted) == 2
    for terminal in (WIDE, PLAIN, Terminal(100, True, True)):
        text = render(bad, "text", terminal)
        assert "1 of 2 checks FAILED" in text
        assert "WRONG: check failed: 1 = 2" in text
        assert "WRONG: the roads disagree" in text
        assert "DISAGREE" in text
        assert "(a note)" in text
    assert "Wrong" in render(bad, "latex", WIDE)
    assert len(json.loads(render(bad, "json", WIDE))["refuted"]) == 2


# --- Python

POINTS = [
    (1.0, 1.0, 0.5),
    (2.0, 0.5, -0.25),
    (1.0, 1.0, 1.0),
    (4.0, 0.25, 1.0),
    (1.0, 1.0, -1.0),
    (2.0, 0.5, 0.25),
    (1.0, 1.0, 0.0),
    (4.0, 1.0, 0.0),
    (1 / 4096, 1 / 1024, 1 / 4096),
    (30.0, 20.0, -10.0),
]
_RUNNER = """
import importlib.util, json, math, sys
points = json.load(sys.stdin)
result = {}
for path in sys.argv[1:]:
    spec = importlib.util.spec_from_file_location("printed", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    result[path] = [[f(*p) for f in (module.S, module.T, module.nngp, module.ntk)] for p in points]
assert not {"sympy", "mpmath", "numpy", "flint", "glutheory"} & set(sys.modules)
print(json.dumps(result))
"""


def _run(paths: list[str]) -> dict[str, list[list[float]]]:
    command = [sys.executable, "-I", "-c", _RUNNER, *paths]
    done = subprocess.run(command, input=json.dumps(POINTS), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, list[list[float]]] = json.loads(done.stdout)
    return result


@cache
def _exact(act: Activation, a: float, b: float, c: float) -> tuple[mpmath.mpf, mpmath.mpf]:
    return evaluate(act, a, b, c, digits=18)


def _close(value: float, exact: mpmath.mpf, scale: float) -> bool:
    return bool(value == exact or abs(value - exact) <= 2e-15 * abs(exact) + 4e-16 * scale)


def test_printed_python_runs_on_its_own_and_agrees(tmp_path) -> None:
    names = [*network_names(), *OWN]
    files = {}
    for i, name in enumerate(names):
        path = tmp_path / f"module{i}.py"
        path.write_text(render(found(name), "python", WIDE), encoding="utf-8")
        files[name] = str(path)
    results = _run(list(files.values()))
    for name, path in files.items():
        act, gated = found(name).gate, found(name).network.gated
        # the logistic family takes its time: every second point
        step = 2 if found(name).method == MIXTURE else 1
        for (a, b, c), (S, T, nngp, ntk) in list(zip(POINTS, results[path], strict=True))[::step]:
            exact_S, exact_T = _exact(act, a, b, c)
            ends = [_exact(act, v, v, v) for v in (a, b)]
            scales = [mpmath.sqrt(abs(ends[0][i] * ends[1][i])) for i in (0, 1)]
            assert _close(S, exact_S, float(scales[0])), (name, a, b, c)
            assert _close(T, exact_T, 0.0 if mpmath.isinf(scales[1]) else float(scales[1])), (name, a, b, c)
            whole = (c * S, 2 * c * S + c**2 * T) if gated else (S, S + c * T)
            assert (nngp, ntk) == pytest.approx(whole, rel=1e-15)


def test_python_refuses_what_math_cannot_do() -> None:
    with pytest.raises(DerivationError, match="no Python code"):
        render(found("sin(z)+erf(z)"), "python", WIDE)


# --- LaTeX


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("name", ["swiglu", "leaky_relu", "max(0,z)+z*Phi(z)"])
def test_latex_compiles(name: str, tmp_path) -> None:
    (tmp_path / "doc.tex").write_text(render(found(name), "latex", WIDE, steps=True), encoding="ascii")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "doc.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "doc.pdf").stat().st_size > 10_000


# --- JSON


@pytest.mark.parametrize("name", ["relu", "swiglu", "step", "leaky_relu"])
def test_json_round_trip(name: str) -> None:
    record = json.loads(render(found(name), "json", WIDE))
    assert (record["schema"], record["schema_version"]) == ("glutheory.derivation", 1)
    assert record["verification"]["passed"] is True
    assert record["refuted"] == []
    expressions = [record["dual"]["S"], record["dual"]["T"], record["dual"]["short"]["S"]]
    expressions += [*record["dual"]["short"]["definitions"].values(), record["network"]["branches"][-1]["definition"]]
    for own in record["kernels"].values():
        expressions += [own["nngp"], own["ntk"], *own["blocks"].values()]
    for expression in expressions:
        assert set(expression) == {"str", "srepr", "latex"}
        assert all(isinstance(text, str) and text for text in expression.values())
        assert "Symbol(" in expression["srepr"] or not re.search(r"\b[abc]\b", expression["str"])
        assert _balanced(expression["latex"])
    for at in record["samples"]:
        for key in "ST":
            value = Fraction(at[key]["formula"])
            middle, radius = at[key]["integral"].strip("[]").split(" +/- ")
            assert abs(value - Fraction(middle)) <= Fraction(radius) + Fraction(1, 10**7) * abs(value)
            assert at[key]["roads_agree"] is True
            assert at[key]["digits_agreed"] >= 7
        Fraction(at["a"]), Fraction(at["c"]), Fraction(at["nngp"]), Fraction(at["ntk"])


# --- digits


def _ball(middle: Fraction, radius: Fraction) -> arb:
    before, ctx.prec = ctx.prec, 400
    try:
        value = arb(fmpq(middle.numerator, middle.denominator))
        return value + arb(0, arb(fmpq(radius.numerator, radius.denominator)).upper())
    finally:
        ctx.prec = before


@given(
    st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=10**12),
    st.integers(5, 40),
    st.integers(1, 30),
)
@example(Fraction(1, 4), 20, 1)
@example(Fraction(999999, 1000000), 12, 3)
@example(Fraction(0), 12, 3)
def test_every_number_in_the_ball_rounds_to_the_certified_decimal(middle: Fraction, places: int, digits: int) -> None:
    ball = _ball(middle, Fraction(1, 10**places))
    text = dg.certified(ball, digits)
    if text is None:
        # no digit: the ball contains 0, is as wide as its value, or lies on a tie of every length
        assert ball.contains(0) or abs(middle) < 100 * Fraction(1, 10**places) or digits == 1
        return
    shown = dg.significant(text, digits)
    assert shown <= digits
    for end in dg.ends(ball):
        assert dg.decimal(*dg.rounded(end, shown)) == text


def test_decimals() -> None:
    assert dg.exact_decimal(Fraction(-3, 10), 15) == "-0.3"
    assert dg.exact_decimal(Fraction(10), 15) == "10"
    assert dg.exact_decimal(Fraction(1, 3), 4) == "0.3333"
    assert dg.exact_decimal(Fraction(1, 10**9), 4) == "1e-9"
    assert dg.decimal(12345, 40) == "1.2345e+44"
    assert dg.certified(arb("inf"), 5) == "inf"
    assert dg.certified(arb("-inf"), 5) == "-inf"
    assert dg.certified(arb("nan"), 5) is None
    assert dg.certified(arb(0), 5) == "0"
    assert dg.shown(arb("nan"), 5) == "nan"
    assert dg.shown(arb(0, "1e-9"), 5).startswith("0 +/- 1")
    assert dg.ball_text(arb("inf"), 5) == "inf"
    assert dg.common_digits(arb("inf"), arb("inf"), 9) == 9
    assert dg.common_digits(arb(1), arb(1), 9) == 9
    assert dg.common_digits(arb(0), arb(1), 9) == 0
    assert dg.common_digits(arb(1), arb("1.0001"), 9) in (3, 4)
    # Python itself refuses to write integers of more than 4300 digits
    assert len(dg.exact_decimal(Fraction(10) ** 5000 / 3, 5000)) == 5000


# --- places to print to


def test_ascii_text_names_the_signs() -> None:
    assert ascii_text("S = √a/2, κ' ≥ 2κ, naïve, ∂S/∂c, Σ(x), ⊙, \u4e2d") == (
        "S = sqrt(a)/2, kappa' >= 2*kappa, naive, dS/dc, Sigma(x), *, ?"
    )


def test_a_file_is_written_whole_or_not_at_all(tmp_path) -> None:
    target = tmp_path / "out.txt"
    write_whole(target, "α\n")
    write_whole(target, "β\n")
    assert target.read_text(encoding="utf-8") == "β\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]
    for bad in (tmp_path, tmp_path / "missing" / "x", target / "x"):
        with pytest.raises(DomainError, match="--out is"):
            write_whole(bad, "text")
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]


def test_layout() -> None:
    lines = layout.formula("S", "aaaa + (bbbb − cccc) + dddd", 22)
    assert all(len(line) <= 22 for line in lines)
    assert "".join(line.strip() for line in lines).replace(" ", "") == "S=aaaa+(bbbb−cccc)+dddd"
    assert layout.paragraph("one two = three", 12, 0) == ["one", "two = three"]
    assert layout.table([("a", "b" * 15), ("cc", "")], 20) == ["  a", "    " + "b" * 15, "  cc"]


def test_own_parameter_is_printed_for_every_value() -> None:
    text = render(found("leaky_relu"), "text", WIDE)
    assert "For every slope:" in text
    assert "c·slope + (slope − 1)²·(c·(π − θ) + √D)/(2π)" in text
    swish = Network("swish", (activation("silu", beta=sp.Rational(17, 10)),))
    general = report(swish).general
    assert general is not None
    write = Writer(UNICODE)
    assert write(averaged(general[1])[0]) == "c/4 + E_{κ,κ'}[c·arcsin(β²·c/√A) + β²·(ab·D + 16c²κ²κ'²)/(A√D)]/(2π)"
    assert write(general[1].definitions[0][1]) == "(4κ² + aβ²)(4κ'² + bβ²)"
