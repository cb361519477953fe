# ruff: noqa: INP001 (a script)
"""The README's table of verdicts, from results/*.json.

    python docs/verdicts.py            # print it
    python docs/verdicts.py --write    # and put it between the two comments of the README

The file that bears a claim's name is about this claim; all others are in `full.json`. A claim that is younger than
these files has its recorded verdict of the quick profile.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- verdicts -->\n", "<!-- /verdicts -->\n"
HEADINGS = ("claim", "source", "verdict", "grade", "key figure", "not kept of the claim")


def outcomes(folder: Path = ROOT / "results") -> dict[str, dict[str, Any]]:
    """The stored outcomes by the id of their claim: the paper's claims in its order, then ours."""
    from checks.catalog import choose, claims
    from checks.runner import recorded
    from glutheory.claims.retired import RETIRED

    found: dict[str, dict[str, Any]] = {}
    files = sorted(folder.glob("*.json"), key=lambda file: (file.stem != "full", file.stem))
    for file in files:
        rows = {row["claim"]["id"]: row for row in json.loads(file.read_text(encoding="utf-8"))["outcomes"]}
        found |= rows if file.stem == "full" else {file.stem: rows[file.stem]}
    found = {name: row for name, row in found.items() if name not in RETIRED}
    quick = recorded()
    for name, claim in claims().items():
        if name not in found and name in quick:
            key = {"claim": {"id": name, "source": claim.source}, "key_figure": "(quick profile)"}
            found[name] = {**key, **quick[name]}
    return {name: found[name] for name in choose(tuple(found))}


def table() -> str:
    """The table in Markdown."""
    from checks.catalog import claims
    from glutheory.claims import Verdict
    from glutheory.claims.outcome import weakened
    from glutheory.claims.stored import outcome as read

    rows = [HEADINGS, ("---",) * len(HEADINGS)]
    for name, row in outcomes().items():
        if "evidence" in row:
            outcome = read(row)  # what was stored without the number of decided steps is shown as an argument
            verdict, graded, key, dropped = outcome.verdict, outcome.graded, outcome.key_figure, outcome.dropped
        else:
            verdict, graded, key = Verdict(row["verdict"]), row["grade"], row["key_figure"]
            dropped = weakened(claims()[name].parts, ()) if verdict is Verdict.WEAKER else ()
        lost = ", ".join(f"{part.name} ({part.fate})" for part in dropped)
        cells = (name, claims()[name].source, str(verdict), graded, key, lost)
        rows.append(tuple(cell.replace("|", r"\|") for cell in cells))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows).replace("| --- ", "|---").replace("|--- |", "|---|")


def shown(page: str) -> str:
    """What stands between the two comments of the page."""
    return page.partition(BEGIN)[2].partition(END)[0].strip("\n") + "\n"


def main() -> None:
    """Print the table, or put it into the README."""
    sys.path.insert(0, str(ROOT))  # `checks` is no installed package
    new = table()
    print(new, end="")
    if "--write" in sys.argv[1:]:
        from glutheory.ground.files import replacing

        readme = ROOT / "README.md"
        before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        with replacing(readme) as beside:
            beside.write_text(f"{before}{BEGIN}\n{new}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
