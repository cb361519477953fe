"""What a run of the checks is set to: sizes fixed before anything is drawn, the seed, the device."""

from __future__ import annotations

import zlib
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path

#: The probability that one family of statistical tests raises a false alarm; a run has at most `FAMILIES` of them.
FALSE_ALARM = 1e-8
#: So a whole run raises one with probability at most FALSE_ALARM · FAMILIES = 1e-6.
FAMILIES = 100


@dataclass(frozen=True)
class Profile:
    """How much is computed.

    Attributes:
        name: "quick" or "full" on the command line.
        draws, width: independent networks and their width, where the kernel of a wide network is tested.
        narrow: independent networks, where narrow ones are tested.
        thorough: more networks, larger grids.
    """

    name: str
    draws: int
    width: int
    narrow: int
    thorough: bool = False


PROFILES = {
    "quick": Profile("quick", draws=512, width=4096, narrow=2000),
    "full": Profile("full", draws=1024, width=16384, narrow=8000, thorough=True),
}


#: What networks are trained on, unless a path is given.
IMAGES, TEXT = "digits", "pydoc"


@dataclass(frozen=True)
class Settings:
    """One run.

    Attributes:
        profile: its sizes.
        seed: of everything random; the data sets are made from it as well.
        device: where networks are sampled.
        checkpoints: the folder where long computations keep what is done, so that a killed run goes on where it was;
            None: nothing is kept.
        processes: how many a check may use.
        executor: what shares out the work in their place, or None; no figure depends on it.
        images, text: what networks are trained on, as `glutheory.datasets` takes it.
    """

    profile: Profile = PROFILES["quick"]
    seed: int = 0
    device: str = "cpu"
    checkpoints: Path | None = None
    processes: int = 1
    images: str = IMAGES
    text: str = TEXT
    executor: Executor | None = field(default=None, compare=False, repr=False)

    @property
    def workers(self) -> int | Executor:
        """What `glutheory.ground.workers` takes."""
        return self.processes if self.executor is None else self.executor

    @property
    def alone(self) -> Settings:
        """The same for one process that shares out nothing."""
        return replace(self, processes=1, executor=None)

    @property
    def own_data(self) -> bool:
        """Whether the user's data are in the place of those that the recorded verdicts are about."""
        return (self.images, self.text) != (IMAGES, TEXT)

    def stream(self, name: str) -> int:
        """A seed of its own for everything random that has this name, the same on every machine."""
        return (self.seed << 32) + zlib.crc32(name.encode())
