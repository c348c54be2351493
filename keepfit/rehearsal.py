"""Rehearsal: the trainings and the policies of a replay, in several processes, each kept on disk when it is done."""

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from keepfit.batch import Batch, hold_batch
from keepfit.bundle import read_bundle, write_bundle
from keepfit.detectors import load_detectors
from keepfit.drift import check, sounding
from keepfit.evidence import LOSS, add_losses, collect
from keepfit.features import LABEL, assemble, columns_read, load_module
from keepfit.files import hash_json, read_json, read_table, write_json, write_table
from keepfit.imports import hash_code
from keepfit.ingest import cut
from keepfit.losses import row_losses
from keepfit.profile import draw_profile
from keepfit.provenance import issue_passport, training_params
from keepfit.replay import Segment, Story, cut_segments, known_at, live
from keepfit.scores import predict_scores, read_scores, tabulate_scores
from keepfit.settings import Settings
from keepfit.sources import read_source
from keepfit.train import fit
from keepfit.validate import validate

TABLE, VALID, MODEL = "table.parquet", "valid.parquet", "bundle"
Advance = Callable[[], None]


@dataclass(frozen=True)
class Rehearsal:
    """Where a replay keeps its work: the table and rows of the whole history, and a folder a step."""

    folder: Path
    settings: Settings
    start: pd.Timestamp
    step: int | str

    @property
    def table(self) -> pd.DataFrame:
        """The feature table of the whole history."""
        return _read(self.folder / TABLE)

    @property
    def valid(self) -> pd.DataFrame:
        """The typed raw rows of the whole history."""
        return _read(self.folder / VALID)

    @property
    def segments(self) -> list[Segment]:
        """The steps."""
        return cut_segments(self.table[self.settings.dataset.time], start=self.start, step=self.step)

    def losses(self, number: int) -> np.ndarray:
        """Return the loss of each row of the table by the model of a step, NaN before it."""
        return self.scored(number)[LOSS].to_numpy()

    def scored(self, number: int) -> pd.DataFrame:
        """Return score and loss of each row of the table by the model of a step, NaN before it."""
        return _read(self.folder / f"{number:04d}" / "scores.parquet")

    def seconds(self, number: int) -> float:
        """How long the training of a step took."""
        return read_json(self.folder / f"{number:04d}" / "done.json")["seconds"]


def prepare(
    root: Path, settings: Settings, repairs: pd.DataFrame | None, *, start: pd.Timestamp, step: int | str
) -> Rehearsal:
    """Read the whole history that the source has; what follows from the same rows, settings and code is made once."""
    settings = settings.model_copy(update={"train": settings.train.model_copy(update={"jobs": 1})})
    whole = settings.dataset.model_copy(update={"until": None, "freshness": None})
    module = settings.dataset.features.module
    code = hash_code(Path("stages/train.py"), Path(), extra=(Path("features", f"{module}.py"),))
    raw = cut(read_source(whole.source, categories=whole.categories), whole)
    valid = validate(raw, whole, repairs).valid
    key = hash_json([training_params(settings), code, _hash_rows(valid), str(start), step])[:12]
    rehearsal = Rehearsal(root / key, settings, start, step)
    if not (rehearsal.folder / TABLE).exists():
        write_table(rehearsal.folder / VALID, valid)
        write_table(rehearsal.folder / TABLE, assemble(valid, whole, load_module(module)))
    return rehearsal


def _hash_rows(rows: pd.DataFrame) -> str:
    return hashlib.sha256(pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes()).hexdigest()


@lru_cache(maxsize=16)
def _read(path: Path) -> pd.DataFrame:
    return read_table(path)


def train_steps(rehearsal: Rehearsal, *, jobs: int, advance: Advance) -> None:
    """Train the model of each step that is not there yet; the first one tunes, the others take its parameters."""
    waiting = [number for number in range(len(rehearsal.segments)) if not _done(rehearsal, number)]
    if 0 in waiting:
        _train(rehearsal, 0)
        waiting.remove(0)
        advance()
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for _ in pool.map(_train, [rehearsal] * len(waiting), waiting):
            advance()


def tell_stories(rehearsal: Rehearsal, policies: dict[str, Settings], *, jobs: int, advance: Advance) -> list[Story]:
    """Return the story of each policy, by name, in their order."""
    stories = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for story in pool.map(_live, [rehearsal] * len(policies), policies, policies.values()):
            stories.append(story)
            advance()
    return stories


def _done(rehearsal: Rehearsal, number: int) -> bool:
    return (rehearsal.folder / f"{number:04d}" / "done.json").exists()


def _train(rehearsal: Rehearsal, number: int) -> None:
    began, folder, segment = time.perf_counter(), rehearsal.folder / f"{number:04d}", rehearsal.segments[number]
    settings, clock = rehearsal.settings, rehearsal.settings.dataset.time
    if number:
        tuned = read_bundle(rehearsal.folder / "0000" / MODEL).passport.params
        model = settings.model.model_copy(update={"params": tuned})
        search = settings.search.model_copy(update={"kind": "none"})
        settings = settings.model_copy(update={"model": model, "search": search})
    past = known_at(rehearsal.table, segment, time=clock, horizon=settings.dataset.horizon)
    trained = fit(past, settings)
    module = load_module(settings.dataset.features.module)
    passport = issue_passport(trained, settings, module, rows=str(segment.first), table="", code="")
    names = columns_read(settings.dataset.features, module)
    profile = draw_profile(rehearsal.valid.iloc[: segment.first], settings.dataset, names, settings.drift.window)
    write_bundle(folder / MODEL, passport, trained, profile)
    later = rehearsal.table.iloc[segment.first :]
    dataset = settings.dataset
    found = predict_scores(trained.model, later[list(passport.features)], dataset.task, classes=len(dataset.classes))
    scores = np.full((len(rehearsal.table), *found.shape[1:]), np.nan)
    scores[segment.first :] = found
    losses = row_losses(rehearsal.table[LABEL].to_numpy(), scores, settings.objective, threshold=trained.threshold)
    losses[np.isnan(rehearsal.table[LABEL].to_numpy())] = np.nan
    write_table(
        folder / "scores.parquet", pd.DataFrame({**tabulate_scores(scores, dataset.score_classes), LOSS: losses})
    )
    write_json(folder / "done.json", {"seconds": time.perf_counter() - began, "params": trained.params})


def _live(rehearsal: Rehearsal, policy: str, settings: Settings) -> Story:
    told = hash_json([settings.drift.model_dump(mode="json"), hash_code(Path("keepfit/drift.py"), Path())])
    kept = rehearsal.folder / f"{policy}-{told[:12]}.json"
    if kept.exists():
        return Story.model_validate(read_json(kept))
    detectors = load_detectors("scipy")

    def decide(serving: int, number: int) -> tuple[str, tuple[str, ...], float]:
        began = time.perf_counter()
        bundle = _bundle(rehearsal.folder / f"{serving:04d}" / MODEL)
        findings = check(_batch(rehearsal, settings, serving, number), bundle, settings, detectors)
        alarms = tuple(sounding(findings.groups, settings))
        return findings.ruling.action, alarms, time.perf_counter() - began

    story = live(policy, rehearsal.segments, rehearsal.losses, decide)
    write_json(kept, story.model_dump(mode="json"))
    return story


@lru_cache(maxsize=4)
def _bundle(folder: Path):
    return read_bundle(folder)


def _batch(rehearsal: Rehearsal, settings: Settings, serving: int, number: int) -> Batch:
    """Return the rows between a model's training and a step, as they were known at the step."""
    segments, clock = rehearsal.segments, settings.dataset.time
    bundle = _bundle(rehearsal.folder / f"{serving:04d}" / MODEL)
    first = segments[serving].first
    known = known_at(rehearsal.table, segments[number], time=clock, horizon=settings.dataset.horizon).iloc[first:]
    names = settings.dataset.score_classes
    scores = read_scores(rehearsal.scored(serving), names)[first : first + len(known)]
    evidence = collect(
        known[list(bundle.passport.features)],
        times=known[clock],
        labels=known[LABEL].to_numpy(float),
        scores=scores,
        time=clock,
        classes=names,
    )
    rows = rehearsal.valid.iloc[first : first + len(known)].reset_index(drop=True)
    nothing = pd.Series([], dtype="datetime64[ns]")
    evidence = add_losses(evidence, settings.objective, threshold=bundle.passport.threshold)
    return hold_batch(evidence, rows, set_aside=nothing, time=clock)
