"""Contenders: the ways in which one serves the same model, each in an environment of its own."""
