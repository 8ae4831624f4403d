"""One measured process of llama.cpp, on its C API: prints one JSON object. Called by peer.py."""

import ctypes
import json
import sys
import time

import numpy as np

from task import PROMPT, QUESTION, Figures, Task, bits_per_character


def main() -> None:
    """Arguments: a Task as JSON, then the parent's monotonic clock at the start of this process."""
    task, started = Task(**json.loads(sys.argv[1])), float(sys.argv[2])
    import llama_cpp as llama

    quiet = llama.llama_log_callback(lambda level, text, data: None)
    llama.llama_log_set(quiet, ctypes.c_void_p(0))
    llama.llama_backend_init()
    opening = time.monotonic()
    model = llama.llama_model_load_from_file(
        task.model.encode(), llama.llama_model_default_params()
    )
    if model is None:
        raise RuntimeError(f"llama.cpp cannot load {task.model}")
    settings = llama.llama_context_default_params()
    settings.n_ctx, settings.n_batch, settings.n_ubatch = task.context, 512, 512
    settings.n_threads = settings.n_threads_batch = task.threads
    context = llama.llama_init_from_model(model, settings)
    loaded = time.monotonic()
    vocabulary = llama.llama_model_get_vocab(model)
    if context is None or vocabulary is None:
        raise RuntimeError("llama.cpp has no context")
    size = llama.llama_vocab_n_tokens(vocabulary)

    def encode(text: str) -> list[int]:
        data = text.encode()
        room = (llama.llama_token * (len(data) + 8))()
        count = llama.llama_tokenize(vocabulary, data, len(data), room, len(room), True, False)
        return list(room[:count])

    def run(ids: list[int]) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
        tokens = (llama.llama_token * len(ids))(*ids)
        if llama.llama_decode(context, llama.llama_batch_get_one(tokens, len(ids))) != 0:
            raise RuntimeError("llama_decode failed")
        return np.ctypeslib.as_array(llama.llama_get_logits_ith(context, -1), (size,))

    def forget() -> None:
        memory = llama.llama_get_memory(context)
        if memory is not None:
            llama.llama_memory_clear(memory, True)

    run(encode(QUESTION)).argmax()
    first = time.monotonic()
    if task.text:
        ids = encode(task.text)
        forget()
        rows = [run([token]).copy() for token in ids[:-1]]
        print(json.dumps({"bits_per_character": bits_per_character(rows, ids, task.text)}))
        return
    prompt = encode(PROMPT)[: task.prompt_tokens]
    prefills, decodes, text = [], [], ""
    piece = ctypes.create_string_buffer(256)
    for _ in range(task.repeats):
        forget()
        start = time.perf_counter()
        token = int(run(prompt).argmax())
        between = time.perf_counter()
        made = [token]
        for _ in range(task.decode_tokens):
            made.append(int(run([made[-1]]).argmax()))
        end = time.perf_counter()
        prefills.append(len(prompt) / (between - start))
        decodes.append(task.decode_tokens / (end - between))
        spelled = b""
        for made_id in made[1:]:
            count = llama.llama_token_to_piece(vocabulary, made_id, piece, len(piece), 0, False)
            spelled += piece.raw[:count]
        text = spelled.decode("utf-8", "ignore")
    from ondol.memory import peak_resident_bytes

    figures = Figures.of(
        prefills, decodes, len(text), task, loaded - opening, first - started, peak_resident_bytes()
    )
    print(figures.to_json())


if __name__ == "__main__":
    main()
