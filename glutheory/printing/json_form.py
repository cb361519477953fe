"""A report as JSON; the schema is documented in docs/json.md and only grows within one version."""

from __future__ import annotations

import json
from typing import Any

import sympy as sp

from glutheory.printing.contents import SHOWN_DIGITS, Report, kernel_formulas
from glutheory.printing.samples import Sample
from glutheory.printing.styles import LATEX
from glutheory.printing.writer import Writer
from glutheory.symbolic.derived import Derivation

SCHEMA, VERSION = "glutheory.derivation", 1

_write = Writer(LATEX)


def expression(expr: sp.Expr) -> dict[str, str]:
    """A formula three times: for people, for SymPy, for LaTeX."""
    return {"str": str(expr), "srepr": sp.srepr(expr), "latex": _write(expr)}


def _kernels(own: Derivation) -> dict[str, Any]:
    formulas = kernel_formulas(own)
    return {
        "nngp": expression(formulas["nngp"]),
        "ntk": expression(formulas["ntk"]),
        "blocks": {role: expression(formulas[role]) for role in own.kernels.blocks},
    }


def _sample(at: Sample) -> dict[str, Any]:
    values = {
        q.name: {"formula": q.formula, "integral": q.integral, "roads_agree": q.agree, "digits_agreed": q.digits}
        for q in at.quantities
    }
    return {"a": str(at.a), "b": str(at.b), "c": str(at.c), **values, "nngp": at.nngp, "ntk": at.ntk, "note": at.note}


def record(found: Report) -> dict[str, Any]:
    """The report as plain dictionaries, lists, strings, numbers and booleans."""
    from glutheory import __version__

    dual, notation = found.ntk.dual, found.notation
    branches = zip(found.network.roles, found.network.branches, strict=True)
    return {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "package_version": __version__,
        "network": {
            "name": found.network.name,
            "gated": found.network.gated,
            "branches": [
                {
                    "role": role,
                    "activation": act.name,
                    "parameters": {key: str(value) for key, value in act.parameters},
                    "definition": expression(act.expr),
                }
                for role, act in branches
            ],
        },
        "dual": {
            "activation": found.gate.name,
            "method": found.method,
            "price_derivatives": dual.order if dual.terms else None,
            "S": expression(dual.S),
            "T": expression(dual.T),
            "short": None
            if notation is None
            else {
                "S": expression(notation.formulas[0]),
                "T": expression(notation.formulas[1]),
                "definitions": {str(symbol): expression(meaning) for symbol, meaning in notation.definitions},
            },
        },
        "kernels": {"ntk": _kernels(found.ntk), "standard": _kernels(found.standard)},
        "hermite": {"variance": "1", "digits": SHOWN_DIGITS, "coefficients": list(found.hermite)}
        if found.hermite
        else None,
        "verification": {
            "passed": found.verification.passed,
            "checks": [
                {"statement": check.statement, "method": check.method, "passed": check.passed}
                for check in found.verification.checks
            ],
        },
        "special_values": [
            {
                "case": value.case,
                "quantity": value.name,
                "arguments": value.arguments,
                "formula": None if value.formula is None else expression(value.formula),
                "at_a_b_1": value.at_one,
            }
            for value in found.special
        ],
        "digits": found.digits,
        "samples": [_sample(at) for at in found.samples],
        "refuted": list(found.refuted),
    }


def as_json(found: Report) -> str:
    """The record as indented JSON in ASCII."""
    return json.dumps(record(found), indent=2) + "\n"
