"""Signature: what was signed is what is deployed, signed by who may sign."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from keepfit.delivery import Release
from keepfit.errors import SignatureError
from keepfit.release import ReleaseFolder
from keepfit.signature import IDENTITY, KEY, sign, verify


def keys(path: Path) -> str:
    """Write a public key, and return the private one."""
    private = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    path.write_bytes(private.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    plain = serialization.NoEncryption()
    return private.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain).decode()


def signers(**named: str | None) -> Release:
    rest = {"image": None, "deploy": None, "url": None, "patience": 1, "public_key": None, "identity": None}
    return Release(**{**rest, "issuer": "https://issuer.example.com", **named})


@pytest.fixture
def folder(tmp_path: Path) -> ReleaseFolder:
    path = tmp_path / "v0.1.0"
    (path / "bento").mkdir(parents=True)
    (path / "bento/model").write_text("model")
    (path / "sbom.cdx.json").write_text("{}")
    names = ("commit", "dataset", "recipe", "champion", "bento")
    (path / "release.json").write_text(json.dumps({"version": "v0.1.0", **dict.fromkeys(names, "x")}))
    return ReleaseFolder(path)


@pytest.fixture
def owner(folder: ReleaseFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Release:
    """Who signed the folder."""
    monkeypatch.setenv(KEY, keys(tmp_path / "key.pub"))
    assert sign(folder) == "key"
    return signers(public_key=str(tmp_path / "key.pub"))


def test_what_was_signed_verifies(folder, owner):
    verify(folder, owner)


@pytest.mark.parametrize("name", ["bento/model", "sbom.cdx.json"])
def test_a_changed_file_is_refused_by_name(folder, owner, name):
    (folder.path / name).write_text("changed")
    with pytest.raises(SignatureError, match=name):
        verify(folder, owner)


def test_a_file_more_or_less_is_refused_by_name(folder, owner):
    (folder.path / "bento/extra").write_text("")
    with pytest.raises(SignatureError, match="bento/extra"):
        verify(folder, owner)
    (folder.path / "bento/extra").unlink()
    (folder.path / "bento/model").unlink()
    with pytest.raises(SignatureError, match="bento/model"):
        verify(folder, owner)


def test_an_older_release_in_the_place_of_a_newer_one_is_refused(folder, owner):
    newer = ReleaseFolder(folder.path.with_name("v0.2.0"))
    folder.path.rename(newer.path)
    folder.signature.rename(newer.signature)
    with pytest.raises(SignatureError, match=r"is the release of v0\.1\.0"):
        verify(newer, owner)


def test_another_key_is_refused(folder, owner, tmp_path):
    keys(tmp_path / "other.pub")
    with pytest.raises(SignatureError, match="public key"):
        verify(folder, signers(public_key=str(tmp_path / "other.pub")))


def test_a_missing_or_torn_signature_is_refused(folder, owner):
    text = folder.signature.read_text()
    folder.signature.write_text(text[: len(text) // 2])
    with pytest.raises(SignatureError):
        verify(folder, owner)
    folder.signature.unlink()
    with pytest.raises(SignatureError, match=r"keepfit release sign v0\.1\.0"):
        verify(folder, owner)


def test_a_signature_counts_only_where_somebody_is_named_who_may_sign(folder, owner):
    with pytest.raises(SignatureError, match="name who may sign"):
        verify(folder, signers())


def test_a_public_key_that_is_none_is_refused(folder, owner, tmp_path):
    with pytest.raises(SignatureError, match="no file"):
        verify(folder, signers(public_key=str(tmp_path / "nowhere")))
    (tmp_path / "key.pub").write_text("not a key")
    with pytest.raises(SignatureError):
        verify(folder, owner)


def test_without_a_key_or_an_identity_nothing_is_signed(folder, monkeypatch):
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.delenv(IDENTITY, raising=False)
    with pytest.raises(SignatureError, match=KEY):
        sign(folder)
    monkeypatch.setenv(KEY, "not a key")
    with pytest.raises(SignatureError, match="not a private elliptic-curve key"):
        sign(folder)
    assert not folder.signature.exists()
