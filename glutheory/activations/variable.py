"""The argument of every activation."""

from __future__ import annotations

import sympy as sp

Z = sp.Symbol("z", real=True)
