"""Deep networks of finite width: one pass forward, one back, and products of what was met on the way.

The output of row i depends on row i of every layer only, so that one backward pass over the batch gives the derivatives
δ_i of output i by the units of every layer. With h_i what a dense layer is given, and one output unit,

    NTK_ij = Σ over dense layers ⟨h_i, h_j⟩⟨δ_i, δ_j⟩ + Σ over biases and shifts ⟨δ_i, δ_j⟩
             + Σ over gains ⟨δ_i⊙z_i, δ_j⊙z_j⟩

with z the normalised units, each term times what the parametrisation puts outside, and summed over pairs of positions
where rows are sequences. No Jacobian is formed: the cost of a draw is that of a training step on the n inputs, and one
n × m × n product per group of weights.
"""

from __future__ import annotations
