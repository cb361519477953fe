"""λ(K⊙C) ≺ λ(K) for a correlation matrix C: the spectrum of a Hadamard product is the more compact one."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.latex import lines
from derivations.tools.matrices import K, e, f, i, j, q, quotient, r, spectral, u, values, weighted_sum, x
from derivations.tools.means import ORDER, reading
from derivations.tools.proof import Outcome, Proof, Step, both, every, follows
from derivations.tools.sums import Form, Index, Tensor, delta, orthonormal, same, total, unit, unit_diagonal
from derivations.tools.zero import positive, zero

C, s = Tensor("C", symmetric=True), Tensor("s")
#: v_ir, the i-th entry of v_r, with C = Σ_r v_r v_rᵀ; p_ie, the i-th entry of the eigenvector u_e of K⊙C.
v, p = Tensor("v"), Tensor("p")
_UNIT = unit_diagonal("C")


def _gram(value: Form) -> Form:
    """With Σ_r v_ir² = C_ii = 1."""
    return unit(value, "v", 1)


def _sum_of_rank_one() -> Outcome:
    """C_ij = Σ_r v_ir v_jr with v_ir = s_i x_ir, s_i = 1/‖x_i‖, so that s_i² Σ_r x_ir² = 1."""
    entry = s[i] * s[j] * total(x[i, r] * x[j, r], r) - total((s[i] * x[i, r]) * (s[j] * x[j, r]), r)
    length, norm = sp.symbols("l g", positive=True)  # ‖x_i‖ = l, ‖x_i‖² = g = l²
    unit = total((s[i] * x[i, r]) ** 2, r) - s[i] ** 2 * total(x[i, r] ** 2, r)
    return both(same(entry, unit), zero((norm / length**2).subs(norm, length**2) - 1))


def _congruences() -> Outcome:
    """(D_v K D_v)_ij = Σ_ab δ_ia v_a K_ab δ_bj v_b entry by entry, for one column and for the sum of all."""
    a, b = Index("a", "n"), Index("b", "n")

    def congruence(vector: Callable[[Index], Form]) -> Form:
        return total(delta(i, a) * vector(a) * K[a, b] * delta(b, j) * vector(b), a, b)

    single = K[i, j] * u[i] * u[j] - congruence(lambda index: u[index])
    whole = K[i, j] * total(v[i, r] * v[j, r], r) - total(congruence(lambda index: v[index, r]), r)
    squares = total(total(delta(i, a) * v[a, r] * delta(a, j) * v[a, r], a), r) - delta(i, j) * total(v[i, r] ** 2, r)
    reading({r"K\odot vv^\top": K[i, j] * u[i] * u[j], "D_vKD_v": congruence(lambda index: u[index])})
    reading({r"K\odot C": K[i, j] * total(v[i, r] * v[j, r], r), "I": delta(i, j)})
    reading({r"\sum_k D_kKD_k": total(congruence(lambda index: v[index, r]), r)})
    reading({r"\sum_k D_k^2": delta(i, j) * _gram(total(v[i, r] ** 2, r))})
    return same(single, whole, squares, _gram(total(v[i, r] ** 2, r)) - 1)


def weight(first: Index, second: Index) -> Form:
    """P_ef = Σ_r (u_eᵀ D_r q_f)²."""
    return total(total(p[i, first] * v[i, r] * q[i, second], i) ** 2, r)


def _doubly_stochastic() -> Outcome:
    form = total(p[i, e] * p[j, e] * spectral(q, values, i, j) * total(v[i, r] * v[j, r], r), i, j)
    averages = total(weight(e, f) * values[f], f)
    forms = form - averages

    def summed(over: Index, basis: str, other: Form) -> Form:
        """A sum of the weights minus Σ_i (Σ_r v_ir²) (other)_i²; then with Σ_r v_ir² = 1 minus ‖other‖²."""
        found = orthonormal(total(weight(e, f), over), basis, 1)
        return _gram(found) - total(other**2, i)

    rows, cols = summed(f, "q", p[i, e]), summed(e, "p", q[i, f])
    # the weights' sums minus the squares of unit vectors, whose sums are 1
    ones = [orthonormal(total(b[i, e] ** 2, i), name, 0) for b, name in ((p, "p"), (q, "q"))]
    reading({r"u_i^\top(K\odot C)\,u_i": form, r"\mu_i": form, r"\sum_j P_{ij}\lambda_j": averages})
    reading({"P_{ij}": weight(e, f), r"\sum_k (u_i^\top D_kq_j)^2": weight(e, f)}, "=")
    reading({r"\sum_k (u_i^\top D_kq_j)^2": sp.Symbol("x", real=True) ** 2}, ORDER)
    for sum_, outer, found, one in (
        (r"\sum_j P_{ij}", r"u_i^\top\Bigl(\sum_k D_k^2\Bigr)u_i", rows, ones[0]),
        (r"\sum_i P_{ij}", r"q_j^\top\Bigl(\sum_k D_k^2\Bigr)q_j", cols, ones[1]),
    ):
        reading({sum_: found + one, outer: one}, "=")
    return both(
        same(forms, rows, cols),
        same(orthonormal(total(q[i, e] ** 2, i), "q", 0) - 1),
        positive(sp.Symbol("x", real=True) ** 2),
    )


def _partial_sums() -> Outcome:
    """The indices j ≤ r and j > r as two ranges of any sizes r and N."""
    low, high, edge = Index("a", "r"), Index("b", "N"), sp.Symbol("lambda_r", real=True)
    w, values_ = Tensor("w"), Tensor("lambda")
    size = sp.Symbol("r", positive=True)
    gap = total(values_[low], low) - total(w[low] * values_[low], low) - total(w[high] * values_[high], high)
    first, second = total((1 - w[low]) * (values_[low] - edge), low), total(w[high] * (edge - values_[high]), high)
    parts = first + second
    # r = Σ w_j over both ranges: the terms with λ_r cancel
    constraint = size - total(w[low], low) - total(w[high], high)
    taken, left, above = sp.symbols("w 1-w f", nonnegative=True)
    lost = total(w[low] * values_[low], low) + total(w[high] * values_[high], high)
    sums = {r"\sum_{j\le r}\lambda_j": total(values_[low], low), r"\sum_{i\le r}\mu_i": lost + edge * constraint}
    terms = r"\sum_{j\le r}(1-w_j)(\lambda_j-\lambda_r)", r"\sum_{j>r}w_j(\lambda_r-\lambda_j)"
    reading({**sums, terms[0]: first, terms[1]: second}, "=")
    reading({terms[0]: left * above, terms[1]: taken * above}, ORDER)
    return both(same(gap - parts - edge * constraint), positive(left * above, taken * above))


def _ends() -> Outcome:
    """The trace with C_ii = 1; λ_n = tr − (sum of the others); the quotient."""
    trace = total(K[i, i] * C[i, i], i).where(_UNIT) - total(K[i, i], i)
    least, other, tr, excess = sp.symbols("lambda_n mu_n tau x", real=True)
    # tr = λ_n + σ = μ_n + σ', σ − σ' = x ≥ 0 the excess of the n−1 largest: μ_n − λ_n = x
    gained = (tr - (sp.Symbol("sigma") - excess)) - (tr - sp.Symbol("sigma")) - excess
    # λ_1 − μ_1 = Σ_e P_1e (λ_1 − λ_e), and what n − 1 of the partial sums leave is not negative
    # λ_n and μ_n by the trace, μ_1 an average of the λ_e; the quotient with the lower top and the higher bottom
    low, high = sp.symbols("l L", positive=True)
    more, fall = sp.symbols("x y", nonnegative=True)
    reading({r"\mathrm{tr}(K\odot C)": total(K[i, i] * C[i, i], i).where(_UNIT), r"\mathrm{tr}\,K": total(K[i, i], i)})
    reading({r"\lambda_n": tr - sp.Symbol("sigma"), r"\mu_n": (tr - (sp.Symbol("sigma") - more))})
    reading({r"\lambda_1": high, r"\mu_1": high - fall})
    reading({r"\mathrm{cond}(K)": high / low, r"\mathrm{cond}(K\odot C)": (high - fall) / (low + more)})
    share, top, below = Tensor("P"), sp.Symbol("lambda_1", real=True), sp.Symbol("y", nonnegative=True)
    first = total(share[e], e) * top - total(share[e] * values[e], e) - total(share[e] * (top - values[e]), e)
    return both(
        same(trace, first),
        zero(gained, (other - least - excess).subs(other, least + excess)),
        positive(sp.Symbol("x", nonnegative=True), sp.Symbol("P", nonnegative=True) * below),
        *quotient(),
    )


def _convexity() -> Outcome:
    """Σ_ef P_ef f(λ_f) = Σ_f f(λ_f) for column sums 1, and the functions are concave."""
    argument = sp.Symbol("x", positive=True)
    concave = [-sp.diff(g, argument, 2) for g in (-argument * sp.log(argument), -(argument**2), sp.log(argument))]
    image = Tensor("f")
    last = total(image[f], f)
    exchanged = _gram(orthonormal(total(weight(e, f) * image[f], e, f), "p", 1))
    exchanged = orthonormal(exchanged, "q", 0)
    reading({r"\sum_{ij}P_{ij}f(\lambda_j)": exchanged, r"\sum_j f(\lambda_j)": last})
    return both(same(exchanged - last), positive(*concave))


def _equality() -> Outcome:
    lost = total(K[i, j] ** 2 * (1 - C[i, j] ** 2), i, j)
    frobenius = total(K[i, j] ** 2, i, j) - total((K[i, j] * C[i, j]) ** 2, i, j) - lost
    reading({r"\|K\|_F^2": total(K[i, j] ** 2, i, j), r"\|K\odot C\|_F^2": total((K[i, j] * C[i, j]) ** 2, i, j)})
    reading({r"\sum_{i\ne j}K_{ij}^2\,(1-C_{ij}^2)": lost})
    diagonal = (K[i, i] ** 2 * (1 - C[i, i] ** 2)).where(_UNIT)
    # the converse: (K⊙C − D_s K D_s)_ij = K_ij (C_ij − s_i s_j), one factor of which is 0; D_s² = I
    a, b = Index("a", "n"), Index("b", "n")
    signed = total(delta(i, a) * s[a] * K[a, b] * delta(b, j) * s[b], a, b)
    similar = K[i, j] * C[i, j] - signed - K[i, j] * (C[i, j] - s[i] * s[j])
    angle, entry = sp.symbols("alpha k", real=True)
    bounded = zero(entry**2 * (1 - sp.cos(angle) ** 2) - entry**2 * sp.sin(angle) ** 2)
    return both(
        same(frobenius, diagonal),
        follows(
            "a sum of terms that are not negative is 0 only where each is",
            bounded,
            positive(entry**2 * sp.sin(angle) ** 2),
        ),
        follows("the converse, by congruence with signs", same(similar)),
    )


def _norms() -> Outcome:
    """The weighted sum for G, the signs of what is left to min g and max g, the quotient; and a case of equality."""
    high, low, most, least = sp.symbols("L l M g", positive=True)
    excess, square = sp.symbols("e u", nonnegative=True)  # g_i − min g or max g − g_i; u_i²
    # Rayleigh's quotient of K⊙G at a unit u lies between the ends times Σ g_i u_i²
    down, up, above, over = sp.symbols("s t a b", nonnegative=True)
    share, other = (each / (1 + each) for each in (above, over))  # of the way from the least to the largest
    reading({r"\lambda_n": low, r"\lambda_1": low + down, r"\min g": least, r"\max g": least + up})
    reading({r"\lambda(K\odot G)": (low + share * down) * (least + other * up)})
    quotient_ = {r"\mathrm{cond}(K)": high / low, r"\frac{\max g}{\min g}": most / least}
    reading({**quotient_, r"\mathrm{cond}(K\odot G)": (high * most - down) / (low * least + up)})
    entries, level = K[i, j], sp.Symbol("lambda", real=True)
    shifted = entries - level * delta(i, j)
    reading({r"u^\top(K\odot G)u": total(u[i] * u[j] * entries * total(x[i, r] * x[j, r], r), i, j), r"\lambda": level})
    reading({r"\sum_i g_iu_i^2": total(total(x[i, r] ** 2, r) * u[i] ** 2, i)})
    reading({r"\sum_k (D_ku)^\top(K-\lambda I)(D_ku)": total(x[i, r] * u[i] * shifted * x[j, r] * u[j], i, j, r)})
    attained = (high * most) / (low * least) - (high / low) * (most / least)
    signs = positive(low * ((least + excess) - least) * square, high * (most - (most - excess)) * square)
    return both(weighted_sum(), zero(attained), signs, *quotient())


def proof() -> Proof:
    return Proof(
        title="A Hadamard product with a correlation matrix has the more compact spectrum",
        source=(
            "I. Schur, J. reine angew. Math. 140 (1911) 1; R. B. Bapat and V. S. Sunder, Linear Algebra Appl. 72 "
            "(1985) 107"
        ),
        summary=(
            "For a symmetric $K$ and a correlation matrix $C$ (positive semidefinite, unit diagonal), "
            "$\\lambda(K\\odot C) \\prec \\lambda(K)$: for every $r$ the $r$ largest eigenvalues of $K\\odot C$ sum "
            "to at most what those of $K$ sum to, and both matrices have the same trace. With $C_{ij} = "
            "\\cos\\alpha_{ij}$ of the angles between inputs, this is what the Hadamard part of gating does to a "
            "kernel matrix. The idea: $K\\odot C$ is an average of congruences of $K$, so its eigenvalues are averages "
            "of those of $K$ with doubly stochastic weights."
        ),
        notation=(
            "$K$ is $n\\times n$ with eigenvalues $\\lambda_1\\ge\\dots\\ge\\lambda_n$ and orthonormal eigenvectors "
            "$q_j$; $K\\odot C$ has $\\mu_1\\ge\\dots\\ge\\mu_n$ and $u_i$; $D_v = \\mathrm{diag}(v)$; "
            "$x\\prec y$ means $\\sum_{i\\le r} x_i \\le \\sum_{i\\le r} y_i$ for the ordered entries and every $r$, "
            "with equality at $r=n$."
        ),
        names={
            r"\mu_i": r"\text{the eigenvalues of } K \odot C",
            "u_i": r"\text{the eigenvectors of } K \odot C",
            "C": r"\sum_kv_kv_k^\top",
            "D_k": r"\mathrm{diag}(v_k)",
            "D_v": r"\mathrm{diag}(v)",
            "K": r"\sum_j\lambda_jq_jq_j^\top",
            r"\lambda_j": r"\text{eigenvalues, in falling order}",
            "I": r"\mathbf 1",
            "P_{ij}": r"\sum_k(u_i^\top D_kq_j)^2",
            r"\mathrm{cond}": r"\lambda_1/\lambda_n",
            r"\mathrm{erank}": r"\exp\Bigl(-\sum_i\frac{\lambda_i}{\mathrm{tr}}\ln\frac{\lambda_i}{\mathrm{tr}}\Bigr)",
        },
        steps=(
            Step(
                "a correlation matrix is a sum of rank-one matrices",
                r"C = \sum_k v_kv_k^\top, \qquad (v_k)_i = \frac{x_{ik}}{\|x_i\|}, \qquad \sum_k (v_k)_i^2 = C_{ii} "
                r"= 1",
                "every $C\\succeq0$ is a Gram matrix $BB^\\top$ (Cholesky), whose columns are the $v_k$; for inputs "
                "$x_i$ they are the coordinates of the unit vectors",
                _sum_of_rank_one,
                every("n d s x", by.GRAM),
                names={
                    "C": r"\text{with the entries } x_i\cdot x_j/(\|x_i\|\,\|x_j\|)",
                    "v_k": r"\text{the columns of the unit vectors } x_i/\|x_i\|",
                },
            ),
            Step(
                "the product is a sum of congruences",
                r"K\odot vv^\top = D_vKD_v, \qquad K\odot C = \sum_k D_kKD_k, \qquad \sum_k D_k^2 = I",
                "entry by entry; $D_k = D_{v_k}$",
                _congruences,
                every("n d K v"),
            ),
            Step(
                "doubly stochastic weights",
                lines(
                    r"\mu_i = u_i^\top(K\odot C)\,u_i = \sum_j P_{ij}\lambda_j, \qquad P_{ij} = "
                    r"\sum_k (u_i^\top D_kq_j)^2 \ge 0,",
                    r"\sum_j P_{ij} = u_i^\top\Bigl(\sum_k D_k^2\Bigr)u_i = 1, \qquad \sum_i P_{ij} = "
                    r"q_j^\top\Bigl(\sum_k D_k^2\Bigr)q_j = 1",
                ),
                "$K = \\sum_j\\lambda_jq_jq_j^\\top$ and $\\sum_j q_jq_j^\\top = \\sum_i u_iu_i^\\top = I$; the "
                "columns as the rows, with $u$ and $q$ exchanged",
                _doubly_stochastic,
                every("n d lambda q v", by.SPECTRAL),
                names={
                    "C": r"\sum_kv_kv_k^\top",
                    "u_i": r"p_i, \text{ the eigenvectors of } K \odot C",
                    r"\mu_i": r"\text{their eigenvalues}",
                },
            ),
            Step(
                "partial sums",
                lines(
                    r"w_j = \sum_{i\le r}P_{ij}\in[0,1], \qquad \sum_j w_j = r,",
                    r"\sum_{j\le r}\lambda_j - \sum_{i\le r}\mu_i = \sum_{j\le r}(1-w_j)(\lambda_j-\lambda_r) + "
                    r"\sum_{j>r}w_j(\lambda_r-\lambda_j) \ge 0",
                ),
                (
                    r"Hardy, Littlewood and Pólya (1929); the $w_j$ sum to $r$, and the terms with $\lambda_r$ "
                    "cancel"
                ),
                _partial_sums,
                every("r lambda w"),
                names={"P_{ij}": r"\text{doubly stochastic weights}", r"\mu_i": r"\sum_jP_{ij}\lambda_j"},
            ),
            Step(
                "the ends and the condition number",
                r"\mathrm{tr}(K\odot C) = \mathrm{tr}\,K, \qquad \lambda_n \le \mu_n, \quad \mu_1\le\lambda_1, \qquad "
                r"\mathrm{cond}(K\odot C) \le \mathrm{cond}(K) \quad (K\succ0)",
                "$r = 1$; $r = n-1$ with the equal traces; a quotient falls when its numerator falls and its "
                "denominator grows",
                _ends,
                every("n K C"),
            ),
            Step(
                "entropy, participation ratio, determinant",
                lines(
                    r"f \text{ concave}: \quad \sum_i f(\mu_i) \ge \sum_{ij}P_{ij}f(\lambda_j) = \sum_j f(\lambda_j),",
                    r"\text{so } \mathrm{erank}(K\odot C) \ge \mathrm{erank}(K), \qquad "
                    r"\frac{(\sum\mu_i)^2}{\sum\mu_i^2} \ge \frac{(\sum\lambda_j)^2}{\sum\lambda_j^2}, \qquad "
                    r"\det(K\odot C)\ge\det K",
                ),
                "Jensen's inequality in every row, then the column sums; $f = -x\\ln x$ (Roy and Vetterli's effective "
                "rank, for $\\lambda/\\mathrm{tr}$), $-x^2$, and $\\ln x$ (Oppenheim's inequality); $K\\succeq0$, for "
                "the last $K\\succ0$",
                _convexity,
                every("n f", by.JENSEN),
                names={
                    "C": r"\sum_kv_kv_k^\top",
                    "u_i": r"p_i, \text{ the eigenvectors of } K \odot C",
                    r"\mu_i": r"\text{their eigenvalues}",
                },
            ),
            Step(
                "equality",
                lines(
                    r"\|K\|_F^2 - \|K\odot C\|_F^2 = \sum_{i\ne j}K_{ij}^2\,(1-C_{ij}^2),",
                    r"\text{so } \lambda(K\odot C) = \lambda(K) \iff K_{ij} = 0 \text{ or } C_{ij} = \pm1 \text{ for "
                    r"all } i\ne j",
                ),
                "equal spectra have equal sums of squares, and a sum of terms that are not negative is 0 only where "
                "each is; the converse, by congruence with signs: $C_{ij}=\\pm1$ says that $x_i, x_j$ are parallel, "
                "an equivalence, and with a sign for every input $K\\odot C = D_sKD_s$, since $K$ vanishes between "
                "the classes",
                _equality,
                every("n K C s"),
                names={"i": r"\text{an index}", "j": r"\text{another index}"},
            ),
            Step(
                "inputs of any norm",
                lines(
                    r"G = XX^\top,\ g_i = \|x_i\|^2: \qquad u^\top(K\odot G)u - \lambda\sum_i g_iu_i^2 = "
                    r"\sum_k (D_ku)^\top(K-\lambda I)(D_ku),",
                    r"\lambda_n\min g \le \lambda(K\odot G) \le \lambda_1\max g, \qquad \mathrm{cond}(K\odot G) \le "
                    r"\mathrm{cond}(K)\,\frac{\max g}{\min g}",
                ),
                "$D_k$ the columns of $X$; $\\lambda = \\lambda_n$ makes the right side nonnegative, $\\lambda = "
                "\\lambda_1$ nonpositive; then $\\sum_i g_iu_i^2$ lies between $\\min g\\,\\|u\\|^2$ and "
                "$\\max g\\,\\|u\\|^2$; $K\\succeq0$. Equality for $K = \\mathrm{diag}(\\lambda_n,\\lambda_1)$ and "
                "orthogonal inputs, the shorter one first",
                _norms,
                every("n d lambda K x u", by.RAYLEIGH.gives("then $\\sum_i g_iu_i^2$ lies between")),
                names={
                    "X": "(x_{ik})",
                    "G": r"XX^\top",
                    "g_i": r"\sum_kx_{ik}^2",
                    "D_k": r"\mathrm{diag}(x_{1k}, \dots, x_{nk})",
                },
            ),
        ),
        remarks=(
            (
                "For the networks $C_{ij} = \\cos\\alpha_{ij}$, and equality needs $K_{ij} = 0$ or parallel inputs for "
                "every pair: otherwise the spectrum becomes strictly more compact. Nothing is said about the full "
                "gated kernel, which is not such a product of the non-gated one: see "
                "[smallest_eigenvalue](smallest_eigenvalue.md)."
            ),
        ),
    )
