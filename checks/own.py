"""A claim's measurement on one's own sizes or rows, beside what is claimed and the nearest size of the recorded run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checks.catalog import modules
from checks.layout import cell
from checks.settings import PROFILES, Settings
from checks.tools.far_spectrum import Ends
from checks.tools.orders import Order
from checks.tools.spectral_grid import Cell, inputs, kernels, product
from glutheory.commands.data import DataRows
from glutheory.errors import DomainError
from glutheory.spectra import spectrum
from glutheory.terminal import Terminal, aligned, sentences, shown

Array = npt.NDArray[np.float64]
#: Rows at most: all eigenvalues of two kernels are computed.
_MOST = 4000
#: The recorded size beside it has no more rows than this, or than one's own: it is measured anew.
_QUICK = 1040


@dataclass(frozen=True)
class Measured:
    """Both kernels of one data set.

    Attributes:
        n, d: its size.
        plain, gated: the ends of the spectra of K/m and K̃/m, wide limit.
        resolved: whether both smallest eigenvalues are above their error.
    """

    n: int
    d: int
    plain: Ends
    gated: Ends
    resolved: bool


def sized() -> tuple[str, ...]:
    """The claims that can be measured on other sizes: those about orders of the ends of a spectrum in n and d."""
    return tuple(name for name, module in modules().items() if hasattr(module, "STATED"))


def check(ids: Sequence[str]) -> None:
    """Refuse claims that have no sizes to choose.

    Raises:
        DomainError: one of these has none.
    """
    for name in ids:
        if name not in sized():
            raise DomainError(
                f"--n, --d and --data are for claims about sizes, and {name} is none: use {', '.join(sized())}; the "
                "commands `glutheory dynamics` and `glutheory depth` have losses and stacks on your own."
            )


def measure(X: Array) -> Measured:
    """The ends of both spectra on these rows.

    Raises:
        DomainError: too many rows, or fewer than three.
    """
    n, d = X.shape
    if not 3 <= n <= _MOST:
        raise DomainError(f"n is {n}: give 3 to {_MOST:,} rows, since all eigenvalues are computed.")
    found = [spectrum(K) for K in kernels(X)]
    ends = [Ends(float(one.values[0]), float(one.values[1]), float(one.values[-1])) for one in found]
    return Measured(n, d, ends[0], ends[1], all(one.smallest > one.error for one in found))


def nearest(n: int, d: int) -> Cell:
    """The size of the recorded full run's grid that is nearest in ln n and ln d, among those that are quick."""
    cells = [cell for cell in product(Settings(PROFILES["full"])) if cell.n <= max(n, _QUICK)]
    return min(cells, key=lambda cell: abs(math.log(cell.n / n)) + abs(math.log(cell.d / d)))


def page(name: str, rows: DataRows, terminal: Terminal) -> str:
    """What is measured on the rows, what is claimed and corrected there, and the same on a recorded size.

    Args:
        name: of a claim of `sized`.
        rows: the data.
        terminal: where it is shown.
    """
    module = modules()[name]
    mine = measure(rows.X)
    size = nearest(mine.n, mine.d)
    theirs = measure(inputs(size.n, size.d, size.seeds[0]))
    lines = sentences([f"{name} ({module.CLAIM.source}), ReLU and ReGLU, wide limit, on {rows.description}"], terminal)
    lines += ["", *_table(mine, module.STATED, module.CORRECTED, terminal), ""]
    about = f"The same on a size of the recorded run, the nearest: n = {size.n}, d = {size.d}, standard normal rows"
    lines += [*sentences([about], terminal), "", *_table(theirs, module.STATED, module.CORRECTED, terminal), ""]
    return "\n".join([*lines, *sentences(list(_remarks(mine, theirs, module.CORRECTED)), terminal)])


def _table(
    found: Measured, stated: Mapping[str, Order], corrected: Mapping[str, Order], terminal: Terminal
) -> list[str]:
    head = ["", "n", "d", "measured", "claimed order", "over it", "corrected", "over it"]
    table = [head]
    for name, order in corrected.items():
        value, law = order.of(found.plain, found.gated), order.at(found.n, found.d)
        claim = stated[name].at(found.n, found.d) if name in stated else math.nan
        numbers = (value, claim, value / claim, law, value / law)
        table.append([_name(order), str(found.n), str(found.d), *map(_number, numbers)])
    return aligned([[shown(text, terminal) for text in row] for row in table], numbers=True, gap=2)


#: Of the ends of a spectrum, those of eigenvalues over m.
_WORDS = {
    "condition": "λ_1/λ_n",
    "bulk_condition": "λ_2/λ_n",
    "largest": "λ_1/m",
    "second": "λ_2/m",
    "smallest": "λ_n/m",
}
_KERNELS = {"plain": "K", "gated": "K̃", "quotient": "K over K̃"}


def _name(order: Order) -> str:
    """What is measured: "λ_1/λ_n, K over K̃"."""
    return f"{_WORDS[order.end]}, {_KERNELS[order.kernel]}"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else cell(value)


def _remarks(mine: Measured, theirs: Measured, corrected: Mapping[str, Order]) -> list[str]:
    changes = []
    for order in corrected.values():
        off = [order.of(one.plain, one.gated) / order.at(one.n, one.d) for one in (mine, theirs)]
        changes.append(f"{_name(order)}: {cell(off[0])} against {cell(off[1])}")
    found = [f"Measured over corrected, here against there: {'; '.join(changes)}."]
    if not mine.resolved:
        found.append("CAUTION: a smallest eigenvalue is below its error here; what is divided by it is not known.")
    n, d = mine.n, mine.d
    found.append(
        f"The corrected orders are limits for d ≪ n ≪ d²; here n/d = {cell(n / d)} and d²/n = {cell(d * d / n)}. "
        "A claimed order has no constant: only its growth counts."
    )
    found.append("One data set decides no verdict; that of the recorded run stands.")
    return found
