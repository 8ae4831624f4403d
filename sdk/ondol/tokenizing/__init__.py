"""Ways to run a `tokenizer.json`: the `tokenizers` library, or a table that is mapped."""
