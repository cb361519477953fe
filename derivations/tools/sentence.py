"""What a sentence of a proof says beyond what was decided: letters without a meaning, conclusions without a reason.

Letters and arrows are read, not meanings: that the formula which was decided is the one that is printed, and that a
definition is apt, only a reader can see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from derivations.tools.letters import GREEK, Letter, letters, unworded, words

_ARROWS = re.compile(r"\\(?:Longrightarrow|Longleftrightarrow|implies|iff|Rightarrow|Leftrightarrow)\b")
_INDICES = frozenset("ijklnre")
_RELATION = re.compile(r"\\(?:leq?|geq?|neq?|succeq|preceq|succ|prec|ll|gg)(?![A-Za-z])|(?<!\\)[<>]")
#: Words behind which a range or a condition stands, and what takes their place.
_SUPPOSING = re.compile(r"\\text\{[^{}]*\b(?:if|for|where|with|when|on)\b[^{}]*\}")
_SUPPOSED = "@"
#: Brackets that hold a relation: a range.
_RANGE = re.compile(rf"\([^()]*(?:{_RELATION.pattern})[^()]*\)")
#: Words that say of a letter that it runs through numbers.
_RANGING = re.compile(r"\b(?:any (?:\w+ )?number|the number of)\b")
#: Words by which a rule says that one thing follows from others.
_INFERRED = re.compile(
    r"\b(so|hence|whence|thus|therefore|consequently|then|since|because|there is|induction|times over|implies|follows|"
    r"exactly one|interchang\w+|exchanged? (?:with|the)|be exchanged)\b",
    re.IGNORECASE,
)


def doubts(
    statement: str,
    rule: str,
    names: Mapping[str, str],
    decided: Iterable[str],
    brought: str,
    given: int,
    signs: int = 0,
    served: Iterable[str] = (),
    limited: bool = False,
) -> tuple[str, ...]:
    """What a sentence says beyond what was decided, cited and defined, as clauses.

    Args:
        statement: the sentence in LaTeX; in words alone it says nothing that can be decided.
        rule: how it follows, in Markdown.
        names: what letters stand for, both in LaTeX; the first definition of a name counts.
        decided: names of the symbols in what was decided; none where it is about numbers.
        brought: letters that theorems bring in, in LaTeX.
        given: how many conclusions were checked and theorems cited.
        signs: how many inequalities were decided.
        served: quotations from the rule: the conclusions that theorems are cited for or that were checked, and the
            names of theorems.
        limited: whether a limit was checked or a theorem on limits cited.
    """
    found, defined, spoken, known = [], Names(names), letters(statement), tuple(decided)
    if not _has_formula(statement):
        found.append("its sentence is in words")
    if unknown := defined.missing(spoken, (*known, *map(str, letters(brought)))):
        found.append(f"neither decided nor defined: {', '.join(f'`{letter}`' for letter in unknown)}")
    if known and not defined.reach(spoken, known):
        found.append("nothing that its sentence speaks of is in what was decided")
    if (drawn := _arrows(statement) + len(_inferences(words(statement)))) > given:
        found.append(f"of {drawn} conclusions in the sentence {given or 'none'} is checked or cited")
    if (claimed := inequalities(statement)) > given + signs:
        found.append(
            f"of {claimed} inequalities in the sentence {given + signs or 'none'} is decided, checked or cited"
        )
    if _orders(statement) and not limited:
        found.append("a limit or an order in the sentence is neither checked nor cited")
    if inferred := _unserved(rule, served):
        found.append(f'a conclusion of the rule is neither checked nor cited ("{inferred[0]}")')
    return tuple(found)


def _unserved(rule: str, served: Iterable[str]) -> list[str]:
    """The words by which clauses of a rule draw conclusions that no quotation touches."""
    plain, quotes = rule.lower(), [quote.lower() for quote in served]
    places = [(at.start(), at.end()) for quote in quotes if quote for at in re.finditer(re.escape(quote), plain)]
    found = []
    for start, end in _clauses(rule):
        inferred = _inferences(rule[start:end])
        if inferred and not any(left < end and start < right for left, right in places):
            found += inferred
    return found


def _clauses(text: str) -> Iterator[tuple[int, int]]:
    """Where its clauses begin and end: at full stops and semicolons outside formulas."""
    blank = re.sub(r"\$[^$]*\$", lambda formula: "$" * len(formula.group()), text)
    start = 0
    for stop in re.finditer(r"[.;](?=\s|$)|$", blank):
        yield start, stop.start()
        start = stop.end()


def _arrows(latex: str) -> int:
    """How many conclusions it draws."""
    return len(_ARROWS.findall(latex))


def _orders(latex: str) -> bool:
    """Whether it states a limit or an order; a tilde before a law is neither."""
    plain = re.sub(r"\\sim\s*\\mathcal\{N\}", " ", unworded(latex))
    return bool(re.search(r"\\(?:to|sim|simeq|xrightarrow)\b|(?<![A-Za-z])[Oo]\(", plain))


def inequalities(latex: str) -> int:
    r"""How many inequalities it claims.

    Not counted is what is supposed: what stands before a colon or before an arrow, behind "for", "if" and the like up
    to the next comma, in brackets of its own, and in subscripts such as the range of a sum.
    """
    text = re.sub(r"\\(?:begin|end|overset)\{[^{}]*\}", " ", latex)
    text = re.sub(r"\\text\{[^{}]*\}", " ", _SUPPOSING.sub(_SUPPOSED, text))
    count = 0
    for clause in re.split(r"\\\\|;|\\qquad", _without_scripts(text)):
        said = re.split(r"\\(?:Longrightarrow|implies|Rightarrow)(?![A-Za-z])", clause.rpartition(":")[2])[-1]
        first, *rest = said.split(_SUPPOSED)
        said = " ".join((first, *(part.partition(",")[2] for part in rest)))
        count += len(_RELATION.findall(_RANGE.sub(" ", said)))
    return count


def _without_scripts(latex: str) -> str:
    """Without subscripts and superscripts."""
    kept, place = [], 0
    while place < len(latex):
        if latex[place] not in "_^":
            kept.append(latex[place])
            place += 1
            continue
        place += 1
        if latex[place : place + 1] != "{":
            place += len(match.group()) if (match := re.match(r"\\[A-Za-z]+", latex[place:])) else 1
            continue
        depth = 0
        while place < len(latex):
            depth += {"{": 1, "}": -1}.get(latex[place], 0)
            place += 1
            if depth == 0:
                break
    return "".join(kept)


def _has_formula(latex: str) -> bool:
    """Whether it says anything in symbols: a relation or an arrow outside words."""
    return bool(
        re.search(
            r"[=<>]|\\(?:le|ge|ll|gg|to|sim|simeq|approx|succ|succeq|prec|preceq|in|ni|x\w*arrow)\b|" + _ARROWS.pattern,
            unworded(latex),
        )
    )


def _inferences(words: str) -> list[str]:
    """The words by which a text draws a conclusion."""
    return [word.lower() for word in _INFERRED.findall(re.sub(r"\$[^$]*\$", "", words))]


class Names:
    """What letters stand for: names and their definitions, both in LaTeX.

    A number that is said to be any, or a count, is no definition: that a sentence holds for all of them is decided or
    cited, or not known.

    Where a name has two definitions the first counts. A definition may have parameters, the index of ``F_k`` or the
    arguments of ``f(x)``, which need not be known; ``F_k`` defines every F.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._table: dict[str, set[Letter]] = {}
        for name, rest in _definitions({name: means for name, means in names.items() if not _ranges(means)}):
            self._table.setdefault(name, rest)

    def _defining(self, letter: Letter) -> set[Letter] | None:
        head = str(letter) if str(letter) in self._table else letter.base
        return self._table.get(head)

    def missing(self, wanted: Iterable[Letter], known: Iterable[str]) -> list[Letter]:
        """The letters that are neither among the known names nor defined by letters that are."""
        keys = set(_keys(known))

        def covered(letter: Letter, above: frozenset[str]) -> bool:
            if letter.base in keys or str(letter) in keys:
                return True
            rest = self._defining(letter)
            if rest is None or letter.base in above:
                return False
            return all(covered(each, above | {letter.base}) for each in rest)

        return sorted(letter for letter in wanted if not covered(letter, frozenset()))

    def reach(self, wanted: Iterable[Letter], known: Iterable[str]) -> bool:
        """Whether one of the known names is among the letters or in what defines them."""
        keys, seen, open_ = set(_keys(known)), set[Letter](), list(wanted)
        while open_:
            letter = open_.pop()
            if letter.base in keys or str(letter) in keys:
                return True
            if letter not in seen:
                seen.add(letter)
                open_ += self._defining(letter) or ()
        return False


def _ranges(means: str) -> bool:
    """Whether a definition in words alone only says that something runs through all numbers."""
    return not letters(means) and bool(_RANGING.search(words(means)))


def _definitions(names: Mapping[str, str]) -> Iterator[tuple[str, set[Letter]]]:
    """A name and the letters of its definition, without its parameters; first by full names, then by bases."""
    found = []
    for name, formula in names.items():
        left, _, arguments = name.partition("(")
        (head,) = letters(left)
        own = {head.index} if head.index in GREEK else set(head.index)
        parameters = {letter.base for letter in letters(arguments)} | own | {head.base}
        found.append((head, {letter for letter in letters(formula) if letter.base not in parameters}))
    yield from ((str(head), rest) for head, rest in found)
    yield from ((head.base, rest) for head, rest in found if len(head.index) == 1 or head.index in GREEK)


def _keys(names: Iterable[str]) -> Iterator[str]:
    """Names of symbols as they are compared: in full, and without a subscript that is an index or a number."""
    for name in names:
        plain = name.replace("'", "").rstrip("^")
        yield plain
        base, _, index = plain.partition("_")
        if not index or index in _INDICES or not index.isalpha():
            yield re.sub(r"\d+$", "", base)
