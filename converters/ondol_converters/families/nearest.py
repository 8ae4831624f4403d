"""Which known family an unknown model is nearest to, by its config and its tensors' shapes.

Tensors are compared as kinds: all layers' q matrices are one kind. A kind is matched by name and
shape, else by shape alone: the same matrix under another name.
"""

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ondol.errors import SourceError
from ondol_converters.families import family, places
from ondol_converters.families.decoder import Decoder, Family
from ondol_converters.families.limits import HARMLESS
from ondol_converters.families.tensors import UNREAD, Shape, wanted
from ondol_converters.sources import Source

RENAMED_SHARE = 0.5  # what a kind that is found under another name counts
KEY_COST = 0.05  # what a key of the config that a family does not draw costs
SPELLING_SHARE = 0.02  # between families that fit alike, the one that is spelt alike
CLOSE = 0.6  # difflib's own idea of a close spelling; below it the tensors' names decide

ALIASES: Mapping[str, tuple[str, ...]] = {
    "hidden_size": ("n_embd", "d_model", "dim", "embed_dim", "model_dim", "n_embed"),
    "intermediate_size": ("n_inner", "ffn_dim", "ffn_hidden_size", "d_ff", "hidden_dim"),
    "num_hidden_layers": ("n_layer", "num_layers", "n_layers", "num_transformer_layers"),
    "num_attention_heads": ("n_head", "num_heads", "n_heads", "num_query_heads"),
    "num_key_value_heads": ("n_kv_heads", "num_kv_heads", "multi_query_group_num"),
    "max_position_embeddings": ("n_positions", "n_ctx", "max_seq_len", "max_sequence_length"),
    "rms_norm_eps": ("layer_norm_epsilon", "layer_norm_eps", "norm_eps", "norm_epsilon"),
    "vocab_size": ("padded_vocab_size", "n_vocab"),
    "hidden_act": ("activation_function", "hidden_activation", "activation"),
    "head_dim": ("attention_head_dim", "d_head", "kv_channels"),
}
"""Keys of the families, and what other configs call the same."""

Kinds = dict[str, Shape]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How near a family is: `share`, 1 for a twin (more if spelt alike), and every difference.

    `kinds` are all kinds of tensors seen, `same` those that fit by name and shape. `missing` and
    `extra` are kinds that the family has and the source does not, or the other way round;
    `renamed` pairs the family's name with the source's, `reshaped` a name with both shapes;
    `keys` are (the family's, the source's) names of one number; `lacks` are keys without any
    counterpart; `ignored` are "key = value" that the graph does not draw.
    """

    family: Family
    share: float
    kinds: int
    same: int
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    reshaped: tuple[tuple[str, Shape, Shape], ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    lacks: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def nearest(source: Source) -> Likeness | None:
    """The family that fits a source best; None where none shares a single tensor."""
    found = []
    for model_type in sorted(places()):
        try:
            known = family(model_type)
        except SourceError:  # another package's, broken: `ondol families` says so
            continue
        if source.format in known.names and model_type != source.model_type:
            found.append(_compare(source, known))
    best = max(found, key=lambda like: like.share, default=None)
    return best if best is not None and best.share > SPELLING_SHARE else None


def kinds(shapes: Iterable[tuple[str, Shape]]) -> Kinds:
    """One entry for tensors whose names differ in numbers only: "layers.{i}.q" and a shape.

    The first number is the layer, written {i}; any further ones {n}.
    """
    found: Kinds = {}
    for name, shape in shapes:
        first = re.sub(r"(?<![^._/])\d+(?![^._/])", "{i}", name, count=1)
        found.setdefault(re.sub(r"(?<![^._/])\d+(?![^._/])", "{n}", first), shape)
    return found


def _compare(source: Source, known: Family) -> Likeness:
    config, keys = _translated(source.config)
    decoder, lacks = _described(known, known.common(config), source.format)
    have = kinds(
        (name, info.shape)
        for name, info in source.tensors.items()
        if not any(fnmatchcase(name, pattern) for pattern in UNREAD)
    )
    names = known.names[source.format]
    want = kinds(wanted(decoder, names)) if decoder else {}
    if decoder is None:  # its numbers are not there: names are all there is to compare
        endings = (".weight", "")
        want = {
            name: have[name]
            for each in names.values()
            for ending in endings
            if (name := each + ending) in have
        }
    same = {name for name in want if have.get(name) == want[name]}
    shaped = {name for name in want if name in have and name not in same}
    renamed = _renamed(
        {n: s for n, s in want.items() if n not in have},
        {n: s for n, s in have.items() if n not in want},
    )
    gone = dict(renamed)
    missing = [name for name in want if name not in have and name not in gone]
    extra = [name for name in have if name not in want and name not in set(gone.values())]
    if decoder and decoder.tied:
        extra = [name for name in extra if name != names["head"]]
    ignored = [
        f"{key} = {config[key]!r}"[:80]
        for key, values in HARMLESS.items()
        if key not in known.heeds and config.get(key) not in values
    ]
    total = len(same) + len(shaped) + len(renamed) + len(missing) + len(extra)
    share = (len(same) + RENAMED_SHARE * len(renamed)) / max(total, 1)
    share -= KEY_COST * (len(ignored) + len(lacks))
    if share > 0:
        spelling = difflib.SequenceMatcher(None, known.model_type, source.model_type).ratio()
        if spelling < CLOSE and renamed:
            spelling = sum(_alike(*pair) for pair in renamed) / len(renamed)
        share += SPELLING_SHARE * spelling
    return Likeness(
        known,
        max(share, 0.0),
        total,
        len(same),
        tuple(missing),
        tuple(extra),
        tuple(renamed),
        tuple((name, want[name], have[name]) for name in sorted(shaped)),
        keys,
        lacks,
        tuple(ignored),
    )


def _translated(config: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[tuple[str, str], ...]]:
    """A config under the families' key names, and which keys were called otherwise."""
    found, keys = dict(config), []
    for name, others in ALIASES.items():
        other = next((each for each in others if config.get(each) is not None), None)
        if config.get(name) is None and other is not None:
            found[name] = config[other]
            keys.append((name, other))
    return found, tuple(keys)


def _described(
    known: Family, config: Mapping[str, Any], source_format: str
) -> tuple[Decoder | None, tuple[str, ...]]:
    """The decoder as this family reads the config; None and the key it lacks where it cannot."""
    try:
        decoder = known.read({**config, "model_type": known.model_type}, source_format)
    except KeyError as exc:
        return None, (str(exc.args[0]),)
    except (TypeError, ValueError, ArithmeticError):
        return None, ()
    return decoder, ()


def _renamed(want: Kinds, have: Kinds) -> list[tuple[str, str]]:
    """Pairs of kinds of one shape: the most alike in spelling first, each used once."""
    groups: dict[tuple[bool, Shape], list[str]] = defaultdict(list)
    for name, shape in have.items():
        groups["{i}" in name, shape].append(name)
    ranked = sorted(
        (-_alike(name, other), at, name, other)
        for at, (name, shape) in enumerate(want.items())
        for other in groups["{i}" in name, shape]
    )
    pairs: dict[str, str] = {}
    for _, _, name, other in ranked:
        if name not in pairs and other not in pairs.values():
            pairs[name] = other
    return sorted(pairs.items())


def _alike(name: str, other: str) -> float:
    """How alike two names' words inside a layer are, from 0 to 1."""
    inside, outside = (text.rpartition("{i}")[2] for text in (name, other))
    return difflib.SequenceMatcher(None, inside, outside).ratio()
