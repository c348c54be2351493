from hypothesis import given, settings
from hypothesis import strategies as st

from keepfit.serving.share import in_share

TOKENS = [f"request-{number}" for number in range(20_000)]


def chosen(share: float, salt: str = "one") -> set[str]:
    return {token for token in TOKENS if in_share(token, share, salt=salt)}


def test_a_share_is_as_large_as_it_says():
    assert not chosen(0.0)
    assert len(chosen(1.0)) == len(TOKENS)
    # Five standard deviations.
    assert abs(len(chosen(0.1)) - 2_000) < 5 * (20_000 * 0.1 * 0.9) ** 0.5


def test_a_larger_share_keeps_whom_the_smaller_one_had():
    assert chosen(0.05) < chosen(0.2)


def test_another_challenger_draws_others():
    both = chosen(0.1) & chosen(0.1, salt="another")
    assert abs(len(both) - 200) < 5 * 200**0.5


@given(st.text(), st.text(max_size=64))
@settings(max_examples=50)
def test_any_token_is_in_the_whole_and_in_no_empty_share(token: str, salt: str):
    assert in_share(token, 1.0, salt=salt)
    assert not in_share(token, 0.0, salt=salt)
