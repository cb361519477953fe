"""The sentences of a report that text and LaTeX share, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from glutheory import terminal
from glutheory.printing.report import SHOWN_DIGITS, Report, averaged, kernel_formulas, told
from glutheory.printing.styles import ASCII, UNICODE
from glutheory.printing.ways import Notation
from glutheory.printing.writer import Writer
from glutheory.symbolic.duals import HERMITE, MIXTURE
from glutheory.terminal import Terminal

#: The density of the Kolmogorov distribution, for each style.
DENSITY = "k(κ) = 8κ Σ_{n≥1} (−1)^(n−1) n² exp(−2n²κ²)"
MIXTURE_NOTE = (
    "κ and κ' are independent and Kolmogorov distributed: 2κ times a standard normal variable is logistic "
    "(Andrews & Mallows 1974; Stefanski 1991), so the logistic function is E_κ[Φ(z/(2κ))]."
)
NO_CLOSED_FORM = "The average over κ, κ' is exact; no elementary closed form of it is known."
BLOCK_ROLES = {"readout": "V", "hidden": "W", "value": "P", "gate": "W"}


def neuron(found: Report) -> str:
    """z(x) as a formula."""
    if found.network.gated:
        return "z(x) = V [(P x) ⊙ φ(W x)]"
    if len(found.network.branches) == 1:
        return "z(x) = V φ(W x)"
    factors = " ⊙ ".join(f"φ_{i}(W_{i} x)" for i in range(1, len(found.network.branches) + 1))
    return f"z(x) = V [{factors}]"


def weights(found: Report) -> str:
    """The names of the weight matrices before V."""
    if found.network.gated:
        return "W, P"
    count = len(found.network.branches)
    return "W" if count == 1 else ", ".join(f"W_{i}" for i in range(1, count + 1))


def weight_names(found: Report) -> dict[str, str]:
    """The matrix of each block, by role."""
    return {role: BLOCK_ROLES.get(role, role.replace("branch", "W_")) for role in found.ntk.kernels.blocks}


def method(found: Report) -> str:
    """How S was found."""
    dual = found.ntk.dual
    if found.method == HERMITE:
        return (
            "Price's theorem does not end in elementary expectations here: S is the Hermite series (Mehler's formula), "
            "with rigorous coefficients and Parseval's bound of its tail; T is the same series of φ'."
        )
    count = dual.order
    start = "S is a Gaussian integral, done by completing the square; no derivative was needed"
    if count:
        times = {1: "once", 2: "twice"}.get(count, f"{count} times")
        steps = f"{count} integration{'s' if count > 1 else ''} in c back up"
        end = f"{steps} (Hermite/Ostrogradsky reduction, values at c = 0)"
        rules = dict.fromkeys(part.rule for part in dual.s.parts)
        family = " and ".join(rule for rule in rules if rule != "elementary")
        start = f"Price's theorem {times}, an elementary Gaussian expectation, {end}: the {family} family"
    mixed = ", averaged over the scale mixture" if found.method == MIXTURE else ""
    return f"{start}{mixed}. T was derived in the same way from φ', independently of S."


def verification(found: Report) -> str:
    """What was checked and how."""
    checks = found.verification.checks
    counts = {name: sum(check.method == name for check in checks) for name in found.verification.methods}
    failed = sum(not check.passed for check in checks)
    ways = ", ".join(f"{count} {name}" for name, count in counts.items())
    everything = f"all {len(checks)} checks" if len(checks) > 1 else "the one check"
    outcome = f"{failed} of {len(checks)} checks FAILED" if failed else f"{everything} passed"
    series = " (of the kernels' composition: a series has no closed form to check)" if found.method == HERMITE else ""
    return f"{outcome}{series}: {ways}."


def coefficients(found: Report) -> str:
    """The first Hermite coefficients at variance 1."""
    values = ",  ".join(f"h_{k} = {value}" for k, value in enumerate(found.hermite) if value != "0")
    small = [f"h_{k}" for k, value in enumerate(found.hermite) if value == "0"]
    rest = f"; {', '.join(small)} are below 10^−{SHOWN_DIGITS + 2}" if small else ""
    return f"At variance 1, to {SHOWN_DIGITS} digits: {values}{rest}."


def hermite_facts(found: Report) -> str:
    """The exact statements about the Hermite coefficients; empty if there are none."""
    if not found.half_linear:
        return ""
    return "φ(z) − z/2 is even, so h_1(a) = √a/2 exactly and every other odd coefficient vanishes."


class _Page:
    """Lines under headings."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.write = Writer(UNICODE if terminal.unicode else ASCII)
        self.lines: list[str] = []

    def heading(self, title: str) -> None:
        lines = terminal.paragraph(self.terminal.prose(title), self.terminal.width, indent=0)
        self.lines += ["", *map(self.terminal.bold, lines)]

    def say(self, text: str) -> None:
        self.lines += terminal.paragraph(self.terminal.prose(text), self.terminal.width)

    def formula(self, head: str, expr: sp.Expr, indent: int = 2) -> None:
        self.lines += terminal.formula(self.terminal.prose(head), self.write(expr), self.terminal.width, indent)

    def table(self, rows: Sequence[tuple[str, ...]]) -> None:
        shown = [tuple(self.terminal.prose(cell) for cell in row) for row in rows]
        self.lines += terminal.table(shown, self.terminal.width)

    def definitions(self, notation: Notation) -> None:
        meanings = [f"{self.write(symbol)} = {self.write(meaning)}" for symbol, meaning in notation.definitions]
        if meanings:
            self.lines += terminal.paragraph("with " + ",  ".join(meanings), self.terminal.width, indent=4)


def text(found: Report, terminal: Terminal, *, steps: bool = False) -> str:
    """The whole report."""
    page = _Page(terminal)
    kind = "gated" if found.network.gated else "non-gated" if len(found.network.branches) == 1 else "product"
    page.heading(f"{found.network.name}: kernels of the {kind} two-layer network")
    _network(page, found)
    _duals(page, found)
    _kernels(page, found)
    page.heading("How S was found")
    page.say(method(found))
    if steps:
        page.heading("Derivation, step by step")
        for number, step in enumerate(told(found), start=1):
            page.say(f"{number}. {step.name}: {step.rule}")
            for left, right in step.statements:
                page.formula(page.write(left), right, indent=5)
    page.heading("Verification")
    page.say(verification(found))
    _special(page, found)
    _samples(page, found)
    for sentence in found.refuted:
        page.lines.append(terminal.alarm(terminal.prose(f"WRONG: {sentence}")))
    return "\n".join(page.lines[1:]) + "\n"


def _network(page: _Page, found: Report) -> None:
    page.heading("Network")
    page.say(neuron(found))
    if len(found.network.branches) == 1 or found.network.gated:
        page.formula("φ(z)", found.gate.expr)
    else:
        for i, branch in enumerate(found.network.branches, start=1):
            page.formula(f"φ_{i}(z)", branch.expr)
        page.say(
            f"φ, S and T below are those of branch {i}; S_branch1 and so on, those of each branch at its own a, b, c"
        )
    names = weights(found)
    page.say(f"x ∈ R^d, hidden width m; {names} (m × d) and V (1 × m) have independent normal entries")
    standard = ["V ~ N(0, σ_v²)"]
    standard += [f"{name} ~ N(0, {_variance(name)})" for name in names.split(", ")]
    page.table(
        [
            ("ntk parametrisation", "all entries N(0, 1), factors 1/√d before x and 1/√m before V"),
            ("standard parametrisation", ", ".join(standard)),
        ]
    )
    page.heading("Setting")
    own = " of the gate" if found.network.gated else ""
    page.say(f"(u, v): the pre-activations{own} at x and x', jointly normal with E[u²] = a, E[v²] = b, E[uv] = c")
    page.table(
        [
            ("ntk", "a = ‖x‖²/d", "b = ‖x'‖²/d", "c = ⟨x,x'⟩/d"),
            ("standard", "a = σ_w²‖x‖²", "b = σ_w²‖x'‖²", "c = σ_w²⟨x,x'⟩"),
        ]
    )
    page.say("S(a,b,c) = E[φ(u) φ(v)],   T(a,b,c) = E[φ'(u) φ'(v)] = ∂S/∂c")


def _variance(matrix: str) -> str:
    letter, _, index = matrix.partition("_")
    return f"σ_{letter.lower()}{index}²"


def _duals(page: _Page, found: Report) -> None:
    page.heading(f"Dual activations: {found.method}")
    for name, formula in zip("ST", found.formulas, strict=True):
        page.formula(f"{name}(a,b,c)", formula)
    if found.notation is not None:
        page.definitions(found.notation)
    if found.general is not None:
        symbol, notation = found.general
        page.say(f"For every {symbol}:")
        for name, formula in zip("ST", averaged(notation), strict=True):
            page.formula(f"{name}(a,b,c)", formula, indent=4)
        if found.notation is not None and notation.definitions != found.notation.definitions:
            page.definitions(notation)
    if found.method == MIXTURE:
        page.say(MIXTURE_NOTE)
        page.say("Density: " + DENSITY)
        page.say(NO_CLOSED_FORM)
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
        page.say(coefficients(found))
        if facts := hermite_facts(found):
            page.say(facts)


def _kernels(page: _Page, found: Report) -> None:
    for title, own in (("ntk", found.ntk), ("standard", found.standard)):
        page.heading(f"Kernels, {title} parametrisation")
        names = weight_names(found)
        formulas = kernel_formulas(own)
        page.formula("NNGP  Σ(x,x')", formulas["nngp"])
        page.formula("NTK   K(x,x')", formulas["ntk"])
        rows = [(f"  {role} ({names[role]})", page.write(formulas[role])) for role in own.kernels.blocks]
        page.lines.append("  block by block")
        page.lines += terminal.table(rows, page.terminal.width)


def _special(page: _Page, found: Report) -> None:
    page.heading("Special values")
    for case in dict.fromkeys(value.case for value in found.special):
        own = [value for value in found.special if value.case == case]
        head = page.terminal.prose(case).ljust(6 if page.terminal.unicode else 8) + "  "
        for value in own:
            if value.formula is not None:
                page.formula(f"{head}{value.name}({value.arguments})", value.formula)
                head = " " * len(head)
        numbers = ",  ".join(f"{value.name} = {_number(value.at_one)}" for value in own)
        page.say(f"{head}at a = b = 1:  {numbers}")


def _number(text: str) -> str:
    return {"inf": "∞", "-inf": "−∞"}.get(text, text)


def _samples(page: _Page, found: Report) -> None:
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
