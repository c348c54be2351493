"""Scoring of whole files: `keepfit score`."""
