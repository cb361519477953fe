"""What is claimed of deep kernels, as data, and the wrong statements that the same evidence must refute."""

from __future__ import annotations

from dataclasses import dataclass, replace

from checks.tools.deep_kernels import RULE, Block, Rule, numbers
from derivations.proofs.depth import SHARED
from glutheory.activations import Z, activation
from glutheory.networks import GATES


@dataclass(frozen=True)
class Law:
    """What is claimed.

    Attributes:
        rule: of the recursion.
        exchanged: whether plain and gated are exchanged.
        swapped: whether stacks with residuals and those without are exchanged.
        phases: what the gain does for χ < 1, = 1 and > 1: "grows" at every depth, or has a "maximum".
        shared: the limit of the off-diagonal over the diagonal where χ = 1.
        repels: what a gate adds to the slope of the map at 1.
        attracts: the power of μ that is the slope of a gated map at 0.
        logarithm: the power of ln L beside that of L, with residuals, where μ = 0; it is 1 where μ > 0.
        norms: whether without norms the recursion is another one.
        degrees: p without norms and residuals: the condition number is at least (max q/min q)^(p^L), for gates that
            grow like z and for bounded ones; a gated block has one more.
        adds: what a gate adds to p.
        loses: whether gating loses without norms and residuals after some blocks, for φ(0) = 0 and for φ(0) ≠ 0.
    """

    rule: Rule = RULE
    exchanged: bool = False
    swapped: bool = False
    phases: tuple[str, str, str] = ("grows", "maximum", "maximum")
    shared: float = float(SHARED)
    repels: float = 1.0
    attracts: float = 1.0
    logarithm: float = 0.0
    norms: bool = True
    degrees: tuple[int, int] = (1, 0)
    adds: int = 1
    loses: tuple[bool, bool] = (True, False)

    def block(self, block: Block) -> Block:
        """The one whose kernel is said to be this one's."""
        return replace(block, gated=not block.gated) if self.exchanged else block

    def residual(self, residual: bool) -> bool:
        return residual != self.swapped

    def phase(self, gate: str) -> str:
        """What the gain of this gate does with depth."""
        slope = numbers(GATES[gate]).slope
        # of ReLU it is 1 exactly, and no other gate is nearer than 0.06
        return self.phases[0 if slope < 1 - 1e-9 else 1 if slope <= 1 + 1e-9 else 2]

    def power(self, block: Block) -> int:
        """The power p of this block."""
        return self.degrees[block.plain in BOUNDED] + self.adds * block.gated

    def worse(self, gate: str) -> bool:
        """Whether gating with this gate loses without norms and residuals."""
        return self.loses[activation(GATES[gate]).expr.subs(Z, 0) != 0]


#: Activations with limits on both sides.
BOUNDED = ("sigmoid", "tanh")
LAW = Law()
MUTANTS: dict[str, Law] = {
    "a block's own weights count once": replace(LAW, rule=Rule(fresh=1.0)),
    "a block's own weights do not count": replace(LAW, rule=Rule(fresh=0.0)),
    "the kernel passes a block unchanged": replace(LAW, rule=Rule(slope=False)),
    "a gate adds no degree": replace(LAW, rule=Rule(degrees=0)),
    "a gate adds two degrees": replace(LAW, rule=Rule(degrees=2)),
    "a block weighs as much as the stream": replace(LAW, rule=Rule(stream=False)),
    "plain and gated exchanged": replace(LAW, exchanged=True),
    "with residuals as without": replace(LAW, swapped=True),
    "the gain grows at every depth": replace(LAW, phases=("grows", "grows", "grows")),
    "the gain has a maximum for every gate": replace(LAW, phases=("maximum", "maximum", "maximum")),
    "deep ReLU kernels share a third": replace(LAW, shared=1 / 3),
    "a gate leaves the slope at 1": replace(LAW, repels=0.0),
    "a gated map has the slope sqrt(mu) at 0": replace(LAW, attracts=0.5),
    "a logarithm for tanh as well": replace(LAW, logarithm=1.0),
    "norms do not matter": replace(LAW, norms=False),
    "without norms a gate adds two powers": replace(LAW, adds=2),
    "without norms bounded gates are like the others": replace(LAW, degrees=(1, 1)),
    "without norms every gate loses": replace(LAW, loses=(True, True)),
    "without norms no gate loses": replace(LAW, loses=(False, False)),
}
