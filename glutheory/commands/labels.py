"""Labels in the target's place: each text is a class, and the classes are numbered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError

#: Classes at most, and those that a description names.
_MOST, _NAMED = 100, 4


def encoded(
    labels: Sequence[str], name: str, complaint: Callable[[str, str], DomainError], lines: Sequence[int] = ()
) -> tuple[npt.NDArray[np.float64], str]:
    """The labels as numbers 0, 1, 2, … in their alphabetical order, and a phrase that says so.

    Args:
        labels: a text for each row, none empty.
        name: what the target is called.
        complaint: makes the error from what is wrong and the remedy.
        lines: where each label is in the file, from 1; left out, a row is told by its number from 0.

    Returns:
        The numbers, shape (n,), and e.g. "classes setosa = 0, virginica = 1".

    Raises:
        DomainError: from `complaint`: one class only, so many that they are no classes, or a missing label.
    """
    if "" in labels:
        row = labels.index("")
        where = f"line {lines[row]}" if lines else f"row {row} (counted from 0)"
        raise complaint(f"whose target {name} has no label in {where}", "give one, or leave this row out")
    classes = sorted(set(labels))
    if len(classes) == 1:
        raise complaint(f"whose target {name} is {classes[0][:40]!r} in every row", "give at least two classes")
    if len(classes) > min(_MOST, len(labels) // 2):
        raise complaint(
            f"whose target {name} has {len(classes)} different texts in {len(labels)} rows, too many to be classes",
            "give numbers, or labels that occur several times",
        )
    number = {label: i for i, label in enumerate(classes)}
    shown = [f"{label[:24]} = {i}" for label, i in list(number.items())[:_NAMED]]
    more = ", …" if len(classes) > _NAMED else ""
    return np.array([float(number[label]) for label in labels]), f"classes {', '.join(shown)}{more}"
