"""Derivatives of the kernels with respect to the rows and the variances, at the accuracy of `gram`.

With r = √a, r' = √b, ρ = c/(r r') the dual S(r, r', ρ) and c·T = ρ ∂S/∂ρ are differentiated along ρ, r and r':

    ∂S/∂ρ = r r' T                   r ∂S/∂r = E[u φ'(u) φ(v)]
    ∂(cT)/∂ρ = ∂S/∂ρ + ρ ∂²S/∂ρ²     r ∂(cT)/∂r = ρ ∂/∂ρ (r ∂S/∂r)

(Price's theorem and Stein's lemma). In a and c: r ∂S/∂r = 2a ∂S/∂a + c ∂S/∂c with ∂S/∂a = E[φ''(u) φ(v)]/2. These
coordinates are chosen because the angle and the lengths of rows move independently: x·dx changes r alone, and what is
at right angles to x changes ρ alone, so that nothing cancels between nearly parallel rows.

At a kink of φ the derivative is the mean of both sides, as in the distributional calculus of the kernels themselves.
"""
