"""What may stand within a block, and which blocks may be added to what they were given.

The covariance of a sum is the sum of the covariances only where the images are independent of each other, and one of
them centred: the block must end with dense weights of its own, behind which norms and factors may stand.
"""

from __future__ import annotations

from collections.abc import Sequence

from glutheory.errors import DomainError
from glutheory.layers.records import Dense, Layer, Norm, Parallel, Positions, Product, Repeat, Residual


def inner(layer: Layer) -> tuple[tuple[Layer, ...], ...]:
    """The blocks of a layer."""
    if isinstance(layer, Residual | Repeat):
        return (layer.block,)
    return layer.blocks if isinstance(layer, Parallel) else ()


def has_layernorm(layers: Sequence[Layer]) -> bool:
    """Whether a norm takes means away, within blocks as well."""
    return any((isinstance(layer, Norm) and layer.centred) or any(map(has_layernorm, inner(layer))) for layer in layers)


def means(layers: Sequence[Layer], before: bool = False) -> tuple[bool, bool]:
    """Whether the units at the end may have means, and whether a layernorm may take some away.

    Args:
        layers: in their order.
        before: whether units have means before them.
    """
    found, taken = before, False
    for layer in layers:
        if isinstance(layer, Product):
            found = True
        elif isinstance(layer, Dense):
            found = False
        elif isinstance(layer, Norm) and layer.centred:
            found, taken = False, taken or found
        elif inner(layer):
            ends = [means(block, found) for block in inner(layer)]
            if isinstance(layer, Repeat):
                ends.append(means(layer.block, ends[0][0]))
            taken = taken or any(own for _, own in ends)
            # what is added to the stream of a residual is centred (see `_check_sum`)
            found = found if isinstance(layer, Residual) else any(end for end, _ in ends)
    return found, taken


def check_blocks(layers: tuple[Layer, ...]) -> None:
    """Refuse readouts and means over positions within blocks, and blocks that may not be added.

    Raises:
        DomainError: one sentence about the first such block.
    """
    if sum(isinstance(layer, Positions) for layer in layers) > 1:
        raise DomainError("positions stands twice: after the first mean there are no positions left, leave one out.")
    for layer in layers:
        for block in inner(layer):
            _check_block(block)
        _check_sum(layer)


def _check_block(block: tuple[Layer, ...]) -> None:
    for layer in block:
        if isinstance(layer, Positions):
            raise DomainError("positions stands within a block: put the mean over positions after it.")
        if isinstance(layer, Dense) and layer.readout:
            raise DomainError(
                "the readout stands within a block: put it after the residual, the parallel layer or the repetitions."
            )
        for own in inner(layer):
            _check_block(own)
        _check_sum(layer)


def _check_sum(layer: Layer) -> None:
    added = (layer.block,) if isinstance(layer, Residual) else layer.blocks[1:] if isinstance(layer, Parallel) else ()
    if not all(_fresh(block, False) for block in added):
        raise DomainError(
            "a block whose image is added does not end with dense weights of its own, and its image would not be "
            "independent of what it is added to: end the block with a dense layer."
        )


def _fresh(block: tuple[Layer, ...], before: bool) -> bool:
    """Whether the units after a block are centred images of weights that nothing outside of it has seen."""
    for layer in block:
        if isinstance(layer, Dense | Product):
            before = isinstance(layer, Dense)
        elif isinstance(layer, Parallel):
            before = all(_fresh(own, before) for own in layer.blocks)
        elif isinstance(layer, Repeat):
            before = _fresh(layer.block, before)
    return before
