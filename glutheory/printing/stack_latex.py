"""A stack's report as a LaTeX document that compiles as it stands (article, amsmath)."""

from __future__ import annotations

from collections.abc import Sequence

from glutheory.printing.latex import HEAD, Document, duals, prose
from glutheory.printing.stack_contents import Equation, StackReport, equations, handed_on
from glutheory.printing.stack_text import verification, weights_sentence
from glutheory.symbolic.recursion import Loop, Node

_SETTING = (
    r"$a = \langle x,x\rangle/d$, $b = \langle x',x'\rangle/d$ and $c = \langle x,x'\rangle/d$. "
    r"All layers are wide, and their units independent given those below. $\Sigma$ is a unit's covariance at $x$ and "
    r"$x'$, $A$, $B$ are its variances there ($\rho$ stands for $\Sigma$ where these are 1), and $\Theta$ is its NTK."
)


def stack_document(found: StackReport, *, steps: bool = False) -> str:
    r"""The LaTeX source, from ``\documentclass`` to ``\end{document}``; with `steps` the rule of every layer."""
    doc = Document()
    doc.section(f"Kernels of the deep network {found.stack.name}")
    doc.say(found.layers)
    doc.lines += [_SETTING, ""]
    doc.say(weights_sentence(found))
    doc.section("Recursion")
    for number, part in enumerate(found.derivation.recursions):
        if number:
            doc.say("Mean over positions: every quantity is from here on its mean over all pairs of positions.")
        _nodes(doc, found, part.nodes, steps)
    end = found.derivation.recursions[-1].end
    ntk = end.ntk if end.ntk is not None else end.moments.mixed * 0
    doc.equations([(r"\Sigma(x,x')", end.moments.mixed), ("K(x,x')", ntk)])
    for word, own in zip(found.activations.values(), found.reports, strict=True):
        duals(doc, own, f"_{word}")
    if found.facts:
        doc.section("Simplifications, found and proved")
        for fact in found.facts:
            doc.say(f"{fact.statement} ({fact.method}).")
            if fact.equations:
                doc.equations([(doc.write(left), right) for left, right in fact.equations])
    doc.section("Verification")
    doc.say(f"{verification(found)}.")
    _values(doc, found)
    doc.lines += [rf"\textbf{{Wrong:}} {prose(sentence)}" for sentence in found.refuted]
    return HEAD + "\n".join(doc.lines) + "\n\\end{document}\n"


def _nodes(doc: Document, found: StackReport, nodes: Sequence[Node], steps: bool) -> None:
    for node in nodes:
        if isinstance(node, Loop):
            first, then = handed_on(node)
            doc.lines.append(rf"{node.times} times, at first with ${_list(doc, first)}$:")
            doc.lines.append(r"\begin{quote}")
            _nodes(doc, found, node.body, steps)
            doc.lines += [f"and on with ${_list(doc, then)}$.", r"\end{quote}"]
            continue
        doc.say(f"{node.layer} ({node.reason})" if steps else node.layer)
        made = [(doc.write(left), right) for left, right in equations(found, node)]
        if made:
            doc.equations(made)


def _list(doc: Document, pairs: Sequence[Equation]) -> str:
    return ",\\ ".join(f"{doc.write(left)} = {doc.write(right)}" for left, right in pairs)


def _values(doc: Document, found: StackReport) -> None:
    rows = []
    for at in found.samples:
        place = " & ".join(f"${value}$" for value in at.point)
        for name, formula, ball, _, _ in at.rows:
            shown = ball.replace("+/-", r"$\pm$")
            rows.append(rf"{place} & {name} & {formula} & {{{shown}}} \\")
    if rows:
        doc.section("Values")
        doc.lines += [
            r"\noindent\begin{tabular}{rrrlll}",
            r"$a$ & $b$ & $c$ & & recursion & enclosure of the integrals \\ \hline",
            *rows,
            r"\end{tabular}",
            "",
        ]
