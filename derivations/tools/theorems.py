"""Theorems that a step may rest on, each with its source: what is cited is not checked here, and the pages say so."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Theorem:
    """A named theorem.

    Attributes:
        name: as in the literature.
        source: where it is stated and proved.
        letters: names in LaTeX, separated by spaces, that enter the sentence by it alone: the f of "for every f".
        quote: the conclusion that it serves, word for word as the rule of a step draws it; see `gives`.
        limits: whether it speaks of limits or orders, so that a sentence with one can rest on it.
    """

    name: str
    source: str
    letters: str = ""
    quote: str = ""
    limits: bool = False

    def __post_init__(self) -> None:
        if not self.name or not self.source:
            raise ValueError(f"{self.name or 'a theorem'} has no name or no source: a citation needs both.")

    def __call__(self, letters: str) -> Theorem:
        """The theorem where it brings these letters into a sentence."""
        return replace(self, letters=letters)

    def gives(self, quote: str) -> Theorem:
        """The theorem where it serves this conclusion, a quotation from the rule of the step that cites it."""
        return replace(self, quote=quote)

    def __str__(self) -> str:
        brought = f", for ${', '.join(self.letters.split())}$" if self.letters else ""
        given = f", for “{self.quote}”" if self.quote else ""
        return f"{self.name} ({self.source}){brought}{given}"


_RUDIN = "W. Rudin, Principles of Mathematical Analysis, 3rd ed."
_REAL = "W. Rudin, Real and Complex Analysis, 3rd ed."
_HORN = "R. A. Horn and C. R. Johnson, Matrix Analysis, 2nd ed."

CALCULUS = Theorem("fundamental theorem of calculus", f"{_RUDIN}, 6.21")
SUBSTITUTION = Theorem("change of variables", f"{_REAL}, 7.26")
EXPONENTIAL = Theorem("the exponential function and its limits", f"{_RUDIN}, 8.6", limits=True)
CONTINUOUS = Theorem("limits of continuous functions", f"{_RUDIN}, 4.6 f.", limits=True)
INTERMEDIATE = Theorem("the intermediate value theorem", f"{_RUDIN}, 4.23")
MONOTONE_FUNCTION = Theorem("a function whose derivative has one sign is monotone", f"{_RUDIN}, 5.11")
BOUNDED_MONOTONE = Theorem("bounded monotone sequences converge", f"{_RUDIN}, 3.14", limits=True)
SLOPE = Theorem(
    "a fixed point attracts where the slope is below 1 in absolute value and repels where it is above",
    "R. L. Devaney, An Introduction to Chaotic Dynamical Systems, 2nd ed., §1.4",
)
SUMS_OF_LIMITS = Theorem("limits of finite sums", f"{_RUDIN}, 3.3", limits=True)
POWER_SERIES = Theorem("differentiation of power series", f"{_RUDIN}, 8.1")
CAUCHY = Theorem("products of absolutely convergent series", f"{_RUDIN}, 3.50")
GAMMA_EXPANSION = Theorem(
    "the asymptotic expansion of a quotient of Gamma functions",
    "F. G. Tricomi and A. Erdélyi, Pacific J. Math. 1 (1951) 133",
    limits=True,
)
ADDITION = Theorem(
    "addition theorem of spherical harmonics", "C. Müller, Spherical Harmonics, Lecture Notes in Math. 17, Theorem 2"
)
SCHOENBERG = Theorem(
    "Schoenberg's theorem on positive definite functions on spheres", "I. J. Schoenberg, Duke Math. J. 9 (1942) 96"
)
TERMWISE = Theorem("differentiation of uniformly convergent series", f"{_RUDIN}, 7.17", limits=True)
ABEL = Theorem("Abel's theorem", f"{_RUDIN}, 8.2", limits=True)
VANISHING = Theorem("an integral of what is not negative is 0 only where that is 0 almost everywhere", f"{_REAL}, 1.39")
DOMINATED = Theorem("dominated convergence", f"{_REAL}, 1.34", limits=True)
MONOTONE = Theorem("monotone convergence", f"{_REAL}, 1.26", limits=True)
UNDER_INTEGRAL = Theorem("differentiation under the integral", "G. Folland, Real Analysis, 2nd ed., 2.27")
FUBINI = Theorem("Fubini's theorem", f"{_REAL}, 8.8")
INDEPENDENCE = Theorem(
    "expectations of products of independent variables", "P. Billingsley, Probability and Measure, 3rd ed., (5.25)"
)
CHARACTERISTIC = Theorem(
    "Lévy's theorem on characteristic functions", "P. Billingsley, Probability and Measure, 3rd ed., 26.2", limits=True
)
GAUSSIAN_LINEAR = Theorem(
    "linear images of Gaussian vectors are Gaussian", "P. Billingsley, Probability and Measure, 3rd ed., §29"
)
POLAR = Theorem(
    "length and direction of a Gaussian vector are independent",
    "R. J. Muirhead, Aspects of Multivariate Statistical Theory, 1.5.5",
)
HERMITE = Theorem("completeness of the Hermite polynomials in L²(N)", "G. Szegő, Orthogonal Polynomials, 5.7")
PARSEVAL = Theorem("Parseval's identity", f"{_REAL}, 4.18")
BETA = Theorem("Beta integral", "E. T. Whittaker and G. N. Watson, A Course of Modern Analysis, 12.41")
REFLECTION = Theorem(
    "Euler's reflection formula", "E. T. Whittaker and G. N. Watson, A Course of Modern Analysis, 12.14"
)
DIRICHLET = Theorem("pointwise convergence of Fourier series", "T. W. Körner, Fourier Analysis, 16.4", limits=True)
POISSON = Theorem("Poisson summation", "E. M. Stein and R. Shakarchi, Fourier Analysis, 5.3.1")
LEIBNIZ = Theorem("Leibniz' criterion", f"{_RUDIN}, 3.43")
GRAM = Theorem("a positive semidefinite matrix is a Gram matrix", f"{_HORN}, 7.2.7")
SPECTRAL = Theorem("spectral theorem for symmetric matrices", f"{_HORN}, 2.5.6")
COURANT = Theorem("Courant and Fischer's minimax principle", f"{_HORN}, 4.2.6")
RAYLEIGH = Theorem("Rayleigh's principle", f"{_HORN}, 4.2.2")
WEYL = Theorem("Weyl's inequality", f"{_HORN}, 4.3.1")
GERSHGORIN = Theorem("Gershgorin's discs", f"{_HORN}, 6.1.1")
SCHUR = Theorem("Schur's product theorem", "I. Schur, J. reine angew. Math. 140 (1911) 1")
MAJORISED = Theorem(
    "a Hadamard product with a correlation matrix is majorised by the other factor",
    "R. B. Bapat and V. S. Sunder, Linear Algebra Appl. 72 (1985) 107; [majorisation](majorisation.md)",
)
JENSEN = Theorem("Jensen's inequality", "J. L. W. V. Jensen, Acta Math. 30 (1906) 175")
BHATIA_DAVIS = Theorem("Bhatia and Davis' inequality", "R. Bhatia and C. Davis, Amer. Math. Monthly 107 (2000) 353")
LAGUERRE = Theorem("Laguerre's rule of signs", "E. Laguerre, J. Math. Pures Appl. 9 (1883) 99")
CONSTANT = Theorem(
    "distributions of derivative 0 are constant",
    "L. Hörmander, The Analysis of Linear Partial Differential Operators I, 3.1.4",
)
PULLBACK = Theorem(
    "distributions behind linear maps and their derivatives",
    "L. Hörmander, The Analysis of Linear Partial Differential Operators I, 6.1.2",
)
WEAK_DERIVATIVE = Theorem(
    "square integrable weak derivatives and Hermite coefficients; functions that have one are continuous",
    "V. I. Bogachev, Gaussian Measures, §1.3 and §1.5",
)
EL_KAROUI = Theorem("El Karoui's linear approximation", "N. El Karoui, Ann. Statist. 38 (2010) 1", limits=True)
MARCHENKO = Theorem(
    "the law of Marchenko and Pastur", "V. A. Marchenko and L. A. Pastur, Math. USSR Sb. 1 (1967) 457", limits=True
)
FINITE_RANK = Theorem(
    "eigenvalues of finite rank perturbations",
    "F. Benaych-Georges and R. R. Nadakuditi, Adv. Math. 227 (2011) 494",
    limits=True,
)
KOLTCHINSKII = Theorem(
    "eigenvalues of kernel matrices converge to those of the operator",
    "V. Koltchinskii and E. Giné, Bernoulli 6 (2000) 113",
    limits=True,
)
WENDEL = Theorem(
    "Wendel's limit of a quotient of Gamma functions", "J. G. Wendel, Amer. Math. Monthly 55 (1948) 563", limits=True
)
FUNK_HECKE = Theorem("Funk and Hecke's formula", "C. Müller, Spherical Harmonics, Lecture Notes in Math. 17, Theorem 6")
LAW_OF_LARGE_NUMBERS = Theorem(
    "law of large numbers", "P. Billingsley, Probability and Measure, 3rd ed., 22.1", limits=True
)
CESARO = Theorem(
    "means of a convergent sequence", "K. Knopp, Theory and Application of Infinite Series, No. 43", limits=True
)
TOEPLITZ = Theorem(
    "Toeplitz's weighted means", "K. Knopp, Theory and Application of Infinite Series, No. 43", limits=True
)
CHUNG = Theorem("Chung's lemma on recursions", "K. L. Chung, Ann. Math. Statist. 25 (1954) 463, Lemma 1", limits=True)
TAYLOR = Theorem("Taylor's theorem", f"{_RUDIN}, 5.15", limits=True)
IMPLICIT = Theorem("implicit function theorem", f"{_RUDIN}, 9.28")
MOMENT_SERIES = Theorem(
    "moments are the coefficients of the generating function", "P. Billingsley, Probability and Measure, 3rd ed., §21"
)
INTEGRATION_BY_PARTS = Theorem("integration by parts", f"{_REAL}, 7.20 f.")
CONTINUATION = Theorem("identity theorem of analytic functions", f"{_REAL}, 10.18")
PRICE = Theorem("Price's theorem", "R. Price, IRE Trans. Inf. Theory 4 (1958) 69; [price](price.md)")
STEIN = Theorem("Stein's lemma", "C. Stein, Proc. 6th Berkeley Symp. 2 (1972) 583; [price](price.md)")
GAUSSIAN_POLYNOMIALS = Theorem(
    "tails of polynomials in Gaussian variables", "S. Janson, Gaussian Hilbert Spaces, Theorem 6.7"
)
