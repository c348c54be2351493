"""The picture of a replay: what each policy's model cost over time, its alarms and its retrainings."""

from pathlib import Path

import pandas as pd

from keepfit.files import replacing
from keepfit.replay import Story

# Okabe and Ito's colours, which people with any colour vision tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def draw(stories: list[Story], path: Path, *, title: str, changes: list[pd.Timestamp]) -> None:
    """Write a PNG: above the loss saved against never retraining, added up; below alarms and retrainings."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (above, below) = plt.subplots(
        2, 1, figsize=(11, 7), sharex=True, height_ratios=(3, 2), layout="constrained"
    )
    never = next((story for story in stories if story.policy == "never"), stories[0])
    for place, (story, colour) in enumerate(zip(stories, COLOURS * len(stories), strict=False)):
        times = pd.to_datetime([moment.begins for moment in story.moments])
        rows = pd.Series([moment.rows for moment in story.moments])
        saved = pd.Series([a.loss - b.loss for a, b in zip(never.moments, story.moments, strict=True)])
        above.plot(times, (saved * rows).cumsum() / rows.sum(), color=colour, label=story.policy, linewidth=1.6)
        trained = [moment.action == "retrain" for moment in story.moments]
        heard = [bool(moment.alarms) for moment in story.moments]
        below.scatter(times[heard], [place] * sum(heard), marker="|", s=90, color=colour, alpha=0.5)
        below.scatter(times[trained], [place] * sum(trained), marker="v", s=40, color=colour)
    for change in changes:
        for axes in (above, below):
            axes.axvline(change, color="#666666", linestyle=":", linewidth=1)
    above.set_title(title)
    above.set_ylabel("loss saved against never retraining,\nadded up, per row of the whole")
    above.axhline(0, color="#999999", linewidth=0.8)
    above.legend(frameon=False, ncols=len(stories), loc="upper left", fontsize=9)
    below.set_yticks(range(len(stories)), [story.policy for story in stories])
    below.invert_yaxis()
    below.set_title("| alarm    \u25bc retraining    dotted: a known change", fontsize=9, loc="left")
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    with replacing(path) as partial:
        figure.savefig(partial, dpi=110, format="png", metadata={"Software": None})
    plt.close(figure)
