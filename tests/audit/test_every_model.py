"""Every model type of transformers, made small: a report, or one clear sentence, and never a traceback."""

from __future__ import annotations

import string

import pytest

from glutheory.audit import audit
from glutheory.audit.text import report
from glutheory.errors import GlutheoryError
from glutheory.terminal import Terminal
from tests.tiny_configurations import shrunk, tiny

#: Types that must give a report: (type, least number of feed-forward networks).
KNOWN = {
    "albert": 1, "bert": 2, "clip": 4, "convnext": 2, "deepseek_v4": 5, "distilbert": 2, "gemma3": 2, "gpt2": 2,
    "gpt_oss": 10,
    "granitemoe": 10, "jamba": 3, "llama": 2, "llama4_text": 12, "mixtral": 10, "olmoe": 10, "phi": 2,
    "qwen2": 2, "qwen2_moe": 12, "qwen3_moe": 10, "t5": 4, "vit": 2, "xlnet": 2,
}  # fmt: skip


def types(letter: str) -> list[str]:
    from transformers import CONFIG_MAPPING

    return [name for name in CONFIG_MAPPING if name.startswith(letter)]


@pytest.mark.slow
@pytest.mark.parametrize("letter", string.ascii_lowercase)
def test_every_type_gives_a_report_or_a_sentence(letter: str) -> None:
    for name in types(letter):
        config = tiny(name)
        if config is None:  # transformers itself cannot make it here
            assert name not in KNOWN
            continue
        try:
            found = audit(config, samples=4, length=4, draws=1)
        except GlutheoryError as error:
            message = str(error)
            assert message.endswith("."), name
            assert "\n" not in message, name
            assert len(message) < 1000, name
            assert not KNOWN.get(name), (name, message)
        else:
            assert len(found.blocks) >= max(1, KNOWN.get(name, 1)), name
            assert report(found, Terminal())
            assert all(reason for _, reason in found.skipped), name


def test_configurations_are_made_small() -> None:
    """The maker of configurations does what the sweep rests on."""
    for name in ("llama", "bert", "clip"):
        config = tiny(name)
        assert config is not None
        part = getattr(config, "text_config", config)
        assert part.hidden_size <= 64
        assert part.num_hidden_layers == 2
        assert part.vocab_size == 300
    assert shrunk(tiny("llama")).to_dict() == tiny("llama").to_dict()  # type: ignore[union-attr]
