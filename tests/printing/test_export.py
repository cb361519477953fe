"""The exports to C, Python, SymPy and Mathematica: each is compiled or read back, and its values are certified ones."""

from __future__ import annotations

import math
import shutil
import subprocess
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import mpmath
import pytest
import sympy as sp
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import glutheory as glu
from glutheory.activations import Activation, Z
from glutheory.commands.names import chosen_network
from glutheory.derive import derive
from glutheory.errors import DerivationError
from glutheory.networks import Network, network, network_names, product
from glutheory.printing import render
from glutheory.printing.comments import folded, harmless, identifier
from glutheory.printing.contents import report
from glutheory.printing.latex import prose
from glutheory.printing.mathematica import camel
from glutheory.printing.program import program
from glutheory.symbolic.duals import MIXTURE, dual
from glutheory.terminal import Terminal
from tests.printing.mathematica import Session, definitions
from tests.strategies import EXTRA

PROGRAMS = ("python", "c", "sympy", "mathematica")
#: Own activations: other scales, two groups at once, constants, exponentials, a cleared denominator that overflows.
COMBINED = {f"combined {act.name}": Network(act.name, (act,)) for act in EXTRA}
OWN = (
    "z*erf(z)",
    "z*tanh(z)",
    "max(0,z)+sigmoid(z)",
    "sqrt(2)*z+erf(z/3)",
    "e*z+erf(z/e)",
    "(1+erf(1))*max(0,z)",
    "cos(z)*exp(-z**2/2)",
    "z*exp(-z**2)",
    "exp(z-z**2)",
    "z**2*sin(z)",
    "z/(1+exp(-1.1234567890123456789012345678901234567*z))",
)
#: For the exact languages only.
COMPLEX = "sin(z)+erf(z)"
_UNIT = 2.0**-52


def own(text: str) -> Network:
    return chosen_network(None, text, True, ())


NETWORKS = {
    **{name: network(name) for name in network_names()},
    **{text: own(text) for text in OWN},
    **COMBINED,
    "slope": chosen_network("leaky_relu", None, False, ("slope=1/5",)),
    "huge": chosen_network("leaky_relu", None, False, ("slope=0." + "3" * 60,)),
}

CLOSED = [name for name, found in NETWORKS.items() if dual(found.branches[-1]).method != MIXTURE]
MIXED = [name for name in NETWORKS if name not in CLOSED]


def marked(names: list[str]) -> list[Any]:
    """The names as parameters; the slow ones are left to the slow tests."""
    late = {*COMBINED, *(name for name in OWN if name in MIXED)}
    return [pytest.param(name, marks=pytest.mark.slow) if name in late else name for name in names]


@cache
def text(name: str, form: str) -> str:
    return render(report(NETWORKS[name] if name in NETWORKS else own(name), digits=6), form, Terminal())


#: (a, b, c): ordinary ones; ρ = ±1 and near; small, large and very different variances.
POINTS = (
    (1.0, 1.0, 0.5),
    (2.0, 0.5, -0.25),
    (1.0, 1.0, 1.0),
    (4.0, 0.25, -1.0),
    (4.0, 0.25, 1 - 2.0**-30),
    (4.0, 0.25, -1 + 2.0**-40),
    (2.0**-40, 2.0**-41, 2.0**-42),
    (2.0**18, 2.0**18, 2.0**18 - 2.0**-6),
    (2.0**-60, 2.0**60, -0.5),
)
QUICK = POINTS[:1] + POINTS[3:5] + POINTS[6::2]
WIDE = tuple(
    (a, b, float(f"{rho}") * (a * b) ** 0.5)
    for a, b in ((2.0**-158, 2.0**-158), (2.0**158, 2.0**158), (2.0**-158, 2.0**158), (2.0**-158, 1.0))
    for rho in (1, -1, 0.5, 1 - 2.0**-30)
)


@cache
def exact(act: Activation, a: float, b: float, c: float) -> tuple[mpmath.mpf, mpmath.mpf]:
    return glu.evaluate(act, a, b, c, digits=17)


def scales(act: Activation, a: float, b: float) -> list[mpmath.mpf]:
    """√(f(a,a,a) f(b,b,b)) for f = S, T: the size of what a rounding error is relative to."""
    return [mpmath.sqrt(first * second) for first, second in zip(exact(act, a, a, a), exact(act, b, b, b), strict=True)]


def assert_close(name: str, point: tuple[float, float, float], values: tuple[float, float], roundings: int) -> None:
    """S and T within this many roundings of their scale; of the value itself where T is infinite at ρ = 1."""
    act = NETWORKS[name].branches[-1]
    a, b, _ = point
    for value, true, scale in zip(values, exact(act, *point), scales(act, a, b), strict=True):
        if mpmath.isinf(true) or true > 1e308:
            assert value == float("inf")
            continue
        size = abs(true) if mpmath.isinf(scale) or scale > 1e308 else scale
        # an exponent of size x is rounded to x·2⁻⁵³, which is a relative error of the exponential
        exponents = a + b if name in ("sin", "cos", "exp") else 0
        assert abs(value - true) <= roundings * _UNIT * (1 + exponents) * size, (name, point, value, true)


# --- C


_FLAGS = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O2")
_DRIVER = """
#include <stdio.h>
%s
static const double points[][3] = {%s};
int main(void)
{
    unsigned int k;
    for (k = 0; k < sizeof points / sizeof *points; k++) {
        const double a = points[k][0], b = points[k][1], c = points[k][2];
        %s
    }
    return 0;
}
"""
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler (cc) is installed")


def compiled(folder: Path, source: Path, *flags: str) -> Path:
    target = folder / "program"
    command = ["cc", *_FLAGS, *flags, str(source), "-o", str(target), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return target


def run_in_c(folder: Path, names: list[str], points: tuple[tuple[float, ...], ...]) -> dict[str, list[list[float]]]:
    """[S, T, nngp, ntk] of each network at each point, all networks compiled at once."""
    includes, calls = [], []
    for i, name in enumerate(names):
        (folder / f"kernel{i}.c").write_text(text(name, "c"), encoding="ascii")
        includes.append(f'#include "kernel{i}.c"')
        prefix = identifier(NETWORKS[name].name)
        values = ", ".join(f"{prefix}_{f}(a, b, c)" for f in ("S", "T", "nngp", "ntk"))
        calls.append(f'printf("%.17g %.17g %.17g %.17g\\n", {values});')
    rows = ", ".join("{" + ", ".join(map(repr, point)) + "}" for point in points)
    (folder / "all.c").write_text(_DRIVER % ("\n".join(includes), rows, "\n        ".join(calls)), encoding="ascii")
    done = subprocess.run([compiled(folder, folder / "all.c")], capture_output=True, text=True, check=True)
    lines = iter(done.stdout.splitlines())
    table: dict[str, list[list[float]]] = {name: [] for name in names}
    for _ in points:
        for name in names:
            table[name].append([float(word) for word in next(lines).split()])
    return table


def in_python(name: str) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    exec(compile(text(name, "python"), name, "exec"), scope)  # noqa: S102 (what is printed is tested)
    return scope


def compare(folder: Path, names: list[str], points: tuple[tuple[float, float, float], ...], mixed: int) -> None:
    """C against Python and against the derived formula in ball arithmetic; a mixture at this many points only."""
    table = run_in_c(folder, names, points)
    for name, rows in table.items():
        scope, own_gate = in_python(name), dual(NETWORKS[name].branches[-1])
        careful = "subtractions" not in program(report(NETWORKS[name], digits=6), "C").accuracy
        few = mixed if own_gate.method == MIXTURE else None if careful else 4
        for point, (S, T, nngp, ntk) in list(zip(points, rows, strict=True))[:few]:
            c = point[2]
            whole = (c * S, 2 * c * S + c**2 * T) if NETWORKS[name].gated else (S, S + c * T)
            assert (nngp, ntk) == pytest.approx(whole, rel=4 * _UNIT, nan_ok=True)
            if max(point) > 1000 and name in ("exp", "combined erf + exp", "combined cosh(z/2)"):
                continue  # beyond the range of floats, where Python raises OverflowError
            # the same operations in the same order; constants such as erf(1) are the compiler's in C
            assert pytest.approx((scope["S"](*point), scope["T"](*point)), rel=4 * _UNIT) == (S, T)
            # c·angle, the root term, their sum, the quotient and the angle's own error; where like terms are
            # subtracted, the points are ordinary and a few hundred roundings are allowed
            assert_close(name, point, (S, T), 4 if careful else 400)


@needs_compiler
def test_c_compiles_without_a_warning_and_agrees(tmp_path: Path) -> None:
    compare(tmp_path, [*network_names(), *(name for name in OWN if name in CLOSED), "slope", "huge"], QUICK, mixed=1)


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("points", [POINTS, WIDE], ids=["near and far", "norms from 1e-24 to 1e24"])
def test_c_agrees_everywhere(points: tuple[tuple[float, float, float], ...], tmp_path: Path) -> None:
    compare(tmp_path, list(NETWORKS), points, mixed=len(points))


@needs_compiler
def test_the_example_in_c_runs(tmp_path: Path) -> None:
    target = tmp_path / "swiglu.c"
    done = CliRunner().invoke(derive, ["swiglu", "--format", "c", "--out", str(target)])
    assert (done.exit_code, done.output) == (0, "")
    command = [compiled(tmp_path, target, "-DGLUTHEORY_EXAMPLE")]
    head, first, *_ = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert head.split() == ["a", "b", "c", "nngp", "ntk"]
    scope = in_python("swiglu")
    values = [scope["nngp"](1.0, 1.0, 0.5), scope["ntk"](1.0, 1.0, 0.5)]
    assert [float(word) for word in first.split()[3:]] == pytest.approx(values, rel=4 * _UNIT)


@needs_compiler
def test_a_covariance_that_rounding_made_too_large_is_taken_for_the_largest(tmp_path: Path) -> None:
    point = (2.0, 2.0, 2.0 + 2.0**-51)
    ((S, T, _, _),) = run_in_c(tmp_path, ["relu"], (point,))["relu"]
    assert pytest.approx((1.0, 0.5), rel=4 * _UNIT) == (S, T)
    assert in_python("relu")["T"](*point) == T


# --- Python


def test_python_keeps_overflow_away() -> None:
    """Products that are finite although a factor is not, and squares of covariances beyond the range of floats."""
    assert in_python("sin")["S"](2000.0, 2000.0, 2000.0) == pytest.approx(0.5, rel=4000 * _UNIT)
    assert in_python("combined relu + sin")["T"](2000.0, 2000.0, 0.0) == pytest.approx(0.25, rel=4 * _UNIT)
    assert in_python("relu")["S"](1e200, 1e200, 1e200) == pytest.approx(5e199, rel=4 * _UNIT)
    assert in_python("relu")["S"](1e-200, 1e-200, -1e-200) == 0.0
    assert in_python("step")["T"](1.0, 4.0, 2.0) == float("inf")


@given(st.integers(-500, 500), st.integers(-500, 500), st.floats(-1, 1))
def test_the_root_of_the_exact_difference(i: int, j: int, rho: float) -> None:
    """√(ab − c²) against rational arithmetic, within two roundings: of the difference and of its root."""
    a, b = math.ldexp(1.5, i), math.ldexp(5 / 3, j)
    c = rho * math.sqrt(math.ldexp(1.5 * (5 / 3), (i + j) % 2)) * 2.0 ** ((i + j) // 2)
    found = in_python("relu")["_root"](a, b, c)
    difference = Fraction(a) * Fraction(b) - Fraction(c) ** 2
    with mpmath.workprec(200):
        true = mpmath.sqrt(mpmath.mpf(max(0, difference.numerator)) / difference.denominator)
        assert abs(found - true) <= 2 * _UNIT * true


# --- SymPy


def in_sympy(name: str) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    exec(compile(text(name, "sympy"), name, "exec"), scope)  # noqa: S102 (what is printed is tested)
    return scope


@pytest.mark.parametrize("name", marked(list(NETWORKS)))
def test_sympy_rebuilds_the_very_expressions(name: str) -> None:
    scope, derived = in_sympy(name), glu.derivation(NETWORKS[name])
    expected = {"S": derived.dual.S, "T": derived.dual.T, "nngp": derived.nngp, "ntk": derived.ntk}
    for key, expr in expected.items():
        assert sp.srepr(scope[key]) == sp.srepr(expr), key


def agree(name: str, values: list[Any], digits: int) -> None:
    """All but the last two digits, which the evaluations may lose."""
    act = (NETWORKS.get(name) or own(name)).branches[-1]
    true = glu.evaluate(act, 2, "0.5", "-0.3", digits=digits + 5)
    with mpmath.workdps(digits + 10):
        for value, expected in zip(values, true, strict=True):
            assert abs(mpmath.mpf(str(value)) - expected) <= abs(expected) * mpmath.mpf(10) ** (2 - digits), name


def sympy_values(name: str, digits: int) -> list[Any]:
    scope = in_sympy(name)
    return [scope["value"](scope[key], 2, "0.5", "-0.3", digits=digits) for key in ("S", "T")]


@pytest.mark.parametrize("name", marked(CLOSED))
def test_sympy_evaluates_to_forty_digits(name: str) -> None:
    agree(name, sympy_values(name, 40), 40)


def test_sympy_evaluates_a_mixture() -> None:
    agree("sigmoid", sympy_values("sigmoid", 20), 20)


@pytest.mark.slow
@pytest.mark.parametrize("name", MIXED)
def test_sympy_evaluates_mixtures_to_forty_digits(name: str) -> None:
    agree(name, sympy_values(name, 40), 40)


# --- Mathematica


def mathematica_values(name: str, digits: int, *extra: int) -> list[Any]:
    found = NETWORKS.get(name) or own(name)
    session, own_name = Session(text(name, "mathematica")), camel(identifier(found.name))
    with mpmath.workdps(digits + 10):
        point = mpmath.mpf(2), mpmath.mpf("0.5"), mpmath.mpf("-0.3")
        values = [session(f"{own_name}{key}", *point, *extra) for key in ("S", "T", "NNGP", "NTK")]
        S, T, nngp, ntk = (mpmath.re(value) for value in values)
        assert all(abs(mpmath.im(value)) < mpmath.mpf(10) ** -digits for value in values)
        whole = (-0.3 * S, -0.6 * S + 0.09 * T) if found.gated else (S, S - 0.3 * T)
        assert [float(nngp), float(ntk)] == pytest.approx([float(value) for value in whole], rel=1e-13)
        return [mpmath.nstr(value, digits + 5) for value in (S, T)]


@pytest.mark.parametrize("name", marked(CLOSED))
def test_mathematica_reads_back_and_agrees(name: str) -> None:
    agree(name, mathematica_values(name, 40), 40)


def test_mathematica_evaluates_a_mixture() -> None:
    agree("gtu", mathematica_values("gtu", 12, 12), 12)


@pytest.mark.slow
@pytest.mark.parametrize("name", MIXED)
def test_mathematica_evaluates_mixtures(name: str) -> None:
    agree(name, mathematica_values(name, 25, 25), 25)


@pytest.mark.slow
def test_mathematica_integrates_the_same() -> None:
    session = Session(text("sigmoid", "mathematica"))
    with mpmath.workdps(15):
        point = (mpmath.mpf(2), mpmath.mpf("0.5"), mpmath.mpf("-0.3"), mpmath.mpf(12))
        mean = session("sigmoidMean", "sigmoidSGiven", *point)
        integral = session("sigmoidMeanNIntegrate", "sigmoidSGiven", *point)
    assert integral == pytest.approx(float(mean), rel=1e-6)  # the quadrature's, between 0.1 and 6


@pytest.mark.parametrize("name", marked(list(NETWORKS)))
def test_no_line_of_mathematica_ends_a_definition_early(name: str) -> None:
    """A line break outside brackets ends an expression there, unless an operator waits for its right side."""
    for definition in definitions(text(name, "mathematica")):
        *lines, _ = definition.split("\n")
        depth = 0
        for line in lines:
            depth += sum(map(line.count, "([{")) - sum(map(line.count, ")]}"))
            assert depth > 0 or line.endswith(("=", "+", "-", ",")), line


# --- all of them


def test_a_product_of_branches() -> None:
    both = product("relu", "tanh", "sin")
    found = report(both, digits=6)
    scope: dict[str, Any] = {}
    exec(compile(render(found, "python", Terminal()), "product", "exec"), scope)  # noqa: S102 (what is printed is tested)
    a, b, c = 2.0, 0.5, -0.25
    S, T = zip(*(exact(act, a, b, c) for act in both.branches), strict=True)
    whole = mpmath.fprod(S)
    assert scope["nngp"](a, b, c) == pytest.approx(float(whole), rel=8 * _UNIT)
    ntk = float(whole + c * sum(whole / first * second for first, second in zip(S, T, strict=True)))
    assert scope["ntk"](a, b, c) == pytest.approx(ntk, rel=16 * _UNIT)
    exact_scope: dict[str, Any] = {}
    exec(compile(render(found, "sympy", Terminal()), "product", "exec"), exact_scope)  # noqa: S102 (as above)
    assert float(exact_scope["value"](exact_scope["ntk"], a, b, "-0.25")) == pytest.approx(ntk, rel=1e-14)
    session = Session(render(found, "mathematica", Terminal()))
    with mpmath.workdps(20):
        nngp = session("reluTanhSinNNGP", *map(mpmath.mpf, (a, b, c)), mpmath.mpf(10))
    assert float(nngp) == pytest.approx(float(whole), rel=1e-9)
    assert "relu_tanh_sin_S_branch2_given" in render(found, "c", Terminal())


@pytest.mark.parametrize("form", PROGRAMS)
@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (Activation("z*atan(z)", Z * sp.atan(Z)), "infinite Hermite series"),
        (glu.activation("silu", beta=sp.Symbol("beta", positive=True)), "contains the symbol beta; give it a number"),
    ],
    ids=["series", "symbol"],
)
def test_what_no_program_can_express_is_refused(act: Activation, reason: str, form: str) -> None:
    with pytest.raises(DerivationError, match=reason):
        render(report(Network(act.name, (act,)), digits=6), form, Terminal())


@pytest.mark.parametrize("form", PROGRAMS)
def test_complex_numbers_are_for_exact_languages(form: str) -> None:
    if form in ("python", "c"):
        with pytest.raises(DerivationError, match="complex numbers"):
            text(COMPLEX, form)
        return
    assert "I*" in text(COMPLEX, form)
    agree(COMPLEX, (sympy_values if form == "sympy" else mathematica_values)(COMPLEX, 30), 30)


def test_a_number_beyond_floats_is_refused() -> None:
    found = report(chosen_network("leaky_relu", None, False, ("slope=1e400",)), digits=6)
    with pytest.raises(DerivationError, match="beyond 1e308"):
        render(found, "c", Terminal())
    assert "0" * 400 in render(found, "mathematica", Terminal())


HOSTILE = (
    "*/ int evil(void); /*",
    '"""\nimport os\n"""',
    "'''",
    "*) Quit[] (*",
    "a\\\nb\\",
    "??/ ??) ??'",
    "@S %KAPPA% {0} $(id)",
    "π ∑ \u2028 \x00 \x1b[31m",
    "x" * 5000,
    "(((*",
    "/" * 9 + "*" * 9 + "/" * 9,
)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_stay_in_their_comment(name: str, tmp_path: Path) -> None:
    act = Activation(name, sp.Max(0, Z))
    texts = {form: render(report(Network(name, (act,)), digits=6), form, Terminal()) for form in PROGRAMS}
    assert all(found.isascii() and max(map(len, found.splitlines())) < 400 for found in texts.values())
    for form in ("python", "sympy"):
        scope: dict[str, Any] = {}
        exec(compile(texts[form], form, "exec"), scope)  # noqa: S102 (what is printed is tested)
        assert "os" not in scope
    assert scope["S"] == glu.derivation("relu").dual.S
    assert {key[-1] for key, _ in Session(texts["mathematica"]).rules} == {"S", "T", "P", "K"}
    first, _, rest = texts["c"].partition("*/")
    assert "evil(" not in rest
    assert not any(sign in first for sign in ("??", "\\"))
    if shutil.which("cc") is not None:
        (tmp_path / "kernel.c").write_text(texts["c"], encoding="ascii")
        compiled(tmp_path, tmp_path / "kernel.c", "-DGLUTHEORY_EXAMPLE", "-fsyntax-only")


@given(st.text())
def test_harmless_text(words: str) -> None:
    found = harmless(words)
    assert found.isascii()
    assert found == "" or found.isprintable()
    assert not any(sign in found for sign in ("*/", "/*", "//", "*)", "(*", "\\", '"', "'''", "??"))


@given(st.text())
def test_identifiers_are_identifiers(words: str) -> None:
    for found in (identifier(words), camel(identifier(words))):
        assert found.isidentifier()
        assert found.isascii()
        assert len(found) < 60
    assert "_" not in camel(identifier(words))


def test_names_of_own_networks() -> None:
    assert identifier("gated z*erf(z)") == "gated_z_erf_z"
    assert identifier("leaky_relu(slope=1/5)") == "leaky_relu_slope_1_5"
    assert identifier("2*z") == "kernel_2_z"
    assert camel("leaky_relu") == "leakyRelu"
    assert folded("    x = a + b", "  ") == ["    x = a + b"]


def test_constants_of_an_own_activation_count_as_free_in_the_certificate() -> None:
    done = CliRunner().invoke(derive, ["--activation", "log(2)*max(0,z)", "--format", "c"])
    assert done.exit_code == 0, done.output
    assert "log(2.0)" in done.output


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("leaky_relu(slope=1/5)", r"\texttt{leaky\_relu(slope=1/5)}"),
        ("gated z*erf(z)", r"gated \texttt{z*erf(z)}"),
        (r"a\input{x}_y", r"\texttt{a\textbackslash{}input\{x\}\_y}"),
        ("S_branch1", r"$S_{\mathrm{branch1}}$"),
        ("h_1(a) = √a/2", r"$h_1(a)$ $=$ $\sqrt{a}/2$"),
    ],
)
def test_names_in_latex(words: str, written: str) -> None:
    assert prose(words) == written


@pytest.mark.parametrize("form", PROGRAMS)
def test_the_command_line_writes_every_format(form: str, tmp_path: Path) -> None:
    target = tmp_path / "kernel"
    done = CliRunner().invoke(derive, ["leaky_relu", "--param", "slope=1/5", "--format", form, "--out", str(target)])
    assert (done.exit_code, done.output) == (0, "")
    assert target.read_text(encoding="ascii") == text("slope", form)
    assert [path.name for path in tmp_path.iterdir()] == ["kernel"]
