"""The evaluator of any activation, found from its definition: what the hand-made ones of `duals` leave over.

`samples` and `table` read φ off its definition, `curve` evaluates it and its derivatives, and `rule` cuts the line
into panels on which they are smooth. `spectrum` has the Hermite coefficients of φ(r x) as functions of r, `features`
what is kept of each row, and `series` sums. `plane` integrates a pair directly where the series is too slow, along
the lines of `line` and by the rules of `truncated`, `near` shares such integrals between rows of one norm. `patch` is
an interpolant in radii and angle, `nodes` makes it from series of thousands of terms, and `cover` finds the pairs of a
tile that are in one. `check` looks at the coefficients from another side, and `evaluator` makes a `Dual` of them all.
"""

from __future__ import annotations
