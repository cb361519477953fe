"""Stacks from a line of text: every usual one is read back from its name, and junk gets a sentence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glutheory.errors import GlutheoryError
from glutheory.layers import read_stack, stack
from glutheory.networks import network_names


@pytest.mark.parametrize(
    ("line", "network", "depth", "options"),
    [
        ("swiglu x 12, rmsnorm, residual", "swiglu", 12, {}),
        ("swiglu x 12", "swiglu", 12, {}),
        ("  relu × 3 ,  no   norm,NO residual", "relu", 3, {"norm": None, "residual": False}),
        ("geglu x 2, layernorm, gain", "geglu", 2, {"norm": "layer", "gain": True}),
        ("mish_glu x 1, scale -1/2, variance 2, bias 0.1", "mish_glu", 1,
         {"scale": "-1/2", "variance": 2, "bias": "1/10"}),
    ],
)  # fmt: skip
def test_a_line_is_a_stack(line: str, network: str, depth: int, options: dict[str, Any]) -> None:
    assert read_stack(line) == stack(network, depth, **options)


@given(
    st.sampled_from(network_names()),
    st.integers(1, 10**9 - 1),
    st.fixed_dictionaries(
        {
            "norm": st.sampled_from(("rms", "layer")),
            "gain": st.booleans(),
            "residual": st.just(True),
            "scale": st.sampled_from((1, "1/2", -3)),
            "variance": st.sampled_from((1, 2, "3/7")),
            "bias": st.sampled_from((0, 1, "1/10")),
        }
    )
    | st.fixed_dictionaries({"norm": st.sampled_from(("rms", "layer", None)), "residual": st.booleans()}),
)
def test_a_stack_is_read_back_from_its_name(network: str, depth: int, options: dict[str, Any]) -> None:
    made = stack(network, depth, **options)
    assert read_stack(made.name) == made


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "stack is '': begin with a network and the number of its blocks, e.g. 'swiglu x 12, rmsnorm, residual'."),
        ("swiglu", "begin with a network and the number of its blocks"),
        ("12 x swiglu", "begin with a network and the number of its blocks"),
        ("swiglu x 0", "depth is 0: give an integer >= 1."),
        ("swiglux x 2", "unknown network 'swiglux': did you mean 'swiglu'"),
        ("swiglu x 2, rms", "stack has the word 'rms': did you mean 'rmsnorm'?"),
        ("swiglu x 2, scale", "stack has the word 'scale': did you mean 'scale 1/2'?"),
        ("swiglu x 2,", "there is nothing after a comma, leave it out."),
        ("swiglu x 2, rmsnorm, layernorm", "it says twice what the norm is."),
        ("swiglu x 2, bias 1, bias 1", "it says twice what the bias is."),
        ("swiglu x 2, residual, no residual", "it says twice what the residual is."),
        ("swiglu x 2, scale nothing", "scale is 'nothing': give a finite real number"),
        ("swiglu x 2, variance -1", "variance is '-1': give a positive rational number"),
        ("swiglu x 2, no norm, gain", "gain is True with norm=None"),
    ],
)
def test_a_bad_line_gets_a_sentence(line: str, words: str) -> None:
    with pytest.raises(GlutheoryError) as caught:
        read_stack(line)
    assert words in str(caught.value)


PIECES = st.sampled_from((
    "swiglu", "relu", "x", "×", "12", "0", "1" * 30, ",", ", ", " ", "rmsnorm", "no", "norm", "residual", "gain",
    "scale", "variance", "bias", "1/2", "-1", "1/0", "1e999", "nan", "inf", "\n", "\x00", "٣", "𝟙", "_glu", "(", "é",
))  # fmt: skip


@settings(max_examples=60)
@given(st.text() | st.lists(PIECES, max_size=12).map("".join) | st.lists(PIECES, max_size=12).map(" ".join))
def test_junk_is_a_stack_or_a_sentence(line: str) -> None:
    for text in (line, f"swiglu x 2, {line}"):
        try:
            read_stack(text)
        except GlutheoryError as error:
            message = str(error)
            assert message.endswith((".", "?", "zoo."))
            assert len(message) < 600


@pytest.mark.parametrize("line", [None, 3, b"swiglu x 2", ["swiglu x 2"]])
def test_what_is_no_text_gets_a_sentence(line: Any) -> None:
    with pytest.raises(GlutheoryError, match="begin with a network and the number of its blocks"):
        read_stack(line)
