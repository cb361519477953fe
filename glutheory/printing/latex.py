"""A report as a LaTeX document that compiles as it stands (article, amsmath)."""

from __future__ import annotations

import re

import sympy as sp

from glutheory.printing import sentences
from glutheory.printing.constants import Constants, written
from glutheory.printing.contents import Report, kernel_formulas, told
from glutheory.printing.styles import LATEX
from glutheory.printing.writer import Writer
from glutheory.symbolic.duals import HERMITE, MIXTURE

HEAD = r"""\documentclass{article}
\usepackage{amsmath}
\addtolength{\oddsidemargin}{-2cm}
\addtolength{\textwidth}{4cm}
\emergencystretch=3em
\allowdisplaybreaks
\begin{document}
"""
_MATH = {
    "−": "-", "·": r"\cdot ", "∂": r"\partial ", "Σ": r"\Sigma ", "φ": r"\varphi ", "Φ": r"\Phi ", "κ": r"\kappa ",
    "σ": r"\sigma ", "ρ": r"\rho ", "δ": r"\delta ", "π": r"\pi ", "√a": r"\sqrt{a}", "√(ab)": r"\sqrt{ab}",
    "√(k!)": r"\sqrt{k!}", "≥": r"\ge ", "≤": r"\le ", "⊙": r"\odot ", "∞": r"\infty ", "²": "^2", "⁺": "^+",
    "[": "[", "‖": r"\|", "×": r"\times ", "γ": r"\gamma ", "λ": r"\lambda ", "→": r"\to ", "√x": r"\sqrt{x}",
    "⟨": r"\langle ", "⟩": r"\rangle", "Θ": r"\Theta ",
}  # fmt: skip
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "{": r"\{",
    "}": r"\}",
    "~": r"\~{}",
}


def prose(text: str) -> str:
    """A sentence in LaTeX: words that contain mathematics are set as formulas."""
    return " ".join(_word(word) for word in text.split(" "))


#: Names of networks (leaky_relu, silu(beta=2)) and a user's own expressions, which are no formulas to be set.
_NAME = re.compile(r"[A-Za-z]{2,}_|[A-Za-z]{2,}\(\w+=[-\d./]+\)|.*[*\\]", re.ASCII)


def _word(word: str) -> str:
    if word.isascii() and _NAME.match(word):
        escapes = {**_ESCAPES, "_": r"\_", "^": r"\^{}"}
        return rf"\texttt{{{''.join(escapes.get(character, character) for character in word)}}}"
    if not re.search(r"[^\x00-\x7f]|[_^=]", word):
        return "".join(_ESCAPES.get(character, character) for character in word)
    word = _math(word)
    word = re.sub(r"\^\(([^()]*)\)", r"^{(\1)}", word)
    word = re.sub(r"\^(-?\d+)", r"^{\1}", word)
    word = re.sub(r"_(\w{2,})", r"_{\\mathrm{\1}}", word, flags=re.ASCII)
    return "$" + re.sub(r"[^\x00-\x7f]", "?", word) + "$"


class Document:
    """Paragraphs and equations under headings."""

    def __init__(self) -> None:
        self.write = Writer(LATEX)
        self.lines: list[str] = []

    def section(self, title: str) -> None:
        """A heading."""
        self.lines += [rf"\section*{{{prose(title)}}}"]

    def say(self, text: str) -> None:
        """A paragraph of prose."""
        self.lines += [prose(text), ""]

    def equations(self, pairs: list[tuple[str, sp.Expr]]) -> None:
        """Equations below each other, with the left sides in LaTeX."""
        body = " \\\\\n".join(f"  {left} &= {self.write(right)}" for left, right in pairs)
        self.lines += [r"\begin{align*}", body, r"\end{align*}"]


def document(found: Report, *, steps: bool = False) -> str:
    r"""The LaTeX source, complete from ``\documentclass`` to ``\end{document}``."""
    doc = Document()
    write = doc.write
    doc.section(f"Kernels of the network {found.network.name}")
    doc.lines += [f"${_neuron(found)}$, with $\\varphi(z) = {_definition(found)}$.", ""]
    ntk, standard = (_setting(found, name) for name in ("ntk", "standard"))
    doc.lines += [
        (
            "$(u, v)$ are jointly normal with variances $a$, $b$ and covariance $c$. In the ntk parametrisation "
            f"{ntk}; in the standard one {standard}."
        ),
        "",
    ]
    duals(doc, found)
    for title, own in (("ntk", found.ntk), ("standard", found.standard)):
        doc.section(f"Kernels, {title} parametrisation")
        labels = {"nngp": r"\Sigma(x,x')", "ntk": "K(x,x')"}
        pairs = [
            (labels.get(key, rf"K_{{\mathrm{{{key}}}}}"), formula) for key, formula in kernel_formulas(own).items()
        ]
        doc.equations(pairs)
    doc.section("Method and verification")
    doc.say(sentences.method(found))
    doc.say(sentences.verification(found).capitalize())
    if steps:
        doc.section("Derivation")
        for number, step in enumerate(told(found), start=1):
            doc.lines.append(rf"\paragraph{{{number}. {prose(step.name)}}} {prose(step.rule)}.")
            doc.equations([(write(left), right) for left, right in step.statements])
    _values(doc, found)
    doc.lines += [rf"\textbf{{Wrong:}} {prose(sentence)}" for sentence in found.refuted]
    return HEAD + "\n".join(doc.lines) + "\n\\end{document}\n"


def _neuron(found: Report) -> str:
    return _math(sentences.neuron(found))


def _definition(found: Report) -> str:
    """φ(z) and the numbers that it names."""
    formula = Writer(LATEX, decimals=True)(found.constants.named(found.gate.expr))
    return "$, $".join([formula, *constant_equations(found.constants)])


def constant_equations(own: Constants) -> list[str]:
    """What the named numbers are, an equation each."""
    write = Writer(LATEX)
    return [f"{write(symbol)} = {_number(written(value))}" for symbol, value in own.table]


def _number(text: str) -> str:
    over, _, under = text.partition("/")
    return rf"\frac{{{over}}}{{{under}}}" if under else over


def _setting(found: Report, parametrization: str) -> str:
    equations = (_math(equation).replace(" _", "_") for equation in sentences.setting(found).equations(parametrization))
    return ", ".join(f"${equation}$" for equation in equations)


def _math(formula: str) -> str:
    for sign, command in _MATH.items():
        formula = formula.replace(sign, command)
    return formula


def duals(doc: Document, found: Report, suffix: str = "") -> None:
    """S and T of the gate, with what is known of them; the suffix is that of their names."""
    doc.section(f"Dual activations{f' of {found.gate.label}' if suffix else ''}: {found.method}")
    index = LATEX.subscript(suffix[1:]) if suffix else ""
    names = (
        rf"S{index}(a,b,c) = \mathrm{{E}}[\varphi(u)\varphi(v)]",
        rf"T{index}(a,b,c) = \mathrm{{E}}[\varphi'(u)\varphi'(v)]",
    )
    pairs = list(zip(names, found.formulas, strict=True))
    pairs += [(doc.write(symbol), meaning) for symbol, meaning in found.definitions]
    doc.equations(pairs)
    if suffix and found.constants:
        doc.lines += [f"Here ${'$, $'.join(constant_equations(found.constants))}$.", ""]
    if found.method == MIXTURE:
        doc.say(sentences.MIXTURE_NOTE)
        doc.lines += [
            r"Their density is $k(\kappa) = 8\kappa \sum_{n \ge 1} (-1)^{n-1} n^2 e^{-2n^2\kappa^2}$. "
            + sentences.NO_CLOSED_FORM.replace("κ, κ'", r"$\kappa$, $\kappa'$"),
            "",
        ]
    if found.method in (MIXTURE, HERMITE):
        doc.lines += [
            (
                r"Hermite series: $S(a,b,c) = \sum_{k \ge 0} h_k(a)\, h_k(b)\, \rho^k$ with $\rho = c/\sqrt{ab}$, "
                r"$h_k(a) = \mathrm{E}[\varphi(\sqrt{a}\,x)\,\mathrm{He}_k(x)]/\sqrt{k!}$."
            ),
            "",
        ]
        doc.say(sentences.coefficients(found))
        doc.say(sentences.hermite_facts(found))


def _values(doc: Document, found: Report) -> None:
    doc.section("Values")
    pairs = [
        (f"{v.name}({v.arguments})".replace("−", "-"), v.formula)
        for v in found.legible_special
        if v.formula is not None
    ]
    if pairs:
        doc.equations(pairs)
    rows = []
    for at in found.samples:
        for q in at.quantities:
            ball = (q.integral or "not available").replace("+/-", r"$\pm$")
            rows.append(rf"${at.a}$ & ${at.b}$ & ${at.c}$ & ${q.name}$ & {q.formula} & {{{ball}}} \\")
    doc.lines += [
        r"\noindent\begin{tabular}{rrrlll}",
        r"$a$ & $b$ & $c$ & & formula & enclosure of the integral \\ \hline",
        *rows,
        r"\end{tabular}",
        "",
    ]
