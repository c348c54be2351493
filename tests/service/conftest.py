from pathlib import Path

import pytest

from keepfit.bundle import Bundle
from keepfit.serving.app import App
from tests.service.asking import make_champion, open_app


@pytest.fixture(scope="session")
def champions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("champions")


@pytest.fixture(scope="session")
def binary(champions: Path) -> Bundle:
    return make_champion(champions, "binary")


@pytest.fixture(scope="session")
def multiclass(champions: Path) -> Bundle:
    return make_champion(champions, "multiclass")


@pytest.fixture(scope="session")
def regression(champions: Path) -> Bundle:
    return make_champion(champions, "regression")


@pytest.fixture
def app(binary: Bundle) -> App:
    return open_app(binary)
