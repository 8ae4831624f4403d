"""EXAONE 3.0 and 3.5: Llama under GPT-2's names."""

from ondol_converters.families.decoder import LLAMA_NAMES, Covered, Family, read_llama

NAMES = {
    "huggingface": {
        "embedding": "transformer.wte.weight",
        "final_norm": "transformer.ln_f.weight",
        "head": "lm_head.weight",
        "attention_norm": "transformer.h.{i}.ln_1.weight",
        "q": "transformer.h.{i}.attn.attention.q_proj",
        "k": "transformer.h.{i}.attn.attention.k_proj",
        "v": "transformer.h.{i}.attn.attention.v_proj",
        "o": "transformer.h.{i}.attn.attention.out_proj",
        "mlp_norm": "transformer.h.{i}.ln_2.weight",
        "gate": "transformer.h.{i}.mlp.c_fc_0",
        "up": "transformer.h.{i}.mlp.c_fc_1",
        "down": "transformer.h.{i}.mlp.c_proj",
    },
    "gguf": LLAMA_NAMES["gguf"],
}

ALIASES = {
    "activation_function": "hidden_act",
    "layer_norm_epsilon": "rms_norm_eps",
    "num_layers": "num_hidden_layers",
}

FAMILY = Family(
    model_type="exaone",
    architectures=("ExaoneForCausalLM",),
    read=read_llama,
    names=NAMES,
    aliases=ALIASES,
    models=(
        Covered("EXAONE 3.5 2.4B", "EXAONE AI Model License 1.1 - NC", "research-only"),
        Covered("EXAONE 3.0 7.8B", "EXAONE AI Model License 1.1 - NC", "research-only"),
    ),
)
