"""Delivery: how a champion that was promoted gets to where it serves."""

from pydantic import Field

from keepfit.section import Section


class Release(Section):
    """Where images go, what deploys one, where it then answers, and who may have signed it."""

    image: str | None
    deploy: str | None
    url: str | None
    patience: float = Field(ge=0)
    public_key: str | None
    identity: str | None
    issuer: str
