r"""What a notebook shows: formulas of activations, networks, derivations; pages of studies, claims, audits and stacks.

``latex`` is display mathematics between ``$$``, ``markdown`` the same with a sentence, ``html`` a page with the text
that the command line prints. Each gives None for what has nothing to show in that form: a formula is no page (notebooks
would prefer it to the formula), and a page no formula.
"""

from __future__ import annotations

import html as _html
import sys
from collections.abc import Callable
from typing import Any

import sympy as sp

from glutheory.activations import Activation
from glutheory.audit.findings import Audit
from glutheory.claims import Outcome
from glutheory.networks import Network
from glutheory.printing import render, render_stack
from glutheory.printing.constants import Constants, constants
from glutheory.printing.contents import kernel_formulas, report
from glutheory.printing.latex import constant_equations
from glutheory.printing.stack_contents import stack_report
from glutheory.printing.styles import LATEX
from glutheory.printing.writer import Writer
from glutheory.studies import depth, dynamics, kernel, phase, spectrum
from glutheory.studies.depth.study import DepthStudy
from glutheory.studies.dynamics.study import Dynamics
from glutheory.studies.kernel.study import KernelStudy
from glutheory.studies.phase.study import Phase
from glutheory.studies.spectrum.study import SpectrumStudy
from glutheory.symbolic.derived import Derivation
from glutheory.symbolic.stacks import StackDerivation
from glutheory.terminal import Terminal

#: What the command line prints of each study.
_PAGES: dict[type, Callable[[Any, Terminal], str]] = {
    DepthStudy: depth.text,
    Dynamics: dynamics.text,
    KernelStudy: kernel.text,
    Phase: phase.text,
    SpectrumStudy: spectrum.text,
}


def latex(found: object) -> str | None:
    """Display mathematics, or None."""
    lines = _lines(found)
    if lines is None:
        return None
    write = Writer(LATEX)
    body = r" \\ ".join(f"{left} &= {right if isinstance(right, str) else write(right)}" for left, right in lines)
    return rf"$$\begin{{aligned}} {body} \end{{aligned}}$$"


def markdown(found: object) -> str | None:
    """A sentence with the formulas, or what was found in a few lines."""
    formulas = latex(found)
    if formulas is not None:
        return f"{_sentence(found)}\n\n{formulas}"
    if isinstance(found, Outcome):
        return _claim(found)
    page = _page(found)
    return None if page is None else f"```text\n{page}\n```"


def html(found: object) -> str | None:
    """The page that the command line prints, or None for formulas, which notebooks set themselves."""
    page = _page(found)
    if page is None:
        return None
    return f'<pre style="overflow-x: auto; white-space: pre">{_html.escape(page)}</pre>'


def text(found: object) -> str | None:
    """The page that the command line prints, for the terminal; None where it prints none."""
    here = Terminal.of(sys.stdout)
    if isinstance(found, Derivation):
        return render(report(found.network), "text", here).rstrip()
    return _page(found, here)


def _page(found: object, here: Terminal | None = None) -> str | None:
    here = here or Terminal()
    if isinstance(found, Outcome):
        return "\n".join(_told(found))
    if isinstance(found, StackDerivation):
        own = stack_report(found.stack, parametrization=found.parametrization)
        return render_stack(own, "text", here).rstrip()
    if isinstance(found, Audit):
        from glutheory.audit.text import report as audit_report

        return audit_report(found, here).rstrip()
    page = _PAGES.get(type(found))
    return None if page is None else page(found, here).rstrip()


def _lines(found: object) -> list[tuple[str, Any]] | None:
    if isinstance(found, Activation):
        return _named([(r"\varphi(z)", found.expr)])
    if isinstance(found, Network):
        return [(r"z(x)", _neuron(found)), *_named(_branches(found))]
    if isinstance(found, Derivation):
        return _derived(found)
    return None


def _neuron(net: Network) -> str:
    if len(net.branches) == 1:
        return r"V\,\varphi(W x)"
    if net.gated:
        return r"V\,[(P x) \odot \varphi(W x)]"
    return "V\\,[" + r" \odot ".join(rf"\varphi_{i}(W_{i} x)" for i in range(1, len(net.branches) + 1)) + "]"


def _branches(net: Network) -> list[tuple[str, Any]]:
    if len(net.branches) == 1 or net.gated:
        return [(r"\varphi(z)", net.gate.expr)]
    return [(rf"\varphi_{i}(z)", act.expr) for i, act in enumerate(net.branches, start=1)]


def _named(lines: list[tuple[str, sp.Expr]]) -> list[tuple[str, Any]]:
    """The definitions with names for long numbers, and what these are."""
    own = constants(right for _, right in lines)
    return [*((left, own.named(right)) for left, right in lines), *_values(own)]


def _values(own: Constants) -> list[tuple[str, str]]:
    return [(left, right) for left, _, right in (text.partition(" = ") for text in constant_equations(own))]


def _derived(found: Derivation) -> list[tuple[str, Any]]:
    told = report(found.network)
    lines: list[tuple[str, Any]] = list(zip(("S(a,b,c)", "T(a,b,c)"), told.formulas, strict=True))
    write = Writer(LATEX)
    lines += [(write(symbol), meaning) for symbol, meaning in told.definitions]
    lines += _values(told.constants)
    names = {"nngp": r"\Sigma(x,x')", "ntk": "K(x,x')"}
    blocks = kernel_formulas(found).items()
    return [*lines, *((names.get(key, rf"K_{{\mathrm{{{key}}}}}"), formula) for key, formula in blocks)]


def _sentence(found: object) -> str:
    if isinstance(found, Activation):
        return f"Activation **{found.label}**" + (f": {found.about}" if found.about else "")
    if isinstance(found, Network):
        kind = "gated" if found.gated else "non-gated" if len(found.branches) == 1 else "a product of branches"
        return f"Network **{found.name}**, {kind}"
    assert isinstance(found, Derivation)
    return (
        f"Kernels of **{found.network.name}** in the {found.kernels.parametrization} parametrisation; "
        "$(u, v)$ jointly normal with variances $a$, $b$ and covariance $c$, $S = E[\\varphi(u)\\varphi(v)]$, "
        "$T = E[\\varphi'(u)\\varphi'(v)]$"
    )


def _claim(found: Outcome) -> str:
    claim = found.claim
    lines = [f"**{claim.id}** ({claim.source}): {found.verdict}, {found.graded}", "", f"$$ {claim.statement} $$"]
    if claim.corrected:
        lines += ["", "Corrected:", "", f"$$ {claim.corrected} $$"]
    return "\n".join([*lines, "", found.key_figure])


def _told(found: Outcome) -> list[str]:
    claim = found.claim
    caught = sum(control.caught for control in found.controls)
    lines = [f"{claim.id} ({claim.source}): {found.verdict}, {found.graded}", claim.words, found.key_figure, ""]
    lines += [f"{item.grade}, {item.finding}: {item.what}" for item in found.evidence]
    return [*lines, f"{caught} of {len(found.controls)} negative controls were caught."]
