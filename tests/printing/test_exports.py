"""Exports to every language: products, refusals, hostile names, identifiers, the command line."""

from __future__ import annotations

import shutil
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
from glutheory.printing.quadrature import needs_quadrature
from glutheory.symbolic.duals import MIXTURE, dual
from glutheory.terminal import Terminal
from tests.printing.exported import (
    _UNIT,
    INTEGRATED,
    MIXED,
    NETWORKS,
    agree,
    compiled,
    exact,
    mathematica_values,
    sympy_values,
    text,
)
from tests.printing.mathematica import Session

PROGRAMS = ("python", "c", "sympy", "mathematica")
#: For the exact languages only.
COMPLEX = "sin(z)+erf(z)"


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


@pytest.mark.long
def test_which_integrate_and_which_average() -> None:
    duals = {name: dual(network(name).branches[-1]) for name in network_names()}
    assert {name for name, found in duals.items() if needs_quadrature(found)} == set(INTEGRATED)
    others = {name: dual(found.branches[-1]) for name, found in NETWORKS.items()}
    assert {name for name, found in others.items() if found.method == MIXTURE} == set(MIXED)


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
    if "series" in reason and form in ("python", "c"):
        assert "quadratures" in render(report(Network(act.name, (act,)), digits=6), form, Terminal())
        return
    with pytest.raises(DerivationError, match=reason):
        render(report(Network(act.name, (act,)), digits=6), form, Terminal())


@pytest.mark.parametrize("form", PROGRAMS)
def test_complex_numbers_are_for_exact_languages(form: str) -> None:
    if form in ("python", "c"):
        assert "quadratures" in text(COMPLEX, form)
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
