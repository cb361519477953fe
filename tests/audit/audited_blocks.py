"""The naive kernel of a block, and blocks drawn at random."""

from __future__ import annotations

import torch

from glutheory.audit.nonlinearities import known


def gram_of(jacobians: dict[str, torch.Tensor]) -> torch.Tensor:
    flat = torch.cat([J.flatten(2) for J in jacobians.values()], dim=2).flatten(1)
    return flat @ flat.mT


ACTIVATIONS = {own.name: own for own in known()}
