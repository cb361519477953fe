"""The Gaussian pair (u, v) in standard coordinates, as balls at the current precision."""

from __future__ import annotations

from dataclasses import dataclass

from flint import arb, ctx

from glutheory.errors import DomainError
from glutheory.ground.balls import precision
from glutheory.ground.exact import Point

#: By how much the precision is raised where ab − c² of symbolic constants is not seen to be positive.
_FINER = (4, 16, 64, 1)


@dataclass(frozen=True)
class Frame:
    """u = √a·x, v = sign·√b·y with (x, y) standard normal of correlation rho ∈ [0, 1].

    Attributes:
        root_a, root_b: √a, √b > 0.
        rho: |c|/√(ab), exactly 1 where ab = c² exactly.
        far: 1 − rho without cancellation; exactly 0 where rho = 1.
        sign: +1 or −1, the sign of c (+1 for c = 0).
        same: whether a = b exactly.
    """

    root_a: arb
    root_b: arb
    rho: arb
    far: arb
    sign: int
    same: bool

    @classmethod
    def of(cls, point: Point) -> Frame:
        """The frame of a point with a, b > 0."""
        a, b, c, delta = point.balls()
        root_a, root_b = a.sqrt(), b.sqrt()
        sign = -1 if point.c < 0 else 1
        same = bool(point.a == point.b)
        if point.delta == 0:
            return cls(root_a, root_b, arb(1), arb(0), sign, same)
        for factor in _FINER:
            if delta > 0:
                break
            with precision(factor * ctx.prec):
                delta = point.balls()[3]
        else:
            raise DomainError(f"c is {point.c}: cannot decide whether c² = a·b; give rational numbers.")
        rho = arb(0) if point.c == 0 else abs(c) / (a if same else root_a * root_b)
        return cls(root_a, root_b, rho, delta / (a * b) / (1 + rho), sign, same)

    @property
    def gap(self) -> arb:
        """1 − rho²."""
        return self.far * (1 + self.rho)

    def reversed(self) -> Frame:
        """The frame of (v, u)."""
        return Frame(self.root_b, self.root_a, self.rho, self.far, self.sign, self.same)
