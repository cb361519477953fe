"""The compiled loop over the far pairs of a tile: from ρ to NNGP and NTK in one pass. Importing it needs numba.

The closed forms are the functions of `duals.far` and the product rule that of `kernel`, compiled. All arithmetic is
IEEE's, without contraction or reordering, so that an entry does not depend on its place in the tile.
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

import numba
import numpy as np

from glutheory.numeric import kernel
from glutheory.numeric.duals import far

_PI2 = 2 * math.pi
_HALF_PI = math.pi / 2
#: Rows whose entries below the diagonal are written together: a line of the cache of float64.
_BAND = 8
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

_square, _cube, _relu, _relu2, _gelu, _gelu_inside, _gaussian, _multiplied = (
    numba.njit(error_model="numpy")(function)
    for function in (
        far.square,
        far.cube,
        far.relu,
        far.relu2,
        far.gelu,
        far.gelu_inside,
        far.gaussian,
        kernel.multiplied,
    )
)


@numba.njit
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


@numba.njit(error_model="numpy")
def _closed(code: int, rho: Any, left: Any, right: Any, i: int, j: int, first: int, p: Any, s: Any, t: Any) -> None:
    """S and t of a closed form at the pairs of one row with the columns from `first` on."""
    columns = rho.shape[0]
    if code == _IDENTITY:
        for c in range(first, columns):
            s[c] = t[c] = rho[c]
    elif code == _SQUARE:
        for c in range(first, columns):
            s[c], t[c] = _square(rho[c])
    elif code == _CUBE:
        for c in range(first, columns):
            s[c], t[c] = _cube(rho[c])
    elif code == _STEP:
        for c in range(first, columns):
            r = rho[c]
            s[c] = (arcsine(r) + _HALF_PI) * (1 / _PI2)
            t[c] = r * ((1 / _PI2) / math.sqrt(1.0 - r * r))
    elif code == _SIGN:
        for c in range(first, columns):
            r = rho[c]
            s[c] = arcsine(r) * (2 / math.pi)
            t[c] = r * ((4 / _PI2) / math.sqrt(1.0 - r * r))
    elif code == _LEAKY:
        weight, slope = p[0], p[1]
        for c in range(first, columns):
            r = rho[c]
            x, y = _relu(r, math.sqrt(1.0 - r * r), arcsine(r) + _HALF_PI)
            s[c] = weight * x + slope * r
            t[c] = weight * y + slope * r
    elif code == _RELU2:
        for c in range(first, columns):
            r = rho[c]
            sine, psi = math.sqrt(1.0 - r * r), arcsine(r) + _HALF_PI
            x, _ = _relu(r, sine, psi)
            s[c] = _relu2(r, sine, psi) * (1 / _PI2)
            t[c] = x * r * (2 / math.pi)
    else:
        alpha, gamma, gamma2 = left[0, i], left[1, i], left[2, i]
        if code == _ARCSINE:
            scale, offset = p[0], p[1]
            for c in range(first, columns):
                cosine = alpha * right[0, j + c] * rho[c]
                s[c] = arcsine(cosine) * scale + offset
                t[c] = cosine / math.sqrt(1.0 - cosine * cosine) * scale
        elif code == _GELU:
            for c in range(first, columns):
                both = alpha * right[0, j + c]
                sums, product = gamma2 + right[2, j + c], gamma2 * right[2, j + c]
                cosine = both * rho[c]
                square = 1.0 - cosine * cosine
                inside = _gelu_inside(rho[c], sums)
                root = math.sqrt(square)
                s[c], t[c] = _gelu(rho[c], inside, both, cosine, square, root, arcsine(cosine), sums, product)
        elif code == _GAUSSIAN:
            for c in range(first, columns):
                cosine = alpha * right[0, j + c] * rho[c]
                square = 1.0 - cosine * cosine
                s[c], t[c] = _gaussian(gamma * right[1, j + c], cosine, square, math.sqrt(square))


@numba.njit(error_model="numpy")
def _series(
    terms: int, rho: Any, left: Any, right: Any, i: int, j: int, first: int, p: Any, s: Any, t: Any, w: Any
) -> None:
    """The same of a power series of one parity in ρ (see `duals.logistic`), by Horner's rule in w = ρ²."""
    columns = rho.shape[0]
    odd, grows, constant, linear, weight = p[0] != 0.0, p[1] != 0.0, p[2], p[3], p[4]
    for c in range(first, columns):
        w[c] = rho[c] * rho[c]
        s[c] = t[c] = 0.0
    for k in range(terms, 0, -1):
        own = left[k, i]
        for c in range(first, columns):
            t[c] = t[c] * w[c] + s[c]
            s[c] = s[c] * w[c] + own * right[k, j + c]
    for c in range(first, columns):
        x, y, r = s[c], 2.0 * w[c] * t[c], rho[c]
        if odd:
            x *= r
            y = y * r + x
        line = linear * r * (left[0, i] * right[0, j + c] if grows else 1.0)
        s[c] = x * weight + line + constant
        t[c] = y * weight + line


@numba.njit(error_model="numpy", nogil=True)
def survey(rho: Any, limit: float, half: bool) -> tuple[int, float]:
    """The number of pairs with |ρ| > limit, and the largest |ρ| of the others; with `half`, above the diagonal."""
    near, reach = 0, 0.0
    for i in range(rho.shape[0]):
        for j in range(i + 1 if half else 0, rho.shape[1]):
            size = abs(rho[i, j])
            # NaN, of rows that overflow, counts as near
            far_ = size <= limit
            near += 0 if far_ else 1
            reach = max(reach, size if far_ else 0.0)
    return near, reach


def _fill(
    rho: Any,
    at: Any,
    half: bool,
    mirror: bool,
    branches: Any,
    numbers: Any,
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
        branches: of each, the number of its body among `BODIES`, where its features begin, and its number of terms.
        numbers: of each, its factor, its share of the NTK, and the body's.
        left, right: the features of all branches, shapes (F, n) and (F, m).
        weights, weights2: of each row and column, whose product is raised to `power`.
        constants: front and readout.
        wanted: whether NNGP and NTK are wanted; an unwanted one is not touched.
        nngp, ntk: the matrices.
    """
    rows, columns = rho.shape
    i0, j0 = at[0], at[1]
    s, t, w = np.empty(columns), np.empty(columns), np.empty(columns)
    S, T = np.empty((_BAND, columns)), np.empty((_BAND, columns))
    for start in range(0, rows, _BAND):
        stop = min(start + _BAND, rows)
        for i in range(start, stop):
            first = i + 1 if half else 0
            S1, T1, line = S[i - start], T[i - start], rho[i]
            for b in range(branches.shape[0]):
                code, offset, terms = branches[b, 0], branches[b, 1], branches[b, 2]
                own, other, p = left[offset:], right[offset:], numbers[b, 2:]
                if code == _SERIES:
                    _series(terms, line, own, other, i0 + i, j0, first, p, s, t, w)
                else:
                    _closed(code, line, own, other, i0 + i, j0, first, p, s, t)
                factor, share = numbers[b, 0], numbers[b, 1]
                if b == 0:
                    for c in range(first, columns):
                        S1[c], T1[c] = s[c] * factor, t[c] * factor * share
                else:
                    for c in range(first, columns):
                        S1[c], T1[c] = _multiplied(S1[c], T1[c], s[c] * factor, t[c] * factor * share)
            for c in range(first, columns):
                w[c] = weights[i0 + i] * weights2[j0 + c]
                s[c] = w[c] if power else 1.0
            for _ in range(1, power):
                for c in range(first, columns):
                    s[c] *= w[c]
            for c in range(first, columns):
                x, y = S1[c], T1[c]
                S1[c], T1[c] = x * constants[0] * s[c], (x + y) * constants[1] * s[c]
            if wanted[0]:
                for c in range(first, columns):
                    nngp[i0 + i, j0 + c] = S1[c]
            if wanted[1]:
                for c in range(first, columns):
                    ntk[i0 + i, j0 + c] = T1[c]
        if mirror:
            for c in range(start + 1 if half else 0, columns):
                last = min(stop, c) if half else stop
                if wanted[0]:
                    for i in range(start, last):
                        nngp[j0 + c, i0 + i] = S[i - start, c]
                if wanted[1]:
                    for i in range(start, last):
                        ntk[j0 + c, i0 + i] = T[i - start, c]


def _compiled() -> Any:
    """The loop with a cache on disk, whose key has the sources of what is compiled into it: numba looks at one file."""
    files = sorted({str(module.__file__) for module in (far, kernel)} | {__file__})
    digest = hashlib.sha256(b"".join(Path(file).read_bytes() for file in files)).hexdigest()

    def fill(*arguments: Any) -> None:
        digest  # noqa: B018
        _inner(*arguments)

    options: dict[str, Any] = {"error_model": "numpy", "nogil": True}
    try:
        return numba.njit(cache=True, **options)(fill)
    except RuntimeError:  # no directory to write to
        return numba.njit(**options)(fill)


_inner = numba.njit(error_model="numpy")(_fill)
fill = _compiled()
