"""Outcomes of claims made up for the report, and the elements of a page."""

from __future__ import annotations

from typing import Any

from glutheory.claims import About, Assumption, Claim, Control, Evidence, Finding, Grade, Outcome, Verdict
from glutheory.claims.stored import Stored
from glutheory.figures.chart import Chart, Map, Role, Series

CHART = Chart(
    "What is to be seen at $n/d$",
    "$n$",
    "y",
    (Series("a", (1, 2), (3, 4), Role.GATED, (2, 3), (4, 5)),),
    Map("v", (1, 2), (1,), ((1, -1),)),
    note="A note.",
)
FIGURES: Any = {"error": 1.5e-7, "rows": list(range(30)), "relu": {"a": 1, "b": -2.5}, "gelu": {"a": 3, "b": None}}
GOOD = Outcome(
    Claim("good-one", "Eq. 1", r"\tilde K = \frac{K}{d}", "In words, n >= d^2.", ("sizes",), meaning="Much."),
    (Assumption("sizes", "n > d", True, "n = 5"),),
    (Evidence(Grade.PROOF, "computed", Finding.SUPPORTS, figures=FIGURES),),
    (Control("the sign", True, "by 3 of 4"),),
    Verdict.HOLDS,
    "0.25 at n = 4",
    (CHART,),
    1234.5,
    7,
    {"glutheory": "0.1", "python": "3.11"},
)
BAD = Outcome(
    Claim("bad-one", "this project", "x < y", "It fails.", (), corrected="x > y"),
    (),
    (
        Evidence(Grade.STATISTICAL, "sampled", Finding.REFUTES, part="first", figures={"false_alarm": 1e-8}),
        Evidence(Grade.NUMERICAL, "on the other", Finding.UNDECIDED, About.CORRECTED),
    ),
    (Control("the sign", True, "so"),),
    Verdict.FAILS,
    "none",
)
RUN = Stored(
    {"bad-one": BAD, "good-one": GOOD},
    "full",
    "cpu",
    name="run.json",
    machine={"processor": "Some CPU", "cores": "2", "platform": "Linux x86_64"},
    created="2026-11-22T23:56:43+00:00",
)
