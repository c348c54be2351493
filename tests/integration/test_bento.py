"""The built Bento, in an environment of its own, gives the holdout's scores over HTTP."""

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from keepfit.bundle import read_bundle
from keepfit.scores import predict_scores
from tests.integration.conftest import Clone, wait_until_ready

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def environment(reproduced: Clone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with what the Bento asks for, and nothing else."""
    venv = tmp_path_factory.mktemp("bento") / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    lock = reproduced.path / "models/sp500/bento/env/python/requirements.txt"
    pip = [venv / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "--requirement", lock], check=True)
    return venv


@pytest.fixture(scope="module")
def address(reproduced: Clone, environment: Path, tmp_path_factory: pytest.TempPathFactory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path_factory.mktemp("home")
    env = {"PATH": f"{environment}/bin:{os.environ['PATH']}", "HOME": str(home), "BENTOML_DO_NOT_TRACK": "True"}
    env["KEEPFIT_INSECURE"] = "true"
    server = subprocess.Popen(
        ["bentoml", "serve", str(reproduced.path / "models/sp500/bento"), "--host", "127.0.0.1", "--port", str(port)],
        cwd=home,
        env={**env, "BENTOML_HOME": str(home / "bentoml")},
        executable=environment / "bin/bentoml",
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(url, server)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)


def ask(url: str, body: dict | None = None) -> tuple[int, dict]:
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, content, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def holdout_rows(clone: Clone) -> tuple[list[dict], pd.DataFrame]:
    """Raw rows of the holdout with the history before them, and the holdout's feature rows."""
    passport = read_bundle(clone.path / "models/sp500/champion").passport
    raw = pd.read_parquet(clone.path / "data/sp500/raw.parquet")
    table = pd.read_parquet(clone.path / "data/sp500/features.parquet")
    held = table.Date.between(passport.judged_on.first, passport.judged_on.last)
    first = int(held.to_numpy().argmax()) - passport.request.look_back
    rows = raw.iloc[first : first + passport.request.look_back + int(held.sum())]
    needed = rows.assign(Date=rows.Date.astype(str))[list(passport.request.columns)]
    return needed.to_dict("records"), table[held]


def test_the_holdouts_scores_come_back_over_http_to_the_last_bit(reproduced: Clone, address: str):
    champion = read_bundle(reproduced.path / "models/sp500/champion")
    rows, table = holdout_rows(reproduced)
    status, answer = ask(f"{address}/predict", {"rows": rows})
    assert status == 200
    expected = predict_scores(champion.model, table[list(champion.passport.features)], "binary")
    found = np.array([each["score"] for each in answer["predictions"]])
    assert len(found) == 756
    np.testing.assert_array_equal(found, expected)
    assert answer["version"] == champion.passport.version
    decisions = [each["decision"] for each in answer["predictions"]]
    assert decisions == list(expected >= champion.passport.threshold)


def test_the_passport_is_the_champions(reproduced: Clone, address: str):
    status, answer = ask(f"{address}/model")
    assert status == 200
    assert answer.pop("serving")["example"]
    assert answer == json.loads(reproduced.read("models/sp500/champion/passport.json"))


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([{"Date": "2018-01-02", "Close": 1.0}], "64"),
        ([{"Date": "2018-01-02", "Close": 1.0}] * 70, "High"),
    ],
)
def test_a_request_that_cannot_be_scored_is_told_why(address: str, rows: list[dict], named: str):
    status, answer = ask(f"{address}/predict", {"rows": rows})
    assert status == 422
    assert named in json.dumps(answer)


def test_the_environment_holds_neither_dvc_nor_alibi_detect(environment: Path):
    listed = subprocess.run([environment / "bin/python", "-m", "pip", "list"], capture_output=True, text=True).stdout
    assert "bentoml" in listed
    for name in ("dvc", "alibi", "pandera", "pyarrow"):
        assert name not in listed
