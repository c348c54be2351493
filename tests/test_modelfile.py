import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import make_pipeline

from keepfit.errors import UntrustedType
from keepfit.estimator import build
from keepfit.modelfile import TRUSTED, canonicalise, dump, read_model, write_model
from keepfit.scores import predict_scores
from tests.modelling import MODELS, ROOT, mixed_features, shipped_model

TASKS = ["binary", "regression"]
FIT = """
import hashlib, sys
from keepfit import stage
from keepfit.estimator import build
from keepfit.modelfile import dump
from tests.modelling import MODELS, mixed_features, shipped_model
features, labels = mixed_features()
for name in MODELS:
    pipeline = build(features, shipped_model(name), task="binary", seed=7).fit(features, labels["binary"])
    print(name, hashlib.sha256(dump(pipeline)).hexdigest())
"""
woken = []


class Stranger(TransformerMixin, BaseEstimator):
    """A type that no allow-list holds, and that tells when it comes to life."""

    def fit(self, features, labels=None):
        self.known_ = 1
        return self

    def transform(self, features):
        return features

    def __setstate__(self, state):
        woken.append(state)
        super().__setstate__(state)


def fitted(name: str, task: str):
    features, labels = mixed_features()
    return build(features, shipped_model(name), task=task, seed=7).fit(features, labels[task])


def fitted_lightgbm(task: str):
    """What is stored of the shipped model that trains on workers."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    features, labels = mixed_features()
    estimator = {"binary": LGBMClassifier, "regression": LGBMRegressor}[task](n_estimators=3, verbose=-1)
    return estimator.fit(features[["x", "z"]].to_numpy(), labels[task])


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_is_read_back_gives_the_same_scores_to_the_last_bit(name, task, tmp_path):
    pipeline, path = fitted(name, task), tmp_path / "model.skops"
    write_model(path, pipeline)
    features, _ = mixed_features(60, seed=1)
    again = predict_scores(read_model(path), features, task)
    np.testing.assert_array_equal(again, predict_scores(pipeline, features, task))


@pytest.mark.parametrize("name", MODELS)
def test_a_canonical_file_stays_as_it_is(name):
    content = dump(fitted(name, "regression"))
    assert canonicalise(content) == content


@pytest.mark.slow
def test_two_processes_give_the_same_bytes():
    # Hash seeds differ, so that the order of a set cannot hide in the file.
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", FIT],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    one, other = (process.communicate(timeout=120)[0] for process in processes)
    assert one.split()[::2] == MODELS
    assert one == other


def test_another_model_gives_other_bytes():
    features, labels = mixed_features()
    pipelines = [build(features, shipped_model("random_forest"), task="binary", seed=seed) for seed in (1, 2)]
    one, other = (dump(pipeline.fit(features, labels["binary"])) for pipeline in pipelines)
    assert one != other


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", MODELS)
def test_there_is_no_pickle_inside(name, task):
    found = members(dump(fitted(name, task)))
    arrays = {member for member in found if member.endswith(".npy")}
    assert set(found) == {"schema.json", *arrays}
    for member in arrays:
        np.load(io.BytesIO(found[member]), allow_pickle=False)
    assert b"pickle" not in found["schema.json"]


def test_a_type_that_is_not_allowed_is_not_written(tmp_path):
    path = tmp_path / "model.skops"
    with pytest.raises(UntrustedType, match=r"model file holds tests.test_modelfile.Stranger; allowed: "):
        write_model(path, make_pipeline(Stranger()).fit([[0.0]]))
    assert not list(tmp_path.iterdir())


def test_a_type_that_is_not_allowed_is_refused_by_name_before_it_is_loaded(tmp_path):
    path: Path = tmp_path / "model.skops"
    path.write_bytes(dump(make_pipeline(Stranger()).fit([[0.0]])))
    woken.clear()
    with pytest.raises(UntrustedType, match=r"tests.test_modelfile.Stranger"):
        read_model(path)
    assert woken == []


def test_a_type_that_is_not_allowed_would_have_come_to_life():
    import skops.io

    woken.clear()
    content = dump(make_pipeline(Stranger()).fit([[0.0]]))
    skops.io.loads(content, trusted=[f"{__name__}.Stranger"])
    assert woken


def test_a_model_that_would_not_be_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "model.skops"
    write_model(path, fitted("naive", "binary"))
    before = path.read_bytes()
    with pytest.raises(UntrustedType):
        write_model(path, Stranger().fit([[0.0]]))
    assert path.read_bytes() == before


def test_the_allow_list_holds_no_more_than_the_shipped_models_need():
    import skops.io

    contents = [dump(fitted(name, task)) for name in MODELS for task in TASKS]
    contents += [dump(fitted_lightgbm(task)) for task in TASKS]
    assert {each for content in contents for each in skops.io.get_untrusted_types(data=content)} == set(TRUSTED)


@pytest.mark.parametrize("task", TASKS)
def test_equal_models_of_lightgbm_have_equal_bytes_without_a_pickle(task, tmp_path):
    model = fitted_lightgbm(task)
    assert dump(model) == dump(fitted_lightgbm(task))
    write_model(tmp_path / "model.skops", model)
    read = read_model(tmp_path / "model.skops")
    assert dump(read) == dump(model)
    features = mixed_features()[0][["x", "z"]].to_numpy()
    np.testing.assert_array_equal(read.predict(features), model.predict(features))
