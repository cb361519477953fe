"""A report as text for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sympy as sp

from glutheory import terminal
from glutheory.activations import activation_names
from glutheory.ground.recognition import recognised
from glutheory.printing import sentences
from glutheory.printing.constants import Constants, written
from glutheory.printing.contents import Report, kernel_formulas, told
from glutheory.printing.legible import Pairs, averaged
from glutheory.printing.styles import ASCII, UNICODE
from glutheory.printing.writer import Writer
from glutheory.symbolic.duals import HERMITE, MIXTURE
from glutheory.terminal import Terminal


def text(found: Report, terminal: Terminal, *, steps: bool = False) -> str:
    """The whole report."""
    page = Page(terminal)
    kind = "gated" if found.network.gated else "non-gated" if len(found.network.branches) == 1 else "product"
    page.heading(f"{found.network.name}: kernels of the {kind} two-layer network")
    _network(page, found)
    duals(page, found)
    _kernels(page, found)
    page.heading("How S was found")
    page.say(sentences.method(found))
    if steps:
        page.heading("Derivation, step by step")
        for number, step in enumerate(told(found), start=1):
            page.say(f"{number}. {step.name}: {step.rule}")
            for left, right in step.statements:
                page.formula(page.write(left), right, indent=5)
    page.heading("Verification")
    page.say(sentences.verification(found))
    _special(page, found)
    _samples(page, found)
    for sentence in found.refuted:
        page.lines.append(terminal.alarm(terminal.prose(f"WRONG: {sentence}")))
    return "\n".join(page.lines[1:]) + "\n"


def _network(page: Page, found: Report) -> None:
    page.heading("Network")
    page.say(sentences.neuron(found))
    if len(found.network.branches) == 1 or found.network.gated:
        page.formula("φ(z)", found.constants.named(found.gate.expr), decimals=True)
        page.constants(found.constants)
        known = None if found.gate.name in activation_names() else recognised(found.gate.expr)
        if known is not None:
            page.say(f"φ is {known.label} of the zoo")
    else:
        for i, branch in enumerate(found.network.branches, start=1):
            page.formula(f"φ_{i}(z)", found.constants.named(branch.expr))
        page.constants(found.constants)
        page.say(
            f"φ, S and T below are those of branch {i}; S_branch1 and so on, those of each branch at its own a, b, c"
        )
    names, setting = sentences.weights(found), sentences.setting(found)
    page.say(f"x ∈ R^d, hidden width m; {names} (m × d) and V (1 × m) have independent normal entries")
    standard = ["V ~ N(0, σ_v²)"]
    standard += [f"{name} ~ N(0, {_variance(name)})" for name in names.split(", ")]
    page.table(
        [
            ("ntk parametrisation", f"all entries N(0, 1), factors 1/√d before {setting.fed} and 1/√m before V"),
            ("standard parametrisation", ", ".join(standard)),
        ]
    )
    page.heading("Setting")
    own = " of the gate" if found.network.gated else ""
    page.say(f"(u, v): the pre-activations{own} at x and x', jointly normal with E[u²] = a, E[v²] = b, E[uv] = c")
    page.table([(name, *setting.equations(name)) for name in ("ntk", "standard")])
    page.say("S(a,b,c) = E[φ(u) φ(v)],   T(a,b,c) = E[φ'(u) φ'(v)] = ∂S/∂c")


def _variance(matrix: str) -> str:
    letter, _, index = matrix.partition("_")
    return f"σ_{letter.lower()}{index}²"


def duals(page: Page, found: Report, suffix: str = "") -> None:
    """S and T of the gate, with what is known of them; the suffix is that of their names."""
    page.heading(f"Dual activations{f' of {found.gate.label}' if suffix else ''}: {found.method}")
    for name, formula in zip("ST", found.formulas, strict=True):
        page.formula(f"{name}{suffix}(a,b,c)", formula)
    page.definitions(found.definitions)
    if suffix:
        page.constants(found.constants)
    if found.free is not None:
        page.say(f"These are S and T for every {page.write(found.free)} > 0.")
    if found.general is not None:
        symbol, notation = found.general
        page.say(f"For every {symbol}:")
        for name, formula in zip("ST", averaged(notation), strict=True):
            page.formula(f"{name}(a,b,c)", formula, indent=4)
        if found.notation is not None and notation.definitions != found.notation.definitions:
            page.definitions(notation.definitions)
    if found.method == MIXTURE:
        page.say(sentences.MIXTURE_NOTE)
        page.say("Density: " + sentences.DENSITY)
        page.say(sentences.NO_CLOSED_FORM)
    if found.method in (MIXTURE, HERMITE):
        if found.method == HERMITE:
            page.say(
                "h_k(a) = E[φ(√a x) He_k(x)]/√(k!) with x standard normal, and the same with φ' for T; "
                "no closed form was found."
            )
        else:
            page.say(
                "Second representation: S = Σ_{k≥0} h_k(a) h_k(b) ρ^k with ρ = c/√(ab), "
                "h_k(a) = E[φ(√a x) He_k(x)]/√(k!)."
            )
        page.say(sentences.coefficients(found))
        if facts := sentences.hermite_facts(found):
            page.say(facts)


def _kernels(page: Page, found: Report) -> None:
    for title, own in (("ntk", found.ntk), ("standard", found.standard)):
        page.heading(f"Kernels, {title} parametrisation")
        names = sentences.weight_names(found)
        formulas = kernel_formulas(own)
        page.formula("NNGP  Σ(x,x')", formulas["nngp"])
        page.formula("NTK   K(x,x')", formulas["ntk"])
        rows = [(f"  {role} ({names[role]})", page.write(formulas[role])) for role in own.kernels.blocks]
        page.lines.append("  block by block")
        page.lines += terminal.table(rows, page.terminal.width)


def _special(page: Page, found: Report) -> None:
    page.heading("Special values")
    for case in dict.fromkeys(value.case for value in found.legible_special):
        own = [value for value in found.legible_special if value.case == case]
        head = page.terminal.prose(case).ljust(6 if page.terminal.unicode else 8) + "  "
        for value in own:
            if value.formula is not None:
                page.formula(f"{head}{value.name}({value.arguments})", value.formula)
                head = " " * len(head)
        numbers = ",  ".join(f"{value.name} = {_number(value.at_one)}" for value in own)
        page.say(f"{head}at a = b = 1:  {numbers}")


def _number(text: str) -> str:
    return {"inf": "∞", "-inf": "−∞"}.get(text, text)


def _samples(page: Page, found: Report) -> None:
    page.heading("Sample values: the derived formula, and a rigorous enclosure of the defining integral")
    for at in found.samples:
        page.say(f"a = {at.a}, b = {at.b}, c = {at.c}")
        rows = []
        for q in at.quantities:
            verdict = {True: f"✓ {q.digits} digits agree", False: "✗ DISAGREE", None: "not compared"}[q.agree]
            ball = (q.integral or "not available").replace("+/-", "±")
            rows.append((f"  {q.name}", q.formula, ball, verdict))
        page.table(rows)
        page.say(f"  NNGP = {at.nngp},  NTK = {at.ntk}  (ntk parametrisation)")
        if at.note:
            page.say(f"({at.note})")


class Page:
    """Lines under headings."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.write = Writer(UNICODE if terminal.unicode else ASCII)
        self.lines: list[str] = []

    def heading(self, title: str) -> None:
        """A heading after an empty line."""
        lines = terminal.paragraph(self.terminal.prose(title), self.terminal.width, indent=0)
        self.lines += ["", *map(self.terminal.bold, lines)]

    def say(self, text: str) -> None:
        """A paragraph of prose."""
        self.lines += terminal.paragraph(self.terminal.prose(text), self.terminal.width)

    def formula(self, head: str, expr: sp.Expr, indent: int = 2, *, decimals: bool = False) -> None:
        """An equation, folded where it is long; definitions have decimals for long fractions."""
        right = Writer(self.write.style, decimals=decimals)(expr)
        self.lines += terminal.formula(self.terminal.prose(head), right, self.terminal.width, indent)

    def table(self, rows: Sequence[tuple[str, ...]]) -> None:
        """Cells in columns."""
        shown = [tuple(self.terminal.prose(cell) for cell in row) for row in rows]
        self.lines += terminal.table(shown, self.terminal.width)

    def definitions(self, pairs: Pairs) -> None:
        """What the auxiliary quantities are."""
        self._with(f"{self.write(symbol)} = {self.write(meaning)}" for symbol, meaning in pairs)

    def constants(self, own: Constants) -> None:
        """What the named numbers are."""
        self._with(f"{self.write(symbol)} = {written(value)}" for symbol, value in own.table)

    def _with(self, equations: Iterable[str]) -> None:
        if meanings := ",  ".join(equations):
            self.lines += terminal.paragraph(f"with {meanings}", self.terminal.width, indent=4)
