from pathlib import Path

import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from keepfit.errors import RolloverError
from keepfit.serving import trial
from keepfit.serving.trial import try_model
from tests.tables import customers

pytestmark = pytest.mark.slow


def write(folder: Path, model: object) -> Path:
    (folder / "model.skops").write_bytes(skops.io.dumps(model))
    return folder


def test_a_model_of_trusted_types_is_let_in(tmp_path: Path):
    try_model(write(tmp_path, LogisticRegression()))


def test_a_function_of_somebody_is_not(tmp_path: Path):
    with pytest.raises(RolloverError, match=r"UntrustedType: model file holds tests\.tables"):
        try_model(write(tmp_path, FunctionTransformer(customers)))


def test_one_whose_trial_was_killed_may_be_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trial, "PROGRAM", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(OSError, match="killed by signal 9"):
        try_model(write(tmp_path, LogisticRegression()))


def test_what_is_no_model_is_not(tmp_path: Path):
    (tmp_path / "model.skops").write_bytes(b"no model")
    with pytest.raises(RolloverError, match=r"model\.skops: .*BadZipFile"):
        try_model(tmp_path)
