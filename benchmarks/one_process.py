"""The graph's functions called one after the other in one Python process: what `make repro` is measured against."""

import sys
from importlib import import_module
from pathlib import Path

import yaml

from keepfit import stage


def main() -> int:
    """Run every stage with the paths that dvc.yaml gives it; return the first status that is not 0."""
    name = yaml.safe_load(Path("params.yaml").read_text())["dataset"]["name"]
    graph = yaml.safe_load(Path("dvc.yaml").read_text())["stages"]
    for step, declared in graph.items():
        paths = declared["cmd"].replace("${dataset.name}", name).split()[3:]
        for path in paths:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        if status := stage.call(import_module(f"stages.{step}").main, paths, Path("params.yaml")):
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
