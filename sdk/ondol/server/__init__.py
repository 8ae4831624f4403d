"""`ondol serve`: the chat completions and embeddings of OpenAI's API, on this machine alone."""
