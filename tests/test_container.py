"""Container: the engine that answers builds and pushes; a registry on loopback alone may go without TLS."""

from pathlib import Path

import pytest

from keepfit.container import CONTAINERFILE, build_command, find_engine, insecure
from keepfit.errors import ContainerError


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(path: Path, name: str, *, status: int = 0) -> None:
    (path / name).write_text(f"#!/bin/sh\nexit {status}\n")
    (path / name).chmod(0o755)


def test_the_first_engine_that_answers_is_taken(path):
    install(path, "docker", status=1)  # a client without its daemon
    install(path, "buildah")
    assert find_engine() == "buildah"
    install(path, "podman")
    assert find_engine() == "podman"
    assert find_engine("buildah") == "buildah"


def test_no_engine_is_told_with_what_was_tried(path):
    with pytest.raises(ContainerError, match="docker, podman, buildah"):
        find_engine()
    with pytest.raises(ContainerError, match="tried: podman"):
        find_engine("podman")
    with pytest.raises(ContainerError, match="'kaniko': allowed: docker, podman, buildah"):
        find_engine("kaniko")


def command(engine: str, base: str | None = None) -> list[str]:
    contexts = {"wheels": Path("w")}
    return build_command(engine, "n:1", Path("bento"), contexts, base=base, labels={"a": "b"})


def test_the_build_names_containerfile_contexts_labels_and_base():
    told = command("docker", base="debian@sha256:1")
    assert told[:4] == ["docker", "build", "--file", "deploy/Containerfile"]
    assert told[-1] == "bento"
    for option in ("--label a=b", "--build-context wheels=w", "--build-arg BASE=debian@sha256:1", "--tag n:1"):
        assert option in " ".join(told)
    assert "--build-arg" not in command("docker")


@pytest.mark.parametrize("engine", ["podman", "buildah"])
def test_a_health_check_survives_and_layers_do_not_depend_on_the_time(engine):
    assert "--format docker" in " ".join(command(engine))
    assert "--timestamp 0" in " ".join(command(engine))


@pytest.mark.parametrize("destination", ["127.0.0.1:5000/a", "localhost:5000/a/b:v1", "localhost/a"])
def test_loopback_goes_without_tls(destination):
    assert insecure(destination) == ["--tls-verify=false"]


@pytest.mark.parametrize("destination", ["ghcr.io/owner/name:v1", "10.0.0.1:5000/a", "localhost.example.com/a"])
def test_nothing_else_does(destination):
    assert insecure(destination) == []


def test_the_base_is_pinned_by_digest_and_the_user_is_a_number():
    text = CONTAINERFILE.read_text()
    base = next(line for line in text.splitlines() if line.startswith("ARG BASE="))
    assert "@sha256:" in base
    assert len(base.partition("@sha256:")[2]) == 64
    assert {line for line in text.splitlines() if line.startswith("FROM ")} == {"FROM ${BASE} AS build", "FROM ${BASE}"}
    assert "\nUSER 10001:10001\n" in text
