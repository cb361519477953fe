"""Wrong statements as negative controls, judged by the evidence of the right one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from glutheory.claims import Control, Evidence, Finding

Claimed = TypeVar("Claimed")


def refuted(
    mutants: Mapping[str, Claimed],
    judge: Callable[[Claimed], Sequence[Evidence]],
    needed: Callable[[Claimed], str] = lambda _: "",
) -> tuple[Control, ...]:
    """Wrong statements judged by the evidence of the right one: caught where some piece refutes them.

    Where `needed` names a part for a statement, the evidence on this part has to.
    """
    found = []
    for altered, wrong in mutants.items():
        against = [item.part for item in judge(wrong) if item.finding is Finding.REFUTES]
        caught = needed(wrong) in against if needed(wrong) else bool(against)
        found.append(Control(altered, caught, f"refuted by: {', '.join(against) or 'nothing'}"))
    return tuple(found)
