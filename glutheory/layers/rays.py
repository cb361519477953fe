"""Which rows of data stay multiples of each other from layer to layer: h' = ±ratio·h for all units at once, exactly.

That is no kernel, but what deep kernels need to know where the correlation is ±1, and no ball can tell.
"""

from __future__ import annotations

from fractions import Fraction

from glutheory.activations import Activation
from glutheory.ground.symmetry import Ray, symmetry
from glutheory.layers.records import Dense, Product

UNIT = Fraction(1)
#: Bits of a ratio's numerator and denominator that are carried along.
_MOST = 4000


def ray_of(a: Fraction, b: Fraction, c: Fraction) -> Ray | None:
    """Of two vectors with these squared norms and this inner product: parallel or opposite ones have a ray.

    Two zero vectors are the same one, which biases move to the same place.
    """
    if a == b == 0:
        return Ray(1, UNIT)
    if a == 0 or b == 0 or c * c != a * b:
        return None
    return _ray(1 if c > 0 else -1, abs(c) / a)


def through_dense(ray: Ray | None, layer: Dense) -> Ray | None:
    """The same biases at both inputs leave equal units equal, and no others multiples of each other."""
    return ray if layer.bias == 0 or ray == Ray(1, UNIT) else None


def through_activation(ray: Ray | None, act: Activation) -> Ray | None:
    """A homogeneous φ keeps factors, an even or odd one signs."""
    if ray is None:
        return None
    own = symmetry(act.expr)
    sign = 1 if ray.sign > 0 else own.parity
    if sign == 0:
        return None
    if own.degree is not None:
        return _ray(sign, None if ray.ratio is None else _power(ray.ratio, own.degree))
    return Ray(sign, ray.ratio) if ray.ratio == UNIT else None


def through_product(ray: Ray | None, layer: Product) -> Ray | None:
    """The product of the branches' factors."""
    sign, ratio = 1, UNIT
    known = True
    for act, dense in zip(layer.activations, layer.branches, strict=True):
        own = through_activation(through_dense(ray, dense), act)
        if own is None:
            return None
        sign *= own.sign
        known = known and own.ratio is not None and own.ratio.numerator.bit_length() < _MOST
        ratio *= own.ratio if known and own.ratio is not None else 1
    return _ray(sign, ratio if known else None)


def normed(ray: Ray | None) -> Ray | None:
    """After a norm only the sign is left."""
    return None if ray is None else Ray(ray.sign, UNIT)


def added(one: Ray | None, other: Ray | None) -> Ray | None:
    """A sum of units is a multiple where both summands are the same one."""
    return one if one is not None and one == other and one.ratio is not None else None


def _ray(sign: int, ratio: Fraction | None) -> Ray:
    if ratio is None or max(ratio.numerator.bit_length(), ratio.denominator.bit_length()) > _MOST:
        return Ray(sign, None)
    return Ray(sign, ratio)


def _power(ratio: Fraction, degree: int) -> Fraction | None:
    bits = max(ratio.numerator.bit_length(), ratio.denominator.bit_length())
    return ratio**degree if bits * degree <= 2 * _MOST else None
