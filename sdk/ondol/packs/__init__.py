"""Assistants as data: a folder of prompt, documents, rules and questions to check it by."""
