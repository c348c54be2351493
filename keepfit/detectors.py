"""Detectors: the tests behind the checks, by SciPy or by alibi-detect, behind one interface.

alibi-detect costs seconds to import, and its licence asks for Seldon's leave in production: it is imported
when it is asked for, and never elsewhere.
"""

import logging
import os
from typing import Literal, NamedTuple, Protocol

import numpy as np

from keepfit.distributions import FOLDS, domain_classifier, score_domains
from keepfit.errors import DetectorError


class Outcome(NamedTuple):
    """A test's statistic, in its own unit, and its p-value."""

    statistic: float
    p_value: float


class Detectors(Protocol):
    """The tests that a backend offers; every array is of the reference first, without NaN."""

    name: str

    def test_numbers(self, reference: np.ndarray, window: np.ndarray) -> Outcome:
        """Kolmogorov-Smirnov."""

    def test_categories(self, reference: np.ndarray, window: np.ndarray) -> Outcome:
        """Chi-square of integer codes."""

    def test_losses(self, reference: np.ndarray, window: np.ndarray) -> Outcome:
        """Cramér-von Mises."""

    def test_errors(self, reference: np.ndarray, window: np.ndarray) -> Outcome:
        """Fisher's exact test of booleans, against more errors in the window."""

    def test_domains(self, reference: np.ndarray, window: np.ndarray, seed: int) -> Outcome:
        """Kolmogorov-Smirnov of a domain classifier's scores out of fold."""


class SciPy:
    """The tests as SciPy has them."""

    name = "scipy"

    def test_numbers(self, reference: np.ndarray, window: np.ndarray) -> Outcome:
        """Kolmogorov-Smirnov."""
        from scipy.stats import ks_2samp

        found = ks_2samp(reference, window, method="asymp")
        return _outcome(found.statistic, found.pvalue)

    def test_categories(self, reference: np.ndarray, window: np.ndarray) -> Outcome:
        """Chi-square of integer codes."""
        from scipy.stats import chi2_contingency

        codes = np.union1d(reference, window)
        if len(codes) < 2:
            return Outcome(0.0, 1.0)
        counts = [[(side == code).sum() for code in codes] for side in (reference, window)]
        found = chi2_contingency(counts)
        return _outcome(found.statistic, found.pvalue)

    def test_losses(self, reference: np.ndarray, window: np.ndarray) -> Outcome:
        """Cramér-von Mises."""
        from scipy.stats import cramervonmises_2samp

        found = cramervonmises_2samp(reference, window, method="auto")
        return _outcome(found.statistic, found.pvalue)

    def test_errors(self, reference: np.ndarray, window: np.ndarray) -> Outcome:
        """Fisher's exact test of booleans, against more errors in the window."""
        from scipy.stats import fisher_exact

        if len(np.union1d(reference, window)) < 2:
            return Outcome(1.0, 1.0)
        table = [[side.sum() for side in (window, reference)], [(~side).sum() for side in (window, reference)]]
        found = fisher_exact(table, alternative="greater")
        return Outcome(float(found.statistic), float(found.pvalue))

    def test_domains(self, reference: np.ndarray, window: np.ndarray, seed: int) -> Outcome:
        """Kolmogorov-Smirnov of a domain classifier's scores out of fold."""
        from scipy.stats import ks_2samp

        scores, is_new = score_domains(reference, window, seed)
        found = ks_2samp(scores[~is_new], scores[is_new], alternative="greater")
        return _outcome(found.statistic, found.pvalue)


class AlibiDetect:
    """The same tests as alibi-detect has them; its p-values are of single precision."""

    name = "alibi-detect"

    def test_numbers(self, reference: np.ndarray, window: np.ndarray) -> Outcome:
        """Kolmogorov-Smirnov."""
        from alibi_detect.cd import KSDrift

        return _ask(KSDrift(reference[:, None], preprocess_at_init=False), window[:, None])

    def test_categories(self, reference: np.ndarray, window: np.ndarray) -> Outcome:
        """Chi-square of integer codes."""
        from alibi_detect.cd import ChiSquareDrift

        codes = np.union1d(reference, window)
        if len(codes) < 2:
            return Outcome(0.0, 1.0)
        known = {0: [int(code) for code in codes]}
        return _ask(ChiSquareDrift(reference[:, None].astype(int), categories_per_feature=known), window[:, None])

    def test_losses(self, reference: np.ndarray, window: np.ndarray) -> Outcome:
        """Cramér-von Mises."""
        from alibi_detect.cd import CVMDrift

        return _ask(CVMDrift(reference), window)

    def test_errors(self, reference: np.ndarray, window: np.ndarray) -> Outcome:
        """Fisher's exact test of booleans, against more errors in the window."""
        from alibi_detect.cd import FETDrift

        if len(np.union1d(reference, window)) < 2:
            return Outcome(1.0, 1.0)
        return _ask(FETDrift(reference, alternative="greater"), window)

    def test_domains(self, reference: np.ndarray, window: np.ndarray, seed: int) -> Outcome:
        """Kolmogorov-Smirnov of a domain classifier's scores out of fold."""
        from alibi_detect.cd import ClassifierDrift

        detector = ClassifierDrift(
            reference,
            domain_classifier(seed),
            backend="sklearn",
            preds_type="probs",
            train_size=None,
            n_folds=FOLDS,
            seed=seed,
        )
        return _ask(detector, window)


def load_detectors(name: Literal["alibi-detect", "scipy"]) -> Detectors:
    """Return the tests of a backend; raise DetectorError where it is not installed."""
    if name == "scipy":
        return SciPy()
    from importlib.util import find_spec

    if find_spec("alibi_detect") is None:
        raise DetectorError("drift.backend: 'alibi-detect' is not installed; allowed here: scipy")
    # It warns of deep-learning libraries that are not there, and of its own defaults.
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    logging.getLogger("alibi_detect").setLevel(logging.ERROR)
    return AlibiDetect()


def _ask(detector, window: np.ndarray) -> Outcome:
    said = detector.predict(window)["data"]
    return _outcome(np.ravel(said["distance"])[0], np.ravel(said["p_val"])[0])


def _outcome(statistic: float, p_value: float) -> Outcome:
    # A missing value makes alibi-detect's tests say NaN, and NaN reads as "no drift".
    if np.isnan(statistic) or np.isnan(p_value):
        raise DetectorError(f"a test gave statistic {statistic} and p-value {p_value}; allowed: numbers")
    return Outcome(float(statistic), float(p_value))
