"""The OpenAPI document, the options, and what a start tells: each says what is so."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from keepfit.bundle import Bundle
from keepfit.errors import ServeError, SettingsError
from keepfit.serving.keys import create_key
from keepfit.serving.location import settle
from keepfit.serving.options import ServiceOptions, read_options
from keepfit.serving.start import make_board, serving_command, serving_environment, tell_start
from tests.service.asking import ask, open_app


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_example_of_each_operation_is_answered(task: str, request):
    app = open_app(request.getfixturevalue(task))
    document = ask(app, "/openapi.json").json
    for path in ("/predict", "/feedback"):
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        assert ask(app, path, content["example"]).status == 200


def test_the_row_is_described_by_the_datasets_schema(regression: Bundle):
    document = ask(open_app(regression), "/openapi.json").json
    row = document["components"]["schemas"]["Row"]
    assert row["required"] == ["time", "x", "c"]
    assert row["additionalProperties"] is False
    assert row["properties"]["time"]["format"] == "date-time"
    assert row["properties"]["c"]["minLength"] == 1
    names = [each["name"] for each in document["paths"]["/predict"]["post"]["parameters"]]
    assert names == ["explain", "interval"]


def test_every_reference_in_the_document_leads_somewhere(binary: Bundle):
    text = ask(open_app(binary), "/openapi.json").body.decode()
    document = json.loads(text)
    for reference in re.findall(r'"\$ref":"#/([^"]+)"', text):
        place = document
        for name in reference.split("/"):
            place = place[name]


def test_a_key_is_asked_for_in_the_document_unless_none_is(binary: Bundle, tmp_path: Path):
    _, token = create_key(tmp_path / "keys.json", ("read",))
    assert ask(open_app(binary, keys=tmp_path / "keys.json"), "/openapi.json", key=token).json["security"]
    assert "security" not in ask(open_app(binary), "/openapi.json").json


def test_the_page_loads_nothing_and_may_not(binary: Bundle):
    told = ask(open_app(binary), "/docs")
    assert told.headers["content-type"].startswith("text/html")
    assert not re.search(rb'(src|href)="(?!data:)', told.body)
    assert b"://" not in told.body
    policy = told.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy


def test_options_are_read_from_the_environment():
    options = read_options({"KEEPFIT_INSECURE": "true", "KEEPFIT_MAX_ROWS": "5", "OTHER": "1", "KEEPFIT_TIMEOUT": ""})
    assert options == ServiceOptions(insecure=True, max_rows=5)


@pytest.mark.parametrize(
    ("name", "value"), [("KEEPFIT_MAX_ROWS", "none"), ("KEEPFIT_METRICS", "all"), ("KEEPFIT_WORKERS", "0")]
)
def test_an_option_that_is_wrong_is_named(name: str, value: str):
    with pytest.raises(SettingsError, match=f"{name}='{value}'"):
        read_options({name: value})


def start(folder: Path, host: str = "127.0.0.1", *, insecure: bool = False) -> str:
    env = serving_environment({"KEEPFIT_BOARD": str(folder)}, keys=folder / "keys.json", workers=1, insecure=insecure)
    return "\n".join(tell_start(env, host=host, port=3000))


def test_a_relative_path_is_of_the_folder_in_which_the_server_is_started(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = {
        "KEEPFIT_CHALLENGER": "other",
        "KEEPFIT_CANARY_FILE": "off.json",
        "KEEPFIT_DRIFT_REPORT": "drift.json",
        "KEEPFIT_LOG_FOLDER": "log",
        "KEEPFIT_LOG_URL_FILE": "url",
        "KEEPFIT_LOG_URL": "sqlite:///log.db",
    }
    env = serving_environment(given, keys=Path("keys.json"), workers=1, insecure=False)
    wanted = {name: value.replace("log.db", f"{tmp_path}/log.db") for name, value in given.items()}
    for name in set(given) - {"KEEPFIT_LOG_URL"}:
        wanted[name] = str(tmp_path / given[name])
    assert {name: env[name] for name in given} == wanted


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:////srv/log.db", "sqlite:///:memory:", "postgresql://u@h/log"])
def test_what_is_no_relative_path_stays_as_it_is(url: str):
    assert settle({"KEEPFIT_LOG_URL": url}) == {"KEEPFIT_LOG_URL": url}


def test_a_start_tells_how_to_get_in(tmp_path: Path):
    assert "http://127.0.0.1:3000/docs; no key yet: make one with `keepfit keys create`" in start(tmp_path)
    create_key(tmp_path / "keys.json", ("predict",))
    assert "one of the 1 keys" in start(tmp_path)
    assert "INSECURE" in start(tmp_path, insecure=True)
    assert "ANYBODY WHO REACHES THIS MACHINE" in start(tmp_path, "0.0.0.0", insecure=True)


def test_a_server_s_board_goes_when_another_starts_after_its_end(tmp_path: Path):
    with subprocess.Popen(["sleep", "60"]) as running:
        for pid in (running.pid, 2**22 + 1):
            (tmp_path / f"board-{pid}").mkdir()
        board = make_board(tmp_path)
        running.kill()
    assert {path.name for path in tmp_path.iterdir()} == {f"board-{running.pid}", f"board-{os.getpid()}"}
    assert board == tmp_path / f"board-{os.getpid()}"


def test_a_bento_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ServeError, match="no Bento there"):
        serving_command(tmp_path, host="127.0.0.1", port=3000)
