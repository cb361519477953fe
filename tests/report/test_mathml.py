"""Formulas as MathML: every formula of every claim and chart, what is put right, and what is refused."""

from __future__ import annotations

import html
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.catalog import claims
from glutheory.claims.stored import load
from glutheory.errors import DomainError
from glutheory.report.formula import formula
from glutheory.report.mathml import mathml, prose
from tests.documents import ROOT
from tests.strategies import named

RESULTS = ROOT / "results"
STORED = [item for path in sorted(RESULTS.glob("*.json")) for item in load(path).outcomes.values()]
#: Of the claims as they are written, and as the stored runs have them.
FORMULAS = {
    f"{origin} {claim.id} {field}": latex
    for origin, found in (("written", claims().values()), ("stored", [item.claim for item in STORED]))
    for claim in found
    for field, latex in (("statement", claim.statement), ("corrected", claim.corrected))
    if latex
}


def letters(text: str) -> str:
    """The Latin letters and digits in their order, whatever their style."""
    return "".join(char for char in unicodedata.normalize("NFKC", text) if char.isascii() and char.isalnum())


def letters_of_latex(latex: str) -> str:
    """The same of a formula, read without any knowledge of its structure: what is no command is seen."""
    # an index stands before an exponent, whichever was written first
    latex = re.sub(r"\^(\{[^{}]*\}|\w)_(\{[^{}]*\}|\w)", r"_\2^\1", latex)
    # a letter by its name
    latex = re.sub(r"\\ell(?![a-zA-Z])", " l ", latex)
    names = r"\\(max|min|cos|sin|ln|log|exp|lim)(?![a-zA-Z])"
    return letters(re.sub(r"\\[a-zA-Z]+|\\.", "", re.sub(names, r" \1 ", latex)))


def tree(text: str) -> ET.Element:
    """The HTML of a fragment, which is well-formed XML but for two empty elements."""
    return ET.fromstring(f"<p>{text.replace('<wbr>', '<wbr/>')}</p>")


def seen(text: str) -> str:
    return "".join(tree(text).itertext())


@pytest.mark.parametrize("latex", FORMULAS.values(), ids=FORMULAS)
class TestFormulas:
    """Of the claims."""

    def test_everything_is_there_in_order(self, latex: str) -> None:
        assert letters(seen(formula(latex))) == letters_of_latex(latex)
        assert letters(seen(mathml(latex))) == letters_of_latex(latex)
        assert "\\" not in formula(latex)

    def test_no_piece_is_too_wide_for_a_telephone(self, latex: str) -> None:
        """About 40 letters fit; a piece may be longer only inside of brackets, which no line end may split."""
        for piece in tree(formula(latex)).iter("math"):
            outside = re.sub(r"[(\[{].*[)\]}]", "", "".join(piece.itertext()))
            assert len(outside) <= 36

    def test_no_line_begins_with_a_comma(self, latex: str) -> None:
        for element in tree(formula(latex)).iter():
            assert not (element.tail or "").lstrip().startswith((",", ";", ".", ":", ")"))


def labels() -> Iterator[str]:
    for outcome in STORED:
        for chart in outcome.charts:
            yield from (chart.title, chart.x, chart.y, chart.note, *(series.label for series in chart.series))
            if chart.map is not None:
                yield chart.map.label


def test_every_label_of_every_chart_is_read() -> None:
    found = set(labels())
    assert len(found) > 200
    for text in found:
        assert "$" not in prose(text)
        assert ("<math" in prose(text)) == ("$" in text)


def test_every_text_of_every_claim_is_read() -> None:
    for outcome in STORED:
        controls = [text for item in outcome.controls for text in (item.altered, item.by)]
        assumptions = [text for item in outcome.assumptions for text in (item.statement, item.figure)]
        for text in (outcome.claim.words, outcome.claim.meaning, outcome.key_figure, *controls, *assumptions):
            assert letters(seen(prose(text))) == letters(re.sub(r"\\[a-zA-Z]+", "", text))


SET = {
    # TeX sets a second exponent beside a prime; latex2mathml takes it for a mistake
    r"\phi'^2": "<msup><mi>ϕ</mi><mrow><mi>′</mi><mn>2</mn></mrow></msup>",
    r"\phi''^{2}": "<msup><mi>ϕ</mi><mrow><mi>′</mi><mi>′</mi><mrow><mn>2</mn></mrow></mrow></msup>",
    r"\tilde K": '<mover accent="true"><mi>K</mi><mo stretchy="false">˜</mo></mover>',
    r"\hat K": '<mover accent="true"><mi>K</mi><mo stretchy="false">ˆ</mo></mover>',
    r"\mathrm{cond}(K)": '<mrow><mi mathvariant="normal">cond</mi></mrow>'
    '<mo stretchy="false">(</mo><mi>K</mi><mo stretchy="false">)</mo>',
    r"\tfrac{\mathbb E[x]}{2}": '<mstyle displaystyle="false" scriptlevel="0"><mfrac><mrow><mrow><mi>𝔼</mi></mrow>'
    '<mo stretchy="false">[</mo><mi>x</mi><mo stretchy="false">]</mo></mrow><mrow><mn>2</mn></mrow></mfrac></mstyle>',
    r"\cos\alpha": '<mi>cos</mi><mspace width="0.167em"></mspace><mi>α</mi>',
    r"2\cos(x)": '<mn>2</mn><mspace width="0.167em"></mspace><mi>cos</mi>'
    '<mo stretchy="false">(</mo><mi>x</mi><mo stretchy="false">)</mo>',
    r"\max_i x": '<msub><mi>max</mi><mi>i</mi></msub><mspace width="0.167em"></mspace><mi>x</mi>',
    r"\lambda_{\max}": "<msub><mi>λ</mi><mrow><mi>max</mi></mrow></msub>",
    r"\sum_k c": "<munder><mo>∑</mo><mi>k</mi></munder><mi>c</mi>",
    r"\prod_{i}^n c": "<munderover><mo>∏</mo><mrow><mi>i</mi></mrow><mi>n</mi></munderover><mi>c</mi>",
    r"x \sim N": "<mi>x</mi><mo>∼</mo><mi>N</mi>",
    r"A \iff B": "<mi>A</mi><mo>⟺</mo><mi>B</mi>",
    r"\Sigma\to\infty": '<mi mathvariant="normal">Σ</mi><mo>→</mo><mi>∞</mi>',
    r"\|x\|": '<mo fence="false" stretchy="false" lspace="0" rspace="0">‖</mo><mi>x</mi>'
    '<mo fence="false" stretchy="false" lspace="0" rspace="0">‖</mo>',
    r"\bigl(x\bigr)": '<mo stretchy="false">(</mo><mi>x</mi><mo stretchy="false">)</mo>',
    r"\bigl\lceil x\bigr\rceil": '<mo stretchy="false">⌈</mo><mi>x</mi><mo stretchy="false">⌉</mo>',
    r"\lfloor x\rfloor": '<mo stretchy="false">⌊</mo><mi>x</mi><mo stretchy="false">⌋</mo>',
    r"\bigl\lVert x": '<mo stretchy="false">‖</mo><mi>x</mi>',
    "a < b": "<mi>a</mi><mo>&lt;</mo><mi>b</mi>",
}


@pytest.mark.parametrize(("latex", "inner"), SET.items(), ids=SET)
def test_what_is_put_right(latex: str, inner: str) -> None:
    assert mathml(latex) == f'<math display="inline">{inner}</math>'
    assert mathml(latex, block=True) == f'<math display="block">{inner}</math>'


BROKEN = {
    r"\text{for } n \to \infty: \quad a = b": ["for ", "n→∞:", None, "a=b"],
    # a comma stays with what it follows
    r"a = b\text{, so } c": ["a=b,", " so ", "c"],
    # short ones are not broken, long ones before relations outside brackets
    "a = b + c": ["a=b+c"],
    "aaaaaaaaaa = bbbbbbbbbb \\le (cccccccc = dd)": ["aaaaaaaaaa", "=bbbbbbbbbb", "≤(cccccccc=dd)"],
    "aaaaaaaaaa bbbbbbbbbb cccccccccc dddddd + e - f": ["aaaaaaaaaabbbbbbbbbbccccccccccdddddd", "+e-f"],
}


@pytest.mark.parametrize(("latex", "pieces"), BROKEN.items(), ids=BROKEN)
def test_where_lines_may_end(latex: str, pieces: list[str | None]) -> None:
    found: list[str | None] = []
    root = tree(formula(latex))
    found += [root.text] if root.text else []
    for element in root:
        if element.tag == "math":
            assert element.get("displaystyle") == "true"
            found.append("".join(element.itertext()).replace("−", "-"))
        elif element.tag == "span":
            found.append(None)
        found += [element.tail] if element.tail else []
    assert found == pieces


def test_asking_twice_gives_the_same() -> None:
    long = "aaaaaaaaaa = bbbbbbbbbb = cccccccccc"
    alone = mathml(long)
    formula(long)
    assert mathml(long) == alone


UNREADABLE = {
    "denominator": r"\frac{1}",
    "second exponent": "x^2^3",
    "brace": "{x",
    "bracket": r"\left( x",
    "command": r"x + \nosuchcommand y",
}


@pytest.mark.parametrize("latex", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("convert", [mathml, formula, prose], ids=named)
def test_what_cannot_be_read_is_one_sentence(latex: str, convert: Any) -> None:
    with pytest.raises(
        DomainError, match=r"^the formula .* cannot be read \(.*\): write it in plain LaTeX\.$"
    ) as caught:
        convert(f"text ${latex}$" if convert is prose else latex)
    assert len(str(caught.value)) < 300


HOSTILE = {
    "script": "<script>alert(1)</script>",
    "attribute": '"><img src=x onerror=alert(1)>',
    "entity": "&lt;script&gt;alert(1)&lt;/script&gt;",
    "in text": r"\text{</mtext><script>alert(1)</script>}",
    "coloured": r"\colorbox{red}{x}",
    "comment": "--><!--",
    "quotes": "'\"`",
    "link": r"\href{javascript:alert(1)}{x}",
}


def tags(text: str) -> set[str]:
    return {element.tag for element in tree(text).iter()} - {"p"}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nothing_gets_out_of_a_formula_or_a_text(text: str) -> None:
    assert tags(prose(text)) == set()
    assert seen(prose(text)) == text
    for convert in (mathml, formula, lambda latex: prose(f"${latex}$")):
        try:
            made = convert(text)
        except DomainError:
            continue
        assert tags(made) <= {
            "math",
            "mrow",
            "mi",
            "mo",
            "mn",
            "mtext",
            "msup",
            "mspace",
            "mpadded",
            "mstyle",
            "wbr",
            "span",
        }


@given(st.text(alphabet="ab1 \\{}^_$<>&'\"√", max_size=12))
def test_any_text_is_escaped_or_refused(text: str) -> None:
    try:
        made = prose(text)
    except DomainError:
        return
    assert tags(made) <= {"math", "mrow", "mi", "mo", "mn", "mtext", "msub", "msup", "msubsup", "mspace", "sup"}


def test_dollars_and_typed_signs() -> None:
    assert prose("it costs $5") == "it costs $5"
    assert prose(r"\$5 and \$6 & more") == "$5 and $6 &amp; more"
    assert prose("d^2 >= n, d^-0.55, (d/m)^2, x^κ; n <= 3; n* ^ 2") == (
        "d<sup>2</sup> ≥ n, d<sup>−0.55</sup>, (d/m)<sup>2</sup>, x<sup>κ</sup>; n ≤ 3; n* ^ 2"
    )
    assert html.unescape(seen(prose("a < b"))) == "a < b"
    assert prose("") == ""
