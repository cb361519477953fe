"""A stack's report as JSON; the schema is documented in docs/json.md and only grows within one version."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from glutheory.printing.json_form import expression
from glutheory.printing.stack_contents import Equation, StackReport, equations, handed_on
from glutheory.symbolic.recursion import Loop, Node

SCHEMA, VERSION = "glutheory.stack", 1


def stack_record(found: StackReport) -> dict[str, Any]:
    """The report as plain dictionaries, lists, strings, numbers and booleans."""
    from glutheory import __version__

    end = found.derivation.recursions[-1].end
    return {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "package_version": __version__,
        "stack": {"name": found.stack.name, "layers": found.layers, "notes": list(found.stack.notes)},
        "parametrization": found.parametrization,
        "recursions": [_nodes(found, part.nodes) for part in found.derivation.recursions],
        "nngp": expression(end.moments.mixed),
        "ntk": expression(end.ntk if end.ntk is not None else end.moments.mixed * 0),
        "duals": [
            {
                "name": word,
                "activation": act.label,
                "method": own.method,
                "S": expression(own.ntk.dual.S),
                "T": expression(own.ntk.dual.T),
            }
            for (act, word), own in zip(found.activations.items(), found.reports, strict=True)
        ],
        "facts": [
            {"statement": fact.statement, "method": fact.method, "equations": _equations(fact.equations)}
            for fact in found.facts
        ],
        "verification": {
            "passed": found.verification.passed,
            "checks": [
                {"statement": check.statement, "method": check.method, "passed": check.passed}
                for check in found.verification.checks
            ],
        },
        "digits": found.digits,
        "samples": [
            {
                **dict(zip("abc", map(str, at.point), strict=True)),
                **{
                    name.lower(): {"formula": formula, "integral": ball, "roads_agree": agree, "digits_agreed": common}
                    for name, formula, ball, agree, common in at.rows
                },
            }
            for at in found.samples
        ],
        "refuted": list(found.refuted),
    }


def stack_json(found: StackReport) -> str:
    """The record as indented JSON in ASCII."""
    return json.dumps(stack_record(found), indent=2) + "\n"


def _nodes(found: StackReport, nodes: Sequence[Node]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for node in nodes:
        if isinstance(node, Loop):
            first, then = handed_on(node)
            made.append(
                {
                    "times": node.times,
                    "first": _equations(first),
                    "body": _nodes(found, node.body),
                    "then": _equations(then),
                }
            )
        else:
            made.append({"layer": node.layer, "rule": node.reason, "equations": _equations(equations(found, node))})
    return made


def _equations(pairs: Sequence[Equation]) -> list[dict[str, Any]]:
    return [{"left": expression(left), "right": expression(right)} for left, right in pairs]
