"""The parts of a claim, and what its corrected form makes of each: a correction that says less is not the claim."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from glutheory.errors import DomainError


class Fate(StrEnum):
    """What the corrected form of a claim makes of a part of it.

    * kept: it follows from the corrected form as it was stated.
    * sharpened: it is said more precisely, for every case that the claim names: a constant, a rate or a condition that
      the claim leaves open, an equation for a proportion, the right term in an equation.
    * dropped: less is said. A case is taken away, an assumption added, a bound widened, an equality becomes a bound.
    * reversed: less is said, and somewhere the opposite holds: evidence refutes the part, or the claim as a whole.
    * not judged: what it takes to judge it is not at hand. Evidence on the claim as stated that has its name judges it.
    """

    KEPT = "kept"
    SHARPENED = "sharpened"
    DROPPED = "dropped"
    REVERSED = "reversed"
    OPEN = "not judged"


@dataclass(frozen=True)
class Part:
    """A part of a claim that can be judged by itself.

    Attributes:
        name: short. Evidence on the claim as stated that has this name as its `part`, or at the end of it after a
            colon, is about this part.
        words: what the claim says in it.
        fate: what the corrected form makes of it.
        instead: what the corrected form says in its place, or what it takes to judge it; empty where it is kept.

    Raises:
        DomainError: a name or words are missing, or `instead` does not go with the fate.
    """

    name: str
    words: str
    fate: Fate
    instead: str = ""

    def __post_init__(self) -> None:
        if not self.name or not self.words:
            raise DomainError(f"name is {self.name!r} and words {self.words!r}: give both.")
        if (self.fate is Fate.KEPT) == bool(self.instead):
            need = "leave instead empty" if self.instead else "say in instead what holds in its place"
            raise DomainError(f"fate of part {self.name!r} is {self.fate}: {need}.")

    @property
    def weakened(self) -> bool:
        """Whether the corrected form says less here."""
        return self.fate in (Fate.DROPPED, Fate.REVERSED)

    def named(self, label: str) -> bool:
        """Whether evidence with this label is about this part."""
        return label == self.name or label.endswith(f": {self.name}")
