"""What several runs of each contender come to, for all that is measured in records a second."""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.chart import Bar
from benchmarks.runs import Run

HEADS = ("", "records/s", "from", "to", "CPU s / million", "peak MB", "guarantee")
INCLUDED = (
    "records/s: median, least and most of the runs, each from its first committed batch to its last (sampled every"
    " 50 ms). CPU: user and system of the whole process, its start and end included. Peak: resident memory."
)


def show(directory: Path, name: str, title: str, settings: dict[str, Any], runs: Sequence[Run]) -> bool:
    """Print the table and write the files; return whether every run counts."""
    summaries = [
        _summary([run for run in runs if run.contender == each]) for each in dict.fromkeys(r.contender for r in runs)
    ]
    print(results.table(HEADS, [_cells(summary) for summary in summaries]), INCLUDED, sep="\n\n")
    document = {
        "settings": settings,
        "included": INCLUDED,
        "summary": summaries,
        "runs": [run._asdict() for run in runs],
    }
    results.write(directory, name, document, title, [_bar(summary) for summary in summaries])
    return not any(run.failure for run in runs)


def _summary(runs: Sequence[Run]) -> dict[str, Any]:
    counted = [run for run in runs if not run.failure]
    rates = [run.records_per_second for run in counted] or [0.0]
    costs = [run.cpu_seconds_per_million for run in counted] or [0.0]
    return {
        "contender": runs[0].contender,
        "guarantee": runs[0].guarantee,
        "records_per_second": {
            "median": round(statistics.median(rates)),
            "least": round(min(rates)),
            "most": round(max(rates)),
        },
        "cpu_seconds_per_million": round(statistics.median(costs), 2),
        "peak_megabytes": round(max((run.peak_megabytes for run in counted), default=0)),
        "runs": len(counted),
        "failed": len(runs) - len(counted),
    }


def _cells(summary: dict[str, Any]) -> Sequence[str]:
    rates = summary["records_per_second"]
    failed = f" ({summary['failed']} runs FAILED)" if summary["failed"] else ""
    return (
        summary["contender"],
        f"{rates['median']:,}",
        f"{rates['least']:,}",
        f"{rates['most']:,}",
        f"{summary['cpu_seconds_per_million']:.2f}",
        f"{summary['peak_megabytes']:,}",
        summary["guarantee"] + failed,
    )


def _bar(summary: dict[str, Any]) -> Bar:
    rates = summary["records_per_second"]
    text = f"{rates['median']:,}/s, {summary['cpu_seconds_per_million']:.1f} CPU s/million"
    return Bar(summary["contender"], rates["median"], rates["least"], rates["most"], text)
