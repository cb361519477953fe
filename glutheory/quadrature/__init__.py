"""Road 2: the defining Gaussian integral, enclosed rigorously; knows the activation and the layers, no formula.

Other rooms use `enclose` only; what its rules prove, each says in its own module.
"""

from glutheory.quadrature.entrance import enclose

__all__ = ["enclose"]
