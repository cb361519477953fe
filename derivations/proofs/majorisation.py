"""λ(K⊙C) ≺ λ(K) for a correlation matrix C: the spectrum of a Hadamard product is the more compact one."""

from __future__ import annotations

from itertools import combinations

import sympy as sp

from derivations.tools.latex import lines
from derivations.tools.matrices import SIZE, columns, full, orthogonal, positive, quotient, symmetric, weighted_sum
from derivations.tools.proof import Outcome, Proof, Step, both
from derivations.tools.zero import zero

_RANK = 2  # of the explicit C
_LARGEST = 6  # of the doubly stochastic matrices


def _sum_of_rank_one() -> Outcome:
    B = full("b", columns=_RANK)
    C = sum((B.col(k) * B.col(k).T for k in range(_RANK)), sp.zeros(SIZE))
    norms = [sp.sqrt(sum(B[i, k] ** 2 for k in range(_RANK))) for i in range(SIZE)]
    unit = sp.Matrix(SIZE, _RANK, lambda i, k: B[i, k] / norms[i])
    return zero(*(C - B * B.T), *(sum(unit[i, k] ** 2 for k in range(_RANK)) - 1 for i in range(SIZE)))


def _congruences() -> Outcome:
    K, B = symmetric("K"), full("b", columns=_RANK)
    total = sum((D * K * D for D in columns(B)), sp.zeros(SIZE))
    squares = sum((D * D for D in columns(B)), sp.zeros(SIZE))
    C = B * B.T
    diagonal = sp.diag(*(C[i, i] for i in range(SIZE)))
    # one column alone, for four rows: K⊙vvᵀ = D_v K D_v
    v, big = full("v", 4, 1), symmetric("K", 4)
    single = big.multiply_elementwise(v * v.T) - sp.diag(*v) * big * sp.diag(*v)
    return zero(*(K.multiply_elementwise(C) - total), *(squares - diagonal), *single)


def _doubly_stochastic() -> Outcome:
    Q, U, B = orthogonal("q"), full("u"), full("b", columns=_RANK)
    values = sp.symbols("lambda_0:3", real=True)
    C = B * B.T
    weights = sp.Matrix(SIZE, SIZE, lambda i, j: sum((U.col(i).T * D * Q.col(j))[0] ** 2 for D in columns(B)))
    # the quadratic forms, and the rows: with Q orthogonal, for any u_i
    K = full("p")  # any eigenvectors serve for the first identity
    first = K * sp.diag(*values) * K.T
    forms = [
        (U.col(i).T * first.multiply_elementwise(C) * U.col(i))[0]
        - sum(values[j] * sum((U.col(i).T * D * K.col(j))[0] ** 2 for D in columns(B)) for j in range(SIZE))
        for i in range(SIZE)
    ]
    rows = [sum(weights.row(i)) - sum(C[k, k] * U[k, i] ** 2 for k in range(SIZE)) for i in range(SIZE)]
    return zero(*(Q * Q.T - sp.eye(SIZE)), *forms, *rows)


def _partial_sums() -> Outcome:
    """For n ≤ 6 and every r: the gap of the partial sums as a sum of nonnegative products."""
    differences, terms = [], []
    for n in range(2, _LARGEST + 1):
        falls = sp.symbols(f"f_1:{n}", nonnegative=True)  # λ_j − λ_{j+1}
        last = sp.Symbol("lambda_n", real=True)
        values = [last + sum(falls[j:], sp.S.Zero) for j in range(n)]
        for r in range(1, n):
            taken = sp.symbols(f"w_1:{n + 1}", nonnegative=True)
            left = sp.symbols(f"s_1:{n + 1}", nonnegative=True)  # 1 − w_j
            gap = sum(values[:r]) - sum(w * x for w, x in zip(taken, values, strict=True))
            parts = [left[j] * (values[j] - values[r - 1]) for j in range(r)]
            parts += [taken[j] * (values[r - 1] - values[j]) for j in range(r, n)]
            known = {left[j]: 1 - taken[j] for j in range(n)}
            known_sum = {taken[n - 1]: r - sum(taken[: n - 1])}
            differences.append((gap - sum(parts)).subs(known).subs(known_sum))
            terms += [sp.factor(sp.expand(part)) for part in parts]
    return both(zero(*differences), positive(*terms))


def _ends() -> Outcome:
    """The trace with C_ii = 1; λ_n = tr − (sum of the others); the quotient."""
    K, C = symmetric("K"), symmetric("C").subs({sp.Symbol(f"C_{i}{i}", real=True): 1 for i in range(SIZE)})
    trace = K.multiply_elementwise(C).trace() - K.trace()
    total, others = sp.symbols("tau sigma", real=True)
    excess = sp.Symbol("x", nonnegative=True)  # of the n−1 largest eigenvalues of K over those of K⊙C
    gained = sp.expand((total - (others - excess)) - (total - others))
    return both(zero(trace), positive(gained), *quotient())


def _convexity() -> Outcome:
    """Σ_ij P_ij f(λ_j) = Σ_j f(λ_j) for column sums 1, and the functions are concave."""
    x = sp.Symbol("x", positive=True)
    concave = [-sp.diff(f, x, 2) for f in (-x * sp.log(x), -(x**2), sp.log(x))]
    P = full("P")
    values = sp.symbols("f_0:3", real=True)
    last = {P[SIZE - 1, j]: 1 - sum(P[i, j] for i in range(SIZE - 1)) for j in range(SIZE)}
    total = sum(P[i, j] * values[j] for i in range(SIZE) for j in range(SIZE)).subs(last) - sum(values)
    return both(zero(total), positive(*concave))


def _equality() -> Outcome:
    size = 4
    K, C = symmetric("K", size), symmetric("C", size).subs({sp.Symbol(f"C_{i}{i}", real=True): 1 for i in range(size)})
    product = K.multiply_elementwise(C)
    lost = 2 * sum(K[i, j] ** 2 * (1 - C[i, j] ** 2) for i, j in combinations(range(size), 2))
    frobenius = (K * K).trace() - (product * product).trace() - lost
    # two groups {0,1}, {2,3} of parallel inputs with K = 0 between them, signs s_i = ±1
    signs = [sp.S.One, -sp.S.One, sp.S.One, -sp.S.One]
    blocks = K.subs({K[i, j]: 0 for i in (0, 1) for j in (2, 3)})
    group = C.subs({C[0, 1]: signs[0] * signs[1], C[2, 3]: signs[2] * signs[3]})
    similar = blocks.multiply_elementwise(group) - sp.diag(*signs) * blocks * sp.diag(*signs)
    inside, k = sp.Symbol("c", real=True), sp.Symbol("k", real=True)
    bounded = (k**2 * (1 - inside**2)).subs(inside, sp.cos(sp.Symbol("alpha", real=True)))
    return both(zero(frobenius, *similar), positive(sp.trigsimp(bounded)))


def _norms() -> Outcome:
    """The weighted sum for G, the signs of what is left to min g and max g, the quotient; and a case of equality."""
    high, low, most, least = sp.symbols("L l M g", positive=True)
    excess, weight = sp.symbols("e u", nonnegative=True)  # g_i − min g or max g − g_i; u_i²
    sharp = sp.diag(low, high).multiply_elementwise(sp.diag(least, most))
    attained = sharp[1, 1] / sharp[0, 0] - (high / low) * (most / least)
    signs = positive(low * ((least + excess) - least) * weight, high * (most - (most - excess)) * weight)
    return both(weighted_sum(), zero(attained), signs, *quotient())


def proof() -> Proof:
    size = f"{SIZE}×{SIZE}"
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
        steps=(
            Step(
                "a correlation matrix is a sum of rank-one matrices",
                r"C = \sum_k v_kv_k^\top, \qquad (v_k)_i = \frac{x_{ik}}{\|x_i\|}, \qquad \sum_k (v_k)_i^2 = C_{ii} "
                r"= 1",
                "every $C\\succeq0$ is a Gram matrix $BB^\\top$ (Cholesky), whose columns are the $v_k$; for inputs "
                "$x_i$ they are the coordinates of the unit vectors",
                _sum_of_rank_one,
                f"generic $B$ with {SIZE} rows and {_RANK} columns",
            ),
            Step(
                "the product is a sum of congruences",
                r"K\odot vv^\top = D_vKD_v, \qquad K\odot C = \sum_k D_kKD_k, \qquad \sum_k D_k^2 = I",
                "entry by entry; $D_k = D_{v_k}$",
                _congruences,
                f"generic symmetric matrices, {size} with {_RANK} columns and 4×4 with one",
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
                f"size {size}: the quadratic forms for any vectors, the row sums with Cayley's rotations for the $q_j$",
            ),
            Step(
                "partial sums",
                lines(
                    r"w_j = \sum_{i\le r}P_{ij}\in[0,1], \qquad \sum_j w_j = r,",
                    r"\sum_{j\le r}\lambda_j - \sum_{i\le r}\mu_i = \sum_{j\le r}(1-w_j)(\lambda_j-\lambda_r) + "
                    r"\sum_{j>r}w_j(\lambda_r-\lambda_j) \ge 0",
                ),
                "Hardy, Littlewood and Pólya (1929); the terms with $\\lambda_r$ cancel because the $w_j$ sum to $r$",
                _partial_sums,
                f"every $r < n \\le {_LARGEST}$, with symbols for the gaps $\\lambda_j - \\lambda_{{j+1}} \\ge 0$, "
                "for $w_j \\ge 0$ and for $1-w_j \\ge 0$",
            ),
            Step(
                "the ends and the condition number",
                r"\mathrm{tr}(K\odot C) = \mathrm{tr}\,K, \qquad \lambda_n \le \mu_n, \quad \mu_1\le\lambda_1, \qquad "
                r"\mathrm{cond}(K\odot C) \le \mathrm{cond}(K) \quad (K\succ0)",
                "$r = 1$; $r = n-1$ with the equal traces; a quotient falls when its numerator falls and its "
                "denominator grows",
                _ends,
                f"the trace for generic {size} matrices, $\\mu_n-\\lambda_n$ as the excess of the other sums, the "
                "quotient",
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
                f"the exchange of sums for generic {size} weights with column sums 1, and the signs of $f''$",
            ),
            Step(
                "equality",
                lines(
                    r"\|K\|_F^2 - \|K\odot C\|_F^2 = \sum_{i\ne j}K_{ij}^2\,(1-C_{ij}^2),",
                    r"\text{so } \lambda(K\odot C) = \lambda(K) \iff K_{ij} = 0 \text{ or } C_{ij} = \pm1 \text{ for "
                    r"all } i\ne j",
                ),
                "equal spectra have equal sums of squares. Conversely $C_{ij}=\\pm1$ says that $x_i, x_j$ are "
                "parallel, an equivalence; with a sign for every input $K\\odot C = D_sKD_s$, since $K$ vanishes "
                "between the classes",
                _equality,
                "generic 4×4 matrices; the converse for two classes of two",
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
                f"the first line for generic {size} matrices, the signs, the quotient, and the case of equality",
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
