"""Load: wrk against one address, and what it measured."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

SCRIPT = """\
wrk.method = "POST"
wrk.body = [==[%s]==]
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %s"
done = function(summary, latency, requests)
  io.write(string.format("found %%d %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""


@dataclass(frozen=True)
class Loaded:
    """Requests a second, and the median and 99th percentile of the latency in milliseconds."""

    per_second: float
    p50_ms: float
    p99_ms: float
    requests: int


def load(address: str, body: object, *, key: str, clients: int, seconds: int) -> Loaded:
    """Send one body again and again from `clients` connections; every answer must be a 200."""
    with TemporaryDirectory() as folder:
        script = Path(folder, "request.lua")
        script.write_text(SCRIPT % (json.dumps(body, separators=(",", ":")), key))
        command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script), address]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = next(line for line in said.splitlines() if line.startswith("found "))
    requests, duration, median, tail, refused, broken = map(int, found.split()[1:])
    if refused or broken or not requests:
        sys.exit(f"{address}: {refused} answers that are no 200 and {broken} that broke, of {requests}")
    return Loaded(round(requests / duration * 1e6, 1), median / 1000, tail / 1000, requests)
