"""Records: what the prediction log holds, one line of JSON each."""

from collections.abc import Sequence
from typing import Literal

import msgspec

# champion: its answer; canary: the challenger's, given to the caller; challenger: found out beside, given to nobody.
Role = Literal["champion", "challenger", "canary"]
Label = bool | str | float


class Predicted(msgspec.Struct, tag_field="kind", tag="predicted", omit_defaults=True, gc=False):
    """What one model answered for one row; `row` is the JSON of the raw row, `latency_us` that of the request."""

    id: str
    time_ns: int
    # Shared by the rows of a request, and by the models that answered it; `number` is the row's place in it.
    request: str
    number: int
    key: str
    row: msgspec.Raw
    score: float
    version: str
    digest: str
    latency_us: int
    label: Label | None = None
    scores: Sequence[float] | None = None
    role: Role = "champion"


class Earlier(msgspec.Struct, tag_field="kind", tag="earlier", gc=False):
    """A row of a request that was not scored: the scored ones look back on it."""

    request: str
    number: int
    time_ns: int
    row: msgspec.Raw


class Outcome(msgspec.Struct, tag_field="kind", tag="outcome", gc=False):
    """What came of a prediction, as `/feedback` was told."""

    id: str
    value: Label
    time_ns: int
    key: str


Record = Predicted | Earlier | Outcome
# A line has its line's end, so that one that was cut short shows.
encode_lines = msgspec.json.Encoder().encode_lines
decode_line = msgspec.json.Decoder(Record).decode
decode_lines = msgspec.json.Decoder(Record).decode_lines
