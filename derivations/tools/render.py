"""Proofs as Markdown with LaTeX: the same text on every run, since it holds no times, dates or machine facts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from derivations.catalog import FOLDER
from derivations.tools.latex import symbols
from derivations.tools.proof import Extent, Outcome, Step
from derivations.tools.runs import Run, comparisons, grades, is_decided
from glutheory.ground.files import replacing

#: Where the committed rendering lives.
RENDERED = FOLDER / "rendered"
INDEX = "README.md"


def _capital(text: str) -> str:
    """The text with a capital first letter, unless its first word is a symbol such as ``k``."""
    return text[0].upper() + text[1:] if text[:2].isalpha() or text.startswith("a ") else text


def _step(number: int, step: Step, outcome: Outcome) -> str:
    cited = "; ".join(map(str, step.scope.cites))
    return (
        f"### {number}. {_capital(step.name)}\n\n$$\n{step.statement}\n$$\n\n"
        + _named(step.names)
        + f"**Rule.** {_capital(step.rule)}.\n\n"
        f"**{_verdict(step, outcome)}.** {_capital(_how(step, outcome))}.\n"
        f"\n**{_shown(outcome)}.**\n"
        + (f"\n**Cited, not checked.** {_capital(cited)}.\n" if cited else "")
        + (f"\n**In words, not decided.** {_capital(step.beyond)}.\n" if step.beyond else "")
    )


def _named(names: Mapping[str, str]) -> str:
    """The definitions through which the sentences are read."""
    listed = "; ".join(f"${name}{_sign(formula)}{formula}$" for name, formula in names.items())
    return f"**Names.** {listed}.\n\n" if names else ""


def _sign(formula: str) -> str:
    """Between a name and its definition: a law has a tilde, words a colon."""
    if formula.startswith(r"\mathcal{N}"):
        return r" \sim "
    return r"\colon\ " if formula.startswith(r"\text") else " = "


def _verdict(step: Step, outcome: Outcome) -> str:
    """What was decided, in the words of the scope; nothing of it is the author's but the names in it."""
    if step.scope.extent is Extent.INSTANCES:
        return "Checked on instances"
    if step.scope.extent is Extent.INGREDIENT or outcome.doubts:
        return "An ingredient is decided, not the whole" if outcome.exact else "An ingredient is computed"
    word = "Decided" if is_decided(step, outcome) else "Computed"
    return f"{word} for all {symbols(step.scope.what)}" if step.scope.what else word


def _how(step: Step, outcome: Outcome) -> str:
    """The instances or the ingredient and why no more, what was gone through, the means, and what is believed."""
    parts = [] if step.scope.extent is Extent.ALL else [f"{step.scope.what}; not all, since {step.scope.why}"]
    parts += [f"not all: {', and '.join(outcome.doubts)}"] if step.scope.extent is Extent.ALL and outcome.doubts else []
    parts += [f"instances: {name}" for name in outcome.instances]
    parts += [f"each case: {name}" for name in outcome.cases]
    parts.append(outcome.method)
    parts += [f"concluded and checked: {link}" for link in outcome.links]
    if outcome.believed:
        parts.append(f"not decided but believed: SymPy's {', '.join(f'`{name}`' for name in outcome.believed)}")
    return "; ".join(parts)


def _shown(outcome: Outcome) -> str:
    """How much of the displayed statement was compared with what was decided."""
    found = outcome.compared
    if found.whole:
        return "Statement compared with what was decided"
    part = f", but for {found.found} of its {found.shown} relations" if found.found else ""
    return f"Statement read, not compared{part}"


def _tally(run: Run) -> str:
    return f"{'A proof' if run.proved else 'An argument'}: {grades([run])}; {comparisons([run])}."


def markdown(name: str, run: Run) -> str:
    """The page of a proof that was run and did not fail.

    Raises:
        ValueError: the run failed; what is not confirmed is not rendered.
    """
    if run.failure is not None:
        raise ValueError(f"{name} failed at {run.failure.step.name!r}: only a confirmed proof is rendered.")
    proof = run.proof
    steps = (
        _step(i, step, outcome) for i, (step, outcome) in enumerate(zip(proof.steps, run.outcomes, strict=True), 1)
    )
    origin = f"`python -m derivations` runs every check and renders this page from `derivations/proofs/{name}.py`."
    parts = [
        f"# {proof.title}\n",
        f"{proof.summary}\n",
        f"**Source.** {_capital(proof.source)}.\n",
        f"**Notation.** {proof.notation}\n",
        *([_named(proof.names)[:-1]] if proof.names else []),
        f"**Checked.** {_tally(run)} {origin}\n",
        "## Steps\n",
        *steps,
    ]
    if proof.remarks:
        parts += ["## Remarks\n", *(f"{remark}\n" for remark in proof.remarks)]
    return "\n".join(parts)


_PREFACE = (
    "# Derivations\n",
    (
        "Each page is rendered from a proof script, and every step on it was checked by machine when it was rendered. "
        "A step is *decided* when the relation that its test computed was, for all values of its symbols: identities "
        "reduced to zero "
        "by rewriting (of sums over indices for matrices of every size), signs that follow from the signs of factors, "
        "strict inequalities between explicit numbers in ball arithmetic. Where a theorem completes it (dominated "
        "convergence, say), that is cited with its source and is not checked. A step is *computed* when a general "
        "function of SymPy (`limit`, `simplify`, …) had a part in it and its result is believed. Otherwise only "
        "*instances* or an *ingredient* of it were checked, which it names, with the reason why not all. What a step "
        "may say is not its author's choice: the functions that decide write down what they did, a step that claims "
        "more makes its proof fail, and its sentence is read: where a letter is neither decided nor defined (under "
        "*Names*), or a conclusion neither checked nor cited, the step counts as an ingredient. "
        "A script is a *proof* when all of its steps are decided, else an *argument*, with the number that are.\n\n"
        "Whether the displayed sentence *is* the relation that was decided is a second question. Where it can be, the "
        "sentence is read back from its LaTeX and its relations are decided again as they stand, with what is supposed "
        "for them: such a statement is *compared*. All others only a reader can compare with the test, and they are "
        "marked.\n"
    ),
)
_HEAD = ("| proof | title | source | steps | compared |", "|---|---|---|---|---|")
_FOOTER = (
    "`python -m derivations` runs all of them again, `python -m derivations gelu` prints one, and `python -m "
    "derivations --check` compares with these pages.\n"
)


def index(runs: Mapping[str, Run]) -> str:
    """The table of contents."""
    rows = [
        f"| [{name}]({name}.md) | {run.proof.title} | {_capital(run.proof.source)} | {grades([run])} | {run.compared} |"
        for name, run in runs.items()
    ]
    total = sum(len(run.outcomes) for run in runs.values())
    return "\n".join(
        (
            *_PREFACE,
            f"{total} steps in {len(runs)} proofs: {grades(runs.values())}; {comparisons(runs.values())}.\n",
            *_HEAD,
            *rows,
            "",
            _FOOTER,
        )
    )


def pages(runs: Mapping[str, Run]) -> dict[str, str]:
    """File name → text for the proofs that did not fail, and the index if none did."""
    texts = {f"{name}.md": markdown(name, run) for name, run in runs.items() if run.failure is None}
    if len(texts) == len(runs):
        texts[INDEX] = index(runs)
    return texts


def write(texts: Mapping[str, str], folder: Path) -> None:
    """Write the pages, each through a temporary file and a rename, so that no reader ever sees half a page."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        with replacing(folder / name) as beside:
            beside.write_text(text, encoding="utf-8", newline="\n")


def differences(texts: Mapping[str, str], folder: Path, *, complete: bool = True) -> list[str]:
    """How the folder differs from the pages, one clause each; with `complete` it may hold no other pages."""
    found = []
    for name, text in texts.items():
        path = folder / name
        if not path.is_file():
            found.append(f"{name} is missing")
        elif path.read_text(encoding="utf-8") != text:
            found.append(f"{name} is not current")
    if complete and folder.is_dir():
        found += [f"{path.name} belongs to no proof" for path in sorted(folder.glob("*.md")) if path.name not in texts]
    return found
