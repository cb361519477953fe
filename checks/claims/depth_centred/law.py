"""What is claimed of centred stacks, as data, and the wrong statements that the same evidence must refute."""

from __future__ import annotations

from dataclasses import dataclass, replace

from checks.tools.deep_kernels import RULE, Block, Rule


@dataclass(frozen=True)
class Law:
    """What is claimed.

    Attributes:
        rule: of the recursion.
        exchanged: whether plain and gated are exchanged.
        renamed: whether the parts, mean and shift, are exchanged.
        mislabelled: whether what is called the centred kernel is that of the activation as it is.
        slopes: whether centring divides both ends of the map by 1 − μ; else it leaves f′(1).
        share: the limit of the mean's share in the gain, with the depth.
        costs: by how much cond(K_c) may exceed cond(K) on rows that are not random, over the latter.
        twice: what one block without residuals is of two layers, times v.
    """

    rule: Rule = RULE
    exchanged: bool = False
    renamed: bool = False
    mislabelled: bool = False
    slopes: bool = True
    share: float = 1.0
    costs: float = 0.25
    twice: float = 2.0

    def block(self, block: Block) -> Block:
        """The one whose kernel is said to be this one's."""
        return replace(block, gated=not block.gated) if self.exchanged else block

    def taken(self, block: Block) -> Block:
        """The one whose matrix is taken for this one's."""
        return replace(block, centred=False) if self.mislabelled else block

    @property
    def usual(self) -> bool:
        """Whether recursion and matrices are the right ones."""
        return self.rule == RULE and not (self.exchanged or self.mislabelled)


LAW = Law()
MUTANTS: dict[str, Law] = {
    "half of the mean subtracted": replace(LAW, rule=Rule(centre=0.5)),
    "twice the mean subtracted": replace(LAW, rule=Rule(centre=2.0)),
    "nothing subtracted": replace(LAW, rule=Rule(centre=0.0)),
    "a kernel with the mean taken for the centred one": replace(LAW, mislabelled=True),
    "a block's own weights count once": replace(LAW, rule=Rule(fresh=1.0)),
    "a gate adds no degree": replace(LAW, rule=Rule(degrees=0)),
    "plain and gated exchanged": replace(LAW, exchanged=True),
    "the two parts exchanged": replace(LAW, renamed=True),
    "centring leaves the slope at 1": replace(LAW, slopes=False),
    "half of the gain is the mean in the limit": replace(LAW, share=0.5),
    "centring gains on all data": replace(LAW, costs=0.0),
    "one block has its own weights once": replace(LAW, twice=1.0),
}
