# ruff: noqa: INP001 (a script)
"""The tables of docs/module-ntk.md, from docs/module_ntk.json, the record of the conformance suite.

    python docs/module_ntk.py               # print them
    python docs/module_ntk.py --write       # and put them between the two comments of the page
    python docs/module_ntk.py --check       # status 1 if those of the page are others
    python docs/module_ntk.py --run         # run the suite anew, keep its record, write the page; --jobs 4
    python docs/module_ntk.py --run --only llama,vit,Conv2d   # these cases anew, the others as they are

The suite is in tests/sampling/conformance: every model type of transformers, torch's layers, and hand-written kinds,
each against plain automatic differentiation.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RECORD, PAGE = ROOT / "docs" / "module_ntk.json", ROOT / "docs" / "module-ntk.md"
BEGIN, END = "<!-- conformance -->\n", "<!-- /conformance -->\n"
#: Families of cases, as the tables call them.
FAMILIES = {"torch": "layers of torch", "kinds": "hand-written kinds", "transformers": "types of transformers"}
WAYS = {
    "layer": "the forms of layers alone",
    "module": "torch.func in a layer or block",
    "model": "torch.func in the whole model",
    "autograd": "plain autograd, one input and one output at a time",
}
MISTAKES = ("wrong", "raw error", "too slow")

Rows = Sequence[Sequence[str]]


def stored(path: Path = RECORD) -> dict[str, Any]:
    """The record."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def tables(record: Mapping[str, Any]) -> str:
    """What stands between the two comments."""
    of = {family: [row for row in record["outcomes"] if row["family"] == family] for family in FAMILIES}
    versions = f"torch {record['torch']}, transformers {record['transformers']}, on a processor"
    one = f"One run, of {record['date']}"
    several = f"Put together from several runs, the last of {record['date']}, while the suite grew"
    parts = [
        f"{one if record['whole'] else several}: {versions}.\n",
        markdown(summary(of)),
    ]
    left = record["types"] - len(of["transformers"])
    parts += [f"{left} of the {record['types']} types of transformers were not judged.\n"] if left else []
    for family, words in (("transformers", "Types of transformers"), ("torch", "Layers of torch"), ("kinds", "Kinds")):
        parts += [f"### {words}\n", markdown(verdicts(of[family]))]
    return "\n".join(parts)


def summary(of: Mapping[str, Sequence[Mapping[str, Any]]]) -> Rows:
    """A row for each family."""
    rows = [("", "right", "refused", "not built", "mistakes", "largest error, float64", "where some of it is float32")]
    for family, words in FAMILIES.items():
        counts = [str(_count(of[family], verdict)) for verdict in ("right", "refused", "not built")]
        mistakes = str(sum(_count(of[family], verdict) for verdict in MISTAKES))
        errors = [_largest(of[family], single=single) for single in (False, True)]
        rows.append((words, *counts, mistakes, *errors))
    return rows


def verdicts(outcomes: Sequence[Mapping[str, Any]]) -> Rows:
    """A row for each way in which cases are right, each refusal, and each reason why nothing was judged."""
    groups: dict[str, list[str]] = {}
    for row in sorted(outcomes, key=lambda row: (*_rank(row), row["name"].lower())):
        groups.setdefault(_said(row), []).append(_code(row["name"]))
    return [("", "", "which"), *((words, str(len(names)), ", ".join(names)) for words, names in groups.items())]


def _count(outcomes: Sequence[Mapping[str, Any]], verdict: str) -> int:
    return sum(row["verdict"] == verdict for row in outcomes)


def _largest(outcomes: Sequence[Mapping[str, Any]], *, single: bool) -> str:
    errors = [row["error"] for row in outcomes if row["verdict"] == "right" and row["single"] is single]
    return f"{max(errors):.0e}" if errors else ""


def _way(row: Mapping[str, Any]) -> str:
    return max(row["ways"], key=list(WAYS).index)


def _rank(row: Mapping[str, Any]) -> tuple[int, int, str]:
    order = (*MISTAKES, "right", "refused", "not built").index(row["verdict"])
    return order, list(WAYS).index(_way(row)) if row["ways"] else 0, row["reason"]


def _said(row: Mapping[str, Any]) -> str:
    if row["verdict"] == "right":
        return f"right, by {WAYS[_way(row)]}"
    if row["verdict"] == "refused":
        return f"refused: {refusal(row['words'])}"
    return f"not built: {row['reason']}" if row["verdict"] == "not built" else f"**{row['verdict']}**"


#: Words of a refusal, and what it is about.
REFUSALS = {
    "changes by": "the output for a sample depends on the others, or on chance",
    "depends on the other inputs": "a gradient depends on the other samples",
    "output is not finite": "an output is not finite",
    "is not finite": "a gradient is not finite",
    "has no values yet": "weights without values",
    "in training mode": "dropout in training mode",
    "statistics of the batch": "statistics of the batch",
    "in place, for some inputs": "weights that the forward pass changes for some inputs",
    "does not depend on the parameters": "the output does not depend on the weights",
    "give output=": "no row for each sample",
}


def refusal(sentence: str) -> str:
    """What a refusal is about."""
    return next((words for part, words in REFUSALS.items() if part in sentence), sentence)


def _code(name: str) -> str:
    return name if " " in name else f"`{name}`"


def markdown(rows: Rows) -> str:
    """A table."""
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "".join(f"|{'|'.join(f' {cell} ' if cell != '---' else cell for cell in row)}|\n" for row in lines)


def shown(page: str) -> str:
    """What stands between the two comments of the page."""
    return page.partition(BEGIN)[2].partition(END)[0].strip("\n") + "\n"


def written(page: str, new: str) -> str:
    """The page with these tables."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{new}\n{END}{rest.partition(END)[2]}"


def anew(only: Sequence[str], jobs: int) -> dict[str, Any]:
    """The record with these cases, or all, judged again; every ten it is kept."""
    import torch
    import transformers

    from tests.sampling.conformance.suite import cases, run

    old = stored()["outcomes"] if only and RECORD.exists() else []
    kept = {(row["family"], row["name"]): row for row in old}
    keys = [key for key in cases() if not only or key[1] in only]
    record = {
        "schema": "glutheory.module_ntk",
        "schema_version": 1,
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "whole": not only,
        "types": sum(family == "transformers" for family, _ in cases()),
    }
    for done, outcome in enumerate(run(keys, jobs), 1):
        kept[outcome.family, outcome.name] = outcome.record()
        print(f"{done}/{len(keys)} {outcome.family} {outcome.name}: {outcome.verdict} {outcome.words}", flush=True)
        if done % 10 == 0 or done == len(keys):
            keep({**record, "outcomes": [kept[key] for key in cases() if key in kept]})
    return stored()


def keep(record: Mapping[str, Any]) -> None:
    """One line for each case."""
    from glutheory.ground.files import replacing

    head = json.dumps({key: value for key, value in record.items() if key != "outcomes"}, indent=1)[:-2]
    lines = ",\n".join(json.dumps(row) for row in record["outcomes"])
    with replacing(RECORD) as beside:
        beside.write_text(f'{head},\n "outcomes": [\n{lines}\n]}}\n', encoding="utf-8")


def main() -> None:
    """As the head of this file says."""
    sys.path.insert(0, str(ROOT))  # `tests` is no installed package
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the tables into the page")
    parser.add_argument("--check", action="store_true", help="status 1 if the page has others")
    parser.add_argument("--run", action="store_true", help="run the suite anew, and write")
    parser.add_argument("--only", default="", help="with --run: names of cases, with commas between")
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    options = parser.parse_args()
    record = anew([name for name in options.only.split(",") if name], options.jobs) if options.run else stored()
    new, page = tables(record), PAGE.read_text(encoding="utf-8")
    if options.check:
        same = shown(page) == new
        print("docs/module-ntk.md is current" if same else "run python docs/module_ntk.py --write")
        raise SystemExit(not same)
    print(new, end="")
    if options.write or options.run:
        from glutheory.ground.files import replacing

        with replacing(PAGE) as beside:
            beside.write_text(written(page, new), encoding="utf-8")


if __name__ == "__main__":
    main()
