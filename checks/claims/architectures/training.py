"""The small networks in training: AdamW on the cross-entropy, as in the paper's experiments on generalisation."""

from __future__ import annotations

from typing import Any

from checks.claims.architectures.data import Data

RATE, DECAY, BATCH = 1e-3, 1e-4, 64


def train(model: Any, items: Data, *, epochs: int, seed: int) -> None:
    """Train the model in place; the order of the data depends on the seed alone."""
    import torch

    if items.train is None:
        return
    inputs, classes = items.train
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY)
    for _ in range(epochs):
        order: Any = torch.randperm(len(inputs), generator=generator)
        for batch in order.split(BATCH):
            optimizer.zero_grad()
            _loss(model(inputs[batch]), classes[batch]).backward()
            optimizer.step()
    optimizer.zero_grad()


def losses(model: Any, items: Data) -> tuple[float, float]:
    """The mean cross-entropy on the training and the held-out data; NaN where there is none."""
    import torch

    found = []
    with torch.no_grad():
        for part in (items.train, items.test):
            if part is None:
                found.append(float("nan"))
                continue
            rows = [_loss(model(x), y) * len(x) for x, y in zip(*(each.split(256) for each in part), strict=True)]
            found.append(float(torch.stack(rows).sum()) / len(part[0]))
    return found[0], found[1]


def _loss(outputs: Any, classes: Any) -> Any:
    """The mean over the batch and, for text, over the positions."""
    from torch.nn.functional import cross_entropy

    return cross_entropy(outputs.flatten(0, -2), classes.flatten())
