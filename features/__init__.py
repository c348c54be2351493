"""Features: one module a use case, functions over columns."""
