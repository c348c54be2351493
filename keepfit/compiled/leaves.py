"""Leaves: trees of at most 64 leaves as masks of the leaves that each of their nodes rules out."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from keepfit.compiled.walker import address_tables

if TYPE_CHECKING:
    from keepfit.compiled.trees import Forest

# A bit of a word for each leaf.
MOST = 64
NODE = np.dtype([("threshold", "f8"), ("mask", "u8"), ("feature", "i8")])
# Nodes of a tree: up to the middle a missing value goes left, from there to the end right.
TREE = np.dtype([("middle", "i8"), ("end", "i8"), ("leaves", "i8"), ("output", "i8")])


@dataclass(frozen=True)
class Masks:
    """Nodes that are no leaves, tree after tree, and the values (leaves, width) of the leaves from left to right."""

    nodes: np.ndarray
    trees: np.ndarray
    values: np.ndarray
    columns: int
    scores: int
    header: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        numbers = (len(self.trees), self.columns, self.values.shape[1], self.scores)
        object.__setattr__(self, "header", address_tables((self.nodes, self.trees, self.values), numbers))


def mask_leaves(forest: "Forest") -> Masks | None:
    """Return the masks of a forest, or None where one of its trees has more than 64 leaves."""
    roots = forest.roots[: len(forest.outputs)]
    # Of a tree's nodes all but one are a pair of children, and all but a leaf have one.
    if ((np.diff(roots, append=len(forest.nodes)) + 1) // 2 > MOST).any():
        return None
    every = [_Walk(forest.nodes, root) for root in roots.tolist()]
    nodes = [node for each in every for side in (False, True) for *node, right in each.nodes if right is side]
    ends = np.cumsum([len(each.nodes) for each in every])
    leaves = np.cumsum([0, *(len(each.leaves) for each in every)])
    trees = np.zeros(len(every), dtype=TREE)
    trees["end"] = ends
    trees["middle"] = ends - [sum(right for *_, right in each.nodes) for each in every]
    trees["leaves"] = leaves[:-1] * forest.values.shape[1]
    trees["output"] = forest.outputs
    return Masks(
        nodes=np.array([tuple(each) for each in nodes], dtype=NODE),
        trees=trees,
        values=np.ascontiguousarray(forest.values[[leaf for each in every for leaf in each.leaves]]),
        columns=forest.columns,
        scores=forest.scores,
    )


class _Walk:
    """A tree from left to right: its leaves, and of each other node threshold, mask, feature and where missing goes."""

    def __init__(self, nodes: np.ndarray, root: int) -> None:
        self.leaves: list[int] = []
        self.nodes: list[tuple[float, int, int, bool]] = []
        self._descend(nodes, root)

    def _descend(self, nodes: np.ndarray, at: int) -> None:
        threshold, left, feature, right_if_missing = nodes[at].item()
        if left == at:
            self.leaves.append(at)
        else:
            first = len(self.leaves)
            self._descend(nodes, left)
            mask = (1 << len(self.leaves)) - (1 << first)
            self.nodes.append((threshold, mask, feature, bool(right_if_missing)))
            self._descend(nodes, left + 1)
