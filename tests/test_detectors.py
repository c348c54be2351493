import subprocess
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from keepfit import detectors
from keepfit.detectors import SciPy, load_detectors
from keepfit.errors import DetectorError

BACKENDS = ("scipy", "alibi-detect")
DRAW = np.random.default_rng(11)


def normal(*size: int, mean: float = 0.0) -> np.ndarray:
    return DRAW.normal(mean, size=size)


def letters(*size: int, of: int = 3) -> np.ndarray:
    return DRAW.integers(0, of, size).astype(float)


def errors(size: int, share: float) -> np.ndarray:
    return DRAW.uniform(size=size) < share


def holes(rows: np.ndarray) -> np.ndarray:
    return np.where(DRAW.uniform(size=rows.shape) < 0.2, np.nan, rows)


def sparse(rows: int, *, known: int) -> np.ndarray:
    return np.column_stack([normal(rows), np.where(np.arange(rows) < known, 1.0, np.nan)])


PAIRS = {
    "test_numbers": {
        "alike": (normal(1000), normal(100)),
        "moved": (normal(1000), normal(100, mean=0.4)),
        "far apart": (normal(500), normal(500, mean=9)),
        "ties": (normal(200).round(), normal(40, mean=0.5).round()),
        "all the same": (np.zeros(30), np.zeros(12)),
        "two constants": (np.zeros(30), np.ones(12)),
        "tiny window": (normal(50), normal(10)),
        "one row": (normal(50), normal(1)),
        "longer window": (normal(40), normal(400)),
    },
    "test_categories": {
        "alike": (letters(300), letters(60)),
        "moved": (letters(300), letters(60, of=2)),
        "never seen": (letters(300), letters(60, of=5)),
        "missing": (letters(300), letters(60) - 1),
        "two by two": (letters(40, of=2), letters(12, of=2)),
        "one category": (np.zeros(30), np.zeros(12)),
        "one category each": (np.zeros(30), np.ones(12)),
        "one row": (letters(300), np.array([2.0])),
    },
    "test_losses": {
        "alike": (normal(300) ** 2, normal(60) ** 2),
        "worse": (normal(300) ** 2, normal(60, mean=1) ** 2),
        "tiny window": (normal(12) ** 2, normal(10) ** 2),
        "long": (normal(4000) ** 2, normal(900) ** 2),
    },
    "test_errors": {
        "alike": (errors(300, 0.2), errors(60, 0.2)),
        "more": (errors(300, 0.2), errors(60, 0.5)),
        "fewer": (errors(300, 0.3), errors(60, 0.05)),
        "none before": (np.zeros(30, bool), errors(12, 0.5)),
        "none now": (errors(30, 0.5), np.zeros(12, bool)),
    },
    "test_domains": {
        "alike": (normal(300, 3), normal(60, 3), 7),
        "moved": (normal(300, 3), normal(60, 3, mean=1), 7),
        "missing values": (holes(normal(300, 3)), holes(normal(60, 3)), 7),
        "all the same": (np.zeros((30, 2)), np.zeros((20, 2)), 7),
        "tiny": (normal(12, 2), normal(10, 2), 7),
        "a column with three values": (sparse(300, known=3), sparse(60, known=0), 7),
        "no value": (sparse(30, known=0)[:, 1:], sparse(20, known=0)[:, 1:], 7),
    },
}
CASES = [
    pytest.param(test, sides, id=f"{test.removeprefix('test_')}: {case}")
    for test, cases in PAIRS.items()
    for case, sides in cases.items()
]


@pytest.fixture(scope="module")
def alibi():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_detectors("alibi-detect")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("test", "sides"), CASES)
def test_both_backends_say_the_same(alibi, test, sides):
    ours, theirs = (getattr(backend, test)(*sides) for backend in (SciPy(), alibi))
    # alibi-detect's figures are of single precision: less than 1e-38 is nothing to it.
    assert theirs.statistic == pytest.approx(ours.statistic, rel=1e-5, abs=1e-6)
    assert theirs.p_value == pytest.approx(ours.p_value, rel=1e-5, abs=1e-37)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("test", ["test_numbers", "test_losses"])
@pytest.mark.parametrize("side", ["reference", "window"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_missing_value_is_an_error_and_not_no_drift(backend, test, side):
    sides = {"reference": normal(40), "window": normal(20)}
    sides[side][3] = np.nan
    with pytest.raises(DetectorError, match=r"^a test gave statistic nan and p-value nan; allowed: numbers$"):
        getattr(load_detectors(backend), test)(**sides)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("backend", BACKENDS)
def test_what_the_tests_say_are_plain_numbers(backend):
    found = load_detectors(backend)
    for test, cases in PAIRS.items():
        told = getattr(found, test)(*cases["alike"])
        assert [type(value) for value in told] == [float, float]


@pytest.mark.parametrize(("test", "low"), [(test, case) for test in PAIRS for case in ("moved", "worse", "more")])
def test_what_moved_is_significant_and_what_did_not_is_not(test, low):
    if low in PAIRS[test]:
        assert getattr(SciPy(), test)(*PAIRS[test][low]).p_value < 0.05
        assert getattr(SciPy(), test)(*PAIRS[test]["alike"]).p_value > 0.05


def test_fewer_errors_are_no_alarm():
    assert SciPy().test_errors(*PAIRS["test_errors"]["fewer"]).p_value > 0.95


def test_a_table_of_errors_worked_out_by_hand():
    # Fisher's tea: three of four right against one of four is a chance of 17 in 70.
    before, now = np.array([True, False, False, False]), np.array([True, True, True, False])
    statistic, p_value = SciPy().test_errors(before, now)
    assert (statistic, p_value) == (9, pytest.approx(17 / 70))


def test_counts_of_categories_worked_out_by_hand():
    reference, window = np.repeat([0, 1, 2], 10), np.repeat([0, 1], 15)
    statistic, p_value = SciPy().test_categories(reference, window)
    # 12.5, 12.5 and 5 are expected on either side, with two degrees of freedom.
    assert statistic == pytest.approx(2 * (2 * 2.5**2 / 12.5 + 5**2 / 5))
    assert p_value == pytest.approx(np.exp(-statistic / 2))


def test_the_tests_do_not_depend_on_the_order_of_rows():
    for test in ("test_numbers", "test_categories", "test_losses", "test_errors"):
        reference, window = PAIRS[test]["alike"]
        one, other = (
            getattr(SciPy(), test)(*sides) for sides in ((reference, window), (reference[::-1], window[::-1]))
        )
        assert other == pytest.approx(one)


def test_a_backend_says_its_name():
    assert [load_detectors(name).name for name in BACKENDS] == list(BACKENDS)


def test_a_backend_that_is_not_installed_is_an_error_that_names_the_other(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DetectorError, match=r"^drift\.backend: 'alibi-detect' is not installed; allowed here: scipy$"):
        load_detectors("alibi-detect")
    assert load_detectors("scipy").name == "scipy"


def test_scipys_tests_never_import_alibi_detect():
    code = (
        "import sys; import numpy as np; from keepfit.detectors import load_detectors\n"
        "load_detectors('scipy').test_numbers(np.arange(9.0), np.arange(9.0))\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('alibi_detect', 'transformers', 'numba')])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


def test_a_test_that_gives_no_number_is_refused_whichever_it_is():
    silent = SimpleNamespace(predict=lambda _: {"data": {"distance": np.array([0.5]), "p_val": np.array([np.nan])}})
    with pytest.raises(DetectorError, match=r"statistic 0\.5 and p-value nan"):
        detectors._ask(silent, np.ones(3))
