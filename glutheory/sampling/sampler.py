"""A kernel made ready for drawing: arguments checked, features compiled, memory planned; then draw after draw.

Gram matrices are summed over chunks of neurons, the lower triangle only, tile by tile. `one_thread` keeps torch on one
thread, for networks so small that more threads only wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sympy as sp
import torch

from glutheory.errors import DomainError
from glutheory.ground.arguments import integer
from glutheory.networks import Network
from glutheory.networks import network as find_network
from glutheory.sampling.features import Features, features
from glutheory.sampling.inputs import (
    Factors,
    check_choice,
    check_device,
    check_dtype,
    check_factors,
    check_inputs,
    fed,
)
from glutheory.sampling.weights import Neurons

#: Bytes of temporary arrays (buffers of n × chunk numbers, and the chunk's weights) besides X and n × n matrices.
WORKSPACE = 24 * 2**20
#: Never fewer neurons at a time than this: where it matters (n > 2**16) the n × n results outweigh the buffers.
_LEAST_CHUNK = 32
#: Rows of a tile: about an eighth of the matrix, within these limits. Smaller tiles save more of the upper triangle,
#: larger ones keep the matrix products efficient (128 of 500 rows was the fastest measured, 256 of 2,000).
_LEAST, _MOST = 128, 512


@dataclass(frozen=True)
class Sampler:
    """Everything about a kernel but the draw: checked, compiled and on its device.

    Attributes:
        network: the network.
        features: its compiled features, for one kind of kernel.
        factors: the factors of the branches' inputs, and of the sums over neurons.
        inputs: X, shape (n, d), in the dtype and on the device of the computation.
        fed: what the branches' weights are multiplied with, shape (n, d), see `glutheory.sampling.inputs.fed`.
        gram: the lower triangle of its Gram matrix, shape (n, n), or None where no block needs it (NNGP).
        width: neurons m.
        chunk: neurons at a time.
    """

    network: Network
    features: Features
    factors: Factors
    inputs: torch.Tensor
    fed: torch.Tensor
    gram: torch.Tensor | None
    width: int
    chunk: int

    def blocks(self, seed: int, draw: int) -> dict[str, torch.Tensor]:
        """The blocks of one draw, each of shape (n, n)."""
        sums = self._sums(seed, draw, tuple(range(len(self.features.blocks))))
        return {name: self._checked(_mirror(total)) for name, total in zip(self.features.blocks, sums, strict=True)}

    def total(self, seed: int, draw: int) -> torch.Tensor:
        """The kernel of one draw, shape (n, n)."""
        # all branches share the factor x·x' and their scale, so that one accumulator serves them
        sums = self._sums(seed, draw, tuple(min(i, 1) for i in range(len(self.features.blocks))))
        result = sums[0] if len(sums) == 1 else sums[0].add_(sums[1])
        return self._checked(_mirror(result))

    def totals(self, seed: int, draws: range) -> Iterator[torch.Tensor]:
        """The kernels of some draws, one by one, each of shape (n, n)."""
        return (self.total(seed, draw) for draw in draws)

    def settings(self) -> dict[str, Any]:
        """What the draws depend on beyond the inputs and the arguments of `sampler`, as JSON."""
        return {"network": [sp.srepr(branch.expr) for branch in self.network.branches]}

    def _sums(self, seed: int, draw: int, slots: tuple[int, ...]) -> list[torch.Tensor]:
        """The blocks' lower triangles; block i is added into accumulator ``slots[i]``."""
        X, (n, d) = self.fed, self.fed.shape
        sums = [X.new_zeros(n, n) for _ in range(max(slots) + 1)]
        store = [X.new_empty(n * self.chunk) for _ in range(self.features.program.buffers)]
        neurons = Neurons(seed, draw, len(self.factors.inputs) * d + 1, like=X)
        for start in range(0, self.width, self.chunk):
            count = min(self.chunk, self.width - start)
            weights = neurons.take(count)
            buffers = [flat[: n * count].view(n, count) for flat in store]
            for i, factor in enumerate(self.factors.inputs):
                branch = weights[:, i * d : (i + 1) * d]
                torch.addmm(buffers[i], X, branch.T, beta=0, alpha=factor, out=buffers[i])
            outputs = self.features.program.run(buffers, weights[:, -1].contiguous())
            for slot, output in zip(slots, outputs, strict=True):
                _add_gram(sums[slot], output)
        factors = (self.factors.nngp,) if self.gram is None else self.factors.ntk
        for i, total in enumerate(sums):
            total *= factors[i]
            if i > 0 and self.gram is not None:
                total *= self.gram
        return sums

    def _checked(self, kernel: torch.Tensor) -> torch.Tensor:
        # one pass; both extremes are NaN where any entry is
        low, high = torch.aminmax(kernel)
        if not bool(torch.isfinite(low) & torch.isfinite(high)):
            remedy = "give dtype=torch.float64, or" if kernel.dtype == torch.float32 else "give"
            raise DomainError(
                f"the kernel of {self.network.name} is not finite in {kernel.dtype}: {remedy} X with smaller norms."
            )
        return kernel


def sampler(
    network: str | Network,
    X: Any,
    *,
    width: int,
    device: str | torch.device,
    dtype: torch.dtype,
    parametrization: str,
    kind: str,
    variances: Mapping[str, float] | None,
    workspace: int,
) -> Sampler:
    """Check every argument and prepare the draws; the arguments are those of `empirical_ntk`."""
    found = find_network(network)
    width = integer("width", width, 1)
    compiled = features(found, check_choice("kind", kind, ("ntk", "nngp")))
    inputs = check_inputs(X, check_device(device), check_dtype(dtype))
    rows = fed(found, inputs)
    n, d = rows.shape
    factors = check_factors(found, d, width, parametrization, variances)
    branches = len(found.branches)
    per_neuron = compiled.program.buffers * n * inputs.itemsize + (branches * d + 2) * Neurons.BYTES
    gram = inputs.new_zeros(n, n) if kind == "ntk" else None
    if gram is not None:
        _add_gram(gram, rows)
    return Sampler(
        network=found,
        features=compiled,
        factors=factors,
        inputs=inputs,
        fed=rows,
        gram=gram,
        width=width,
        chunk=_chunk(width, integer("workspace", workspace, 1) // per_neuron),
    )


def _chunk(width: int, affordable: int) -> int:
    """Neurons at a time: as many as are affordable, in chunks of about equal size, multiples of 32."""
    most = max(affordable - affordable % _LEAST_CHUNK, _LEAST_CHUNK)
    even = -(-width // -(-width // most))
    return min(width, -(-even // _LEAST_CHUNK) * _LEAST_CHUNK)


def _add_gram(total: torch.Tensor, rows: torch.Tensor) -> None:
    """Add ``rows @ rows.T`` to the lower triangle of `total`; what the upper triangle then holds is unspecified.

    Args:
        total: shape (n, n).
        rows: shape (n, c).
    """
    n = len(rows)
    tile = min(max(_LEAST, -(-n // 8)), _MOST)
    for start in range(0, n, tile):
        stop = min(start + tile, n)
        total[start:stop, :stop].addmm_(rows[start:stop], rows[:stop].T)


def _mirror(lower: torch.Tensor) -> torch.Tensor:
    """The symmetric matrix with this lower triangle, in place; exactly symmetric whatever rounding did."""
    n = len(lower)
    # strip by strip, so that no second n × n matrix is needed
    for start in range(0, n, _LEAST):
        stop = min(start + _LEAST, n)
        lower[start:stop, stop:] = lower[stop:, start:stop].T
        corner = lower[start:stop, start:stop].tril_()
        corner += corner.tril(-1).T
    return lower


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch uses one thread in this block: small networks then take as little as a thirtieth."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
