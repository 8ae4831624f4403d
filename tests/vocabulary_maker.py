"""Tokenizers of every kind that is cut, trained on our own texts and on other scripts."""

from functools import cache

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import BertProcessing, TemplateProcessing

from ondol_converters.texts import load
from ondol_converters.tokenizers import Vocabulary, from_vocabulary

SIZE = 3000
OTHERS = """
人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。
すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。カタカナも。
Все люди рождаются свободными и равными в своем достоинстве и правах.
Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια.
大韓民國은 民主共和國이다. 北京烤鸭好吃。Vše lidé rodí se svobodní. Số người đã được.
"""
SIGNS = "😀 👩‍👩‍👧 · … “인용” 「책」 → ※ ℃ ㎡ ① café naïve α β 100% x == y;\n\tdef f(x): return x\n"


def corpus() -> list[str]:
    """What the tokenizers are trained on."""
    return [*(text.text for text in load().texts), *[OTHERS, SIGNS] * 20]


@cache
def trained(kind: str) -> str:
    """The `tokenizer.json` of a kind: bytelevel, sentencepiece, unigram or wordpiece."""
    return {
        "bytelevel": _bytelevel,
        "sentencepiece": _sentencepiece,
        "unigram": _unigram,
        "wordpiece": _wordpiece,
    }[kind]()


KINDS = ("bytelevel", "sentencepiece", "unigram", "wordpiece")
EXACT = ("bytelevel", "sentencepiece")
"""Kinds that can spell any text."""


def _bytelevel() -> str:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE, special_tokens=["<|end|>"], initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(corpus(), trainer)
    return made.to_str()


def _sentencepiece() -> str:
    made = Tokenizer(models.BPE())
    made.normalizer = normalizers.Replace(" ", "▁")
    made.pre_tokenizer = pre_tokenizers.Split(Regex("▁*[^▁]+|▁+"), "isolated")
    made.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=SIZE, show_progress=False))
    words = sorted(made.get_vocab(), key=made.get_vocab().__getitem__)
    special = ["<unk>", "<bos>", "<eos>", "<unused0>", "<unused1>"]
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    tokens = [*special, *bytes_, *words]
    return from_vocabulary(
        Vocabulary(
            model="llama",
            tokens=tokens,
            scores=[-float(rank) for rank in range(len(tokens))],
            types=[2, *[3] * 4, *[6] * 256, *[1] * len(words)],
            bos=1,
            eos=2,
            unk=0,
            add_space_prefix=False,
        )
    ).json


def _unigram() -> str:
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=SIZE,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        unk_token="<unk>",
        show_progress=False,
    )
    made.train_from_iterator(corpus(), trainer)
    made.post_processor = TemplateProcessing(
        single="<s> $A </s>", pair=None, special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    made.enable_padding(pad_id=1, pad_token="<pad>")
    return made.to_str()


def _wordpiece() -> str:
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece(prefix="##")
    special = ["[PAD]", "[unused1]", "[unused2]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(
        vocab_size=SIZE, special_tokens=special, show_progress=False
    )
    made.train_from_iterator(corpus(), trainer)
    made.post_processor = BertProcessing(("[SEP]", 5), ("[CLS]", 4))
    return made.to_str()
