# ruff: noqa: D100, E402, INP001 (prose stands in comments, every cell imports what it needs, a script)
# %% [markdown]
# # Ten minutes with glutheory
#
# From an activation to a formula, a picture, a verdict and a fitted model. Every sentence that states a number is
# followed by an assertion: if this script ends, what it says is true on your machine.
#
#     python docs/tutorial.py            # in a clone, with everything of the extra `dev`; less than a minute
#     python docs/tutorial.py FOLDER     # also draws the three figures there
#
# The cells (`# %%`) can be run one by one in an editor, or the file opened as a notebook with jupytext.

# %%
import sys
from importlib.util import find_spec
from pathlib import Path

import mpmath
import numpy as np
import sympy as sp

import glutheory as glu
from glutheory import dynamics, spectra
from glutheory.errors import installing
from glutheory.figures.chart import Chart, Role, Series

FIGURES = Path(sys.argv[1]) if len(sys.argv) == 2 else None
# asked for before anything is computed; sections 7 to 9 need them
NEEDED = {"torch": "torch", "sklearn": "scikit-learn", "statsmodels": "statsmodels"}
if absent := [name for module, name in NEEDED.items() if find_spec(module) is None]:
    sys.exit(f"the tutorial needs {', '.join(absent)}: {installing('checks')}.")


def draw(name: str, chart: Chart) -> None:
    """Write the figure, if a folder was given."""
    if FIGURES is not None:
        from glutheory.figures.draw import save

        save(chart, FIGURES / f"{name}.svg")


# %% [markdown]
# ## 1. A formula
#
# A network with one hidden layer computes V φ(Wx), or V [(Px) ⊙ φ(Wx)] if it is gated. With φ = silu the latter is
# SwiGLU. For random weights its kernels are made of two functions of the covariance (a, b, c) of a hidden unit at two
# inputs: S = E φ(u)φ(v) and T = E φ'(u)φ'(v). Both are derived here, from nothing but the definition of the
# activation.

# %%
from glutheory.symbols import S, T, c

swiglu = glu.derivation("swiglu")
kernel = sp.expand(swiglu.ntk.subs({swiglu.dual.S: S, swiglu.dual.T: T}))
print("NTK of SwiGLU:", kernel)
assert kernel == 2 * c * S + c**2 * T

# %% [markdown]
# The derivation carries its own certificate: identities that are decided symbolically, none by inserting numbers.

# %%
certificate = swiglu.verify()
print(f"certificate: {len(certificate.checks)} identities, passed: {certificate.passed}")
assert certificate.passed

# %% [markdown]
# ## 2. Fifty digits, by two roads
#
# The derived formula, and the defining integral in ball arithmetic. The second road knows nothing of the first.

# %%
point = ("2", "1/2", "3/10")
value, _ = glu.evaluate("silu", *point, digits=50)
ball, _ = glu.enclose("silu", *point, digits=50)
with mpmath.workdps(60):
    print("formula: ", mpmath.nstr(value, 50))
    print("integral:", ball.str(50))
    middle, radius = mpmath.mpf(ball.mid().str(60, radius=False)), mpmath.mpf(ball.rad().str(10, radius=False))
    # the formula's own error is half a unit of its 50th digit
    assert abs(value - middle) <= radius + mpmath.mpf(10) ** -50
    assert radius < mpmath.mpf(10) ** -50

# %% [markdown]
# ## 3. What gating does to similarity
#
# At variance 1 both kernels are functions of the correlation ρ of two inputs: K = S + ρT, and 2ρS + ρ²T with the
# gate. Divided by their values at ρ = 1 they show how similar two inputs look to the network: with the gate less, at
# every angle.

# %%
angles = np.linspace(0, np.pi / 2, 91)
pairs = np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.sqrt(2)  # norm √d: variance 1
curves = {name: glu.gram(name, pairs[:1], pairs)[0] for name in ("silu", "swiglu")}
plain, gated = (curve / curve[0] for curve in curves.values())
print(f"at 60 degrees: similarity {plain[60]:.3f} to SiLU, {gated[60]:.3f} to SwiGLU")
assert (gated[1:] < plain[1:]).all()
# orthogonal inputs: the gated kernel is exactly 0 there, up to the rounding of cos(π/2)
assert abs(gated[90]) < 1e-15
assert plain[90] > 0.05
series = [
    Series("SiLU", np.cos(angles), plain, Role.PLAIN),
    Series("SwiGLU", np.cos(angles), gated, Role.GATED),
]
draw("similarity", Chart("Gating separates inputs", r"correlation $\rho$", r"$K(\rho)/K(1)$", series))

# %% [markdown]
# (`glutheory kernel swiglu` draws S, T and both kernels for any variances.)
#
# ## 4. Kernel matrices
#
# `gram` evaluates the same formulas for whole data sets, within 1e-14 of the scale, at the speed of a few matrix
# products.

# %%
n, d = 600, 60
X = np.random.default_rng(0).standard_normal((n, d))
K = glu.gram("swiglu", X)
i, j = 3, 4
rows = sp.Matrix([[sp.Rational(value) for value in X[row]] for row in (i, j)])
a, cij, _, b = rows * rows.T / d
Sij, Tij = glu.evaluate("silu", a, b, cij, digits=30)
exact = float(2 * float(cij) * Sij + float(cij) ** 2 * Tij)
error = abs(K[i, j] - exact) / np.sqrt(K[i, i] * K[j, j])
print(f"entry ({i}, {j}) of a {n} x {n} matrix is off by {error:.0e} of its scale")
assert error < 1e-14

# %% [markdown]
# ## 5. Condition numbers, measured and predicted
#
# Gradient descent needs a number of steps of the order of cond(K) = λ_max/λ_min. Random-matrix theory predicts it
# from the coefficients of the kernel, with no matrix at all.

# %%
norms = np.linalg.norm(X, axis=1)
Y = X @ np.ones(d) / np.sqrt(d)  # targets, for the next section
width = 10**6
measured, predicted, losses, series = {}, {}, [], []
for name, role in (("relu", Role.PLAIN), ("reglu", Role.GATED)):
    nngp, ntk = glu.gram(name, X, kind="both", parametrization="standard", width=width)
    ntk /= width  # sets the unit of time, and nothing else
    found = spectra.spectrum(ntk, entry_error=1e-14)
    measured[name] = glu.condition_number(ntk, entry_error=1e-14)
    predicted[name] = spectra.equivalent(name, n, d, degree=None, norms=norms).condition
    losses.append(dynamics.expected_loss(ntk, nngp, Y, entry_error=1e-14))
    series.append(Series(name, range(1, n + 1), found.values / found.smallest, role))
    print(f"cond {name}: {measured[name]} measured, {predicted[name]:.0f} predicted")
    # the prediction is a limit, its relative error of the order d^(-1/2) = 13 %
    assert abs(float(measured[name]) / predicted[name] - 1) < d**-0.5
gain = float(measured["relu"]) / float(measured["reglu"])
foretold = predicted["relu"] / predicted["reglu"]
print(f"gating gains a factor {gain:.0f}, predicted {foretold:.0f}; the limit for d << n << d^2 is {2.39 * d:.0f}")
assert abs(gain / foretold - 1) < d**-0.5
draw("spectra", Chart("One eigenvalue less", "rank", r"$\lambda/\lambda_{\min}$", series, xscale="log", yscale="log"))

# %% [markdown]
# Most of it is one eigenvalue, as the figure shows: without its largest one the ReLU kernel would lose most of the gap.

# %%
without = series[0].y[1]
print(f"without its largest eigenvalue the condition number of ReLU would be {without:.0f}")
assert float(measured["reglu"]) < without < float(measured["relu"]) / 5

# %% [markdown]
# (`glutheory spectrum relu reglu` does all this, for random rows or your own file.)
#
# ## 6. Which loss is lower, and from when on
#
# In the kernel regime the expected loss is a sum of exponentials. The crossings of two such sums can be isolated, all
# of them, and the package says how it knows that there are no more.

# %%
both = dynamics.crossings(*losses)
(crossing,) = both  # there is one
print(f"they cross at time {crossing.step:.2f}. Why only there: {both.argument}")
assert both.complete
assert both.start < 0, "at first the plain loss is the lower one"
assert crossing.lower == "second", "afterwards the gated one"
times = crossing.step * np.geomspace(1e-3, 30, 200)
plain_loss, gated_loss = (curve.flow(times) for curve in losses)
assert ((plain_loss < gated_loss) == (times < crossing.step)).all()
series = [Series("ReLU", times, plain_loss, Role.PLAIN), Series("ReGLU", times, gated_loss, Role.GATED)]
draw("losses", Chart("The gated loss is lower in the end", "time", "expected loss", series, xscale="log", yscale="log"))

# %% [markdown]
# (`glutheory dynamics reglu` compares them at a learning rate, and trains networks to check.)
#
# ## 7. Real networks agree
#
# The kernel is the mean over random networks at every width, not a limit. Here are 400 networks of width 128,
# differentiated without any formula, and the error bars of their mean.

# %%
from glutheory import sampling  # needs torch

few = X[:12]
estimate = sampling.monte_carlo("swiglu", few, width=128, draws=400, seed=0)
truth = glu.gram("swiglu", few)
z = np.abs(estimate.mean - truth) / estimate.standard_error
print(f"largest deviation of {z.size} entries: {z.max():.1f} standard errors")
# 78 different entries: chance alone exceeds 6 standard errors with probability 2e-7
assert z.max() < 6

# %% [markdown]
# Would a wrong kernel have been noticed? Forget one of the two branches' gradients:

# %%
value_branch = glu.gram("swiglu", few, kind="nngp")  # c S, as the readout's
wrong = np.abs(estimate.mean - (truth - value_branch)) / estimate.standard_error
print(f"the kernel without the value branch: {wrong.max():.0f} standard errors")
assert wrong.max() > 20

# %% [markdown]
# ## 8. A claim, its verdict, and what it survived
#
# Eq. 5 of the paper (arXiv:2605.20749): for a wide network, the gated kernel is about K ⊙ XXᵀ/d. The check takes
# three seconds.

# %%
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # `checks` comes with the repository
from checks.claims import hadamard
from checks.settings import Settings

outcome = hadamard.run(Settings())
print(f"{outcome.claim.source}: {outcome.verdict} (grade: {outcome.grade})")
for piece in outcome.evidence:
    print(f"  {piece.grade}, {piece.about}: {piece.finding} ({piece.what})")
for control in outcome.controls:
    print(f"  made wrong: {control.altered}; caught: {control.caught}")
assert outcome.verdict == "holds, corrected"
assert len(outcome.controls) >= 3
assert all(control.caught for control in outcome.controls)

# %% [markdown]
# So: false as stated (m = d is a counterexample at any width), true where m is much larger than d. A wrong statement
# is treated the same way, and fails:

# %%
label, order = next(iter(hadamard.MUTANTS.items()))
refuted = hadamard.run(Settings(), order)
print(f"the same check of {label!r}: {refuted.verdict}")
assert refuted.verdict == "fails"

# %% [markdown]
# ## 9. The kernel in a tool you use
#
# Handwritten digits, classified with the exact kernel of an infinitely wide network by scikit-learn. Whether it has a
# gate is a parameter like any other.

# %%
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from glutheory.integrations.scikit_learn import NTKKernel

images, labels = load_digits(return_X_y=True)
images = images / 16
search = GridSearchCV(SVC(kernel=NTKKernel("swiglu"), C=100), {"kernel__network": ["silu", "swiglu"]}, cv=3)
search.fit(images[:600], labels[:600])
accuracy = search.score(images[600:], labels[600:])
print(f"chosen: {search.best_params_['kernel__network']}; {accuracy:.1%} of {len(labels) - 600} new digits are right")
# 1197 digits: the standard error of an accuracy near 95 % is 0.6 %, and it was 95.6 % when this was written
assert accuracy > 0.93

# %% [markdown]
# Where to go from here: the list of pages in the README, or `glutheory --help`.
