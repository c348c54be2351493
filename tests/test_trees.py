"""Trees: the sums of a forest are those of its trees one row at a time, by masks of leaves as by walks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from keepfit.compiled.leaves import mask_leaves
from keepfit.compiled.trees import NODE, Forest, Tree, plant

COLUMNS = 3
NUMBERS = st.sampled_from([-np.inf, -1.5, -0.0, 0.0, 5e-324, 1.0, 2.0, np.inf, np.nan])
THRESHOLDS = st.sampled_from([-1.5, -0.0, 0.0, 5e-324, 1.0, 2.0, np.inf])


@st.composite
def forests(draw, *, most: int = 9) -> Forest:
    width = draw(st.sampled_from([1, 1, 3]))
    scores = 3 if width == 3 else draw(st.sampled_from([1, 3]))
    trees = draw(st.lists(st.integers(1, most), min_size=1, max_size=20))
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    thresholds = draw(st.lists(THRESHOLDS, min_size=1, max_size=5))
    planted = [grow(leaves, generator, thresholds, width, scores) for leaves in trees]
    return plant(planted, columns=COLUMNS, scores=scores)


def grow(leaves: int, generator: np.random.Generator, thresholds: list[float], width: int, scores: int) -> Tree:
    """A tree of so many leaves, by splitting one at a time."""
    nodes, ends, depths = [(np.inf, 0, 0, 0)], [0], [0]
    for _ in range(leaves - 1):
        at = ends.pop(int(generator.integers(len(ends))))
        left = len(nodes)
        nodes[at] = (generator.choice(thresholds), left, int(generator.integers(COLUMNS)), int(generator.integers(2)))
        nodes += [(np.inf, left, 0, 0), (np.inf, left + 1, 0, 0)]
        ends += [left, left + 1]
        depths += [depths[at] + 1] * 2
    values = generator.normal(size=(len(nodes), width))
    output = 0 if width == scores else int(generator.integers(scores))
    return Tree(np.array(nodes, dtype=NODE), values, output, max(depths))


def sum_by_hand(forest: Forest, row: np.ndarray, start: np.ndarray) -> np.ndarray:
    sums = start.copy()
    for root, output in zip(forest.roots, forest.outputs, strict=False):
        at = root
        while forest.nodes[at]["left"] != at:
            threshold, left, feature, right_if_missing = forest.nodes[at]
            value = row[feature]
            at = left + bool(right_if_missing if np.isnan(value) else value > threshold)
        for place, value in enumerate(forest.values[at]):
            sums[output + place] += value
    return sums


@given(forest=forests(), rows=arrays(float, st.tuples(st.integers(0, 40), st.just(COLUMNS)), elements=NUMBERS))
def test_masks_and_walks_give_the_sums_by_hand_to_the_last_bit(forest, rows):
    start = np.linspace(-0.1, 0.3, forest.scores)
    expected = np.array([sum_by_hand(forest, row, start) for row in rows]).reshape(len(rows), forest.scores)
    assert forest.masks is not None
    np.testing.assert_array_equal(forest.sum_rows(rows, start), expected)
    np.testing.assert_array_equal(forest.sum_rows(np.asfortranarray(rows), start), expected)
    vars(forest)["masks"] = None
    np.testing.assert_array_equal(forest.sum_rows(rows, start), expected)


@pytest.mark.parametrize(("leaves", "masked"), [(1, True), (64, True), (65, False), (300, False)])
def test_trees_of_more_leaves_than_a_word_has_bits_are_walked(leaves, masked):
    generator = np.random.default_rng(leaves)
    sizes = [3, leaves, 2]
    trees = [grow(size, generator, generator.normal(size=9).tolist(), 1, 1) for size in sizes]
    forest = plant(trees, columns=COLUMNS, scores=1)
    assert (mask_leaves(forest) is not None) is masked
    rows = generator.normal(size=(50, COLUMNS))
    expected = [sum_by_hand(forest, row, np.zeros(1)) for row in rows]
    np.testing.assert_array_equal(forest.sum_rows(rows, np.zeros(1)), expected)
