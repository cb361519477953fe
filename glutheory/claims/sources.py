"""Claims by where they stand in the paper."""

from __future__ import annotations

import re
from collections.abc import Mapping

from glutheory.claims.outcome import Claim

#: How sources are abbreviated, by what people write out.
_SHORT = {"theorem": "Thm", "corollary": "Cor.", "proposition": "Prop.", "equation": "Eq.", "figure": "Fig."}


def of_source(words: str, known: Mapping[str, Claim]) -> set[str]:
    """The claims in whose source these words stand as they are: "Thm 3.1", and not in "Thm 3.10"."""
    if not re.match(r"[A-Za-z§]", words):
        return set()
    words = re.sub(r"^[A-Za-z]+\.?(?= )", lambda word: _SHORT.get(word[0].lower().rstrip("."), word[0]), words)
    pattern = rf"(?<!\w){re.escape(words)}(?![\w]|\.\d)"
    return {name for name, claim in known.items() if re.search(pattern, claim.source, re.IGNORECASE)}
