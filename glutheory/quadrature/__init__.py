"""Road 2: the defining Gaussian integral, enclosed rigorously; knows nothing but the activation."""

from glutheory.quadrature.enclose import enclose

__all__ = ["enclose"]
