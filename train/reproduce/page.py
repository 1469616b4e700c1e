"""The page of a reproduction as files: Markdown, the results it is made from, and the plots."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import msgspec

from train.common.writing import write_whole
from train.measure.plots import plot_curves
from train.reproduce.aggregate import table_rows
from train.reproduce.markdown import model_name, plot_path, to_markdown
from train.reproduce.paper import CURVES, PRINTED
from train.reproduce.results import Results, write_results

PAGE = "reproduction.md"
RESULTS = "reproduction/results.json"
TABLES = "reproduction/tables.json"


def tables_json(results: Results) -> bytes:
    """Both tables as JSON for programs, with a line for each statistic."""
    lines = [msgspec.json.encode(row) for row in table_rows(results)]
    deviation = msgspec.json.encode(results.deviation)
    return b'{"deviation": %b, "rows": [\n%b\n]}\n' % (deviation, b",\n".join(lines))


def write_page(results: Results, folder: Path) -> None:
    """Write ``reproduction.md`` and, into the folder ``reproduction``, its results, tables and plots."""
    write_results(results, folder / RESULTS)
    write_whole(folder / TABLES, tables_json(results))
    for curve in results.curves:
        data, model = CURVES[curve.figure]
        where = {"fer2013": "FER2013", "ckplus": "CK+, the paper's split"}[data]
        title = f"The paper's Figure {curve.figure} again: {model_name(model)} on {where}"
        # The paper's values are of its last epoch, which is another one if these trainings have another length.
        marks = None if results.deviation else asdict(PRINTED[data][model])
        plot_curves(
            curve.epochs, folder / plot_path(curve.figure), f"{title}\n{results.deviation}".strip(), marks=marks
        )
    write_whole(folder / PAGE, to_markdown(results).encode())
