"""Computing: where the functions of the pipeline run, as `engine` in `params.yaml` says it."""

from typing import Annotated, Literal

from pydantic import Field

from keepfit.section import Section


class PandasEngine(Section):
    """One process, one part after the other; `rows` a part."""

    kind: Literal["pandas"]
    rows: int = Field(ge=1)


class DaskEngine(Section):
    """Worker processes of Dask: those of `scheduler`, or `workers` on this machine with `memory` each."""

    kind: Literal["dask"]
    rows: int = Field(ge=1)
    # The address of a running cluster, such as tcp://scheduler:8786.
    scheduler: str | None
    # null: one a core.
    workers: Annotated[int, Field(ge=1)] | None
    memory: str = Field(pattern=r"^\d+(\.\d+)? ?[KMGT]i?B$")


EngineSettings = Annotated[PandasEngine | DaskEngine, Field(discriminator="kind")]
