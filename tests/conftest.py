import keepfit.arithmetic  # noqa: F401, I001 - before NumPy loads

import gc

import pandas as pd
import pytest
from hypothesis import settings as hypothesis_settings

from keepfit.bundle import Bundle
from keepfit.settings import Settings
from tests.monitored import calm_rows, champion, numbered_settings, numbering
from tests.toys import toy_rows, toy_settings

# Examples that do not change from run to run, and no deadline on a machine that is shared.
hypothesis_settings.register_profile("keepfit", deadline=None, derandomize=True, max_examples=50, database=None)
hypothesis_settings.load_profile("keepfit")


def pytest_collection_finish() -> None:
    # What was imported stays: the collector need not go through it again and again.
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def settings() -> Settings:
    return toy_settings()


@pytest.fixture(scope="session")
def numbered() -> Settings:
    """Settings of a table without a time of its own."""
    return numbered_settings()


@pytest.fixture(scope="session")
def timeless(numbered: Settings, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The champion of the first 500 rows of such a table."""
    return champion(tmp_path_factory.mktemp("timeless"), numbered, rows=numbering(calm_rows()))


@pytest.fixture
def rows() -> pd.DataFrame:
    return toy_rows()


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are scored 200 rows at a time."""
    from keepfit.scoring import run

    monkeypatch.setattr(run, "ROWS", 200)
    monkeypatch.setattr(run.make_order, "__defaults__", (200,))
