"""Experiment: what DVC tells a stage of the run that it is in."""

import os


def in_experiment() -> bool:
    """Whether DVC runs an experiment: those explore, and never replace the champion."""
    return bool(os.environ.get("DVC_EXP_NAME"))
