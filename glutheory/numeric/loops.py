"""The compiled loop over the far pairs of a tile: from ρ to NNGP and NTK in one pass. Importing it needs numba.

The closed forms are the functions of `duals.far` and the product rule that of `kernel`, compiled. Sums are never
reordered. Loops run over whole slices of rows, from 0: only so they are vectorised (numba looks for negative indices).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np

from glutheory.numeric import kernel
from glutheory.numeric.duals import far

_PI2 = 2 * math.pi
_HALF_PI = math.pi / 2
#: Rows whose entries below the diagonal are written together: a line of the cache of float64.
_BAND = 8
#: Pairs of a series that take the same number of terms.
_SEGMENT = 192
#: (arcsin(√z)/√z − 1)/z for 0 ≤ z ≤ 1/4, the highest power first: Chebyshev's interpolant in 13 points, off by 2e-17.
ARCSINE = (
    0.028757851367421566,
    -0.014851887071247204,
    0.01740087944269402,
    0.005457506718640358,
    0.01032281435018578,
    0.011479177415184906,
    0.013971212973552933,
    0.017352392720869973,
    0.02237217294214989,
    0.030381944138531247,
    0.04464285714635543,
    0.07499999999998433,
    0.16666666666666669,
)
_C0, _C1, _C2, _C3, _C4, _C5, _C6, _C7, _C8, _C9, _C10, _C11, _C12 = ARCSINE
(_IDENTITY, _SQUARE, _CUBE, _STEP, _SIGN, _LEAKY, _RELU2, _ARCSINE, _GELU, _GAUSSIAN, _SERIES) = range(len(far.BODIES))

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _inlined(**options: Any) -> Callable[[_Function], _Function]:
    """Compiled with what calls it; a quotient by zero is IEEE's."""
    decorator: Callable[[_Function], _Function] = numba.njit(error_model="numpy", **options)
    return decorator


_square, _cube = _inlined()(far.square), _inlined()(far.cube)
_relu, _relu2 = _inlined()(far.relu), _inlined()(far.relu2)
_gelu, _gelu_inside, _gaussian = _inlined()(far.gelu), _inlined()(far.gelu_inside), _inlined()(far.gaussian)
_multiplied = _inlined()(kernel.multiplied)


@_inlined(fastmath={"contract"})
def arcsine(x: float) -> float:
    """Arcsin x for |x| ≤ 1, off by 2 ulps at most: no branches and no calls, so that a loop over it is vectorised."""
    size = abs(x)
    big = size > 0.5
    z = 0.5 * (1.0 - size) if big else x * x
    root = math.sqrt(z)
    y = root if big else size
    p = (((((_C0 * z + _C1) * z + _C2) * z + _C3) * z + _C4) * z + _C5) * z + _C6
    p = (((((p * z + _C7) * z + _C8) * z + _C9) * z + _C10) * z + _C11) * z + _C12
    found = y + y * (z * p)
    found = _HALF_PI - 2.0 * found if big else found
    return -found if x < 0.0 else found


@_inlined()
def _angular(code: int, rho: Any, p: Any, s: Any, t: Any) -> None:
    """S and t of a closed form in ρ alone."""
    if code == _IDENTITY:
        for c in range(len(rho)):
            s[c] = t[c] = rho[c]
    elif code == _SQUARE:
        for c in range(len(rho)):
            s[c], t[c] = _square(rho[c])
    elif code == _CUBE:
        for c in range(len(rho)):
            s[c], t[c] = _cube(rho[c])
    elif code == _STEP:
        for c in range(len(rho)):
            r = rho[c]
            s[c] = (arcsine(r) + _HALF_PI) * (1 / _PI2)
            t[c] = r * ((1 / _PI2) / math.sqrt(1.0 - r * r))
    elif code == _SIGN:
        for c in range(len(rho)):
            r = rho[c]
            s[c] = arcsine(r) * (2 / math.pi)
            t[c] = r * ((4 / _PI2) / math.sqrt(1.0 - r * r))
    elif code == _LEAKY:
        weight, slope = p[0], p[1]
        for c in range(len(rho)):
            r = rho[c]
            x, y = _relu(r, math.sqrt(1.0 - r * r), arcsine(r) + _HALF_PI)
            s[c] = weight * x + slope * r
            t[c] = weight * y + slope * r
    elif code == _RELU2:
        for c in range(len(rho)):
            r = rho[c]
            sine, psi = math.sqrt(1.0 - r * r), arcsine(r) + _HALF_PI
            x, _ = _relu(r, sine, psi)
            s[c] = _relu2(r, sine, psi) * (1 / _PI2)
            t[c] = x * r * (2 / math.pi)


@_inlined()
def _lifted(
    code: int, rho: Any, own: tuple[float, float, float], beta: Any, delta: Any, delta2: Any, p: Any, s: Any, t: Any
) -> None:
    """The same of a closed form of lifted rows (see `duals.normal`): α, γ and γ² of the row and of the columns."""
    alpha, gamma, gamma2 = own
    if code == _ARCSINE:
        scale, offset = p[0], p[1]
        for c in range(len(rho)):
            cosine = alpha * beta[c] * rho[c]
            s[c] = arcsine(cosine) * scale + offset
            t[c] = cosine / math.sqrt(1.0 - cosine * cosine) * scale
    elif code == _GELU:
        for c in range(len(rho)):
            r, both = rho[c], alpha * beta[c]
            sums, cosine = gamma2 + delta2[c], both * r
            inverse, inside = 1.0 / math.sqrt(1.0 - cosine * cosine), _gelu_inside(r, sums)
            quotient = gamma2 * delta2[c] * (inverse * inverse)
            s[c], t[c] = _gelu(r, inside, both, cosine, inverse, arcsine(cosine), sums, quotient)
    elif code == _GAUSSIAN:
        for c in range(len(rho)):
            cosine = alpha * beta[c] * rho[c]
            square = 1.0 - cosine * cosine
            s[c], t[c] = _gaussian(gamma * delta[c], cosine, square, math.sqrt(square))


@_inlined(fastmath={"contract"})
def _horner(own: Any, right: Any, at: int, terms: int, columns: tuple[int, int], w: Any, s: Any, t: Any) -> None:
    """Σ h_k h_k' w^(k−1) and its derivative along w by Horner's rule, two steps at a time."""
    begin, end = columns
    for c in range(len(w)):
        s[c] = t[c] = 0.0
    if terms % 2:
        one, one2 = own[terms], right[at + terms][begin:end]
        for c in range(len(w)):
            s[c] = one * one2[c]
    for k in range(terms - terms % 2, 0, -2):
        one, one2 = own[k], right[at + k][begin:end]
        two, two2 = own[k - 1], right[at + k - 1][begin:end]
        for c in range(len(w)):
            middle = s[c] * w[c] + one * one2[c]
            t[c] = (t[c] * w[c] + s[c]) * w[c] + middle
            s[c] = middle * w[c] + two * two2[c]


@_inlined()
def _series(rho: Any, first: int, own: Any, right: Any, at: int, j: int, reaches: Any, w: Any, s: Any, t: Any) -> None:
    """The series at the pairs of a row from `first` on: of each segment as many terms as its largest |ρ| needs.

    The segments are those of the tile, so that equal rows of it have equal sums.
    """
    columns = len(rho)
    for c in range(columns):
        w[c] = rho[c] * rho[c]
    # numbers that are not negative are in the order of their bits, whose maximum is vectorised
    bits = w.view(np.int64)
    for begin in range(0, columns, _SEGMENT):
        end = min(begin + _SEGMENT, columns)
        if end <= first:
            continue
        most = np.int64(0)
        for value in bits[begin:end]:
            most = max(most, value)
        reach = np.array([most]).view(np.float64)[0]
        terms = min(np.searchsorted(reaches, reach), len(reaches) - 1)
        start = max(begin, first)
        _horner(own, right, at, terms, (j + start, j + end), w[start:end], s[start:end], t[start:end])


@_inlined()
def _finish_series(rho: Any, w: Any, q: float, q2: Any, p: Any, s: Any, t: Any) -> None:
    """What is left of a series of one parity in ρ (see `duals.logistic`): its parity, the constant and the line."""
    odd, grows, constant, linear, weight = p[0] != 0.0, p[1] != 0.0, p[2], p[3], p[4]
    for c in range(len(rho)):
        x, y, r = s[c], 2.0 * w[c] * t[c], rho[c]
        x, y = (x * r, y * r + x * r) if odd else (x, y)
        line = linear * r * (q * q2[c] if grows else 1.0)
        s[c] = x * weight + line + constant
        t[c] = y * weight + line


@_inlined()
def _joined(start: bool, factor: float, share: float, s: Any, t: Any, S: Any, T: Any) -> None:
    """One branch more in the product; at the `start` the first."""
    if start:
        for c in range(len(s)):
            S[c], T[c] = s[c] * factor, t[c] * factor * share
    else:
        for c in range(len(s)):
            S[c], T[c] = _multiplied(S[c], T[c], s[c] * factor, t[c] * factor * share)


@_inlined()
def _weighted(power: int, own: float, other: Any, constants: Any, w: Any, scale: Any, S: Any, T: Any) -> None:
    """NNGP and NTK of the product: the dense layer above, and the powers of the lengths."""
    for c in range(len(S)):
        w[c] = own * other[c]
        scale[c] = w[c] if power else 1.0
    for _ in range(1, power):
        for c in range(len(S)):
            scale[c] *= w[c]
    for c in range(len(S)):
        x, y = S[c], T[c]
        S[c], T[c] = x * constants[0] * scale[c], (x + y) * constants[1] * scale[c]


@_inlined()
def _mirrored(matrix: Any, i: int, j: int, part: Any, start: int, stop: int, half: bool) -> None:
    """Write some rows of a tile at (i, j) as columns."""
    if half:
        for c in range(start + 1, part.shape[1]):
            for k in range(start, min(stop, c)):
                matrix[j + c, i + k] = part[k - start, c]
    else:
        for c in range(part.shape[1]):
            line = matrix[j + c][i + start : i + stop]
            for k in range(len(line)):
                line[k] = part[k, c]


def _cached(function: Any) -> Any:
    """Compiled, and kept on disk where there is a directory to write to."""
    options: dict[str, Any] = {"error_model": "numpy", "nogil": True}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:
        return numba.njit(**options)(function)


def _fill(
    rho: Any,
    at: Any,
    half: bool,
    mirror: bool,
    branches: Any,
    numbers: Any,
    reaches: Any,
    left: Any,
    right: Any,
    weights: Any,
    weights2: Any,
    power: int,
    constants: Any,
    wanted: Any,
    nngp: Any,
    ntk: Any,
) -> None:
    """Write the kernels of a tile's pairs into the matrices.

    Args:
        rho: cosines, shape (rows, columns), all far.
        at: the row and the column of the matrices where the tile begins.
        half: whether it lies on the diagonal of a symmetric matrix: pairs i < j only.
        mirror: whether the matrices are symmetric: entries are written on both sides of the diagonal.
        branches: of each, the number of its body among `BODIES`, and where its features begin.
        numbers: of each, its factor, its share of the NTK, and the body's.
        reaches: of each, the largest ρ² for which 0, 1, 2, … terms are enough; of closed forms anything.
        left: the features of all branches, shape (F, n).
        right: the same of the columns, shape (F, m).
        weights: of each row.
        weights2: of each column.
        power: of the product of both weights.
        constants: front and readout.
        wanted: whether NNGP and NTK are wanted; an unwanted one is not touched.
        nngp: the matrix of the one.
        ntk: the matrix of the other.
    """
    rows, columns = rho.shape
    i0, j0 = at
    buffers = np.empty((3, columns))
    S, T = np.empty((_BAND, columns)), np.empty((_BAND, columns))
    for start in range(0, rows, _BAND):
        stop = min(start + _BAND, rows)
        for i in range(start, stop):
            first = i + 1 if half else 0
            line, w, s, t = rho[i][first:], buffers[0][first:], buffers[1][first:], buffers[2][first:]
            S1, T1 = S[i - start][first:], T[i - start][first:]
            row, begin, end = i0 + i, j0 + first, j0 + columns
            for b in range(branches.shape[0]):
                code, at_feature = branches[b, 0], branches[b, 1]
                p, one = numbers[b, 2:], right[at_feature][begin:end]
                if code == _SERIES:
                    own = left[:, row][at_feature:]
                    _series(rho[i], first, own, right, at_feature, j0, reaches[b], buffers[0], buffers[1], buffers[2])
                    _finish_series(line, w, own[0], one, p, s, t)
                elif code >= _ARCSINE:
                    own3 = left[at_feature, row], left[at_feature + 1, row], left[at_feature + 2, row]
                    two, three = right[at_feature + 1][begin:end], right[at_feature + 2][begin:end]
                    _lifted(code, line, own3, one, two, three, p, s, t)
                else:
                    _angular(code, line, p, s, t)
                _joined(b == 0, numbers[b, 0], numbers[b, 1], s, t, S1, T1)
            _weighted(power, weights[row], weights2[begin:end], constants, w, s, S1, T1)
            if wanted[0]:
                nngp[row][begin:end] = S1
            if wanted[1]:
                ntk[row][begin:end] = T1
        if mirror and wanted[0]:
            _mirrored(nngp, i0, j0, S, start, stop, half)
        if mirror and wanted[1]:
            _mirrored(ntk, i0, j0, T, start, stop, half)


_inner = _inlined()(_fill)


def _with_sources() -> Any:
    """`_fill` with a cache whose key has the sources of what is compiled into it: numba looks at this file alone."""
    files = [str(module.__file__) for module in (far, kernel)]
    digest = hashlib.sha256(b"".join(Path(file).read_bytes() for file in files)).hexdigest()

    def fill(*arguments: Any) -> None:
        digest  # noqa: B018
        _inner(*arguments)

    return fill


fill = _cached(_with_sources())
