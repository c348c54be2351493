"""Workspace: what DVC tells of the run and of the repository it happens in."""

import os
from pathlib import Path


def in_experiment() -> bool:
    """Whether DVC runs an experiment: those explore, and never replace the champion."""
    return bool(os.environ.get("DVC_EXP_NAME"))


def has_remote() -> bool:
    """Whether this repository has a DVC remote, which may hold what is not in the workspace."""
    from dvc.config import Config

    return bool(Config(dvc_dir=str(Path(".dvc").resolve()), validate=False)["remote"])
