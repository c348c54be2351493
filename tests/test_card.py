"""The model card says what the model learned from."""

from keepfit.bundle import Bundle
from keepfit.card import write_card
from tests.bundles import train_bundle
from tests.toys import toy_rows, toy_settings, toy_table

GATE = {"why": "it is better", "checks": []}


def card_of(bundle: Bundle) -> str:
    return write_card(bundle.passport, GATE, {}, toy_settings())


def test_a_card_says_of_how_many_rows_a_sample_was_learned(tmp_path):
    settings = toy_settings(**{"train.max_rows": 150})
    bundle = train_bundle(tmp_path / "bundle", toy_table(toy_rows(), settings), settings)
    assert bundle.passport.sampled_from == 299
    assert "| learned from | 150 rows from 2020-01-01 00:00:00 to 2020-10-25 00:00:00 |" in card_of(bundle)
    assert "part of 299 labelled rows" in card_of(bundle)


def test_a_card_of_all_rows_tells_of_no_sample(tmp_path):
    settings = toy_settings()
    bundle = train_bundle(tmp_path / "bundle", toy_table(toy_rows(), settings), settings)
    assert "sampled_from" not in (bundle.folder / "passport.json").read_text()
    assert "sample" not in card_of(bundle)
