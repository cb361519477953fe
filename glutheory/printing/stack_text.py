"""A stack's report as text for people."""

from __future__ import annotations

from collections.abc import Sequence

from glutheory.printing.stack_contents import Equation, StackReport, equations, handed_on
from glutheory.printing.text import Page, duals
from glutheory.symbolic.recursion import Loop, Node
from glutheory.terminal import Terminal

#: Of one symbol on several lines: where the recursion is indented.
_INDENT = 4


def stack_text(found: StackReport, terminal: Terminal, *, steps: bool = False) -> str:
    """The whole report; with `steps` the rule of every layer."""
    page = Page(terminal)
    page.heading(f"{found.stack.name}: kernels of the deep network")
    page.say(found.layers)
    for note in found.stack.notes:
        page.say(note)
    page.heading("Setting")
    page.say("a = x·x/d, b = x'·x'/d, c = x·x'/d; all layers are wide, and their units independent given those below")
    page.say("Σ, A, B: a unit's covariance at x and x', its variances there (ρ where these are 1); Θ: its NTK")
    page.say(weights_sentence(found))
    page.heading("Recursion")
    for number, part in enumerate(found.derivation.recursions):
        if number:
            page.say("mean over positions: every quantity is from here on its mean over all pairs of positions")
        _nodes(page, found, part.nodes, 2, steps)
    end = found.derivation.recursions[-1].end
    page.formula("NNGP  Σ(x,x')", end.moments.mixed)
    page.formula("NTK   K(x,x')", end.ntk if end.ntk is not None else end.moments.mixed * 0)
    for word, own in zip(found.activations.values(), found.reports, strict=True):
        duals(page, own, f"_{word}")
    if found.facts:
        page.heading("Simplifications, found and proved")
        for fact in found.facts:
            page.say(f"{fact.statement} ({fact.method})")
            for left, right in fact.equations:
                page.formula(page.write(left), right, indent=_INDENT)
    page.heading("Verification")
    page.say(verification(found))
    _samples(page, found)
    for sentence in found.refuted:
        page.lines.append(terminal.alarm(terminal.prose(f"WRONG: {sentence}")))
    return "\n".join(page.lines[1:]) + "\n"


def weights_sentence(found: StackReport) -> str:
    """What the weights are."""
    if found.parametrization == "ntk":
        return "ntk parametrisation: weights of variance 1, each behind the factor σ over the root of the fan-in"
    return "standard parametrisation: weights of variance σ² over the fan-in, which is d on the inputs and m elsewhere"


def verification(found: StackReport) -> str:
    """How many checks there were, and how they were decided."""
    checks = found.verification.checks
    symbolic = sum("symbolic" in check.method or "ℚ" in check.method for check in checks)
    passed = sum(check.passed for check in checks)
    return (
        f"{passed} of {len(checks)} checks passed ({symbolic} of them decided symbolically): S and T of every "
        "activation; of every layer, every repeated block and the whole, that the factor of Θ is the derivative of the "
        "covariance (Price's theorem)"
    )


def _nodes(page: Page, found: StackReport, nodes: Sequence[Node], indent: int, steps: bool) -> None:
    """Without recursion in depth: blocks within blocks are few, repetitions are loops of the text too."""
    for node in nodes:
        if isinstance(node, Loop):
            first, then = handed_on(node)
            page.lines.append(
                page.terminal.prose(f"{' ' * indent}{node.times} times, at first with {_list(page, first)}:")
            )
            _nodes(page, found, node.body, indent + 2, steps)
            page.lines.append(page.terminal.prose(f"{' ' * (indent + 2)}and on with {_list(page, then)}"))
            continue
        reason = f"  ({node.reason})" if steps else ""
        page.lines.append(page.terminal.prose(f"{' ' * indent}{node.layer}{reason}"))
        for left, right in equations(found, node):
            page.formula(page.write(left), right, indent=indent + 2)


def _list(page: Page, pairs: Sequence[Equation]) -> str:
    return ", ".join(f"{page.write(left)} = {page.write(right)}" for left, right in pairs)


def _samples(page: Page, found: StackReport) -> None:
    if not found.samples:
        page.heading("Values")
        page.say("not shown: sequences, very deep stacks and variances beyond any integral are left to `evaluate`")
        return
    page.heading("Sample values: the derived recursion, and rigorous enclosures of the integrals in it")
    for at in found.samples:
        page.say(f"a = {at.point[0]}, b = {at.point[1]}, c = {at.point[2]}")
        page.table(
            [
                (f"  {name}", formula, ball.replace("+/-", "±"), f"✓ {common} digits agree" if agree else "✗ DISAGREE")
                for name, formula, ball, agree, common in at.rows
            ]
        )
