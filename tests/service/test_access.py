"""Access: who has no good key is not let in; changes of the file count within a second, without a restart."""

import hmac
from datetime import timedelta
from pathlib import Path

import pytest

from keepfit.serving import access
from keepfit.serving.access import Access
from keepfit.serving.keys import create_key, revoke_key
from keepfit.serving.problems import Refusal


class Clock:
    """A clock that goes when it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(access.time, "monotonic", clock.monotonic)
    return clock


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def admit(gate: Access, token: str | None, *scopes: str) -> str | int:
    """The id of the key that is let in, or the status."""
    try:
        return gate.admit(None if token is None else f"Bearer {token}".encode(), *(scopes or ("predict",)))
    except Refusal as refusal:
        return refusal.status


def test_a_key_is_good_for_its_scopes_and_admin_for_all(file: Path):
    key, token = create_key(file, ("predict",))
    admin, strong = create_key(file, ("admin",))
    gate = Access(file)
    assert admit(gate, token) == key.id
    assert admit(gate, token, "read") == 403
    assert admit(gate, token, "read", "predict") == key.id
    assert admit(gate, strong, "feedback") == admin.id
    assert gate.refused == {"scope": 1}


@pytest.mark.parametrize("change", ["", "x", "kf_000000000000_", None])
def test_who_has_no_key_or_another_one_is_asked_for_one(file: Path, change: str | None):
    _, token = create_key(file, ("predict",))
    tried = {"": "", "x": token[:-1] + "~", "kf_000000000000_": "kf_000000000000_" + token[16:], None: None}[change]
    gate = Access(file)
    with pytest.raises(Refusal) as refused:
        gate.admit(None if tried is None else f"Bearer {tried}".encode(), "predict")
    assert refused.value.status == 401
    assert refused.value.headers[0][0] == b"www-authenticate"
    assert token not in str(refused.value)


@pytest.mark.parametrize("header", [b"Basic %b", b"%b", b"Bearer  %b", b"\xff%b", b""])
def test_another_form_of_the_header_lets_nobody_in(file: Path, header: bytes):
    _, token = create_key(file, ("predict",))
    with pytest.raises(Refusal, match="no such key"):
        Access(file).admit(header.replace(b"%b", token.encode()), "predict")


def test_hashes_are_compared_in_constant_time_also_where_there_is_no_such_key(file: Path, monkeypatch):
    _, token = create_key(file, ("predict",))
    compared = []
    honest = hmac.compare_digest
    monkeypatch.setattr(
        access.hmac, "compare_digest", lambda one, other: compared.append(len(one)) or honest(one, other)
    )
    gate = Access(file)
    admit(gate, token)
    admit(gate, token[:-1] + "~")
    admit(gate, "kf_000000000000_nobody")
    assert compared == [32, 32, 32]


def test_a_key_made_or_revoked_counts_within_a_second(file: Path, clock: Clock):
    gate = Access(file)
    assert admit(gate, "kf_") == 401
    key, token = create_key(file, ("predict",))
    clock.now += 1.1
    assert admit(gate, token) == key.id
    revoke_key(file, key.id)
    clock.now += 1.1
    assert admit(gate, token) == 401


def test_a_file_that_is_half_written_changes_nothing(file: Path, clock: Clock):
    key, token = create_key(file, ("predict",))
    gate = Access(file)
    assert admit(gate, token) == key.id
    file.write_text('{"keys": [')
    clock.now += 1.1
    assert admit(gate, token) == key.id


def test_a_file_that_is_gone_lets_nobody_in(file: Path, clock: Clock):
    _, token = create_key(file, ("predict",))
    gate = Access(file)
    admit(gate, token)
    file.unlink()
    clock.now += 1.1
    assert admit(gate, token) == 401


def test_a_key_whose_time_is_over_is_refused(file: Path):
    _, token = create_key(file, ("predict",), lifetime=timedelta(microseconds=1))
    assert admit(Access(file), token) == 401


def test_more_requests_than_the_rate_are_refused_and_the_time_to_wait_is_told(file: Path, clock: Clock):
    key, token = create_key(file, ("predict",), rate=5)
    other, quiet = create_key(file, ("predict",), rate=5)
    gate = Access(file)
    # Two seconds' worth at once.
    assert [admit(gate, token) for _ in range(10)] == [key.id] * 10
    with pytest.raises(Refusal, match="more than 5 requests a second") as refused:
        gate.admit(f"Bearer {token}".encode(), "predict")
    assert (refused.value.status, refused.value.headers) == (429, ((b"retry-after", b"1"),))
    assert admit(gate, quiet) == other.id
    clock.now += 0.2
    assert [admit(gate, token) for _ in range(2)] == [key.id, 429]


def test_each_of_two_workers_has_half_of_the_rate(file: Path, clock: Clock):
    _, token = create_key(file, ("predict",), rate=10)
    gate = Access(file, workers=2)
    assert [admit(gate, token) for _ in range(11)].count(429) == 1


def test_a_change_of_the_file_does_not_give_the_requests_back(file: Path, clock: Clock):
    _, token = create_key(file, ("predict",), rate=1)
    gate = Access(file)
    assert [admit(gate, token) for _ in range(3)].count(429) == 1
    create_key(file, ("read",))
    gate._look_next = 0
    assert admit(gate, token) == 429


def test_without_a_file_nobody_is_let_in_and_insecure_lets_in_everybody():
    assert admit(Access(None), "kf_") == 401
    assert admit(Access(None, insecure=True), None) == "insecure"
