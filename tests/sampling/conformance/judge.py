"""The judge: a case is right, refused in a sentence, or a mistake; and it never takes long."""

from __future__ import annotations

import re
import signal
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import nn

from glutheory.audit.configurations import quiet
from glutheory.errors import GlutheoryError
from glutheory.sampling import module_ntk
from tests.sampling.conformance.cases import Case, NotBuiltError, Subject
from tests.sampling.conformance.reference import TOLERANCE, coarse, mixed, reference

Tensor = torch.Tensor
#: Seconds of the processor for a model and its reference, and for `module_ntk`.
PATIENCE = (15.0, 30.0)


@dataclass(frozen=True)
class Outcome:
    """How a case went.

    Attributes:
        family, name: of the case.
        verdict: "right", "refused", "not built", or a mistake: "wrong", "raw error", "too slow".
        words: the refusal, the error, or why nothing was built.
        reason: of "not built", one of a few.
        error: the largest one of an entry, relative to the diagonal.
        single: whether some arithmetic was float32.
        ways: how many parameters were differentiated in each way.
        parameters: numbers in them.
        seconds: of the processor, of `module_ntk` and of plain per-sample autograd.
        mixed: of "refused", whether what the model returns for a sample does depend on the others, or on chance.
    """

    family: str
    name: str
    verdict: str
    words: str = ""
    reason: str = ""
    error: float | None = None
    single: bool | None = None
    ways: dict[str, int] = field(default_factory=dict)
    parameters: int = 0
    seconds: tuple[float, float] = (0.0, 0.0)
    mixed: bool | None = None

    @property
    def fine(self) -> bool:
        """Whether nothing has to be mended."""
        return self.verdict in ("right", "refused", "not built")

    def record(self) -> dict[str, Any]:
        """For a JSON file; nothing of it tells the machine."""
        return asdict(self) | {"words": without_folders(self.words)}


class TooLong(BaseException):
    """Time is over; nobody who catches errors catches this."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """A limit of time; without effect where there are no such signals (Windows)."""
    if not hasattr(signal, "SIGPROF"):
        yield
        return

    def stop(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def without_folders(words: str) -> str:
    """A library's message without the folders of this machine: of a path its last part; addresses stay."""
    return re.sub(r"(?<![\w:/.…])(?:/[^/\s'\"<>]+)+/(?=[^/\s'\"<>]+)", "…/", words)


def judge(case: Case) -> Outcome:
    """The case's outcome; what is no mistake of the package's is "not built"."""
    start = time.process_time()
    try:
        with at_most(PATIENCE[0]), quiet():
            subject = case.make()
            single = not subject.refused and coarse(subject)
            true = None if subject.refused else reference(subject)
    except NotBuiltError as error:
        return Outcome(case.family, case.name, "not built", error.detail, error.reason)
    except TooLong:
        return Outcome(case.family, case.name, "not built", "", "per-sample autograd takes too long")
    except Exception as error:  # noqa: BLE001 (torch itself cannot)
        return Outcome(case.family, case.name, "not built", short(error), "torch itself cannot differentiate it")
    plain = time.process_time() - start
    return compared(case, subject, true, single, plain)


def compared(case: Case, subject: Subject, true: Tensor | None, single: bool, plain: float) -> Outcome:
    """`module_ntk` against the reference."""
    lazy = nn.parameter.UninitializedParameter
    count = sum(p.numel() for p in subject.model.parameters() if not isinstance(p, lazy))
    start = time.process_time()

    def outcome(verdict: str, words: str = "", **more: Any) -> Outcome:
        seconds = (round(time.process_time() - start, 3), round(plain, 3))
        return Outcome(case.family, case.name, verdict, words, single=single, parameters=count, seconds=seconds, **more)

    try:
        with at_most(PATIENCE[1]), quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            blocks = module_ntk(subject.model, subject.inputs, output=subject.output, blocks=True)
    except GlutheoryError as error:
        meant = re.search(subject.refused, str(error)) if subject.refused else True
        verdict = "raw error" if not clear(error) else "refused" if meant else "wrong"
        return outcome(verdict, str(error), mixed=mixed(subject, single))
    except TooLong:
        return outcome("too slow")
    except Exception as error:  # noqa: BLE001 (this is what is looked for)
        return outcome("raw error", short(error))
    ways: dict[str, int] = {}
    for way in blocks.ways.values():
        ways[way] = ways.get(way, 0) + 1
    off = float("inf") if true is None else difference(torch.stack(list(blocks.values())).sum(0), true)
    return outcome("right" if off <= TOLERANCE[single] else "wrong", error=off, ways=ways)


def difference(found: Tensor, true: Tensor) -> float:
    """The largest error of an entry relative to the diagonal; infinite where a number is none."""
    size = true.diagonal().sqrt()
    error = (found - true).abs() / torch.outer(size, size)
    return float(error.max()) if bool(torch.isfinite(found).all()) else float("inf")


def clear(error: GlutheoryError) -> bool:
    """Whether it is one sentence."""
    said = str(error)
    return said.endswith(".") and "\n" not in said and len(said) < 1000


def short(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
