"""`glutheory audit`: the command line of `glutheory.audit.audit`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from glutheory.commands.main import Command
from glutheory.commands.options import columns_option, output_options
from glutheory.commands.output import check_output, emit
from glutheory.commands.progress import progress
from glutheory.errors import DomainError

_HELP = """Report how well conditioned the NTK of each feed-forward network of a model is, beside its parameter-matched
twin: non-gated for a gated network (SwiGLU, GEGLU, ...), gated for a plain one.

SOURCE is a model type or class of transformers (llama, qwen2, gemma, Phi3ForCausalLM, gpt2, ...), the path of a
config.json, or a local folder with config.json and trained weights (safetensors). Nothing is ever downloaded; a model
without weights is drawn at random.

\b
Examples:
  glutheory audit llama --set hidden_size=64 --set intermediate_size=172 --set num_hidden_layers=2
  glutheory audit qwen2 --layers 0,1 --inputs gaussian
  glutheory audit path/to/model --samples 128 --json --out audit.json
  glutheory audit gpt2 --layers 0-3 --weights-only --out audit.svg
  glutheory audit path/to/model --value fc1_x --gate fc1_g --readout fc2
"""


@click.command(cls=Command, name="audit", help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("source")
@click.option("--value", metavar="NAME", help="A linear map that is a gated network's value, e.g. fc1_x.")
@click.option("--gate", metavar="NAME", help="The one before the activation, e.g. fc1_g; of a plain network fc1.")
@click.option("--readout", metavar="NAME", help="The linear map out of the hidden layer, e.g. fc2.")
@click.option("--set", "changes", metavar="FIELD=VALUE", multiple=True, help="Change a field of the configuration.")
@click.option("--layers", metavar="LIST", help="Only these feed-forward networks, e.g. 0,1 or 0-3.  [default: all]")
@click.option(
    "--inputs",
    type=click.Choice(["model", "gaussian", "normalised"]),
    help="What they are given: what reaches them when the model reads random tokens or pixels, standard normal rows, "
    "or rows of norm sqrt(d).  [default: model]",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Give them your own rows: .npy (n, d), .npz with an array X, or .csv.",
)
@columns_option
@click.option(
    "--samples", type=click.IntRange(2, 10_000), help="Random inputs, the order of the kernels.  [default: 64]"
)
@click.option("--length", type=click.IntRange(1), default=16, show_default=True, help="Of random token sequences.")
@click.option("--draws", type=click.IntRange(1), default=5, show_default=True, help="Networks drawn of each kind.")
@click.option("--weights-only", is_flag=True, help="Biases do not count as parameters of the NTK.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of everything random.")
@click.option("--device", default="cpu", show_default=True, help="Where to compute, as torch names it.")
@output_options
def audit_command(
    source: str,
    value: str | None,
    gate: str | None,
    readout: str | None,
    changes: tuple[str, ...],
    layers: str | None,
    inputs: str | None,
    data: Path | None,
    columns: str | None,
    samples: int | None,
    length: int,
    draws: int,
    weights_only: bool,
    seed: int,
    device: str,
    as_json: bool,
    out: Path | None,
    ascii_only: bool,
) -> None:
    """See `_HELP`."""
    from glutheory.commands.data import read_rows

    chosen = None if layers is None else parse_layers(layers)
    fields = parse_changes(changes)
    if data is not None and (inputs is not None or samples is not None):
        raise DomainError("--data gives the inputs and their number: leave out --inputs and --samples.")
    check_output(out)
    named = {role: name for role, name in (("value", value), ("gate", gate), ("readout", readout)) if name is not None}
    if named and not {"gate", "readout"} <= set(named):
        raise DomainError(
            f"--{next(iter(named))} is given alone: name the linear maps by --gate and --readout, and by --value where "
            "the network is gated."
        )
    if columns is not None and data is None:
        raise DomainError(f"--columns is {columns[:60]!r}, but random inputs have none: give --data as well.")
    own = None if data is None else read_rows(data, columns=columns)
    from glutheory.audit.run import audit

    with progress("Auditing") as advance:
        found = audit(
            source,
            inputs=(inputs or "model") if own is None else own.X,
            samples=samples or 64,
            length=length,
            layers=chosen,
            draws=draws,
            biases=not weights_only,
            seed=seed,
            device=device,
            changes=fields,
            roles=named or None,
            progress=lambda done, total, name: advance(done > 0, f"{name[:60]} ({done + 1} of {total})"),
        )
    if own is not None:  # what a file is called, and what of it was left out
        found = replace(found, inputs=f"{found.inputs} ({own.name})")
    from glutheory.audit import pages

    emit(pages, found, as_json=as_json, out=out, ascii_only=ascii_only)


def parse_layers(text: str) -> list[int] | None:
    """The numbers of ``0,2-4``, ascending; None for ``all``.

    Raises:
        DomainError: anything else.
    """
    if text.strip().lower() == "all":
        return None
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isdecimal() and (last.isdecimal() if dash else True)) or len(first + last) > 8:
            raise DomainError(f"--layers is {text[:60]!r}: give numbers and ranges from 0, e.g. 0,2 or 0-3, or all.")
        if dash and int(last) < int(first):
            raise DomainError(f"--layers has the range {part.strip()!r}: give the smaller number first.")
        found.update(range(int(first), int(last or first) + 1))
    return sorted(found)


def parse_changes(given: tuple[str, ...]) -> dict[str, Any]:
    """Fields and values of ``FIELD=VALUE``; a value is JSON where it can be read as such, else text.

    Raises:
        DomainError: no such form, or a field that is given twice.
    """
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not (equals and name and value):
            raise DomainError(f"--set is {text[:60]!r}: give FIELD=VALUE, e.g. hidden_size=64.")
        if name in found:
            raise DomainError(f"--set gives {name!r} twice: leave one out.")
        found[name] = _value(value.strip())
    return found


def _value(text: str) -> Any:
    words = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
