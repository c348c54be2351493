"""Tables unlike the shipped ones, awkward on purpose, each with a signal in it."""

import numpy as np
import pandas as pd


def customers(n: int = 900, seed: int = 1) -> pd.DataFrame:
    """No time; identifiers, a constant, a giveaway, text, many towns, non-ASCII names, missing labels, yes or no."""
    draw = np.random.default_rng(seed)
    x, colour = draw.normal(size=n), draw.choice(["rot", "grün", "blau"], n)
    gone = draw.uniform(size=n) < 1 / (1 + np.exp(-(2 * x + 1.5 * (colour == "rot") - 1)))
    table = pd.DataFrame(
        {
            "Kunden-Nr": [f"K{number:05d}" for number in range(n)],
            "household_id": draw.integers(0, 600, n),
            "Größe (cm)": (170 + 10 * x).round(2),
            "Farbe": colour,
            "constant": 1,
            "town": draw.choice([f"town {number}" for number in range(300)], n),
            "note": [f"called about order {number} twice" for number in range(n)],
            "active": draw.choice(["yes", "no"], n),
            "status": np.where(gone, "closed", "open"),
            "score": draw.normal(size=n),
            "income": np.where(draw.uniform(size=n) < 0.1, np.nan, draw.lognormal(10, 1, n).round(2)),
            "churned": np.where(gone, "yes", "no"),
        }
    )
    table.loc[draw.choice(n, n // 30, replace=False), "churned"] = None
    return table


def weather(n: int = 1000, seed: int = 2) -> pd.DataFrame:
    """Three classes, a time with the day first, rows of the newest day twice."""
    draw = np.random.default_rng(seed)
    pressure = draw.normal(size=n)
    kind = np.select([pressure + draw.normal(scale=0.4, size=n) > 0.7, pressure < -0.3], ["rain", "sun"], "cloud")
    table = pd.DataFrame(
        {
            "when": pd.date_range("2021-01-01", periods=n, freq="7h").strftime("%d/%m/%Y %H:%M"),
            "pressure": pressure,
            "wind": draw.normal(size=n),
            "weather": kind,
        }
    )
    return pd.concat([table, table.tail(4)], ignore_index=True)


def sales(n: int = 1000, seed: int = 3) -> pd.DataFrame:
    """A skewed amount, epoch seconds, several shops at each moment, a name with a space."""
    draw = np.random.default_rng(seed)
    items, share = draw.integers(1, 50, n), draw.normal(size=n)
    return pd.DataFrame(
        {
            "ts": 1_600_000_000 + 3600 * (np.arange(n) // 4),
            "shop id": np.arange(n) % 4 + 1,
            "items": items,
            "share of cash": share,
            "revenue": np.exp(0.08 * items + share + draw.normal(scale=0.4, size=n)).round(2),
        }
    )


def frauds(n: int = 4000, seed: int = 4) -> pd.DataFrame:
    """Three yeses in a hundred, as 0 and 1; milliseconds since 1970, out of order."""
    draw = np.random.default_rng(seed)
    amount = draw.lognormal(3, 1, n)
    fraud = draw.uniform(size=n) < 0.005 + 0.5 * (amount > np.quantile(amount, 0.95))
    table = pd.DataFrame(
        {
            "timestamp": 1_600_000_000_000 + 60_000 * np.arange(n),
            "amount": amount.round(2),
            "hour": np.arange(n) // 60 % 24,
            "is_fraud": fraud.astype(int),
        }
    )
    return table.sample(frac=1, random_state=seed)
