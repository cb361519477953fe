"""The rendered proofs: complete, the same every time, balanced LaTeX in clean Markdown."""

import os
import re
import subprocess
import sys

import pytest

from derivations import catalog
from derivations.tools import render
from derivations.tools.runs import run as run_proof
from tests.derivations.committed_pages import NAMES, texts


@pytest.mark.slow
def test_all_pages_belong_to_a_script_and_the_index_is_current():
    runs = {name: run_proof(catalog.load(name)) for name in NAMES}
    assert render.differences(render.pages(runs), render.RENDERED) == []


@pytest.mark.long
@pytest.mark.parametrize("name", ["arc_cosine", "logistic_mixture"])
def test_the_page_does_not_depend_on_the_hash_seed(name):
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-m", "derivations", name]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, check=True)
    assert done.stdout == texts()[f"{name}.md"]


def braces(text):
    """The nesting depth after each character, escaped braces left out."""
    depth, depths = 0, [0]
    for brace in re.findall(r"[{}]", re.sub(r"\\[{}]", "", text)):
        depth += 1 if brace == "{" else -1
        depths.append(depth)
    return depths


@pytest.mark.parametrize("name", NAMES)
def test_latex_is_balanced(name):
    for step in catalog.load(name).steps:
        statement = step.statement
        assert "$" not in statement, step.name
        assert braces(statement)[-1] == 0 == min(braces(statement)), step.name
        assert len(re.findall(r"\\left\b", statement)) == len(re.findall(r"\\right\b", statement)), step.name
        opened, closed = (sorted(re.findall(rf"\\{word}{{(\w+)}}", statement)) for word in ("begin", "end"))
        assert opened == closed, step.name


@pytest.mark.parametrize("page", [*(f"{name}.md" for name in NAMES), render.INDEX])
def test_pages_are_clean_markdown(page):
    text = texts()[page]
    # a backslash sequence in a string that is not raw leaves a control character: \frac → form feed, \theta → tab
    assert not [character for character in text if ord(character) < 32 and character != "\n"]
    display = text.split("$$")
    assert len(display) % 2 == 1
    for prose in display[::2]:
        for paragraph in prose.split("\n"):
            inline = paragraph.split("$")
            assert len(inline) % 2 == 1, paragraph
            assert all(braces(formula)[-1] == 0 == min(braces(formula)) for formula in inline[1::2]), paragraph
            assert not any("\\" in words for words in inline[::2]), paragraph
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert target in texts()


def test_no_times_dates_or_paths_in_the_pages():
    for text in texts().values():
        assert not re.search(r"/(home|tmp|work|usr)/|\d\d:\d\d|20\d\d-\d\d|\bseconds\b", text)
