"""What a check reports, as data, and how it is read back from a file; no logic of any theorem lives here."""

from __future__ import annotations

from glutheory.claims.outcome import (
    SCHEMA,
    About,
    Assumption,
    Claim,
    Control,
    Evidence,
    Figure,
    Finding,
    Grade,
    Outcome,
    Verdict,
    decide,
    unshown,
)
from glutheory.claims.parts import Fate, Part

__all__ = [
    "SCHEMA",
    "About",
    "Assumption",
    "Claim",
    "Control",
    "Evidence",
    "Fate",
    "Figure",
    "Finding",
    "Grade",
    "Outcome",
    "Part",
    "Verdict",
    "decide",
    "unshown",
]
