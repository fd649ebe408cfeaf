"""One file or folder each: the outside -> records, and problems."""
