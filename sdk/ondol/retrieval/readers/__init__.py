"""One file per document format: bytes to headings, paragraphs and pages."""
