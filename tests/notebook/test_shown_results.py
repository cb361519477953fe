"""What notebooks show: a repr of one line, and a formula or a page, as what is shown asks for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import sympy as sp

import glutheory as glu
from glutheory.report.elements import elements
from glutheory.studies.depth.study import depth_study
from glutheory.studies.dynamics.study import dynamics_study
from glutheory.studies.kernel.study import kernel_study
from glutheory.studies.phase.study import phase_study
from glutheory.studies.spectrum.study import spectrum_study
from tests.checks.outcomes import FIXED
from tests.strategies import named

ROWS = np.random.default_rng(0).standard_normal((12, 3))

#: What is shown as a formula: (how to make it, its repr, parts of the LaTeX, parts of the sentence).
FORMULAS: dict[str, tuple[Callable[[], Any], str, tuple[str, ...], str]] = {
    "activation": (
        lambda: glu.activation("silu", beta=2), "<Activation silu(beta=2): z/(1 + exp(-2*z))>",
        (r"\varphi(z) &= \frac{z}{1 + e^{-2 z}}",), "Activation **silu(beta=2)**",
    ),
    "own activation": (
        lambda: glu.Activation("mine", sp.sin(glu.activation("tanh").expr.free_symbols.pop()) ** 2),
        "<Activation mine: sin(z)**2>", (r"\sin",), "Activation **mine**",
    ),
    "non-gated network": (
        lambda: glu.network("relu"), "<Network relu: non-gated, relu>", (r"V\,\varphi(W x)",), "**relu**, non-gated",
    ),
    "gated network": (
        lambda: glu.network("swiglu"), "<Network swiglu: gated, identity * silu(beta=1)>",
        (r"V\,[(P x) \odot \varphi(W x)]",), "Network **swiglu**, gated",
    ),
    "product": (
        lambda: glu.product("relu", "tanh"), "<Network relu * tanh: product of branches, relu * tanh>",
        (r"\varphi_1(W_1 x) \odot \varphi_2(W_2 x)", r"\varphi_2(z) &= \tanh"), "a product of branches",
    ),
    "derivation": (
        lambda: glu.derivation("reglu"), "<Derivation of reglu: ntk parametrisation, closed form>",
        ("S(a,b,c) &=", r"K(x,x') &= 2 c S + c^{2} T"), "Kernels of **reglu** in the ntk parametrisation",
    ),
    "series": (
        lambda: glu.derivation(glu.network("softplus"), parametrization="standard"),
        "<Derivation of softplus: standard parametrisation, ", ("S(a,b,c) &=",), "in the standard parametrisation",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FORMULAS)
def test_formulas(case: str) -> None:
    make, line, parts, sentence = FORMULAS[case]
    found = make()
    assert repr(found).startswith(line)
    assert repr(found).endswith(">")
    latex = found._repr_latex_()
    assert latex.startswith("$$")
    assert latex.endswith("$$")
    assert all(part in latex for part in parts)
    assert elements(latex.strip("$"))  # it is LaTeX that can be read
    markdown = found._repr_markdown_()
    assert sentence in markdown.splitlines()[0]
    assert markdown.endswith(latex)
    assert found._repr_html_() is None  # notebooks would prefer it to the formula


@cache
def study(name: str) -> Any:
    if name == "kernel":
        return kernel_study(["relu"], points=3)
    if name == "spectrum":
        return spectrum_study([glu.network("relu"), glu.network("reglu")], ROWS, kind="ntk", data="rows <of mine>")
    if name == "dynamics":
        return dynamics_study(("relu", "reglu"), ROWS, None, inputs="rows <of mine>", steps=50)
    if name == "depth":
        return depth_study(["relu", "reglu"], ROWS, [1, 2], norm="layer", residual=False, data="rows <of mine>")
    if name == "stack derivation":
        return glu.derivation(glu.stack("reglu", 2))
    if name == "phase":
        return phase_study("reglu", sizes=[8], dimensions=[2], processes=1)
    return FIXED


#: What is shown as a page: (a part of its repr, parts of the page).
PAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "kernel": ("<KernelStudy of relu: variances 1 and 1, 3 correlations>", ("Kernels over ρ", "0.159155")),
    "spectrum": ("<SpectrumStudy of relu, reglu: ntk on rows <of mine>>", ("cond = λ_1/λ_n",)),
    "dynamics": ("<Dynamics of relu and reglu: rows <of mine>, 50 steps>", ("Expected loss",)),
    "depth": (
        "<DepthStudy of relu, reglu: 1 to 2 blocks on rows <of mine>>",
        ("NTK against depth: LayerNorm, blocks one after the other", "λ_1/λ_n", "relu → reglu: cond/cond goes from"),
    ),
    "phase": ("<Phase of reglu: nngp, 1 n by 1 d, ", ("gating helps",)),
    "stack derivation": ("<StackDerivation of reglu x 2, rmsnorm, residual: ntk", ("Θ", "rmsnorm")),
    "claim": ("<Outcome of ", ("key = 1", "negative control")),
}


@pytest.mark.parametrize("case", PAGES)
def test_pages(case: str) -> None:
    line, parts = PAGES[case]
    found = study(case)
    assert repr(found).startswith(line)
    assert "\n" not in repr(found)
    html = found._repr_html_()
    assert html.startswith("<pre")
    assert html.endswith("</pre>")
    assert all(part in html for part in parts)
    assert "<of mine>" not in html  # what people call their data is text, no markup
    assert found._repr_latex_() is None
    markdown = found._repr_markdown_()
    if case == "claim":
        assert f"$$ {found.claim.statement} $$" in markdown
        assert str(found.verdict) in markdown
    else:
        assert markdown.startswith("```text\n")
        assert all(part in markdown for part in parts)


def test_an_audit_is_a_page_too() -> None:
    pytest.importorskip("torch")
    from glutheory.audit import audit
    from tests.audit.audit_models import Gated, rows

    found = audit(Gated(), inputs=rows(8, 6), draws=1)
    assert repr(found).startswith("<Audit of Gated: 1 feed-forward networks, non-gated/gated ")
    assert "Condition numbers of the NTK" in found._repr_html_()  # type: ignore[operator]


@pytest.mark.parametrize("name", glu.network_names(), ids=named)
def test_every_network_of_the_zoo_has_a_repr_of_one_line(name: str) -> None:
    for found in (glu.network(name), glu.network(name).gate):
        assert repr(found).startswith(f"<{type(found).__name__} ")
        assert "\n" not in repr(found)
        assert len(repr(found)) < 160
        assert elements(str(found._repr_latex_()).strip("$"))


def test_a_long_definition_is_cut() -> None:
    z = glu.activation("tanh").expr.free_symbols.pop()
    found = glu.Activation("long", sum(((k + 1) * z**k for k in range(1, 40)), start=sp.Integer(0)))
    assert len(repr(found)) < 120
    assert repr(found).endswith("…>")


@pytest.mark.long
def test_nothing_of_it_is_loaded_before_a_notebook_asks() -> None:
    code = (
        "import sys, json, glutheory as glu\n"
        "found = repr(glu.network('swiglu'))\n"
        "before = [n for n in ('glutheory.notebook', 'glutheory.printing', 'glutheory.studies') if n in sys.modules]\n"
        "glu.network('swiglu')._repr_latex_()\n"
        "print(json.dumps([before, 'glutheory.notebook' in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[], True]


def test_print_gives_the_page_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    glu.derivation("relu").print()
    page = capsys.readouterr().out
    assert page.startswith("relu: kernels of the non-gated two-layer network")
    assert "Verification" in page
    kernel_study(["relu"], points=3).print()
    assert "Kernels over" in capsys.readouterr().out
    glu.network("reglu").print()
    assert capsys.readouterr().out == "<Network reglu: gated, identity * relu>\n"
    glu.derivation(glu.stack("relu", 2)).print()
    assert "relu" in capsys.readouterr().out


def test_dir_lists_the_public_names_and_nothing_else() -> None:
    names = {name for name in dir(glu) if not name.startswith("__")}
    assert names == set(glu.__all__)
    assert {"gram", "condition_number", "symbols", "stack"} <= names
