"""Texts and their windows: read back, cut where asked, refused where wrong."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glutheory import datasets
from glutheory.datasets.samples import Text
from glutheory.errors import DomainError
from tests.datasets.made_files import SEEDS, write


def test_pydoc_is_the_documentation_of_this_python() -> None:
    from pydoc_data.topics import topics

    found = datasets.text()
    read = found.tokens.tobytes().decode("utf-8")
    assert all(value in read for value in topics.values())
    assert len(found) == sum(len(value.encode()) + 1 for value in topics.values()) - 1 > 300_000
    assert f"Python {'.'.join(map(str, sys.version_info[:3]))}" in found.source
    assert "sha256 " in found.source


@given(st.text(min_size=1, max_size=200))
def test_a_text_file_is_read_back(folder, content) -> None:
    found = datasets.text(write(folder / "some.txt", content.encode()))
    assert found.tokens.tobytes().decode() == content
    assert found.name == "some"
    assert f"some.txt ({len(content.encode())} bytes)" in found.source


@given(st.text(max_size=50), st.sampled_from([b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80"]))
def test_what_is_not_utf8_is_refused_with_its_place(folder, before, wrong) -> None:
    with pytest.raises(DomainError, match=rf"bad\.txt is not UTF-8 at byte {len(before.encode())} "):
        datasets.text(write(folder / "bad.txt", before.encode() + wrong + b"!"))


def test_bad_texts_are_refused(tmp_path) -> None:
    with pytest.raises(DomainError, match=r"empty\.txt is empty"):
        datasets.text(write(tmp_path / "empty.txt", b""))
    with pytest.raises(DomainError, match="'nothing', which does not exist: give 'pydoc' or the path"):
        datasets.text("nothing")
    with pytest.raises(DomainError, match="is a folder"):
        datasets.text(tmp_path)


@given(st.integers(2, 300), st.data())
def test_windows_are_parts_of_the_text(size, data) -> None:
    length, seed = data.draw(st.integers(1, size - 1)), data.draw(SEEDS)
    tokens = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    text = Text(tokens, "x", "here")
    found = datasets.windows(text, length, 20, seed)
    assert found.shape == (20, length + 1)
    assert found.dtype == np.int64
    whole = tokens.tobytes()
    assert all(row.astype(np.uint8).tobytes() in whole for row in found)
    assert np.array_equal(found, datasets.windows(text, length, 20, seed))


def test_windows_begin_everywhere() -> None:
    text = Text(np.arange(10, dtype=np.uint8), "x", "here")
    starts = datasets.windows(text, 6, 1000, 3)[:, 0]
    # 10 bytes hold windows of 7 at 0, …, 3; each is seen 250 ± 14 times
    assert np.bincount(starts).min() > 180
    assert starts.max() == 3
    assert not np.array_equal(starts, datasets.windows(text, 6, 1000, 4)[:, 0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"length": 10}, "length is 10, but x has 10 bytes: give at most 9"),
        ({"length": 0}, "length is 0: give an integer >= 1"),
        ({"count": 1.5}, "count is 1.5"),
        ({"seed": -1}, "seed is -1: give an integer >= 0"),
        ({"seed": True}, "seed is True"),
    ],
)
def test_bad_windows_are_refused(change, message) -> None:
    text = Text(np.arange(10, dtype=np.uint8), "x", "here")
    with pytest.raises(DomainError, match=message):
        datasets.windows(text, **{"length": 3, "count": 2, "seed": 0, **change})
