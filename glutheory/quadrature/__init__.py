"""Road 2: the defining Gaussian integral, enclosed rigorously; knows nothing but the activation.

Other rooms use `enclose` only; what its rules prove, each says in its own module.
"""

from glutheory.quadrature.enclose import enclose

__all__ = ["enclose"]
