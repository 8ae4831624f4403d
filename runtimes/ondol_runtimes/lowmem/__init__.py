"""The processor with its weights mapped instead of copied: for little memory."""
