"""One factor of a power series in c: its numbers h_k = a^{k/2} E[f^(k)(u)] from the moments of its rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, reduce

from flint import arb

from glutheory.ground.exact import ball
from glutheory.symbolic.moments import Key, LogMoments, Need, Nodes, Part, Row, groups, log_sum, moments

Tables = tuple[dict[Key, list[arb]], dict[Key, list[arb]]]


class Variable:
    """u or v: its variance, and the moments over the nodes of both parts, in floating point and as balls."""

    def __init__(self, variance: arb, nodes: tuple[Nodes, Nodes]) -> None:
        self.variance, self.nodes = variance, nodes
        self.needs: tuple[dict[Key, int], dict[Key, int]] = {}, {}
        self.bits: Need = lambda _: 0
        self._logs: dict[tuple[int, Key], LogMoments] = {}

    def log(self, which: int, key: Key, power: int) -> float:
        """The logarithm of a moment."""
        if (which, key) not in self._logs:
            self._logs[which, key] = LogMoments(self.nodes[which], self.variance, key)
        return self._logs[which, key](power)

    @cached_property
    def tables(self) -> Tables:
        """All moments that `needs` asks for."""
        both = zip(self.nodes, self.needs, strict=True)
        first, second = (moments(nodes, self.variance, lengths, self.bits) for nodes, lengths in both)
        return first, second

    def cost(self) -> float:
        """Summands of the moments, those of lower precision in proportion."""
        total = 0.0
        for key, length in self.needs[1].items():
            self.log(1, key, 0)
            logs, full = self._logs[1, key], self.bits(0)
            for group in groups(length):
                bits = self.bits(group.start)
                total += len(group) * logs.kept(group.start, bits) * bits / full
        return total * len(self.nodes[1])


@dataclass(frozen=True)
class Side:
    """A factor of a product: its parts, and its variable."""

    parts: tuple[Part, Part]
    variable: Variable

    @property
    def shift(self) -> int:
        """The largest d."""
        return max((row.shift for part in self.parts for row in part.rows), default=0)

    @cached_property
    def shares(self) -> tuple[arb, arb]:
        """Max v over the rows and nodes of each part; 0 where there are none."""
        found = []
        for part, nodes in zip(self.parts, self.variable.nodes, strict=True):
            scales = {row.key[0] for row in part.rows}
            found.append(reduce(arb.max, (v.shares(nodes[:1], self.variable.variance)[0] for v in scales), arb(0)))
        return found[0], found[1]

    @cached_property
    def _log_factors(self) -> tuple[dict[Row, float], dict[Row, float]]:
        """The logarithms of |C_r| a^{−d/2} for the rows of each part."""
        half = self.variable.variance.log() / 2
        first, second = (
            {row: float(abs(ball(row.coefficient)).log() - row.shift * half) for row in part.rows}
            for part in self.parts
        )
        return first, second

    def log_size(self, which: int, k: int) -> float:
        """The logarithm of h_k with the summands' moduli, in floating point."""
        return log_sum(
            [
                size + _log_double_factorial(k + row.shift) + self.variable.log(which, row.key, (k + row.shift) // 2)
                for row, size in self._log_factors[which].items()
                if (row.shift - k) % 2 == 0
            ]
        )

    def need(self, end: int) -> None:
        """Have the moments ready for k < end."""
        for part, needs in zip(self.parts, self.variable.needs, strict=True):
            for row in part.rows:
                needs[row.key] = max(needs.get(row.key, 0), (end + row.shift) // 2 + 1)

    def base(self, parity: int) -> int:
        """The smallest d for k of this parity."""
        return min((row.shift for part in self.parts for row in part.of_parity(parity)), default=0)

    def terms(self, which: int, ks: range) -> tuple[list[arb], arb]:
        """(h_k/(k+base−1)!!, the last of them with the summands' moduli) for k of one parity, up to (−1)^⌊k/2⌋."""
        base, root, table = self.base(ks.start), self.variable.variance.sqrt(), self.variable.tables[which]
        total, size = [arb(0)] * len(ks), arb(0)
        for row in self.parts[which].of_parity(ks.start):
            first, factor = (ks.start + row.shift) // 2, row.factor(ks.start % 2, root)
            column = [factor * x for x in table[row.key][first : first + len(ks)]]
            for d in range(base + 1, row.shift, 2):
                column = [x * (k + d) for x, k in zip(column, ks, strict=True)]
            total = [x + y for x, y in zip(total, column, strict=True)]
            size += abs(column[-1])
        return total, size


def _log_double_factorial(n: int) -> float:
    """Log (n−1)!! for even n ≥ 0."""
    return math.lgamma(n + 1) - n / 2 * math.log(2) - math.lgamma(n / 2 + 1)
