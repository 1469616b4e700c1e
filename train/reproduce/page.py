"""The page of a reproduction as files: Markdown, the results it is rendered from, and the plots."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from train.report import plot_curves
from train.reproduce.paper import CURVES, PRINTED
from train.reproduce.render import model_name, plot_of, render
from train.reproduce.results import Results, write_results
from train.run_dir import write_whole

PAGE = "reproduction.md"
RESULTS = "reproduction/results.json"


def write_page(results: Results, folder: Path) -> None:
    """Write ``reproduction.md`` and, in the folder ``reproduction``, ``results.json`` and a plot for each curve."""
    write_results(results, folder / RESULTS)
    for curve in results.curves:
        data, model = CURVES[curve.figure]
        where = {"fer2013": "FER2013", "ckplus": "CK+, the paper's split"}[data]
        title = f"The paper's Figure {curve.figure} again: {model_name(model)} on {where}"
        plot_curves(curve.epochs, folder / plot_of(curve.figure), "\n".join(filter(None, [title, results.deviation])),
                    marks=asdict(PRINTED[data][model]))  # fmt: skip
    write_whole(folder / PAGE, render(results).encode())
