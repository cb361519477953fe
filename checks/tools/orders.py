"""Orders such as λ_max(K) ~ c n^α d^β as data, and how far off counts as another order.

Finite sizes bias fitted exponents. So a claimed order is held against

* the deterministic equivalent at sizes where it is a power law (`far_orders`), and the equivalent against measured
  spectra of all sizes (`measured_orders.measured`; no claimed number enters there);
* measured spectra within its range, with corrections for finite sizes that are stated beforehand
  (`measured_orders.on_data`).

Exponents here are multiples of 1/2, and the constants 1/4 and 1/(2π) differ by the factor π/2: `measured` allows half
of the way to the nearest alternative, `on_data` a tenth in the constants.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

#: Half of the distance between exponents that differ by 1/2; half of the way, in logarithms, from 1/(2π) to 1/4.
EXPONENT_MARGIN, CONSTANT_MARGIN = 0.25, math.sqrt(math.pi / 2)
LEVEL = 0.99
#: What is judged here.
QUOTED = (
    "The orders are judged as notes on the paper quote them from the theorem; the explicit expressions of Props B.6 "
    "and B.9 were not available."
)


#: Of the ends of a spectrum, those of eigenvalues over m.
_WORDS = {
    "condition": "cond {}",
    "bulk_condition": "λ_2/λ_n, {}",
    "largest": "λ_1/m, {}",
    "second": "λ_2/m, {}",
    "smallest": "λ_n/m, {}",
}
_KERNELS = {"plain": "K", "gated": "K̃", "quotient": "K / K̃"}
_POWERS: dict[float, str] = {1: "", 2: "²"}


@dataclass(frozen=True)
class Order:
    """A claimed order constant · n^n · d^d of an end of the spectrum, over m.

    Attributes:
        kernel: "plain", "gated", or "quotient" of the first by the second.
        end: "largest", "second", "smallest", "condition" or "bulk_condition".
        constant: of the leading order.
        n, d: exponents.
    """

    kernel: str
    end: str
    constant: float
    n: float
    d: float

    def of(self, plain: Any, gated: Any) -> float:
        """The number in question, of two records with the ends."""
        first, second = float(getattr(plain, self.end)), float(getattr(gated, self.end))
        return {"plain": first, "gated": second, "quotient": first / second}[self.kernel]

    def at(self, n: float, d: float) -> float:
        return float(self.constant * n**self.n * d**self.d)

    @property
    def words(self) -> str:
        """What is measured: "λ_2/λ_n, K / K̃"."""
        return _WORDS[self.end].format(_KERNELS[self.kernel])

    @property
    def law(self) -> str:
        """As a formula: "1.75 n", "n/d²"."""
        powers = [(name + _POWERS.get(abs(x), f"^{abs(x):g}"), x) for name, x in (("n", self.n), ("d", self.d))]
        above = "".join(text for text, power in powers if power > 0)
        below = "".join(text for text, power in powers if power < 0)
        number = "" if self.constant == 1 and above else f"{self.constant:.3g}"
        return f"{number} {above}".strip() + (f"/{below}" if below else "")


Law = Mapping[str, Order]


@dataclass(frozen=True)
class Orders:
    """What is claimed of several ends of the spectrum for d ≪ n ≪ d².

    Attributes:
        orders: by name.
        outliers: how many eigenvalues are left out of the bulk.
    """

    orders: Law
    outliers: int = 1

    def having(self, name: str, **changes: Any) -> Self:
        """The same with one order changed."""
        return replace(self, orders={**self.orders, name: replace(self.orders[name], **changes)})
