"""What onnxruntime-genai reads beside our graph, so that it opens the same folder as it is.

The keys are those of its configuration reference (genai_config.json); both files are hashed in
the manifest like every other. Its tokenizer adds no `bos`: a caller puts `bos_token_id` first.
"""

import json
from collections.abc import Mapping
from typing import Any

from ondol.manifest import ModelFacts
from ondol_converters.families.decoder import Decoder

CONFIG, TOKENIZER_CONFIG = "genai_config.json", "tokenizer_config.json"


def genai_texts(decoder: Decoder, facts: ModelFacts, graph: str) -> dict[str, bytes]:
    """The files by name: the model's configuration, and which tokenizer `tokenizer.json` is."""
    end = list(facts.eos)
    sizes = {
        "head_size": facts.head_dim,
        "hidden_size": decoder.hidden,
        "num_attention_heads": decoder.heads,
        "num_hidden_layers": facts.layers,
        "num_key_value_heads": facts.kv_heads,
    }
    names = {
        "inputs": {
            "input_ids": "input_ids",
            "attention_mask": "attention_mask",
            "past_key_names": "past_key_values.%d.key",
            "past_value_names": "past_key_values.%d.value",
        },
        "outputs": {
            "logits": "logits",
            "present_key_names": "present.%d.key",
            "present_value_names": "present.%d.value",
        },
    }
    model = {
        "type": "decoder",  # its word for any decoder with a key-value cache and nothing else
        "context_length": facts.context,
        "vocab_size": facts.vocabulary,
        "bos_token_id": 0 if facts.bos is None else facts.bos,
        "eos_token_id": end,
        "pad_token_id": end[0] if end else 0,
        "decoder": {
            "session_options": {"provider_options": []},
            "filename": graph,
            **sizes,
            **names,
        },
    }
    search = {
        "do_sample": False,
        "max_length": facts.context,
        "past_present_share_buffer": True,
    }
    tokenizer = {
        "tokenizer_class": "PreTrainedTokenizerFast",  # whatever tokenizer.json says, no more
        "add_bos_token": False,
        "add_eos_token": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": facts.context,
    }
    return {CONFIG: _text({"model": model, "search": search}), TOKENIZER_CONFIG: _text(tokenizer)}


def _text(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
