"""Which tokens end a reply: table of strings, as data."""

# Nothing but an end of turn or of text looks like these, whatever type a file gives them.
SURE_ENDINGS = (
    "<end_of_turn>",
    "<|endofturn|>",
    "<|eom_id|>",
    "<|eot_id|>",
    "<|im_end|>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<｜end▁of▁sentence｜>",
    "[|endofturn|]",
)

# These mean an end only where the file says "control": `</s>` is also an HTML tag.
CONTROL_ENDINGS = (
    "</s>",
    "<EOT>",
    "<eos>",
    "<end_of_utterance>",
    "<|end|>",
    "<|return|>",
    "<|stop|>",
    "<turn|>",
    "[EOS]",
    "[EOT]",
)
