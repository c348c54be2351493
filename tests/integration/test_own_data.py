"""A person's own tables, from `keepfit init` to the package, by the commands that the how-to page names."""

import json
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from tests.integration.conftest import Clone, make_clone
from tests.tables import customers, frauds, sales, weather

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    made = make_clone(tmp_path_factory.mktemp("own") / "keepfit")
    # One fit instead of twelve trials: these tests are about tables, not about tuning.
    conf = made.path / "conf/config.yaml"
    conf.write_text(conf.read_text().replace("- search: random", "- search: none"))
    return made


def init_and_repro(clone: Clone, source: str, name: str, *options: str) -> tuple[str, dict, dict]:
    """What init printed, the gate's record and the metrics."""
    said = clone.run("keepfit", "init", source, *options)
    assert f"conf/dataset/{name}.yaml" in said
    printed = clone.run("make", "repro", f"DATASET={name}")
    assert f"models/{name}/bento" in printed or "none: there is no champion yet" in printed
    reports = clone.path / "reports" / name
    return said, json.loads((reports / "gate.json").read_text()), json.loads((reports / "metrics.json").read_text())


def test_customers_without_a_time_are_learned_from_in_the_order_of_their_rows(clone: Clone):
    customers().to_csv(clone.path / "customers.csv", index=False)
    said, gate, metrics = init_and_repro(clone, "customers.csv", "customers", "--target", "churned")
    assert "gives the answer away" in said
    assert "the order of the rows is the order of time" in said
    assert gate["replaced"]
    assert metrics["challenger"]["roc_auc"] > 0.75
    passport = json.loads(clone.read("models/customers/champion/passport.json"))
    assert passport["features"] == ["Größe (cm)", "Farbe", "town", "active", "income"]
    assert "row" not in passport["request"]["columns"]


def test_weather_of_three_classes_goes_through_every_step(clone: Clone):
    weather().to_csv(clone.path / "weather.csv", index=False)
    _, gate, metrics = init_and_repro(clone, "weather.csv", "weather", "--target", "weather")
    assert gate["replaced"]
    assert metrics["challenger"]["accuracy"] > 0.7
    confusion = pd.read_csv(clone.path / "reports/weather/plots/confusion.csv")
    assert set(confusion.actual) == {"sun", "cloud", "rain"}
    assert "4 (0.40%)" in clone.run("keepfit", "summary")
    plots = clone.run("dvc", "plots", "show", "--json")
    assert "Confusion" in plots


def test_sales_in_parquet_with_epoch_seconds_and_a_module_of_their_own(clone: Clone):
    sales().to_parquet(clone.path / "sales.parquet")
    options = ("--target", "revenue", "--time", "ts", "--features")
    _, gate, metrics = init_and_repro(clone, "sales.parquet", "sales", *options)
    assert gate["replaced"]
    assert metrics["challenger"]["absolute_error"] < metrics["naive"]["absolute_error"]
    passport = json.loads(clone.read("models/sales/champion/passport.json"))
    assert "items_is_missing" in passport["features"]


def test_rare_frauds_out_of_order_in_several_files(clone: Clone):
    folder = clone.path / "inbox"
    folder.mkdir()
    table = frauds()
    table.iloc[:2000].to_csv(folder / "one.csv", index=False)
    table.iloc[2000:].to_csv(folder / "two.csv", index=False)
    said = clone.run("keepfit", "init", "inbox/*.csv", "--target", "is_fraud", "--name", "frauds")
    assert "of the rows are a yes" in said
    clone.run("make", "params", "DATASET=frauds")
    clone.run("dvc", "repro", "evaluate")
    metrics = json.loads((clone.path / "reports/frauds/metrics.json").read_text())
    assert metrics["challenger"]["average_precision"] > 0.2


def test_a_query_on_a_database_leaves_its_url_in_the_environment(clone: Clone):
    with sqlite3.connect(clone.path / "shop.db") as database:
        customers().to_sql("customers", database, index=False)
    url = f"sqlite:///{clone.path}/shop.db"
    query = 'select * from customers order by "Kunden-Nr"'
    said = clone.run("keepfit", "init", url, "--query", query, "--target", "churned", "--name", "shop")
    assert "SHOP_URL" in said
    assert url not in (clone.path / "conf/dataset/shop.yaml").read_text()
    clone.run("make", "params", "DATASET=shop")
    clone.run("env", f"SHOP_URL={url}", "dvc", "repro", "features")
    assert len(pd.read_parquet(clone.path / "data/shop/features.parquet")) == 900


def test_a_second_run_of_an_own_table_does_nothing(clone: Clone):
    printed = clone.run("make", "repro", "DATASET=weather")
    assert "Running stage" not in clone.run("make", "repro"), printed


def test_twenty_rows_are_refused_in_one_line_and_nothing_is_written(clone: Clone):
    customers().head(20).to_csv(clone.path / "few.csv", index=False)
    said = clone.run("keepfit", "init", "few.csv", "--target", "churned", status=1)
    assert "train.min_rows in conf/config.yaml asks for 100" in said
    assert said.count("\n") == 1
    assert not Path(clone.path, "conf/dataset/few.yaml").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("weather.csv", "--target", "rain", "--name", "rain"),
            "missing column rain; there are: when, pressure, wind, weather",
        ),
        (("nothing.csv", "--target", "y"), "nothing.csv"),
        (("weather.csv", "--target", "weather"), "there already; --force writes over it"),
        (("*.csv", "--target", "y"), "a folder of their own"),
        (("postgresql://db/x", "--target", "y"), "a database needs --query"),
        (("weather.csv", "--target", "weather", "--task", "ranking"), "allowed: binary, multiclass, regression"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line(clone: Clone, options, said):
    printed = clone.run("keepfit", "init", *options, status=1)
    assert said in printed
    assert "Traceback" not in printed
