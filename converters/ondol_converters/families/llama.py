"""Llama and what is built like it: Kanana, Mi:dm Mini, A.X 3.1, HyperCLOVA X SEED, SOLAR."""

from ondol_converters.families.decoder import LLAMA_NAMES, Covered, Family, read_llama

FAMILY = Family(
    model_type="llama",
    architectures=("LlamaForCausalLM",),
    read=read_llama,
    names=LLAMA_NAMES,
    models=(
        Covered("HyperCLOVA X SEED Text Instruct 0.5B, 1.5B", "HyperCLOVA X SEED", "conditional"),
        Covered("Kanana 1.5 2.1B", "Apache-2.0", "commercial"),
        Covered("Mi:dm 2.0 Mini 2.3B", "MIT", "commercial"),
        Covered("A.X 3.1 Light", "Apache-2.0", "commercial"),
        Covered("SOLAR 10.7B", "Apache-2.0", "commercial"),
        Covered("Llama 3.2 1B", "Llama 3.2", "conditional"),
    ),
)
