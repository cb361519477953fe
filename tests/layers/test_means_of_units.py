"""What a sequence of layers does to the means of units."""

from __future__ import annotations

from typing import Any

import pytest

from glutheory.layers import dense, layernorm, parallel, product, readout, repeat, residual, rmsnorm, scale
from glutheory.layers.blocks import means

BLOCK = (layernorm(), product("relu"), dense())


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ((dense(), product("relu")), (True, False)),
        ((product("relu"), scale(2), rmsnorm()), (True, False)),
        ((product("relu"), dense(), layernorm()), (False, False)),
        ((product("relu"), layernorm()), (False, True)),
        ((product("relu"), rmsnorm(), layernorm(), readout()), (False, True)),
        ((dense(), residual(*BLOCK), layernorm(), readout()), (False, False)),
        ((product("relu"), residual(*BLOCK)), (True, True)),  # of the stream, within the block
        ((dense(), repeat(2, product("relu"), rmsnorm())), (True, False)),
        ((dense(), repeat(2, layernorm(), product("relu"))), (True, True)),  # from the second time on
        ((dense(), parallel([product("relu")], [product("tanh"), dense()]), layernorm()), (False, True)),
        ((dense(), parallel([dense()], [product("tanh"), dense()]), layernorm()), (False, False)),
    ],
    ids=str,
)
def test_means_and_what_takes_them_away(layers: tuple[Any, ...], expected: tuple[bool, bool]) -> None:
    assert means(layers) == expected
