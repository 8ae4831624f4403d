"""Llama and what is built like it: Kanana, Mi:dm Mini, A.X 3.1, HyperCLOVA X SEED, SOLAR."""

from ondol_converters.families.decoder import LLAMA_NAMES, Family, read_llama

FAMILY = Family(
    model_type="llama",
    architectures=("LlamaForCausalLM",),
    read=read_llama,
    names=LLAMA_NAMES,
)
