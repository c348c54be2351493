"""Trees: scikit-learn's as one flat table of nodes, and their sums over rows."""

import ctypes
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from keepfit.compiled.leaves import Masks, mask_leaves
from keepfit.compiled.walker import address_tables, native, native_masks
from keepfit.compiled.walks import LANES

# The right child follows the left one. A leaf is its own left child, and no value goes right of it.
NODE = np.dtype([("threshold", "f8"), ("left", "i4"), ("feature", "i2"), ("right_if_missing", "i2")])
ARRAYS = ("nodes", "values", "roots", "depths", "outputs")


@dataclass(frozen=True)
class Forest:
    """Trees one after the other: nodes, values by node (nodes, width), and each tree's root, depth and first output."""

    nodes: np.ndarray
    values: np.ndarray
    roots: np.ndarray
    depths: np.ndarray
    outputs: np.ndarray
    columns: int
    scores: int
    header: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        arrays = [getattr(self, name) for name in ARRAYS]
        numbers = (len(self.outputs), self.columns, self.values.shape[1], self.scores)
        object.__setattr__(self, "header", address_tables(arrays, numbers))

    def sum_rows(self, rows: np.ndarray, start: np.ndarray) -> np.ndarray:
        """Return (rows, scores): `start` and the value of each tree added, in their order, for float64 rows."""
        count, blocks, whole = len(rows), -(-len(rows) // LANES), len(rows) // LANES
        lanes = np.zeros((blocks, self.columns, LANES))
        lanes[:whole] = rows[: whole * LANES].T.reshape(self.columns, whole, LANES).transpose(1, 0, 2)
        lanes[whole:, :, : count - whole * LANES] = rows[whole * LANES :].T
        sums = np.empty((blocks * LANES, self.scores))
        sums[:] = start
        tables, add = (self, native()[1]) if self.masks is None else (self.masks, native_masks())
        add(ctypes.addressof(tables.header), lanes.ctypes.data, blocks, sums.ctypes.data)
        return sums[:count]

    @cached_property
    def masks(self) -> Masks | None:
        """The masks of the trees' leaves, where these are few enough."""
        return mask_leaves(self)


def write_forest(path: Path, forest: Forest) -> None:
    """Write the tables; equal ones give equal bytes."""
    shape = np.array([forest.columns, forest.scores])
    with path.open("wb") as file:
        np.savez(file, shape=shape, **{name: getattr(forest, name) for name in ARRAYS})


def read_forest(path: Path) -> Forest:
    """Read the tables."""
    with np.load(path, allow_pickle=False) as found:
        columns, scores = map(int, found["shape"])
        return Forest(**{name: np.ascontiguousarray(found[name]) for name in ARRAYS}, columns=columns, scores=scores)


@dataclass(frozen=True)
class Tree:
    """One tree: its nodes with children counted from its own root, their values (nodes, width), its first output."""

    nodes: np.ndarray
    values: np.ndarray
    output: int
    depth: int


def plant(trees: Iterable[Tree], *, columns: int, scores: int) -> Forest:
    """Return the trees as one forest."""
    every = list(trees)
    sizes = [len(tree.nodes) for tree in every]
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype("i4")
    nodes = np.concatenate([tree.nodes for tree in every])
    nodes["left"] += np.repeat(roots, sizes)
    # The walker takes LANES trees at a time: what is left over walks a leaf, and adds nothing.
    idle = np.full(-len(every) % LANES, np.flatnonzero(np.isposinf(nodes["threshold"]))[0], dtype="i4")
    return Forest(
        nodes=nodes,
        values=np.ascontiguousarray(np.concatenate([tree.values for tree in every]), dtype=float),
        roots=np.concatenate([roots, idle]),
        depths=np.array([*(tree.depth for tree in every), *(0 for _ in idle)], dtype="i4"),
        outputs=np.array([tree.output for tree in every], dtype="i4"),
        columns=columns,
        scores=scores,
    )


def boosted_tree(nodes: np.ndarray, output: int) -> Tree:
    """Return a tree of HistGradientBoosting without splits on categories."""
    return _lay_out(
        leaf=nodes["is_leaf"].astype(bool),
        threshold=nodes["num_threshold"],
        feature=nodes["feature_idx"],
        children=np.column_stack([nodes["left"], nodes["right"]]).astype("i8"),
        missing_left=nodes["missing_go_to_left"].astype(bool),
        values=nodes["value"][:, None],
        output=output,
    )


def grown_tree(tree: Any, values: np.ndarray) -> Tree:
    """Return a tree of sklearn.tree with these values by node."""
    return _lay_out(
        leaf=tree.children_left == -1,
        threshold=tree.threshold,
        feature=tree.feature,
        children=np.column_stack([tree.children_left, tree.children_right]),
        missing_left=tree.missing_go_to_left.astype(bool),
        values=values,
        output=0,
    )


def _lay_out(*, leaf, threshold, feature, children, missing_left, values, output) -> Tree:
    # Level by level, so that each right child follows its left one.
    order, level, depth = [np.array([0])], np.array([0]), -1
    while len(level):
        level = children[level[~leaf[level]]].ravel()
        order.append(level)
        depth += 1
    old = np.concatenate(order)
    place = np.empty(len(leaf), dtype="i4")
    place[old] = np.arange(len(old))
    nodes = np.zeros(len(old), dtype=NODE)
    ends = leaf[old]
    nodes["threshold"] = np.where(ends, np.inf, threshold[old])
    nodes["left"] = np.where(ends, np.arange(len(old)), place[children[old, 0]])
    nodes["feature"] = np.where(ends, 0, feature[old])
    nodes["right_if_missing"] = ~ends & ~missing_left[old]
    return Tree(nodes, np.where(ends[:, None], values[old], 0.0), output, depth)
