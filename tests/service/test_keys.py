"""Keys: made, listed, rotated and revoked; a file that whoever reads it cannot use."""

import hashlib
import math
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from keepfit.cli import app
from keepfit.errors import KeysError
from keepfit.serving.keys import create_key, read_keys, revoke_key, rotate_key


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deep/keys.json"


def run(*arguments: str, status: int = 0) -> str:
    done = CliRunner().invoke(app, ["keys", *arguments])
    assert done.exit_code == status, done.output
    return done.output.strip()


def test_the_file_has_the_hash_of_the_token_and_nothing_of_it(file: Path):
    key, token = create_key(file, ("predict",))
    secret = token[16:]
    assert secret not in file.read_text()
    assert key.sha256 == hashlib.sha256(token.encode()).hexdigest()
    assert key.sha256 in file.read_text()


def test_nobody_but_the_owner_reads_the_file(file: Path):
    create_key(file, ("predict",))
    create_key(file, ("read",))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_tokens_have_256_random_bits(file: Path):
    tokens = {create_key(file, ("predict",))[1] for _ in range(20)}
    assert len({token[16:] for token in tokens}) == 20
    # Base 64 without padding.
    assert {len(token[16:]) for token in tokens} == {43}


def test_a_rotated_key_has_the_same_rights_and_the_old_one_ends_after_a_while(file: Path):
    old, _ = create_key(file, ("read", "admin"), rate=5, lifetime=timedelta(days=30), note="ann")
    new, token = rotate_key(file, old.id, grace=timedelta(hours=2))
    first, second = read_keys(file)
    assert second == new
    assert (new.scopes, new.rate, new.note) == (("read", "admin"), 5, "ann")
    assert new.expires - new.created == timedelta(days=30)
    assert abs(first.expires - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=1)
    assert new.sha256 == hashlib.sha256(token.encode()).hexdigest()


def test_a_rotation_never_makes_the_old_key_last_longer(file: Path):
    old, _ = create_key(file, ("read",), lifetime=timedelta(hours=1))
    rotate_key(file, old.id, grace=timedelta(days=1))
    assert read_keys(file)[0].expires == old.expires


def test_a_revoked_key_is_gone(file: Path):
    (one, _), (other, _) = create_key(file, ("read",)), create_key(file, ("read",))
    revoke_key(file, one.id)
    assert read_keys(file) == [other]


@pytest.mark.parametrize(
    ("scopes", "rate", "named"),
    [
        (("write",), 1.0, "'write': allowed: predict, feedback, read, admin"),
        ((), 1.0, "no scope"),
        (("read",), 0.0, "rate 0"),
        (("read",), math.inf, "rate inf"),
        (("read",), math.nan, "rate nan"),
    ],
)
def test_a_key_that_means_nothing_is_not_made(file: Path, scopes, rate, named: str):
    with pytest.raises(KeysError, match=named):
        create_key(file, scopes, rate=rate)
    assert not file.exists()


def test_a_key_that_is_good_for_no_time_is_not_made(file: Path):
    with pytest.raises(KeysError, match="lifetime 0:00:00: allowed: more than 0 days"):
        create_key(file, ("read",), lifetime=timedelta(0))
    assert not file.exists()


def test_a_file_that_is_none_of_keys_is_named(file: Path):
    file.parent.mkdir()
    file.write_text('{"keys": [{"id": 1}]}')
    with pytest.raises(KeysError, match=r"keys\.json: not a file of keys"):
        read_keys(file)


def test_the_commands_make_show_rotate_and_revoke(file: Path):
    at = ("--file", str(file))
    assert "no keys" in run("list", *at)
    token = run("create", "--scope", "predict", "--scope", "read", "--note", "shop", "--days", "7", *at)
    name = token[3:15]
    listed = run("list", *at)
    assert name in listed
    assert "predict,read" in listed
    assert "shop" in listed
    assert token not in listed
    assert run("rotate", name, *at).startswith("kf_")
    assert "revoked" in run("revoke", name, *at)
    assert name not in run("list", *at)
    assert f"key '{name}' is not in" in run("revoke", name, *at, status=1)
