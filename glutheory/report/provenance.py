"""Where an outcome comes from, and how to have it again."""

from __future__ import annotations

import shlex

from glutheory.claims import Grade, Outcome
from glutheory.claims.stored import Stored

_MISSING = "not recorded"
_OPTIONS = {"images": "--images", "text": "--text"}


def rows(outcome: Outcome, run: Stored) -> tuple[tuple[str, str], ...]:
    """Names and values, one pair for each line of a table; what the file lacks is "not recorded".

    Args:
        outcome: of the run.
        run: the file's content.
    """
    machine = ", ".join(f"{value} cores" if name == "cores" else value for name, value in run.machine.items() if value)
    return (
        ("results file", run.name or _MISSING),
        ("profile", run.profile),
        ("seed", str(outcome.seed)),
        ("device", run.device),
        *(((f"own {kind}", source) for kind, source in run.own_data.items())),
        ("machine", machine or _MISSING),
        ("date", _date(outcome.finished or run.created) or _MISSING),
        *((("verdicts decided again", _date(run.decided_again)),) if run.decided_again else ()),
        ("time", f"{outcome.seconds:,.2f} s"),
        ("chance of a false alarm", chance(outcome)),
        ("software", ", ".join(f"{name} {version}" for name, version in outcome.versions.items()) or _MISSING),
    )


def _date(created: str) -> str:
    return created.replace("T", " ").replace("+00:00", " UTC")


def chance(outcome: Outcome) -> str:
    """A bound on the probability that a statistical test refutes a true statement, in words."""
    if outcome.false_alarm:
        return f"at most {outcome.false_alarm:.2g}"
    # networks that have to be trained are too few for such a bound: their tests have levels of their own
    if any(item.grade is Grade.STATISTICAL for item in outcome.evidence):
        return "tests on few networks, at the levels that they state"
    return "none: nothing rests on chance"


def command(outcome: Outcome, run: Stored) -> str:
    """The command line that computes the outcome anew, in a checkout of the repository."""
    words = ["python", "-m", "checks", "--only", outcome.claim.id, "--profile", run.profile]
    words += ["--seed", str(outcome.seed), "--device", run.device]
    # only the names of the user's own data are stored, not their folders
    for kind, source in run.own_data.items():
        words += [_OPTIONS.get(kind, f"--{kind}"), source]
    return shlex.join(words)
