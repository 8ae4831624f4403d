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
