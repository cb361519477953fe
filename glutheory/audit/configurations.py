"""Configurations of transformers: made, changed and read, quietly, and with every failure as one sentence."""

from __future__ import annotations

import copy
import importlib
import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from glutheory.activations import nearest
from glutheory.errors import DomainError, GlutheoryError, MissingDependencyError, UnknownNameError

#: What transformers raises for configurations that cannot be built; its own validation errors derive from Exception.
_FAILURES = (
    ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, OSError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip


def library() -> Any:
    """The module `transformers`.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import transformers
    except ImportError:
        raise MissingDependencyError.of("this needs", "transformers", "models") from None
    return transformers


@contextmanager
def quiet() -> Iterator[None]:
    """Without the log, the warnings and the progress bars of transformers."""
    log = library().utils.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    try:
        log.set_verbosity_error()
        log.disable_progress_bar()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()


@contextmanager
def sentences(what: str) -> Iterator[None]:
    """The errors of transformers as one sentence, quietly."""
    failures: tuple[type[Exception], ...] = _FAILURES
    # errors that derive from Exception; older versions have neither
    for module, name in (("huggingface_hub.errors", "StrictDataclassError"), ("safetensors", "SafetensorError")):
        with suppress(ImportError, AttributeError):
            failures = (*failures, getattr(importlib.import_module(module), name))
    try:
        with quiet():
            yield
    except GlutheoryError:
        raise
    except failures as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise DomainError(f"{what}: transformers says {said[:300]!r}.") from None


def model_types() -> tuple[str, ...]:
    """The model types that transformers knows."""
    return tuple(library().CONFIG_MAPPING.keys())


def model_class(config: Any) -> Any:
    """What makes a model from this configuration: AutoModel, or the class of a part that AutoModel does not know."""
    auto = library().AutoModel
    if type(config) in auto._model_mapping:
        return auto.from_config
    place = type(config).__module__.replace("configuration_", "modeling_")
    with suppress(ImportError):
        module = importlib.import_module(place)
        own = [value for value in vars(module).values() if getattr(value, "config_class", None) is type(config)]
        whole = [value for value in own if value.__module__ == place and not value.__name__.endswith("PreTrainedModel")]
        if whole:
            return min(whole, key=lambda value: (not value.__name__.endswith("Model"), len(value.__name__)))
    return auto.from_config


def without_cache(config: Any) -> Any:
    """The configuration, and all within it, with nothing kept between calls; changed in place."""
    config.use_cache = False
    for part in vars(config).values():
        if hasattr(part, "model_type"):
            without_cache(part)
    return config


def configure(model_type: str, known: Mapping[str, Any], changes: Mapping[str, Any]) -> Any:
    """The configuration of that type with these fields.

    Raises:
        UnknownNameError: a field of `changes` that it does not have.
        DomainError: values that transformers refuses.
    """
    transformers = library()
    fields = dict(known)
    if "num_hidden_layers" in changes:
        # one entry per layer of the old number; derived again
        fields.pop("layer_types", None)
    with sentences(f"the configuration of {model_type} cannot be made"):
        default = transformers.AutoConfig.for_model(model_type, **copy.deepcopy(fields))
        for name in changes:
            _check_field(default, name, model_type)
        for name, value in changes.items():
            part = fields
            *outer, last = name.split(".")
            for step in outer:
                inner = part.get(step, {})
                part[step] = dict(inner if isinstance(inner, Mapping) else inner.to_dict())
                part = part[step]
            # an alias in the file would win over the name, or the other way round
            part.pop(getattr(default, "attribute_map", {}).get(last, last), None)
            part[last] = value
        return transformers.AutoConfig.for_model(model_type, **fields)


def _check_field(config: Any, name: str, model_type: str) -> None:
    first, _, rest = name.partition(".")
    own = {**config.to_dict(), **getattr(config, "attribute_map", {})}
    if first in own:
        inner = getattr(config, first)
        if rest and not hasattr(inner, "to_dict"):
            raise UnknownNameError(f"{first!r} of {model_type} has no fields: give {first}=VALUE.")
        if rest:
            _check_field(inner, rest, f"{model_type}.{first}")
        return
    for part in ("text_config", "vision_config"):
        if hasattr(getattr(config, part, None), first):
            raise UnknownNameError(f"{model_type} has no field {first!r} itself: did you mean '{part}.{first}'?")
    clause = nearest(first[:40], tuple(sorted(own)))
    raise UnknownNameError(f"{model_type} has no field {first[:60]!r}: {clause}")


def read_fields(file: Path) -> dict[str, Any]:
    """The fields of a config.json.

    Raises:
        DomainError: a file that cannot be read, or has no model type.
        UnknownNameError: a model type that transformers does not know.
    """
    try:
        fields = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DomainError(
            f"{str(file)[:200]!r} cannot be read as a configuration ({reason}): give a config.json of transformers, or "
            "a folder that has one."
        ) from None
    if not isinstance(fields, dict) or "model_type" not in fields:
        raise DomainError(f"{str(file)[:200]!r} has no field 'model_type': give a config.json of transformers.")
    if fields["model_type"] not in model_types():
        raise UnknownNameError(
            f"{str(file)[:200]!r} has the model type {str(fields['model_type'])[:60]!r}, which transformers "
            f"{library().__version__} does not know (code that comes with a model is not run)."
        )
    return fields
