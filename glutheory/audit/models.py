"""Models from what a user names: a transformers type or class, a config.json, or a folder. Nothing is downloaded."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from glutheory.activations import nearest
from glutheory.audit.configurations import (
    configure,
    library,
    model_class,
    model_types,
    quiet,
    read_fields,
    sentences,
    without_cache,
)
from glutheory.errors import DomainError, UnknownNameError

#: The most parameters of a model that is drawn at random: 4 GB in float32.
MOST_PARAMETERS = 1_000_000_000


@dataclass(frozen=True)
class Built:
    """A model and where it comes from.

    Attributes:
        model: in evaluation mode.
        trained: whether its weights were read from files.
        missing: names of parameters that the files lack, and that are random therefore.
        notes: what the user should know about how it was made, one sentence each.
    """

    model: nn.Module
    trained: bool = False
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def build(
    source: str, changes: Mapping[str, Any] | None = None, *, layers: Sequence[int] | None = None, seed: int = 0
) -> Built:
    """The model that a user means.

    Args:
        source: a model type ("llama") or class ("LlamaForCausalLM") of transformers, a path of a config.json, or a
            folder that holds one and, for a trained model, safetensors.
        changes: fields of the configuration to change, by name; "text_config.hidden_size" for a nested one.
        layers: the only layers that are needed: of a model too large to be drawn as a whole, the later ones are left
            out.
        seed: of random weights, which transformers draws in its own way.

    Raises:
        UnknownNameError: no such type, class or field.
        DomainError: what is there cannot be read or built, or is too large.
        GlutheoryError: transformers is not installed.
    """
    path = Path(source)
    with quiet():  # names are resolved by importing
        if _is_local(path, source):
            return _from_path(path, dict(changes or {}), layers, seed)
        if _is_file(path):
            raise DomainError(
                f"{source[:200]!r} is a file: give the folder that holds it and the model's config.json (weights as "
                "safetensors, as save_pretrained writes them), or a config.json alone for random weights; a state dict "
                "alone does not say what the model computes."
            )
        if any(sign in source for sign in "/\\") or source.endswith(".json"):
            raise DomainError(
                f"{source[:200]!r} is no local file or folder, and nothing is downloaded: give a model type such as "
                "'llama', the path of a config.json, or a folder with config.json and safetensors."
            )
        maker, config, notes = _named(source, dict(changes or {}))
    return drawn(config, maker=maker, layers=layers, seed=seed, notes=notes)


def _is_local(path: Path, source: str) -> bool:
    """Whether a file or folder is meant; a folder that only happens to have the name of a model type is not."""
    try:
        if path.is_dir():
            return bool(source) and (source not in model_types() or (path / "config.json").exists())
        return path.suffix == ".json" and path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _named(name: str, changes: dict[str, Any]) -> tuple[Callable[[Any], nn.Module] | None, Any, tuple[str, ...]]:
    """The class to build (None: the plain model), the configuration, and notes."""
    known = model_types()
    kind = name if name in known else name.lower().replace("-", "_")
    if f"{kind}_text" in known:
        notes = (f"{kind} reads text and more: its text model, {kind}_text, is audited.",)
        return None, configure(f"{kind}_text", {}, changes), notes
    if kind in known:
        return None, configure(kind, {}, changes), ()
    own = getattr(library(), name, None) if name.isidentifier() else None
    model_type = getattr(getattr(own, "config_class", None) or own, "model_type", None)
    if not isinstance(own, type) or model_type not in known:
        clause = nearest(name[:40], known)
        raise UnknownNameError(
            f"unknown model {name[:60]!r}: {clause if clause.startswith('did') else 'it is no model type.'} A model is "
            f"a type or a class of transformers {library().__version__}, the path of a config.json, or a local folder."
        )
    config = configure(str(model_type), {}, changes)
    return (own if issubclass(own, nn.Module) else None), config, ()


def drawn(
    config: Any,
    *,
    maker: Callable[[Any], nn.Module] | None = None,
    layers: Sequence[int] | None = None,
    seed: int = 0,
    notes: tuple[str, ...] = (),
) -> Built:
    """A model with random weights from its configuration, by transformers' own initialization, in float32.

    Raises:
        DomainError: a configuration that cannot be built, or one too large.
    """
    config = without_cache(copy.deepcopy(config))
    for name in ("dtype", "torch_dtype"):
        if name in vars(config):
            setattr(config, name, None)
    what = f"{config.model_type} cannot be built from this configuration"
    with sentences(what):
        make = maker or model_class(config)
        count = _count(make, config)
        if count > MOST_PARAMETERS:
            needed = max(layers) + 1 if layers else None
            total = count
            if needed and needed < (getattr(config, "num_hidden_layers", 0) or 0):
                whole = f"{config.num_hidden_layers} layers with {count / 1e9:.3g} billion parameters"
                made = f"built with {needed} of its {whole}: scales that depend on the depth are the shorter model's."
                notes = (*notes, made)
                config = _shortened(config, needed)
                count = _count(make, config)
            if count > MOST_PARAMETERS:
                raise DomainError(_too_large(config, total, count))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = make(config)
        return Built(model.float().eval(), notes=notes)


def _too_large(config: Any, total: int, count: int) -> str:
    size = f"{total / 1e9:.3g} billion parameters"
    rest = "" if count == total else f", {count / 1e9:.3g} billion in the layers that were asked for"
    # a model of text and more has the sizes in its parts
    part = "" if hasattr(config, "num_hidden_layers") or not hasattr(config, "text_config") else "text_config."
    return (
        f"{config.model_type} of this configuration has {size}{rest}; at most {MOST_PARAMETERS / 1e9:.3g} billion "
        f"are drawn: choose layers, e.g. --layers 0, or a smaller model, e.g. --set {part}num_hidden_layers=2 "
        f"--set {part}hidden_size=512."
    )


def _count(make: Callable[[Any], nn.Module], config: Any) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in make(copy.deepcopy(config)).parameters())


def _shortened(config: Any, layers: int) -> Any:
    """The configuration with fewer layers; lists with one entry per layer are cut too."""
    shorter = copy.deepcopy(config)
    before = config.num_hidden_layers
    shorter.num_hidden_layers = layers
    for name, value in vars(config).items():
        if isinstance(value, list) and len(value) == before:
            setattr(shorter, name, value[:layers])
    return shorter


def _from_path(path: Path, changes: dict[str, Any], layers: Sequence[int] | None, seed: int) -> Built:
    file = path / "config.json" if path.is_dir() else path
    fields = read_fields(file)
    model_type = str(fields.pop("model_type"))
    folder = path if path.is_dir() else None
    has_weights = folder is not None and any(folder.glob("*.safetensors"))
    if folder is not None and not has_weights and any(folder.glob("*.bin")):
        raise DomainError(
            f"{str(folder)[:200]!r} holds weights, but no safetensors: save the model by save_pretrained, or give its "
            "config.json alone for random weights."
        )
    if not has_weights:
        config = configure(model_type, fields, changes)
        note = f"{file.name} comes without weights: they are drawn at random."
        return drawn(config, layers=layers, seed=seed, notes=(note,) if folder else ())
    if changes:
        raise DomainError(
            f"--set {next(iter(changes))} does not go with trained weights: give {str(file)[:200]!r} for random ones."
        )
    config = configure(model_type, fields, {})
    with sentences(f"the weights in {str(folder)[:200]!r} cannot be read"):
        model, info = library().AutoModel.from_pretrained(
            str(folder),
            config=config,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    if mismatched := sorted(info.get("mismatched_keys", ())):
        name, stored, wanted = mismatched[0]
        raise DomainError(
            f"{str(folder)[:200]!r} has {name} of shape {tuple(stored)}, but its config.json asks for {tuple(wanted)} "
            f"({len(mismatched)} such parameters): give the config.json that the weights were saved with."
        )
    missing = tuple(sorted(info["missing_keys"]))
    notes = (f"the files lack {len(missing)} parameters, e.g. {missing[0]}: they are random.",) if missing else ()
    return Built(model.eval(), True, missing, notes)
