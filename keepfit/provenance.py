"""Provenance: what a model was made from: data, parameters and code, in its passport."""

from typing import TYPE_CHECKING

from keepfit.features import FeatureModule, columns_read, look_back
from keepfit.files import hash_json
from keepfit.metrics import summarise_folds
from keepfit.objective import ClassCost
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
    moment = dataset.time if dataset.has_time else None
    # Rows that look back on none need not say whose they are.
    entity = dataset.entity if look_back(module) else None
    needed = dict.fromkeys([*filter(None, (moment, entity)), *columns_read(dataset.features, module)])
    return Passport(
        version=hash_json([inputs.rows, inputs.code, inputs.params])[:12],
        dataset=dataset.name,
        task=dataset.task,
        label=dataset.label,
        classes=dataset.classes,
        estimator=settings.estimator,
        params=trained.params,
        threshold=trained.threshold,
        mistakes=settings.objective.cost.matrix if isinstance(settings.objective.cost, ClassCost) else (),
        features=(*dataset.features.columns, *module.features),
        request=Request(
            time=moment,
            columns={name: dataset.columns[name] for name in needed},
            module=dataset.features.module,
            used_as_they_are=dataset.features.columns,
            look_back=look_back(module),
            entity=entity,
        ),
        trained_on=trained.trained_on,
        sampled_from=trained.sampled_from,
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
