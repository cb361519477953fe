"""The evaluator of any activation, found from its definition: what the hand-made ones of `duals` leave over.

`samples` and `table` read φ off its definition, `curve` evaluates it and its derivatives, `rule` cuts the line into panels on which they are smooth,
`spectrum` has the Hermite coefficients of φ(r x) as functions of r, `plane` integrates a pair directly where their
series is too slow, `parallel` shares such integrals between rows of one norm, `check` holds one against the other, and
`evaluator` makes a `Dual` of them.
"""

from __future__ import annotations
