"""The expected loss curve of a network in the kernel regime, in the eigenbasis of its kernel.

The loss is L = ‖f − Y‖², summed over data points and outputs; gradient descent with step η on ½‖f − Y‖² moves the
residual e = f − Y by e ← (I − ηK) e. At random initialisation E f = 0 and E f fᵀ = Σ, hence

    E L(k) = Tr[(I − ηK)^{2k} Σ] + Yᵀ(I − ηK)^{2k} Y = Σ_i w_i (1 − ηλ_i)^{2k},   w_i = (QᵀΣQ)_ii + (QᵀY)_i²

and Σ_i w_i exp(−2λ_i t) for the gradient flow. Proof: ``python -m derivations expected_loss``. Torch's mean squared
error on n points with learning rate r is η = 2r/n. Source: Proposition 4.1 of arXiv 2605.20749, corrected.

`Modes` are the eigenvalues λ and eigenvectors Q of a kernel matrix, with a bound on what rounding did to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from glutheory.dynamics.rounding import UNIT, log_factors, moved_descent, moved_flow, moved_weights, rounded
from glutheory.errors import DomainError
from glutheory.ground.arguments import real
from glutheory.ground.matrices import Array, Symmetric, symmetric

#: The decay of a mode with ηλ = 1, which is gone after one step: exp(−1500) is below every positive double.
_GONE = 1500.0
#: Numbers per block of steps × modes.
_BLOCK = 1 << 21
#: Eigenvalues from here on, and losses at the start, have no room for what is computed of them.
_MOST = 2.0**1000


@dataclass(frozen=True, eq=False)
class LossCurve:
    """E L(k) = Σ_i w_i (1 − ηλ_i)^{2k}, or Σ_i w_i exp(−2λ_i t).

    Attributes:
        eigenvalues: λ, shape (n,), of the NTK; not negative, in any order.
        weights: w, shape (n,), not negative: the initial loss in each mode.
        error: how far, in spectral norm, the matrix of these eigenvalues may be from the kernel meant; 0 if they
            are taken as they are.
        weight_error: how far, in trace norm, Σ + YYᵀ of these weights may be from those meant; 0 likewise.
    """

    eigenvalues: Array
    weights: Array
    error: float = 0.0
    weight_error: float = 0.0

    def __post_init__(self) -> None:
        for name in ("eigenvalues", "weights"):
            values = _numbers(name, getattr(self, name))
            object.__setattr__(self, name, values)
            if values.ndim != 1 or values.size == 0:
                raise DomainError(f"{name} has the shape {values.shape}: give a list of numbers, one a mode.")
            if (wrong := values[~((values >= 0) & np.isfinite(values))]).size:
                raise DomainError(f"{name} has the entry {wrong[0]:g}: give finite numbers that are not negative.")
            if values.max() > _MOST / len(values):
                raise DomainError(f"{name} has an entry {values.max():.3g}: give smaller numbers, in another unit.")
        if len(self.eigenvalues) != len(self.weights):
            raise DomainError(f"weights has {len(self.weights)} entries: give {len(self.eigenvalues)}, one a mode.")
        for name in ("error", "weight_error"):
            bound = real(name, getattr(self, name))
            object.__setattr__(self, name, bound)
            if bound < 0:
                raise DomainError(f"{name} is {bound!r}: give a bound that is finite and not negative.")

    def scaled(self, power: int) -> LossCurve:
        """The losses times 2^power."""
        weights, off = np.ldexp(self.weights, power), float(np.ldexp(self.weight_error, power))
        return LossCurve(self.eigenvalues, weights, self.error, off)

    @property
    def initial(self) -> float:
        """E L(0) = Tr Σ + ‖Y‖²."""
        return float(np.sum(self.weights))

    @property
    def floor(self) -> float:
        """The loss that never decays: the weight of the modes whose eigenvalue cannot be told from 0."""
        return float(np.sum(self.weights[self.eigenvalues <= self.error]))

    @property
    def largest_stable_rate(self) -> float:
        """2/λ_max: at this step and above the loss no longer falls to its floor; infinite if every λ is 0."""
        largest = float(self.eigenvalues.max())
        return 2 / largest if largest > 0 else np.inf

    @property
    def optimal_rate(self) -> float:
        """2/(λ_max + λ_min): the step for which the slowest mode is fastest (λ > 0 only)."""
        positive = self.eigenvalues[self.eigenvalues > self.error]
        return 2 / float(positive.max() + positive.min()) if positive.size else np.inf

    def stable(self, rate: float) -> bool:
        """Whether gradient descent converges: ηλ_max < 2. Above, the loss grows without bound."""
        return _positive(rate) < self.largest_stable_rate

    def decays(self, rate: float | None) -> Array:
        """The exponents r_i with L = Σ w_i exp(−r_i k): −2 ln|1 − ηλ_i| per step, or 2λ_i for the flow (rate None).

        Negative where ηλ_i > 2. A mode with ηλ_i = 1 vanishes in one step; it gets 1500, which does that in float64.
        Between whole steps, |1 − ηλ|^{2k} is the curve that is meant.
        """
        if rate is None:
            return 2 * self.eigenvalues
        eta = _positive(rate)
        found = self._known.get(eta)
        if found is None:
            logs = log_factors(eta, self.eigenvalues)
            found = np.asarray(np.minimum(-2 * logs, _GONE))
            found.setflags(write=False)
            self._known.clear()
            self._known[eta] = found
        return found

    @cached_property
    def _known(self) -> dict[float, Array]:
        """The exponents at the last rate: whoever asks for many steps asks one after the other."""
        return {}

    def descent(self, steps: npt.ArrayLike, rate: float) -> Array:
        """E L after these numbers of gradient steps (real numbers are allowed, see `decays`), shape of `steps`.

        Args:
            steps: k ≥ 0.
            rate: η > 0; the loss diverges (and becomes infinite) above `largest_stable_rate`.
        """
        return self._values(steps, self.decays(rate))

    def flow(self, times: npt.ArrayLike) -> Array:
        """E L at these times t ≥ 0 of the gradient flow ḟ = −K(f − Y), shape of `times`; t = ηk for small η."""
        return self._values(times, self.decays(None))

    def uncertainty(self, steps: npt.ArrayLike, rate: float | None) -> Array:
        """How far the curve may be from that of the kernel meant, because of `error` and rounding; shape of `steps`.

        At whole steps, and at all times: the sum of `errors`.
        """
        k = _steps(steps)
        flat, out = k.reshape(-1), np.empty(k.size)
        for part in self._blocks(len(flat)):
            out[part] = self.errors(flat[part], rate).sum(axis=1)
        return out.reshape(k.shape)

    def errors(self, steps: Array, rate: float | None) -> Array:
        """The summands of `uncertainty` at k ≥ 0, shape (steps, modes + 2): each rises in k and then falls.

        What rounding does to each mode, by `rounding.rounded`, and then what `weight_error` and `error` do to all. The
        last is from ‖A^p − B^p‖ ≤ p ‖A − B‖ q^{p−1}, q = max(‖A‖, ‖B‖), for A, B = I − η(K + E), I − ηK at whole
        steps, and from ‖exp(−2tA) − exp(−2tB)‖ ≤ 2t‖A − B‖ exp(−2t min(λ)).
        """
        decays, held = self.decays(rate), self.weights > 0
        with np.errstate(over="ignore"):
            own = rounded(np.multiply.outer(steps, decays[held]), self.weights[held])
        slowest = float(decays.min())
        start = self.weight_error * moved_weights(steps, slowest) if self.weight_error else np.zeros(len(steps))
        if not self.error or not self.initial + self.weight_error:
            moved = np.zeros(len(steps))
        elif rate is None:
            moved = moved_flow(steps, self.error, float(self.eigenvalues.min()))
        else:
            moved = moved_descent(steps, _positive(rate) * self.error, slowest)
        with np.errstate(over="ignore"):
            moved = (self.initial + self.weight_error) * moved
        return np.concatenate([own, np.stack([start, moved], axis=1)], axis=1)

    def _values(self, steps: npt.ArrayLike, decays: Array) -> Array:
        k = _steps(steps)
        held = self.weights > 0
        weights, decays = self.weights[held], decays[held]
        flat, out = k.reshape(-1), np.empty(k.size)
        with np.errstate(over="ignore", under="ignore"):
            for part in self._blocks(len(flat)):
                out[part] = np.exp(-np.multiply.outer(flat[part], decays)) @ weights
        return out.reshape(k.shape)

    def _blocks(self, steps: int) -> Iterator[slice]:
        """Ranges of steps of which a matrix steps × modes fits into memory."""
        rows = max(1, _BLOCK // len(self.weights))
        return (slice(start, start + rows) for start in range(0, steps, rows))


def expected_loss(
    K: object,
    covariance: object = None,
    targets: npt.ArrayLike | None = None,
    *,
    entry_error: float | None = None,
) -> LossCurve:
    """The expected loss curve of networks with this kernel, over their random initialisation.

    Args:
        K: the NTK on the training inputs, shape (n, n), or its `Modes`, which save the decomposition.
        covariance: Σ = E f fᵀ at initialisation (the NNGP kernel), shape (n, n); None: the networks start at 0.
        targets: Y, shape (n,) or (n, outputs): the loss is then the sum over the outputs, each with this K and Σ.
            None: 0. For the curve of one network that starts at outputs f₀: no covariance, and targets Y − f₀.
        entry_error: e, if the entries of K and Σ are known within e·√(K_ii K_jj), e·√(Σ_ii Σ_jj); None: by their
            dtypes, as in `decompose`. Of `Modes` it is for Σ only.

    Raises:
        DomainError: matrices that are not symmetric, of different size, or not positive semidefinite.
    """
    modes = K if isinstance(K, Modes) else decompose(K, entry_error=entry_error)
    Q, n = modes.vectors, len(modes.values)
    Y = np.zeros((n, 1)) if targets is None else _numbers("targets", targets)
    Y = Y[:, None] if Y.ndim == 1 else Y
    if Y.ndim != 2 or len(Y) != n or Y.shape[1] == 0:
        raise DomainError(f"targets has the shape {Y.shape}: give {n} rows, one for each row of K.")
    if (wrong := Y[~np.isfinite(Y)]).size:
        raise DomainError(f"targets has the entry {wrong[0]:g}: give finite numbers.")
    weights = np.sum((Q.T @ Y) ** 2, axis=1)
    # of sums of n products, with |q·Y| summed over the modes at most √n ‖Y‖; of the squares and their sum over outputs
    off = (2 * n**1.5 + Y.shape[1] + 3) * UNIT * float(np.sum(Y**2))
    if covariance is not None:
        read = symmetric("covariance", covariance, n)
        sigma = read.matrix
        share = np.einsum("ij,ij->j", Q, sigma @ Q)
        if share.min() < -8 * n * UNIT * float(np.trace(sigma)) - read.error:
            raise DomainError(f"covariance has the mean square {share.min():.3g} in a mode: give a covariance matrix.")
        weights = weights + Y.shape[1] * np.maximum(share, 0.0)
        # of two products of matrices; and of entries, whose bound is one of the Frobenius norm
        given = n**0.5 * (_entry(entry_error, read) * float(np.trace(sigma)) + read.error)
        off += Y.shape[1] * (2 * n**2 * UNIT * float(np.linalg.norm(sigma)) + given)
    # Q̂ = Q + D with ‖D‖ ≤ skew: ‖Q̂ᵀWQ̂ − QᵀWQ‖ ≤ (2 skew + skew²) Tr W in trace norm
    off += (2 + modes.skew) * modes.skew * float(np.sum(weights))
    return LossCurve(modes.values, weights, modes.error, 1.001 * off)


@dataclass(frozen=True, eq=False)
class Modes:
    """The decomposition K + E = Q diag(λ) Qᵀ of a kernel matrix K, with ‖E‖ ≤ `error`.

    Attributes:
        values: λ, shape (n,), ascending and non-negative.
        vectors: Q, shape (n, n); column i belongs to ``values[i]``.
        error: a bound on the spectral norm of E: of the decomposition's rounding, of what K lacks in symmetry and of
            the errors of its entries.
        skew: the computed vectors are within this of orthogonal ones, in spectral norm.
    """

    values: Array
    vectors: Array
    error: float
    skew: float = 0.0


def decompose(K: object, *, entry_error: float | None = None) -> Modes:
    """Decompose a kernel matrix once, for many targets.

    Args:
        K: shape (n, n), symmetric, positive semidefinite up to rounding.
        entry_error: e, if the entries are known within e·√(K_ii K_jj); the matrix then errs by at most e·Tr K in norm.
            None: by the dtype of K, 0 for float64 and integers, 2⁻²⁰ for float32.

    Raises:
        DomainError: K is not such a matrix.
    """
    import scipy.linalg

    read = symmetric("K", K)
    array = read.matrix
    entry_error = _entry(entry_error, read)
    n = len(array)
    values, vectors = scipy.linalg.eigh(array)
    norm = float(np.linalg.norm(array))
    residual = float(np.linalg.norm(array @ vectors - vectors * values))
    # the last term bounds the rounding of the product: n u |Q|ᵀ|Q|, whose Frobenius norm is n
    gram = float(np.linalg.norm(vectors.T @ vectors - np.eye(n))) + 1.01 * n**2 * UNIT
    # singular values with |σ² − 1| ≤ s have |σ − 1| ≤ s/(1 + √(1 − s)) ≤ s/(2 − s)
    skew = gram / (2 - min(gram, 1.0))
    # Q̂ is within `skew` of an orthogonal matrix; the last term bounds the rounding of the two products above
    error = residual + 2 * skew * norm + 4 * n**1.5 * UNIT * norm + entry_error * float(np.trace(array)) + read.error
    if values[0] < -error:
        raise DomainError(f"K has the eigenvalue {values[0]:.3g}: give a positive semidefinite kernel.")
    return Modes(np.maximum(values, 0.0), vectors, error, skew)


def _entry(entry_error: float | None, read: Symmetric) -> float:
    """The error of the entries that was given, or that of the dtype."""
    found = read.entry_error if entry_error is None else real("entry_error", entry_error)
    if found < 0:
        raise DomainError(f"entry_error is {entry_error!r}: give a bound that is not negative.")
    return found


def _positive(rate: float) -> float:
    return real("rate", rate, above=0)


def _numbers(name: str, values: npt.ArrayLike) -> Array:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise DomainError(f"{name} is no array of real numbers: give numbers, in rows of one length.") from None


def _steps(steps: npt.ArrayLike) -> Array:
    k = _numbers("steps", steps)
    if not (np.isfinite(k).all() and (k >= 0).all()):
        raise DomainError("steps has entries that are negative or not finite: give k >= 0.")
    return k
