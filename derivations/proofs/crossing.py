"""When two expected loss curves cross: Cor. 4.2 of arXiv 2605.20749 with conditions that suffice."""

from __future__ import annotations

from derivations.tools import crossing_curves as curves
from derivations.tools import crossing_normalised as normalised
from derivations.tools import theorems as by
from derivations.tools.latex import lines
from derivations.tools.proof import Proof, Step, every


def proof() -> Proof:
    return Proof(
        title="When two loss curves cross (Cor. 4.2)",
        source="Cor. 4.2 of arXiv 2605.20749, with conditions that suffice; E. Laguerre 1883 for the count of zeros; "
        "I. Schur 1911 for the product",
        summary=(
            "The difference of two expected losses is a sum of exponentials. Its sign at first is that of the initial "
            "losses, then of the slopes; its sign at last is decided by the smaller of the two least eigenvalues "
            "*alone*, because every mode carries loss when $\\Sigma$ and $\\tilde\\Sigma$ are positive definite; where "
            "the two are equal, by the weights of their modes. If these signs differ the "
            "curves cross an odd number of times, and exactly once if the cumulated spectral weights cross once. "
            "On normalised inputs, in the wide limit, the paper's hypothesis $Y^\\top(K-\\tilde K)Y \\ge 0$ gives the "
            "first half of Cor. 4.2 as soon as two inputs with $\\Sigma_{ij} \\ne 0$ are not parallel, for every $n$ "
            "and $d$. It does not give the second: there $\\lambda_1 \\le "
            "\\tilde\\lambda_1$ always, and the gated loss is lower in the end if $\\Sigma$ is positive definite and "
            "$\\lambda_1 < \\tilde\\lambda_1$, as for $n \\ge 2$ inputs of which no two are parallel, a simple "
            "$\\lambda_1$ and a $\\phi$ that is no polynomial; at a tie it can be the higher one at all times, and so "
            "it can where $\\Sigma$ is singular. On Gaussian inputs not even the order of the least "
            "eigenvalues is sure (see the checks `crossing-early` and `crossing-late`)."
        ),
        notation=(
            "As in [expected_loss](expected_loss.md): $L$ with $K, \\Sigma$ for the non-gated network, $\\tilde L$ "
            "with $\\tilde K, \\tilde\\Sigma$ for the gated one, $M = \\Sigma + YY^\\top$, $\\tilde M$ likewise; "
            "$D = L - \\tilde L = \\sum_j c_j e^{-r_j t}$ with $r_1 < r_2 < \\dots$ the rates of both; "
            "$C(r) = \\sum_{r_j \\le r} c_j$; $\\lambda_1, \\tilde\\lambda_1$ the least eigenvalues. Gradient descent "
            "is the same with $r = -2\\ln|1-\\eta\\lambda|$ in place of $2\\lambda$ and $k$ in place of $t$; the "
            "slowest mode is the least eigenvalue's while $\\eta < 2/(\\lambda_1 + \\lambda_n)$ for both."
        ),
        names={
            "D": r"L - \tilde L",
            "L": r"\mathrm{Tr}[e^{-2Kt}M]",
            r"\tilde L": r"\mathrm{Tr}[e^{-2\tilde Kt}\tilde M]",
            "K": r"\text{the non-gated kernel}",
            r"\tilde K": r"\text{the gated kernel}",
            "M": r"\Sigma + YY^\top",
            r"\tilde M": r"\tilde\Sigma + YY^\top",
            r"\Sigma": r"\text{the covariance of the non-gated outputs}",
            r"\tilde\Sigma": r"\text{the covariance of the gated outputs}",
            "Y": r"\text{the targets}",
            "C": r"XX^\top/d",
            "X": r"\text{the inputs } x_i",
            "x_i": r"\text{an input}",
            "d": r"\text{the dimension}",
            "n": r"\text{the number of inputs}",
            "m": r"\text{the width}",
            "t": r"\text{the time}",
            r"\lambda_1": r"\text{the least eigenvalue of } K",
            r"\tilde\lambda_1": r"\text{the least eigenvalue of } \tilde K",
            r"\lambda_{\min}": r"\text{the least eigenvalue}",
            "q_i": r"\text{the eigenvectors of } K",
            "w_i": r"q_i^\top Mq_i",
            "P": r"\text{the projector on the eigenspace of } \lambda_1",
            r"\tilde P": r"\text{the projector on that of } \tilde\lambda_1",
            "A": r"K - \lambda_1I",
            "I": r"\mathbf 1",
            r"\phi": r"\text{the activation}",
            "z": r"\text{the argument}",
            "i": r"\text{an input}",
            "j": r"\text{another input}",
        },
        steps=(
            Step(
                "at first",
                r"D(0) = \mathrm{Tr}\,\Sigma - \mathrm{Tr}\,\tilde\Sigma, \qquad "
                r"D'(0) = -2\left(\mathrm{Tr}[KM] - \mathrm{Tr}[\tilde K\tilde M]\right)",
                "the targets' part of $D(0)$ cancels; differentiate the flow",
                curves.start,
                every("n t lambda q M Sigma Y", by.SPECTRAL),
            ),
            Step(
                "the covariances are positive definite",
                r"\phi \text{ no polynomial},\ x_i \ne 0,\ \text{no two parallel} \quad\Longrightarrow\quad \Sigma "
                r"\succ 0, "
                r"\ \tilde\Sigma \succ 0",
                "$u^\\top\\Sigma u = 0$ says that $\\sum_l u_l\\phi(w\\cdot x_l) = 0$ for almost every $w$, a mean of "
                "squares being 0. For each $j \\ne i$ differentiate along $v_j = x_i - (x_i\\cdot "
                "x_j/\\|x_j\\|^2)\\,x_j$, as distributions: the term of $l$ gets the factor $v_j\\cdot x_l$, and that "
                "of $j$ goes, since $v_j\\cdot x_j = 0$. By the induction on the derivatives, its start and its step, "
                "$u_i\\prod_j(v_j\\cdot x_i)\\,\\phi^{(n-1)}(w\\cdot x_i) = 0$ is left, where $v_j\\cdot x_i > 0$: "
                "$u_i = 0$, or $\\phi^{(n-1)} = 0$, and by the induction on the degree, its start and its step, "
                "$\\phi$ is a polynomial (for analytic $\\phi$: S. Du et al. 2019). Then $\\tilde\\Sigma \\propto "
                "\\Sigma\\odot XX^\\top$ is positive definite as well, by Schur's product theorem, since $\\|x_i\\| > "
                "0$",
                curves.definite,
                every(
                    "u P s c R k z l_i l_j rho",
                    by.VANISHING.gives("a mean of squares being 0"),
                    by.PULLBACK.gives("as distributions"),
                    by.CONSTANT.gives("$\\phi$ is a polynomial"),
                    by.SCHUR,
                ),
            ),
            Step(
                "every mode carries loss",
                r"\Sigma \succ 0: \qquad w_i = q_i^\top(\Sigma + YY^\top)\,q_i \ge \lambda_{\min}(\Sigma) > 0",
                "Rayleigh",
                curves.weights,
                every("n sigma p u Y", by.SPECTRAL),
            ),
            Step(
                "at last",
                lines(
                    r"\Sigma \succ 0,\ \lambda_1 < \tilde\lambda_1 \;\Longrightarrow\; e^{2\lambda_1t}D(t) \to "
                    r"\mathrm{Tr}[PM] > 0 \quad \text{(gated lower in the end)};",
                    r"\tilde\Sigma \succ 0,\ \lambda_1 > \tilde\lambda_1 \;\Longrightarrow\; "
                    r"e^{2\tilde\lambda_1t}D(t) \to -\mathrm{Tr}[\tilde P\tilde M] < 0 \quad \text{(non-gated)};",
                    r"\lambda_1 = \tilde\lambda_1 \;\Longrightarrow\; e^{2\lambda_1t}D(t) \to \mathrm{Tr}[PM] - "
                    r"\mathrm{Tr}[\tilde P\tilde M]",
                ),
                "the slowest exponential outlasts all others; its weight $\\mathrm{Tr}[PM]$ is a sum of $w_i \\ge "
                "\\lambda_{\\min}(\\Sigma)$ by the step before. The sign of $D$ at last is "
                "always that of the first $c_j \\ne 0$. With $D < 0$ at first, $D$ is continuous and changes sign an "
                "odd number of times if it is positive at last, an even number of times if it is negative",
                curves.end,
                every(
                    "t lambda h w x sigma s",
                    by.SUMS_OF_LIMITS.gives("The sign of $D$ at last is always that of the first $c_j \\ne 0$"),
                    by.INTERMEDIATE.gives("changes sign an odd number of times"),
                ),
                beyond="where $\\Sigma$ is singular the weight can be 0, and the two weights of a tie can be equal: "
                "then the next rate decides",
            ),
            Step(
                "cumulated weights",
                r"\frac{D(t)}{t} = \int_0^\infty C(r)\,e^{-rt}\,dr",
                "summation by parts",
                curves.abel,
                every("r t r_j"),
                names={"C": r"\sum_{r_j\le r}c_j", "D": r"\sum_jc_je^{-r_jt}", "c_j": r"\text{any weights}"},
            ),
            Step(
                "at most one crossing",
                r"(r-s)\,C(r) \ge 0 \text{ for all } r,\ D \not\equiv 0 \;\Longrightarrow\; "
                r"\frac{d}{dt}\left[e^{st}\,\frac{D(t)}{t}"
                r"\right] = -\int_0^\infty (r-s)\,C(r)\,e^{-(r-s)t}\,dr < 0",
                "differentiate under the integral. $C$ is a step function and not 0 everywhere, since $D$ is not; so "
                "$(r-s)\\,C(r)$ is positive on an interval, and the integral is. A strictly monotone function has at "
                "most one zero. Likewise $C \\le 0$ throughout gives $D < 0$ for all $t > 0$. In general the zeros "
                "$t > 0$ are no more than the sign changes of $C$ (Laguerre 1883)",
                curves.once,
                every(
                    "r s t C",
                    by.UNDER_INTEGRAL,
                    by.VANISHING.gives("since $D$ is not; so"),
                    by.LAGUERRE.gives("In general the zeros"),
                ),
            ),
            Step(
                "normalised inputs, at first",
                lines(
                    r"\|x_i\|^2 = d,\ K = m\Sigma,\ \tilde K = m\tilde\Sigma,\ \tilde\Sigma = \Sigma\odot C,\ "
                    r"C = XX^\top/d:\qquad D(0) = 0,",
                    r"\mathrm{Tr}[KM] - \mathrm{Tr}[\tilde K\tilde M] = m\sum_{i\ne j}(1-C_{ij}^2)\,\Sigma_{ij}^2 + "
                    r"Y^\top(K-\tilde K)\,Y",
                ),
                "$C_{ii} = 1$, $|C_{ij}| \\le 1$: no term of the sum is negative, so that $D'(0) \\le 0$ with "
                "$Y^\\top(K-\\tilde K)Y \\ge 0$; the sum is positive, and the non-gated loss lower at first, if two "
                "inputs with $\\Sigma_{ij} \\ne 0$ are not parallel",
                normalised.first,
                every("n m Sigma C Y"),
            ),
            Step(
                "normalised inputs, at last",
                lines(
                    r"A = K - \lambda_1 I \succeq 0:\qquad \tilde K - \lambda_1 I = A\odot C, \qquad "
                    r"v^\top(A\odot C)\,v = \frac1d\sum_k (v\odot x^{(k)})^\top A\,(v\odot x^{(k)}) \ge 0,",
                    r"\text{so}\quad \tilde\lambda_1 \ge \lambda_1; \qquad n \ge 2,\ \text{no two } x_i \text{ "
                    r"parallel},\ "
                    r"\lambda_1 \text{ simple} \quad\Longrightarrow\quad \tilde\lambda_1 > \lambda_1",
                ),
                "Schur's product theorem, $x^{(k)}$ the columns of $X$. Equality needs a $v \\ne 0$ with every $v "
                "\\odot x^{(k)}$ in the kernel of $A$, that is $v_ix_{ik} = \\alpha_ku_i$ if $\\lambda_1$ is *simple* "
                "with eigenvector $u$. Then $v_i^2v_j^2\\,[(x_i\\cdot x_j)^2 - \\|x_i\\|^2\\|x_j\\|^2] = 0$, at most "
                "one $v_i$ is not 0, and some $\\alpha_k \\ne 0$, so that the other $u_i$ are 0: $u$ is a coordinate "
                "vector; $\\lambda_1 = K_{ii}$ is the diagonal, $\\sum_e(\\lambda_e - \\lambda_1) = 0$, and all "
                "eigenvalues are equal: for $n \\ge 2$ it is not simple",
                normalised.last,
                every("n d K x u C alpha v lambda", by.SCHUR, by.SPECTRAL),
            ),
            Step(
                "normalised inputs, a tie",
                lines(
                    r"d = 2,\ n = 3,\ \angle(x_i, x_j) = 120^\circ,\ Y = y(1,1,1):\qquad K/m = (a-b)\,I + "
                    r"b\,\mathbf 1\mathbf 1^\top, \qquad Y^\top(K-\tilde K)Y = 9\,b\,y^2\,m,",
                    r"\lambda(K/m) = (a-b,\ a-b,\ a+2b), \qquad \lambda(\tilde K/m) = \bigl(a-b,\ a+\tfrac b2,\ "
                    r"a+\tfrac b2\bigr);",
                    r"a > b > 0,\ 3y^2 > a-b:\qquad C = (a-b-3y^2,\ -(a+2b+3y^2),\ 0), \qquad D(t) < 0 "
                    r"\text{ for all } t > 0",
                ),
                "both have the eigenspaces of the constants and of the sums 0; cumulate the weights, slowest first. "
                "For ReLU $a = \\frac12$, $b = (\\frac{\\sqrt3}2 - \\frac\\pi6)/2\\pi$. The hypothesis holds, and the "
                "gated loss is the higher one at all times: $\\lambda_1 < \\tilde\\lambda_1$ cannot be left out",
                normalised.tie,
                every("a b y e"),
                names={"n": "3"},
            ),
            Step(
                "normalised inputs, opposite ones",
                lines(
                    r"x_2 = -x_1,\ Y = y(1,1),\ a > b > 0:\qquad \frac Km = \begin{pmatrix} a & b \\ b & a "
                    r"\end{pmatrix}, "
                    r"\quad \frac{\tilde K}m = \begin{pmatrix} a & -b \\ -b & a \end{pmatrix}, \qquad Y^\top(K-\tilde "
                    r"K)Y = "
                    r"4\,b\,y^2\,m > 0,",
                    r"\lambda(K/m) = \lambda(\tilde K/m) = (a-b,\ a+b), \qquad D(t) = 2y^2\bigl(e^{-2(a+b)t} - "
                    r"e^{-2(a-b)t}\bigr) < 0 \text{ for all } t > 0 \quad (m = 1)",
                ),
                "gating exchanges the eigenvectors. The least eigenvalue is simple, $\\Sigma$ positive definite and "
                "the hypothesis holds, for every $y$: that no two inputs are parallel cannot be left out either. Such "
                "is the logistic function: $b = \\mathbb{E}[\\sigma(z)\\sigma(-z)] > 0$. One input alone, $n = 1$, "
                "has $\\tilde K = K$ and $D = 0$",
                normalised.opposite,
                every("a b y t s"),
            ),
            Step(
                "normalised inputs, a singular covariance",
                lines(
                    r"\phi(z) = z,\ d \ge 2,\ n = d+1,\ C_{ij} = -\tfrac1d\ (i \ne j),\ Y \perp \mathbf 1:\qquad "
                    r"Y^\top(K-\tilde K)Y = \tfrac{d+1}{d^2}\,\|Y\|^2\,m,",
                    r"\lambda(K/m) = \bigl(0,\ "
                    r"1+\tfrac1d\bigr), \qquad \lambda(\tilde K/m) = \bigl(1+\tfrac1d,\ 1-\tfrac1{d^2}\bigr),",
                    r"D(t) = \bigl(d-\tfrac1d+\|Y\|^2\bigr)\bigl(e^{-2(1+1/d)t} - e^{-2(1-1/d^2)t}\bigr) < 0 "
                    r"\text{ for all } t > 0 \quad (m = 1)",
                ),
                "the corners of a regular simplex, the eigenvalue of the constants first: "
                "$\\Sigma = C$ and $\\tilde\\Sigma = C\\odot C$ have the eigenspaces "
                "of the constants and of the sums 0. No two inputs are parallel, $\\lambda_1 = 0$ is simple and below "
                "$\\tilde\\lambda_1$, and the hypothesis holds; but $w_1 = \\mathbf 1^\\top(\\Sigma+YY^\\top)\\,"
                "\\mathbf 1/n = 0$. That $\\Sigma$ is positive definite cannot be left out: linear targets lie in "
                "the range of a linear network's kernel",
                normalised.singular,
                every("n g Z t s"),
            ),
        ),
        remarks=(
            (
                "At finite width $\\tilde K = C\\odot(K + dS)$ on normalised inputs, so that $\\tilde\\lambda_1 \\ge "
                "\\lambda_1 + d\\,\\lambda_{\\min}(S)$: where $S$ is positive definite there are no ties. The step at "
                "first then asks for $\\mathrm{Tr}[KM] > \\mathrm{Tr}[\\tilde K\\tilde M]$ itself."
            ),
            (
                "For inputs of different norms neither $\\mathrm{Tr}\\,\\Sigma = \\mathrm{Tr}\\,\\tilde\\Sigma$ nor "
                "$\\tilde\\lambda_1 \\ge \\lambda_1$ need hold; both are to be computed."
            ),
        ),
    )
