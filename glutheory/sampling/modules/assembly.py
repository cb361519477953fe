"""The kernel put together from its tiles: each verified before it counts, with a bar and checkpoints for long runs."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from glutheory.errors import DomainError, PerformanceWarning
from glutheory.ground import store
from glutheory.ground.progress import bar
from glutheory.sampling.modules.batches import Arguments, Layout
from glutheory.sampling.modules.contractions import Products
from glutheory.sampling.modules.differentiated import UNMAPPABLE, hopeless
from glutheory.sampling.modules.independence import Known, independent
from glutheory.sampling.modules.plan import demoted, whole_names
from glutheory.sampling.modules.precision import close
from glutheory.sampling.modules.routes import Route
from glutheory.sampling.modules.run import Run, whole
from glutheory.sampling.modules.sinks import Sums, mirrored
from glutheory.sampling.modules.subject import Subject
from glutheory.sampling.modules.tiles import Tile
from glutheory.sampling.modules.verify import Probe, Within

Tensor = torch.Tensor
#: Seconds between checkpoints.
INTERVAL = 30.0
#: The key of the sum over all parameters.
TOTAL = "total"


class OtherOutputsError(DomainError):
    """A batch has another number of outputs than the inputs that the plan was made with."""


@dataclass
class Assembly:
    """A kernel in the making.

    Attributes:
        subject: the network.
        tiles: of the kernel.
        routes: where the parameters are differentiated; those that a tile proves wrong are replaced on the way.
        root: the samples' axes of the whole model.
        k: outputs.
        shape: of the kernel.
        how: workspace and dtype of the sums.
        blocks: whether each parameter's kernel is kept, not only their sum.
        seed: of the tests.
        apart: the routes as they were before they were `united`, to which a batch goes back that proves them wrong.
    """

    subject: Subject
    tiles: Sequence[Tile]
    routes: tuple[Route, ...]
    root: Layout
    k: int
    shape: tuple[int, int]
    how: Products
    blocks: bool
    seed: int
    apart: tuple[Route, ...] | None = None
    kernels: dict[str, Tensor] = field(default_factory=dict)
    #: tile, 0 for layers and 1 for the whole model, output: all before this is done
    _done: tuple[int, int, int] = (0, 0, 0)
    _warned: bool = False
    #: of the outputs
    _kind: torch.dtype | None = None

    def run(self, progress: bool | None, path: Path | None, key: Mapping[str, Any]) -> dict[str, Tensor]:
        """The kernels by parameter, or their sum under `TOTAL`, in float64.

        Args:
            progress: whether there is a bar; None: on a terminal.
            path: of the checkpoint.
            key: of it.
        """
        device = next(self.subject.model.parameters()).device
        self._known = Known(self.seed)
        for name in self.subject.names if self.blocks else (TOTAL,):
            self.kernels[name] = torch.zeros(self.shape, dtype=torch.float64, device=device)
        sample = self._sample() if path is not None else None
        self._load(path, key, sample)
        self._due = time.monotonic() + INTERVAL
        per = 1 if self.tiles[0].left.outputs > 1 else self.k
        with bar(progress, "outputs", per * len(self.tiles), self._done[0] * per) as advance:

            def tick(phase: int, position: tuple[int, int, int]) -> None:
                self._done = position
                # where both ways are taken the slower one counts
                if phase == max(1 - bool(route.path) for route in self.routes):
                    advance(1)
                if path is not None and time.monotonic() >= self._due:
                    self._save(path, key, sample)
                    self._due = time.monotonic() + INTERVAL

            for index, tile in enumerate(self.tiles):
                if index >= self._done[0]:
                    self._fill(index, tile, tick)
                    self._done = (index + 1, 0, 0)
        if path is not None:
            self._save(path, key, sample)
        return self.kernels

    def _fill(self, index: int, tile: Tile, tick: Any) -> None:
        """Add what this tile gives."""
        arguments, rows = tile.arguments, len(tile.labels)
        how = replace(self.how, split=tile.split)
        places = {name: kernel[tile.p, tile.q] for name, kernel in self.kernels.items()}
        sink = Sums(places, how, None if self.blocks else TOTAL, self._columns())
        steps = 1 if tile.left.outputs > 1 else self.k
        # one backward pass serves the test and the kernel
        within = Within(sink, how, arguments) if steps == 1 and tile.together and self._done <= (index, 0, 0) else None
        run, outputs = self._verified(tile, arguments, self.seed + index, within)
        if within is not None:
            sink.flush()
            self._done = (index, 1, 1)
            tick(max(1 - bool(route.path) for route in self.routes), self._done)
        for step, cotangent in enumerate(tile.cotangents(self.k, outputs)):
            if run is not None and self._done <= (index, 0, step):
                run.take(cotangent, how, sink, last=step + 1 == steps)
                if run.failed:
                    raise next(iter(run.failed.values()))
                # a run that goes on from its checkpoint gives the same numbers to the last bit
                sink.flush()
                tick(0, (index, 0, step + 1))
        if run is not None:
            run.close()
        outer = [route for route in self.routes if not route.path]
        for step, cotangent in enumerate(tile.cotangents(self.k, outputs) if outer else ()):
            if self._done <= (index, 1, step):
                for route in outer:
                    whole(self.subject, route, arguments, cotangent, how, sink)
                sink.flush()
                tick(1, (index, 1, step + 1))
        for place in places.values() if tile.together else ():
            mirrored(place)
        self._check_finite(tile)
        if tile.left is tile.right and not tile.together:
            for kernel in self.kernels.values():
                kernel[tile.q, tile.p] = kernel[tile.p, tile.q].T
        assert rows == len(outputs)

    def dtype(self) -> torch.dtype:
        """Of the kernel unless another one is asked for."""
        if self._kind is None:  # all of it comes from a checkpoint
            self._kind = self.subject.outputs(self.tiles[0].left.take(slice(0, 1)), 1).dtype
        return self.subject.dtype(self._kind)

    def _columns(self) -> int:
        """Entries of the gradients of one output."""
        return sum(p.numel() * (1 + p.is_complex()) for p in self.subject.chosen.values())

    def _verified(
        self, tile: Tile, arguments: Arguments, seed: int, within: Within | None
    ) -> tuple[Run | None, Tensor]:
        """A forward pass of this batch whose layers are right for it, and its outputs."""
        labels = tile.labels
        probe, todo = None, set(self.subject.names)
        while True:
            run, wrong = self._open(arguments, len(labels))
            outputs = self.subject.outputs(arguments, len(labels)).detach() if run is None else run.outputs
            if outputs.shape[1] != self.k:
                raise OtherOutputsError(
                    f"model returns {outputs.shape[1]} outputs for each of {len(labels)} inputs and {self.k} for one "
                    "or two: give output=, a function that makes one row per input of what it returns."
                )
            self._kind = outputs.dtype
            if probe is None and not wrong:
                try:
                    if not self._known.knows(self.subject, arguments, outputs, labels):
                        independent(self.subject, arguments, outputs, labels, seed)
                        self._known.learn(outputs, labels)
                except DomainError:
                    # unless it was the hooks that changed the outputs
                    if run is None or torch.allclose(outputs, self.subject.outputs(arguments, len(labels)).detach()):
                        raise
                    wrong = {name for route in self.routes if route.path for name in route.names.values()}
                else:
                    only, cotangent = len(self.tiles) == 1, tile.direction(outputs, seed)
                    probe = Probe.of(self.subject, arguments, cotangent, labels, seed, only=only)
            if probe is not None and not wrong:
                tested = [replace(route, names=chosen) for route in self.routes if (chosen := _among(route, todo))]
                wrong = probe.wrong(self.subject, run, tested, self.how.workspace, within)
                if within is None:
                    todo = set(wrong)
                wrong = wrong or self._uneven(probe, run if within is None else None, arguments, len(labels))
                todo |= wrong
                if wrong and within is not None:
                    within.sums.clear()
                if not wrong:
                    self._warn(7)
                    return run, outputs
            if run is not None:
                run.close()
            base, self.apart = self.apart or self.routes, None
            if base is not self.routes:
                # they were taken together to save time: now each by its own
                wrong, todo = wrong & whole_names(base), set(self.subject.names)
            self.routes = demoted(self.subject, base, wrong, self.root)

    def _uneven(self, probe: Probe, run: Run | None, arguments: Arguments, rows: int) -> set[str]:
        """The parameters that are wrong for rows whose gradients are small beside those of others.

        Args:
            probe: with which all parameters were found right.
            run: the forward pass of the batch; None: there was none, or its graph is gone.
            arguments: of the batch.
            rows: how many.
        """
        even = probe.evened(self.subject)
        if even is None:
            return set()
        again, wrong = (run, set[str]()) if run is not None else self._open(arguments, rows)
        try:
            return wrong or even.wrong(self.subject, again, self.routes, self.how.workspace)
        finally:
            if again is not None and again is not run:
                again.close()

    def _open(self, arguments: Arguments, rows: int) -> tuple[Run | None, set[str]]:
        """A forward pass; or the parameters whose layers cannot be listened to."""
        inner = [route for route in self.routes if route.path]
        if not inner:
            return None, set()
        try:
            return Run(self.subject, inner, arguments, rows), set()
        except UNMAPPABLE as error:
            if hopeless(error):
                raise
            return None, {name for route in inner for name in route.names.values()}

    def _warn(self, depth: int) -> None:
        plainly = [name for route in self.routes if route.plain for name in route.names.values()]
        if plainly and not self._warned:
            self._warned = True
            more = f" and {len(plainly) - 1} more" if len(plainly) > 1 else ""
            warnings.warn(
                f"neither layers nor torch.func give the gradients of {type(self.subject.model).__name__} by "
                f"{plainly[0]!r}{more}: plain autograd does, for one input and one output at a time, exact and slow.",
                PerformanceWarning,
                stacklevel=depth,
            )

    def _check_finite(self, tile: Tile) -> None:
        for name, kernel in self.kernels.items():
            bad = ~torch.isfinite(kernel[tile.p, tile.q])
            if not bool(bad.any()):
                continue
            # the row of most entries that are not finite is where they come from
            sides = [(bad.sum(1), tile.left, tile.p), (bad.sum(0), tile.right, tile.q)]
            counts, side, rows = max(sides, key=lambda side: int(side[0].max()))
            label = side.labels(rows)[int(counts.argmax())]
            raise DomainError(
                f"model's gradient is not finite for {label}{'' if name == TOTAL else f', by {name!r}'}, where it has "
                "no NTK (a square root or a norm at 0, say): remove that input, or smooth the model there."
            )

    def _sample(self) -> np.ndarray[Any, Any]:
        """Outputs that tell whether a checkpoint is of this model: those of the first row."""
        first = self.tiles[0].left.take(slice(0, 1))
        return self.subject.outputs(first, 1).detach().double().cpu().numpy()

    def _load(self, path: Path | None, key: Mapping[str, Any], sample: np.ndarray[Any, Any] | None) -> None:
        saved = None if path is None else store.load(path, key)
        if saved is None or sample is None:
            return
        try:
            outputs, position = saved["outputs"], [int(x) for x in saved["position"]]
            kernels = [saved[f"kernel{i}"] for i in range(len(self.kernels))]
            plainly, inner = (set(saved[part].tolist()) for part in ("plain", "inner"))
        except (KeyError, TypeError, ValueError):
            raise DomainError(f"checkpoint {str(path)!r} is not readable as one: delete it or give another.") from None
        tolerance = close(True) * abs(sample).max()
        if outputs.shape != sample.shape or not (abs(outputs - sample) <= tolerance).all():
            raise DomainError(
                f"checkpoint {str(path)!r} was written with another output or another forward pass: delete it, give "
                "another file, or repeat the run with its settings."
            )
        for (name, kernel), old in zip(self.kernels.items(), kernels, strict=True):
            self.kernels[name] = torch.from_numpy(old).to(kernel)
        # what an earlier tile has found stays found: a tile that is half done goes on by the same routes
        lost = {name for route in self.routes if route.path for name in route.names.values()} - inner
        self.routes = demoted(self.subject, self.routes, lost, self.root)
        lost = plainly - {name for route in self.routes if route.plain for name in route.names.values()}
        self.routes = demoted(self.subject, self.routes, lost, self.root)
        self._done = (position[0], position[1], position[2])

    def _save(self, path: Path, key: Mapping[str, Any], sample: np.ndarray[Any, Any] | None) -> None:
        content = {f"kernel{i}": kernel.cpu().numpy() for i, kernel in enumerate(self.kernels.values())}
        plainly = [name for route in self.routes if route.plain for name in route.names.values()]
        inner = [name for route in self.routes if route.path for name in route.names.values()]
        content |= {"outputs": np.asarray(sample), "position": np.array(self._done)}
        content |= {"plain": np.array(plainly, dtype=np.str_), "inner": np.array(inner, dtype=np.str_)}
        store.save(path, key, content)


def _among(route: Route, names: set[str]) -> dict[str, str]:
    return {local: name for local, name in route.names.items() if name in names}
