"""Writes tiny random checkpoints and what transformers computes from them: needs torch.

Only `fixtures/make_tiny_models*.py` use it; the suite itself needs neither torch nor transformers.

Each folder is a Hugging Face model (config.json, model.safetensors in bfloat16, tokenizer.json)
with expected.npz: `ids` int64 [n], `prefill` float32 [n, vocabulary] from one pass, and `steps`
float32 [k, vocabulary], the last k positions one by one through a cache. Both were computed in
float32 with eager attention.
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import DynamicCache, PreTrainedModel

TARGET = Path(__file__).parent / "fixtures" / "models"
VOCABULARY = 272
TOKENS = 72  # more than a window, and more than the CPU prefills in integers
STEPS = 8
MERGED = ("가", "나", "다", "ab", "the", "한")
SPECIAL = ("<|start|>", "<|end|>")
START, END = VOCABULARY - 2, VOCABULARY - 1
SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 256,
    "eos_token_id": END,
}
SIZES |= {"bos_token_id": START, "pad_token_id": None}
EMBEDDINGS = ("embed_tokens.", "embed_in.", "wte.", "wpe.")
CONVOLUTIONS = (".c_attn.", ".c_fc.", ".c_proj.")


def randomise(model: PreTrainedModel) -> None:
    """Weights of a size that makes every part count, each exactly a bfloat16."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn_like(weight)
            if name.endswith("bias"):
                value = 0.5 * noise
            elif "norm" in name or ".ln_" in name:
                centre = 0.0 if "gemma" in type(model).__name__.lower() else 1.0
                value = centre + 0.3 * noise
            elif any(part in name for part in EMBEDDINGS):
                value = noise
            else:
                conv1d = "GPT2" in type(model).__name__ and any(p in name for p in CONVOLUTIONS)
                value = 1.5 * noise * weight.shape[0 if conv1d else -1] ** -0.5
            weight.copy_(value.to(torch.bfloat16).to(weight.dtype))


def tokenizer() -> Tokenizer:
    """Byte-level BPE: every byte, a few merges, padding, two special tokens."""
    vocabulary = {char: i for i, char in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    merges: list[tuple[str, str]] = []
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    for word in MERGED:
        spelled = level.pre_tokenize_str(word)[0][0]
        for end in range(2, len(spelled) + 1):
            pair = (spelled[: end - 1], spelled[end - 1])
            if pair not in merges:
                merges.append(pair)
                vocabulary["".join(pair)] = len(vocabulary)
    for i in range(START - len(vocabulary)):
        vocabulary[f"<unused{i}>"] = len(vocabulary)
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    made.pre_tokenizer = level
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(text, special=True) for text in SPECIAL])
    if made.get_vocab_size() != VOCABULARY:
        raise SystemExit(f"{made.get_vocab_size()} tokens")
    return made


def expected(model: PreTrainedModel, ids: torch.Tensor) -> dict[str, np.ndarray]:
    """What the model computes, in one pass and step by step."""
    with torch.no_grad():
        prefill = model(ids[None]).logits[0]
        cache = DynamicCache(config=model.config)
        model(ids[None, :-STEPS], past_key_values=cache, use_cache=True)
        rows = [
            model(token[None, None], past_key_values=cache, use_cache=True).logits[0, -1]
            for token in ids[-STEPS:]
        ]
    steps = torch.stack(rows)
    drift = float((steps - prefill[-STEPS:]).abs().max() / prefill.abs().max())
    if drift > 1e-5:
        raise SystemExit(f"one pass and steps differ by {drift}")
    return {"ids": ids.numpy(), "prefill": prefill.numpy(), "steps": steps.numpy()}


def write(makers: Mapping[str, Callable[[], PreTrainedModel]]) -> None:
    """Write the folders that the command line names, or all of them."""
    torch.set_num_threads(1)
    wanted = sys.argv[1:] or list(makers)
    for seed, (name, make) in enumerate(makers.items()):
        if name not in wanted:
            continue
        torch.manual_seed(seed)
        model = make().eval().to(torch.float32)
        model.config._attn_implementation = "eager"
        randomise(model)
        folder = TARGET / name
        folder.mkdir(parents=True, exist_ok=True)
        ids = torch.randint(0, START, (TOKENS,))
        rows = expected(model, ids)
        np.savez_compressed(folder / "expected.npz", allow_pickle=False, **rows)
        model.to(torch.bfloat16).save_pretrained(folder)
        (folder / "generation_config.json").unlink()
        tokenizer().save(str(folder / "tokenizer.json"))
        config = {"bos_token": SPECIAL[0], "eos_token": SPECIAL[1], "add_bos_token": True}
        (folder / "tokenizer_config.json").write_text(json.dumps(config) + "\n")
        sizes = {file.name: file.stat().st_size for file in folder.iterdir()}
        print(name, sizes)
