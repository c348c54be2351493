"""S&P 500: how large recent moves were, and whether tomorrow's is large.

Moves come in clusters, so recent ranges and returns tell the size of the next: Corsi, A simple
approximate long-memory model of realized volatility (2009); Parkinson, The extreme value method for
estimating the variance of the rate of return (1980).
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from keepfit.errors import SourceError
from keepfit.features import feature, label
from keepfit.windows import highest, mean, windows

LARGE = 0.01  # a move of 1 %
SMALL = 1e-8  # keeps the logarithm of a day without any move finite


def load() -> pd.DataFrame:
    """Return the days that the arch package brings, read in place: its import takes longer than a stage."""
    spec = find_spec("arch")
    if spec is None or spec.origin is None:
        raise SourceError("arch is not installed; `make venv` installs the locked requirements")
    return pd.read_csv(Path(spec.origin).parent / "data/sp500/sp500.csv.gz", index_col="Date", parse_dates=["Date"])


def _returns(close: pd.Series) -> pd.Series:
    return np.log(close / close.shift(1))


def _realised(close: pd.Series, days: int) -> pd.Series:
    return 0.5 * np.log(mean(_returns(close) ** 2, days) + SMALL)


def _range_based(high: pd.Series, low: pd.Series, days: int) -> pd.Series:
    return 0.5 * np.log(mean(np.log(high / low) ** 2, days) / (4 * np.log(2)) + SMALL)


@feature(look_back=5)
def log_rv_5(Close):
    """Logarithm of the realised volatility of a week."""
    return _realised(Close, 5)


@feature(look_back=21)
def log_rv_21(Close):
    """Logarithm of the realised volatility of a month."""
    return _realised(Close, 21)


@feature(look_back=63)
def log_rv_63(Close):
    """Logarithm of the realised volatility of a quarter."""
    return _realised(Close, 63)


@feature()
def log_range(High, Low):
    """Logarithm of today's range."""
    return np.log(np.log(High / Low) + 1e-4)


@feature(look_back=4)
def log_park_5(High, Low):
    """Logarithm of Parkinson's volatility of a week."""
    return _range_based(High, Low, 5)


@feature(look_back=20)
def log_park_21(High, Low):
    """Logarithm of Parkinson's volatility of a month."""
    return _range_based(High, Low, 21)


@feature(look_back=1)
def abs_return(Close):
    """The size of today's move."""
    return _returns(Close).abs()


@feature(look_back=5)
def return_5(Close):
    """The move over a week."""
    return np.log(Close / Close.shift(5))


@feature(look_back=21)
def return_21(Close):
    """The move over a month."""
    return np.log(Close / Close.shift(21))


@feature(look_back=21)
def down_share_21(Close):
    """The share of a month's volatility that fell on days of loss."""
    moves = _returns(Close)
    return np.sqrt(mean(moves.clip(upper=0) ** 2, 21) / (mean(moves**2, 21) + SMALL))


@feature(look_back=62)
def drawdown_63(Close):
    """How far below the quarter's highest close we are."""
    return np.log(Close / highest(Close, 63))


@feature()
def close_position(High, Low, Close):
    """Where in today's range the close lies, from 0 to 1."""
    return ((Close - Low) / (High - Low).where(High > Low)).fillna(0.5)


@feature(look_back=20)
def log_volume_ratio_21(Volume):
    """Today's volume against the month's."""
    return np.log(Volume / mean(Volume, 21))


@feature(look_back=21)
def days_since_large(Close):
    """Days since the last large move, 21 where there was none in a month."""
    large = windows(_returns(Close).abs(), 21) > LARGE
    return np.where(large.any(axis=1), large[:, ::-1].argmax(axis=1), 21)


@label
def large_move(Close):
    """Whether the next close is more than 1 % away, either way."""
    moves = _returns(Close).shift(-1).abs()
    return (moves > LARGE).astype(float).where(moves.notna())
