"""Ranking chart: how far each trial of a sweep is behind the first one, with intervals."""

from pathlib import Path

import pandas as pd

from keepfit.files import replacing

REAL, NOISE = "#b2182b", "#4d4d4d"


def draw_ranking(ranking: pd.DataFrame, path: Path, *, metric: str, title: str) -> None:
    """Write the picture: one line a trial, the first on top, at 0 what is as good as the first."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.36 * len(ranking)), layout="constrained")
    for place, each in enumerate(ranking.itertuples()):
        colour = REAL if each.difference == "real" else NOISE
        axes.plot([each.behind_low, each.behind_high], [place, place], color=colour, linewidth=2)
        axes.plot(each.behind, place, "o", color=colour)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(ranking)), ranking.what)
    axes.invert_yaxis()
    axes.set_xlabel(f"{metric} behind the first, same rows; red: more than noise")
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    with replacing(path) as partial:
        figure.savefig(partial, format="png", dpi=130)
    plt.close(figure)
