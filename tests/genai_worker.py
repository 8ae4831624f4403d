"""Runs in an environment that has onnxruntime-genai: a bundle's logits, greedy tokens, text ids.

python genai_worker.py FOLDER '{"ids": [...], "logits": 9, "count": 8, "texts": [...]}'
"""

import json
import sys

import onnxruntime_genai as genai


def main() -> None:
    folder, asked = sys.argv[1], json.loads(sys.argv[2])
    model = genai.Model(folder)
    params = genai.GeneratorParams(model)
    params.set_search_options(max_length=len(asked["ids"]) + asked["count"])
    generator = genai.Generator(model, params)
    generator.append_tokens(asked["ids"])
    logits = generator.get_logits().reshape(-1).tolist()[: asked["logits"]]
    tokens: list[int] = []
    while not generator.is_done() and len(tokens) < asked["count"]:
        generator.generate_next_token()
        tokens.append(int(generator.get_next_tokens()[0]))
    tokenizer = genai.Tokenizer(model)
    ids = [[int(i) for i in tokenizer.encode(text)] for text in asked["texts"]]
    print(json.dumps({"logits": logits, "tokens": tokens, "ids": ids}))


main()
