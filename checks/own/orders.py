"""Claims about orders in n and d of the ends of the spectra of ReLU and ReGLU."""

from __future__ import annotations

import math
from collections.abc import Callable

from checks.catalog import modules
from checks.own.measure import MOST, Array, Measure, Row, sure
from checks.settings import PROFILES, Settings
from checks.tools.far_spectrum import Ends
from checks.tools.spectral_grid import ENTRY_ERROR, Cell, inputs, kernels, product
from glutheory.commands.data import DataRows
from glutheory.networks import network
from glutheory.spectra import spectrum
from glutheory.studies.spectrum.predictions import predict

#: The recorded size beside it has no more rows than this, or than one's own: it is measured anew.
_QUICK = 1040
_HEAD = ("measured", "predicted", "over it", "claimed", "over it", "corrected", "over it")
_RECORDED = (
    "The recorded run fits exponents and constants to 16 sizes, n = 125 to 3000 and d = 12 to 120, several data sets "
    "each. Predicted is the limiting spectrum at this n, d and these norms, from 50 rows and 10 features on; "
    "corrected are its orders for d ≪ n ≪ d², "
    "where it is a power law. What is claimed is an order without a constant: only its growth counts."
)


def ends(X: Array) -> tuple[Ends, Ends]:
    """The ends of the spectra of K/m and K̃/m, wide limit; an end that is hardly above its error is nan."""
    found = [spectrum(K, entry_error=ENTRY_ERROR) for K in kernels(X)]
    first, second = (Ends(*(sure(float(one.values[place]), one.error) for place in (0, 1, -1))) for one in found)
    return first, second


def predicted(X: Array) -> tuple[Ends, Ends]:
    """Those of the deterministic equivalent on random directions of these norms; nan where there is none."""
    found = []
    for name in ("relu", "reglu"):
        limit = predict(network(name), X, "nngp", "standard", None)
        known = (math.nan,) * 3 if isinstance(limit, str) else (limit.largest, limit.second, limit.smallest)
        found.append(Ends(*known))
    return found[0], found[1]


def nearest(n: int, d: int) -> Cell:
    """The size of the recorded full run's grid that is nearest in ln n and ln d, among those that are quick."""
    cells = [cell for cell in product(Settings(PROFILES["full"])) if cell.n <= max(n, _QUICK)]
    return min(cells, key=lambda cell: abs(math.log(cell.n / n)) + abs(math.log(cell.d / d)))


def _beside(n: int, d: int) -> DataRows:
    size = nearest(n, d)
    X = inputs(size.n, size.d, size.seeds[0])
    return DataRows(
        X, None, f"the nearest size of the recorded run: {size.n} standard normal rows of {size.d} features"
    )


def _rows(name: str) -> Callable[[Array, Array | None], list[Row]]:
    def rows(X: Array, _: Array | None) -> list[Row]:
        module, found, limit = modules()[name], ends(X), predicted(X)
        table: list[Row] = []
        for key, order in module.CORRECTED.items():
            claim = module.STATED[key].at(*X.shape) if key in module.STATED else math.nan
            value, by = order.of(*found), order.of(*limit)
            law = order.at(*X.shape)
            table.append((order.words, value, by, value / by, claim, value / claim, law, value / law))
        return table

    return rows


#: Whatever claim has both tables of orders.
MEASURES = {
    name: Measure("ReLU and ReGLU, wide limit", _HEAD, _rows(name), _RECORDED, _beside, most=MOST)
    for name in ("lambda-max", "lambda-min", "condition")
}
