"""`python -m bench.drawing FILE.json PICTURE.svg`: draws, in the environment that has matplotlib.

The ground is transparent and the colours stand out on white and on black: one picture for both.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.cells import number
from bench.panels import Bar, Panel, draw_up

HIVE, PEER, TEXT = "#c9810a", "#8b96a3", "#7a8490"
COLUMNS = 2
WIDTH_INCHES, BAR_INCHES, HEAD_INCHES = 10.0, 0.27, 0.75
STYLE = {
    # Letters stay letters, and equal figures give equal bytes.
    "svg.fonttype": "none",
    "svg.hashsalt": "the-hive",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "sans-serif"],
    "font.size": 9.5,
    "text.color": TEXT,
}


def draw(panels: Sequence[Panel], path: Path) -> None:
    """Write the picture of at least one panel."""
    rows = [panels[start : start + COLUMNS] for start in range(0, len(panels), COLUMNS)]
    heights = [max(len(panel.bars) for panel in row) for row in rows]
    size = (WIDTH_INCHES, sum(heights) * BAR_INCHES + len(rows) * HEAD_INCHES)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(len(rows), COLUMNS, squeeze=False, height_ratios=heights)
        for row, axes in zip(rows, grid, strict=True):
            for panel, ax in zip(row, axes, strict=False):
                _draw_panel(ax, panel)
            for empty in axes[len(row) :]:
                empty.set_axis_off()
        figure.savefig(path, transparent=True, metadata={"Date": None})


def _draw_panel(ax: Axes, panel: Panel) -> None:
    places = range(len(panel.bars))
    least = min(bar.lowest for bar in panel.bars)
    most = max(bar.highest for bar in panel.bars)
    ax.set_title(panel.title, loc="left", fontsize=11, fontweight="bold", pad=16)
    ax.text(0, 1.02, panel.about, transform=ax.transAxes, fontsize=8.5, va="bottom")
    colors = [HIVE if bar.is_hive else PEER for bar in panel.bars]
    ax.barh(places, [bar.median for bar in panel.bars], color=colors, height=0.72)
    ax.set_yticks(places, [bar.title for bar in panel.bars])
    for label, bar in zip(ax.get_yticklabels(), panel.bars, strict=True):
        label.set(color=TEXT, fontweight="bold" if bar.is_hive else "normal")
    ax.invert_yaxis()
    if panel.logarithmic:
        ax.set_xscale("log")
        # Room for the shortest bar, and for the number beside the longest.
        ax.set_xlim(least / 2.5, most * (most / least) ** 0.25 * 1.5)
    else:
        ax.set_xlim(0, 122)
    for place, bar in zip(places, panel.bars, strict=True):
        _label(ax, place, bar)
    ax.xaxis.set_visible(False)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _label(ax: Axes, place: int, bar: Bar) -> None:
    """The median beside the bar, and a line from the lowest to the highest."""
    if bar.lowest < bar.highest:
        ax.plot([bar.lowest, bar.highest], [place, place], color=TEXT, linewidth=1.2)
    weight = "bold" if bar.is_hive else "normal"
    ax.annotate(
        number(bar.median),
        (max(bar.median, bar.highest), place),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        fontweight=weight,
    )


if __name__ == "__main__":
    draw(draw_up(json.loads(Path(sys.argv[1]).read_text())), Path(sys.argv[2]))
