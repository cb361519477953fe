"""Executable proofs of the kernels: one module per family or identity, each a list of named, machine-checked steps.

`python -m derivations` runs them all and renders them to ``derivations/rendered/``.
"""
