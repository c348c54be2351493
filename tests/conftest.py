import keepfit.arithmetic  # noqa: F401, I001 - before NumPy loads

import gc

import pandas as pd
import pytest
from hypothesis import settings as hypothesis_settings

from keepfit.settings import Settings
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


@pytest.fixture
def rows() -> pd.DataFrame:
    return toy_rows()
