"""Provenance: what a model was made from: data, parameters and code, in its passport."""

from typing import TYPE_CHECKING

from keepfit.features import FeatureModule, columns_read, look_back
from keepfit.files import hash_json
from keepfit.metrics import summarise_folds
from keepfit.passport import Inputs, Passport, Request, library_versions
from keepfit.settings import Settings

if TYPE_CHECKING:
    from keepfit.train import Trained


def issue_passport(
    trained: "Trained", settings: Settings, module: FeatureModule, *, rows: str, table: str, code: str
) -> Passport:
    """Return the passport of a trained model; `rows`, `table` and `code` are SHA-256 of what it was made from."""
    dataset = settings.dataset
    inputs = Inputs(rows=rows, table=table, code=code, params=hash_json(training_params(settings)))
    reads = columns_read(dataset.features, module)
    return Passport(
        version=hash_json([inputs.rows, inputs.code, inputs.params])[:12],
        dataset=dataset.name,
        task=dataset.task,
        label=dataset.label,
        estimator=settings.estimator,
        params=trained.params,
        threshold=trained.threshold,
        features=(*dataset.features.columns, *module.features),
        request=Request(
            time=dataset.time,
            columns={name: dataset.columns[name] for name in dict.fromkeys([dataset.time, *reads])},
            module=dataset.features.module,
            used_as_they_are=dataset.features.columns,
            look_back=look_back(module),
        ),
        trained_on=trained.trained_on,
        learned_before_holdout=trained.learned_before_holdout,
        judged_on=trained.judged_on,
        metrics={"folds": summarise_folds(trained.folds[:-1]), "holdout": trained.folds[-1]},
        inputs=inputs,
        libraries=library_versions(),
    )


def training_params(settings: Settings) -> dict:
    """Return what of `params.yaml` the `train` stage of dvc.yaml declares, as plain values."""
    sections = {"seed": True, "dataset": True, "model": True, "search": True, "train": True}
    parts = {"objective": {"metric", "cost"}, "drift": {"window", "min_rows", "max_rows"}}
    return settings.model_dump(mode="json", include={**sections, **parts})
