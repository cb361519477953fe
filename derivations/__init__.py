"""Executable proofs of the kernels: one file per family or identity, each a list of named, machine-checked steps.

The proofs are in `derivations.proofs`, what they share in `derivations.tools`. `python -m derivations` runs them all
and renders them to ``derivations/rendered/``.
"""
