"""The table of needs: what people bring to a tool such as this or met trouble with, and what is right.

Collected from public bug reports and questions of users of such tools, told in our own words. A row has the need, the
input, and what is right: a value that is known in another way, the words of a refusal, or, where a value would not say
it, a law and the test that tries it. Models for `module_ntk` are rows of `tests.sampling.kinds`, networks for the audit
rows of `tests.audit.brought`; both are part of the table. `tests.test_needs` goes through it.

Whoever meets a new need adds a row here, or to one of these two.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glutheory as glu
from glutheory.activations.parser import parse_expression
from glutheory.networks import Network
from tests.documents import ROOT

Number = float | int | str


@dataclass(frozen=True)
class Refused:
    """One sentence that has these words (a regular expression)."""

    words: str


@dataclass(frozen=True)
class Law:
    """What must hold, in words, and the test that tries it: file below `tests`, function."""

    words: str
    file: str
    function: str


@dataclass(frozen=True)
class Need:
    """A row.

    Attributes:
        need: who needs it, or what went wrong for them.
        given: the input, in words or as it is typed.
        right: a value, the words of a refusal, or a law.
        ask: gives the value, or is refused; None for a law.
        cost: "", "long" or "slow", as of tests.
        wants: the optional package that it takes, if any.
    """

    need: str
    given: str
    right: Any
    ask: Callable[[], Any] | None = None
    cost: str = ""
    wants: str = ""


def near(value: Any, error: float = 1e-12) -> Any:
    """Within this relative error; zeros within it absolutely."""
    return pytest.approx(value, rel=error, abs=error)


def law(words: str, file: str, function: str) -> dict[str, Any]:
    return {"right": Law(words, file, function)}


# --- module_ntk -------------------------------------------------------------------------------------------------------


def _kind(name: str) -> float:
    from glutheory.sampling import module_ntk
    from tests.sampling.kinds import KINDS

    return float(module_ntk(KINDS[name].model(), KINDS[name].inputs)[1, 1])


def _kinds() -> dict[str, Need]:
    """Entry [1, 1], of a batch of some rows, from plain autograd on each row alone; four digits are kept."""
    if find_spec("torch") is None:
        return {}
    from tests.sampling.kinds import KINDS

    return {
        f"module_ntk: {name}": Need(
            kind.need,
            f"the model {name!r} of tests.sampling.kinds",
            Refused(kind.refused) if kind.refused else near(kind.value, 5e-4),
            partial(_kind, name),
        )
        for name, kind in KINDS.items()
    }


#: Types that ended in raw errors: caches in the way, old-style functions, top-1 routing.
TYPES = {
    "gpt_oss": "GPT-OSS keeps a cache by default",
    "mamba": "Mamba does",
    "mamba2": "Mamba2 does",
    "falcon_mamba": "FalconMamba does",
    "qwen3_next": "Qwen3-Next does",
    "lfm2": "LFM2 does",
    "diffllama": "DiffLlama does",
    "bloom": "BLOOM has an old-style autograd.Function",
    "recurrent_gemma": "RecurrentGemma has one too",
    "switch_transformers": "SwitchTransformers sends each token to one expert",
}


def _recorded(name: str) -> str:
    """The verdict of the conformance suite, whose slow tests judge these types again."""
    rows = json.loads((ROOT / "docs" / "module_ntk.json").read_text(encoding="utf-8"))["outcomes"]
    return next(str(row["verdict"]) for row in rows if (row["family"], row["name"]) == ("transformers", name))


def _linear(inputs: Any, others: Any = None, **options: Any) -> Any:
    """The kernel of one linear unit without a bias, which is the matrix of inner products."""
    import torch
    from torch import nn

    from glutheory.sampling import module_ntk

    X = torch.tensor(inputs, dtype=torch.float64)
    Y = None if others is None else torch.tensor(others, dtype=torch.float64)
    return module_ntk(nn.Linear(X.shape[1], 1, bias=False).double(), X, Y, **options)


def _in_float64() -> float:
    """100 Σ_{i<1000} i², which no sum in float32 gives."""
    import torch
    from torch import nn

    from glutheory.sampling import module_ntk

    X = torch.tensor([[float(i % 1000) for i in range(100_000)]])
    return float(module_ntk(nn.Linear(100_000, 1, bias=False), X, dtype=torch.float64)[0, 0])


def _read_back() -> bool:
    import torch

    with tempfile.TemporaryDirectory() as folder, torch.random.fork_rng(devices=[]):
        kernels = []
        for _ in range(2):
            torch.manual_seed(0)  # another weight is another run
            kernels.append(_linear([[1.0, 2], [3, 4]], checkpoint=Path(folder) / "run.npz").tolist())
        return kernels == [[[5.0, 11.0], [11.0, 25.0]]] * 2


MODULE_NTK = {
    **_kinds(),
    **{
        f"module_ntk: {name}": Need(why, f"transformers' {name}, small", "right", partial(_recorded, name))
        for name, why in TYPES.items()
    },
    "module_ntk: every type": Need(
        "any model of transformers, any layer of torch",
        "each that can be built from a small configuration",
        **law(
            "right by plain autograd, or refused", "sampling/test_module_ntk_conformance.py", "test_it_has_no_mistakes"
        ),
    ),
    "module_ntk: the model is left alone": Need(
        "tables, power iterations and counters were changed by a call",
        "every model of tests.sampling.kinds",
        **law(
            "weights, buffers, attributes and gradients as before",
            "sampling/test_module_ntk_kinds.py",
            "test_is_right_and_leaves_the_model_as_it_was",
        ),
    ),
    "module_ntk: mixtures that escape": Need(
        "how sure it is that no sample saw another one",
        "128 rows, of which one sees one other, 400 seeds",
        **law(
            "3 of 127 escape; of up to 32 rows none",
            "sampling/test_module_ntk_verified.py",
            "test_one_row_that_sees_one_other_escapes_as_rarely_as_stated",
        ),
    ),
    "module_ntk: many outputs": Need(
        "logits of GPT-2 at four positions asked for an identity matrix of 162 GB",
        "201,028 outputs of three samples",
        **law(
            "outputs come one at a time", "sampling/test_module_ntk_size.py", "test_outputs_come_one_at_a_time"
        ),
    ),
    "module_ntk: many images": Need(
        "a small convolutional network took 1.84 GB at 800 images",
        "20 and 80 images in blocks of 10, and all 80 at once",
        **law(
            "memory does not grow with the samples",
            "sampling/test_module_ntk_size.py",
            "test_memory_does_not_grow_with_the_samples",
        ),
    ),
    "module_ntk: across": Need(
        "kernels between training and test samples",
        "one linear unit, rows (1, 2), (3, 4) and (5, 6)",
        [[17.0], [39.0]],
        lambda: _linear([[1.0, 2], [3, 4]], [[5.0, 6]]).tolist(),
        wants="torch",
    ),
    "module_ntk: in blocks": Need(
        "more samples than memory holds at once",
        "one linear unit, three rows two at a time",
        [[5.0, 11, 17], [11, 25, 39], [17, 39, 61]],
        lambda: _linear([[1.0, 2], [3, 4], [5, 6]], block=2).tolist(),
        wants="torch",
    ),
    "module_ntk: sums in float64": Need(
        "float32 models with many parameters lose digits in the sums",
        "one linear unit in float32, a row of 100,000 integers, dtype=torch.float64",
        33_283_350_000.0,
        _in_float64,
        wants="torch",
    ),
    "module_ntk: checkpoints": Need(
        "a night's run that was stopped", "a finished run, called again", True, _read_back, wants="torch"
    ),
    "module_ntk: stopped anywhere": Need(
        "the same, stopped between any two blocks",
        "a model that is interrupted every 22 calls",
        **law(
            "the same numbers to the last bit",
            "sampling/test_module_ntk_size.py",
            "test_a_run_goes_on_from_its_checkpoint",
        ),
    ),
    "module_ntk: progress": Need(
        "how long a run will take",
        "progress=True",
        **law("a bar on stderr, and none otherwise", "sampling/test_module_ntk_size.py", "test_a_bar_on_request"),
    ),
}  # fmt: skip

# --- matrices ---------------------------------------------------------------------------------------------------------


def _single() -> tuple[bool, bool]:
    """Whether it is a bound, and below the truth."""
    from tests.spectra.test_condition_number import nearly_equal

    X = nearly_equal(0)
    exact = glu.condition_number(glu.gram("swiglu", X))
    found = glu.condition_number(glu.gram("swiglu", X.astype(np.float32)))
    return found.is_bound, found.value <= exact.low


MATRICES = {
    "float32": Need(
        "a figure made of rounding: 7.449e7 came out where 4.806e7 is right",
        "the float32 Gram matrix of 20 rows of which two are 1e-6 apart",
        (True, True),
        _single,
    ),
    "float32, many": Need(
        'the recipe must not end in "not positive semidefinite" either',
        "six such sets, by gram, as inner products, rounded, as tensors",
        **law(
            "a lower bound that is true",
            "spectra/test_condition_number.py",
            "test_float32_gives_a_lower_bound_where_it_cannot_tell",
        ),
    ),
    "masked rows": Need(
        "missing values were taken for numbers",
        "gram of a masked array",
        Refused("X is a masked array"),
        lambda: glu.gram("relu", np.ma.masked_array(np.eye(2), mask=np.eye(2) > 0)),
    ),
    "masked kernel": Need(
        "the same of a kernel",
        "condition_number of a masked array",
        Refused(r"K is a masked array.*K\.filled"),
        lambda: glu.condition_number(np.ma.masked_array(np.eye(2), mask=np.eye(2) > 0)),
    ),
    "np.matrix": Need(
        "its products mean something else",
        "gram of a numpy.matrix",
        Refused(r"X is a numpy.matrix: give numpy.asarray\(X\)"),
        lambda: glu.gram("relu", np.matrix(np.eye(2))),
    ),
}  # fmt: skip

# --- audit ------------------------------------------------------------------------------------------------------------


def _brought() -> dict[str, Need]:
    """What it is called, that it was verified, and its condition number over the one by definition."""
    if find_spec("torch") is None or find_spec("transformers") is None:
        return {}
    from tests.audit.brought import BROUGHT, audited

    return {
        # float32 before the network, and the condition number may multiply it
        f"audit: {name}": Need(
            row.need, f"{name!r} of tests.audit.brought", (row.kind, True, near(1.0, 1e-3)), partial(audited, row)
        )
        for name, row in BROUGHT.items()
    }


AUDIT = {
    **_brought(),
    "audit: routed experts": Need(
        "of Qwen2-MoE only shared_expert was reported, without a word of the experts",
        "Mixtral, Qwen2-MoE, Qwen3-MoE, DeepSeek, Llama 4, GPT-OSS, OLMoE, small",
        **law(
            "each expert and the routed mixture, with the condition number of the module's own Jacobian",
            "audit/test_experts.py",
            "test_experts_and_their_mixture",
        ),
    ),
    "audit: experts of another form": Need(
        "what is not audited must be said",
        "a module of parallel experts that is not known",
        **law("listed as skipped, with the reason", "audit/test_experts.py", "test_experts_of_another_form_are_named"),
    ),
    "audit: every configuration": Need(
        "tvp and MiniCPM-V ended in tracebacks",
        "every model type of transformers, small",
        **law("a report or one sentence", "audit/test_every_model.py", "test_every_type_gives_a_report_or_a_sentence"),
    ),
    "audit: a table with an index": Need(
        "the condition number went from 5.6e4 to 4.3e6 by a column that counts the rows",
        "a CSV file whose first column has no name",
        **law("left out, and the report says so", "commands/test_index_columns.py", "test_the_audit_names_it_too"),
    ),
}

# --- activations ------------------------------------------------------------------------------------------------------

#: At variances of 1, by c: integrals by the brute force of `tests.own_formulas` in numpy, or closed where they are.
HARD_TANH = 0.516058550961713, 0.682689492137087  # E[min(1, z²)] and P(|z| < 1)
JUMP = 0.400625978450600, math.inf  # P(z > 1) + n(1)
POWER = 2 / math.sqrt(2 * math.pi), 9 / 4 / math.sqrt(2 * math.pi)  # E[z₊³], 9/4·E[z₊]
SQUARED_SILU = 0.385001863833758, 2 * 0.377982283944058
LOG_COSH = 0.186515466272503, 2 * 0.093162206601724
TOUCHING = 0.345353275480989

#: What is typed, who needs it, c, S and T there.
FORMULAS: tuple[tuple[str, str, Number, tuple[float, float]], ...] = (
    ("max(-1,min(1,z))", "a clipped unit; a row with itself failed after 11 s", 1, HARD_TANH),
    ("silu(z)**2", "a squared gate, which took 85 s", "0.5", SQUARED_SILU),
    ("log(cosh(z))", "a smooth absolute value, 67 s for 12 digits", "0.5", LOG_COSH),
    ("z*heaviside(z-1)", "a threshold, refused with advice that was refused too", 1, JUMP),
    ("max(0,z)**1.5", "a power between ReLU and its square, refused too", 1, POWER),
)


def own(text: str) -> glu.Activation:
    return glu.Activation(text, parse_expression(text))


def _evaluated(text: str, c: Number) -> tuple[float, float]:
    S, T = glu.evaluate(own(text), 1, 1, c, digits=30)
    return float(S), float(T)


def _enclosed(text: str, c: Number) -> tuple[float, float]:
    S, T = glu.enclose(own(text), 1, 1, c, digits=20)
    return float(S), float(T)


def _gram(text: str, c: Number) -> float:
    """The NNGP of two units of norm 1, c apart."""
    c = float(c)
    X = math.sqrt(2) * np.array([[1.0, 0.0], [c, math.sqrt(1 - c * c)]])
    return float(glu.gram(Network(text, (own(text),)), X, kind="nngp")[0, 1])


def _printed(text: str) -> tuple[float, float]:
    """S and T of the printed Python program at (1, 1, 1)."""
    from glutheory.printing import render
    from glutheory.printing.contents import report
    from glutheory.terminal import Terminal

    scope: dict[str, Any] = {}
    program = render(report(Network(text, (own(text),)), digits=6), "python", Terminal())
    exec(compile(program, text, "exec"), scope)  # noqa: S102 (what is printed is tested)
    return scope["S"](1.0, 1.0, 1.0), scope["T"](1.0, 1.0, 1.0)


def _missing() -> set[str]:
    wanted = """mish elu selu celu hard_tanh hard_sigmoid hard_swish relu6 softsign log_cosh gelu_tanh quick_gelu swish
    squared_relu snake sine jump_relu threshold shifted_relu laplace xielu"""
    return {name for name in wanted.split() if glu.gated(name).gate != glu.activation(name)}


ROADS = {"evaluate": _evaluated, "enclose": _enclosed}
ACTIVATIONS = {
    **{
        f"{road}: {text}": Need(why, f"{text} at (1, 1, {c})", near(values), partial(ask, text, c))
        for text, why, c, values in FORMULAS
        for road, ask in ROADS.items()
    },
    **{
        f"gram: {text}": Need(why, f"{text}, two units of norm 1, c = {c}", near(values[0]), partial(_gram, text, c))
        for text, why, c, values in FORMULAS
    },
    "gram: functions that touch": Need(
        "max(z, tanh(z)) was refused, as the roots of z - tanh(z) were not found",
        "max(z,tanh(z)), two units of norm 1, c = 1/2",
        near(TOUCHING),
        partial(_gram, "max(z,tanh(z))", "0.5"),
    ),
    "functions that cross": Need(
        "the same of all that cross or touch",
        "max(tanh(z),z/2), max(0,z**3-3*z+1), steps between functions and more",
        **law(
            "read alike by a reader that knows no kinks",
            "test_third_reader.py",
            "test_functions_that_cross_or_touch_are_read_alike",
        ),
    ),
    "functions that cross without end": Need(
        "what is not decided is said",
        "max(0,sin(z))",
        Refused("whose roots go on without end, or could not be bounded"),
        lambda: glu.evaluate(own("max(0,sin(z))"), 1, 1, "0.5"),
    ),
    "gram: any activation": Need(
        "their own activation had no fast kernel",
        "smooth ones, kinks, jumps, roots, peaks, at variances 1e-6 to 100 and every ρ",
        **law(
            "within 1e-12 of √(K K'), or an error",
            "numeric/own/test_own_values.py",
            "test_every_kind_of_activation_keeps_the_promise",
        ),
    ),
    "gram: what cannot be had": Need(
        "never a wrong digit",
        "what grows or changes too fast, or has no kernel",
        **law("an error that says why", "numeric/own/test_own_values.py", "test_what_cannot_be_had_is_an_error"),
    ),
    "zoo": Need("activations of today's models, and gates of them", "21 names", set(), _missing),
    "evaluate: thirty digits": Need(
        "digits where the other tools have quadrature",
        "series of the zoo and own ones, variances 0.01 to 100",
        **law("the same by both roads", "symbolic/test_mehler.py", "test_thirty_digits_at_the_hardest_places"),
    ),
    "python program": Need(
        "a formula to put into one's own program", "derive --format python of hard tanh", near(HARD_TANH),
        partial(_printed, "max(-1,min(1,z))"),
    ),
    "programs": Need(
        "the same where there is none: programs that integrate",
        "derive --format python and c, the zoo and own functions",
        **law(
            "compiled without a warning, run, within the 1e-12 that they state",
            "printing/test_quadrature_programs.py",
            "test_c_compiles_without_a_warning_and_agrees",
        ),
    ),
}  # fmt: skip

# --- notebooks --------------------------------------------------------------------------------------------------------

NOTEBOOKS = {
    "notebook: a network": Need(
        "what stands at the end of a cell was an address",
        "a network",
        "<Network swiglu: gated, identity * silu(beta=1)>",
        lambda: repr(glu.network("swiglu")),
    ),
    "notebook: a derivation": Need(
        "formulas should look like formulas",
        "the derivation of reglu, as LaTeX",
        True,
        lambda: r"K(x,x') &= 2 c S + c^{2} T" in str(glu.derivation("reglu")._repr_latex_()),
    ),
    "notebook: all that is returned": Need(
        "the same of everything",
        "derivations, networks, activations, outcomes, studies, audits",
        **law("a line, a formula or a page", "notebook/test_shown_results.py", "test_pages"),
    ),
}

NEEDS: dict[str, Need] = MODULE_NTK | MATRICES | AUDIT | ACTIVATIONS | NOTEBOOKS
