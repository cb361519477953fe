"""Proofs as Markdown with LaTeX: the same text on every run, since it holds no times, dates or machine facts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from derivations.catalog import FOLDER
from derivations.tools.proof import CERTIFICATE, PROOF, Outcome, Run, Step, grades
from glutheory.ground.files import replacing

#: Where the committed rendering lives.
RENDERED = FOLDER / "rendered"
INDEX = "README.md"

#: By grade and by whether the check decides the whole statement.
_VERDICT = {
    (PROOF, True): "Proved",
    (PROOF, False): "Checked symbolically",
    (CERTIFICATE, True): "Certified",
    (CERTIFICATE, False): "Certified in part",
}


def _capital(text: str) -> str:
    """The text with a capital first letter, unless its first word is a symbol such as ``k``."""
    return text[0].upper() + text[1:] if text[:2].isalpha() or text.startswith("a ") else text


def _step(number: int, step: Step, outcome: Outcome) -> str:
    verdict = _VERDICT[outcome.grade, not step.checked]
    checked = f"{step.checked}; " if step.checked else ""
    return (
        f"### {number}. {_capital(step.name)}\n\n$$\n{step.statement}\n$$\n\n**Rule.** "
        f"{_capital(step.rule)}.\n\n**{verdict}.** {_capital(checked + outcome.method)}.\n"
    )


def _tally(run: Run) -> str:
    return f"{len(run.outcomes)} steps: {grades([run])}."


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
        "A step is *proved* when symbolic identities were reduced to zero (or a sign follows from the signs of "
        "factors) and these are its whole statement. It is *checked symbolically* when they are an ingredient or a "
        "family of instances: the step then says which, and the theorem by which the rest follows (dominated "
        "convergence, say, or that a characteristic function determines the law) is named in the rule and is not "
        "itself checked. It is *certified* when rigorous balls at exact points confirm it.\n"
    ),
)
_HEAD = ("| proof | title | source | steps |", "|---|---|---|---|")
_FOOTER = (
    "`python -m derivations` runs all of them again, `python -m derivations gelu` prints one, and `python -m "
    "derivations --check` compares with these pages.\n"
)


def index(runs: Mapping[str, Run]) -> str:
    """The table of contents."""
    rows = [
        f"| [{name}]({name}.md) | {run.proof.title} | {_capital(run.proof.source)} | {grades([run])} |"
        for name, run in runs.items()
    ]
    total = sum(len(run.outcomes) for run in runs.values())
    return "\n".join(
        (
            *_PREFACE,
            f"{total} steps in {len(runs)} proofs: {grades(runs.values())}.\n",
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
