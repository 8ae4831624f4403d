"""Tiny random checkpoints of encoders, made by transformers itself; needs the extra `reference`."""

from pathlib import Path
from typing import Any

WORDS = [
    *("[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"),
    *"abcdefghijklmnopqrstuvwxyzIKTXW가나다라마바사아자차카타파하.,!?0123456789",
    *(f"##{letter}" for letter in "은는이가을를의에서로다요abcdefghijklmnopqrstuvwxyz0123456789TX"),
    *("서울", "온돌", "대한민국", "수도", "안녕", "##하세요", "漢", "##字"),
]
LABELS = {0: "O", 1: "B-LC", 2: "I-LC"}

SIZES: dict[str, Any] = {
    "vocab_size": len(WORDS),
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 72,
    "max_position_embeddings": 66,
    "pad_token_id": 1,
    "initializer_range": 0.3,
}

CLASSES = {
    "bert": "BertModel",
    "bert-lm": "BertForMaskedLM",
    "bert-classify": "BertForSequenceClassification",
    "electra": "ElectraModel",
    "electra-tag": "ElectraForTokenClassification",
    "roberta": "RobertaModel",
    "roberta-classify": "RobertaForSequenceClassification",
    "xlm-roberta": "XLMRobertaModel",
    "xlm-roberta-tag": "XLMRobertaForTokenClassification",
}
"""Checkpoints by name, and transformers' class of each."""


def make(name: str, folder: Path) -> Path:
    """Write a checkpoint of `CLASSES` with its tokenizer."""
    import torch
    import transformers

    torch.manual_seed(7)
    built = getattr(transformers, CLASSES[name])
    said = dict(SIZES, id2label=LABELS, label2id={label: i for i, label in LABELS.items()})
    if name.startswith("electra"):
        said["embedding_size"] = 24
    built(built.config_class(**said)).save_pretrained(folder)
    write_tokenizer(folder)
    return folder


def write_tokenizer(folder: Path) -> None:
    """A WordPiece tokenizer of `WORDS`."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    numbered = {word: i for i, word in enumerate(WORDS)}
    made = Tokenizer(models.WordPiece(numbered, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=False, handle_chinese_chars=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 0))
    made.add_special_tokens(WORDS[:5])
    made.save(str(folder / "tokenizer.json"))


WHISPER: dict[str, Any] = {
    "vocab_size": 300,
    "d_model": 48,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 72,
    "decoder_ffn_dim": 96,
    "num_mel_bins": 16,
    "max_source_positions": 100,
    "max_target_positions": 32,
    "init_std": 0.4,
}
MARKS = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|ko|>", "<|transcribe|>"]
MARKS += ["<|nospeech|>", "<|notimestamps|>"]


def make_whisper(folder: Path) -> Path:
    """Write a Whisper that hears two seconds in 16 bands, with a byte-level tokenizer."""
    import json

    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    torch.manual_seed(5)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    ids = {mark: len(letters) + i for i, mark in enumerate(MARKS)}
    end, start = ids["<|endoftext|>"], ids["<|startoftranscript|>"]
    fixed = {"decoder_start_token_id": start, "bos_token_id": end, "eos_token_id": end}
    config = transformers.WhisperConfig(**WHISPER, **fixed, pad_token_id=end)
    made = transformers.WhisperForConditionalGeneration(config)
    made.save_pretrained(folder)
    generation = {
        **fixed,
        "pad_token_id": end,
        "lang_to_id": {"<|en|>": ids["<|en|>"], "<|ko|>": ids["<|ko|>"]},
        "task_to_id": {"transcribe": ids["<|transcribe|>"]},
        "no_timestamps_token_id": ids["<|notimestamps|>"],
        "is_multilingual": True,
        "suppress_tokens": [1, 2, *(ids[mark] for mark in MARKS[1:]), *range(263, 300)],
        "begin_suppress_tokens": [220, end],
        "max_length": WHISPER["max_target_positions"],
    }
    (folder / "generation_config.json").write_text(json.dumps(generation))
    heard: dict[str, Any] = {
        "feature_size": 16,
        "sampling_rate": 16_000,
        "hop_length": 160,
        "n_fft": 400,
    }
    heard |= {"chunk_length": 2, "feature_extractor_type": "WhisperFeatureExtractor"}
    (folder / "preprocessor_config.json").write_text(json.dumps(heard))
    tokenizer = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(MARKS)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
