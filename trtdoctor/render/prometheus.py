"""The report as metrics of Prometheus, for the textfile collector of node_exporter.

Labels hold what has few values: ids, words of the report, the names of at most 50 files, never a layer
or a path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trtdoctor.model.engine import Shares
from trtdoctor.model.report import Report, Severity, Verdict

from .common import failed
from .plain import moment, plain_line, short_names

# Each engine is a dozen series, kept for weeks by whoever collects them.
_MOST_ENGINES = 50


def render_prometheus(report: Report) -> str:
    """The report in Prometheus' text format, version 0.0.4."""
    return "".join(
        line
        for block in (_about(report), _checks(report), _gpus(report), _engines(report))
        for line in block
    )


def _about(report: Report) -> Iterator[str]:
    yield from _metric(
        "trtdoctor_info",
        "Which trtdoctor made the report, how old its tables are, and by which command.",
        [
            (
                {
                    "version": report.tool.version,
                    "knowledge": report.tool.knowledge,
                    "command": report.command,
                },
                1,
            )
        ],
    )
    created = moment(report.created)
    if created is not None:
        yield from _metric(
            "trtdoctor_report_timestamp_seconds",
            "When the report was made, in seconds since 1970.",
            [({}, int(created.timestamp()))],
        )
    yield from _metric(
        "trtdoctor_verdict",
        "1 for the verdict that the report came to, 0 for the others.",
        [({"verdict": word.value}, int(word is report.verdict)) for word in Verdict],
    )


def _checks(report: Report) -> Iterator[str]:
    yield from _metric(
        "trtdoctor_findings",
        "How many findings there are of each severity.",
        [
            ({"severity": s.value}, sum(len(o.findings) for o in failed(report, s)))
            for s in Severity
        ],
    )
    yield from _metric(
        "trtdoctor_check_status",
        "1 for each check, whose outcome is the label status.",
        [
            (
                {
                    "check": outcome.check.label.partition(" ")[0],
                    "name": outcome.check.name,
                    "area": outcome.check.area,
                    "severity": outcome.check.severity.value,
                    "status": outcome.status.value,
                },
                1,
            )
            for outcome in report.outcomes
        ],
    )


def _gpus(report: Report) -> Iterator[str]:
    gpus = report.machine.gpus if report.machine is not None else None
    if gpus is None:
        return
    yield from _metric("trtdoctor_gpus", "How many GPUs are visible.", [({}, len(gpus))])
    yield from _metric(
        "trtdoctor_gpu_info",
        "1 for each GPU; fast_fp16 is yes, no or unknown.",
        [
            (
                {
                    "gpu": gpu.subject,
                    "model": gpu.name,
                    "compute_capability": gpu.compute_capability or "unknown",
                    "fast_fp16": {True: "yes", False: "no", None: "unknown"}[gpu.fast_fp16],
                },
                1,
            )
            for gpu in gpus
        ],
    )


def _engines(report: Report) -> Iterator[str]:
    if not report.engines:
        return
    yield from _metric(
        "trtdoctor_engines",
        f"How many engines the report has; of the first {_MOST_ENGINES} there are series.",
        [({}, len(report.engines))],
    )
    shown = report.engines[:_MOST_ENGINES]
    names = short_names(tuple(engine.path for engine in shown))
    told = [(n, e.summary) for n, e in zip(names, shown, strict=True) if e.summary is not None]
    yield from _metric(
        "trtdoctor_engine_fp16_ratio",
        "The share of compute layers that are FP16, 0 to 1, by number, time and weights.",
        [pair for name, summary in told for pair in _shares(name, summary.fp16_share)],
    )
    yield from _metric(
        "trtdoctor_engine_unknown_ratio",
        "The share of compute layers whose precision is unknown, 0 to 1.",
        [pair for name, summary in told for pair in _shares(name, summary.unknown_share)],
    )
    yield from _metric(
        "trtdoctor_engine_layers",
        "How many compute layers there are of each precision.",
        [
            ({"engine": name, "precision": precision.value}, number)
            for name, summary in told
            for precision, number in summary.layers_by_precision.items()
        ],
    )
    yield from _metric(
        "trtdoctor_engine_conversions",
        "How many layers convert the data type.",
        [({"engine": name}, summary.conversions.count) for name, summary in told],
    )


def _shares(name: str, shares: Shares) -> Iterator[tuple[Mapping[str, str], float]]:
    for by in ("layers", "time", "weights"):
        share: float | None = getattr(shares, by)
        if share is not None:
            yield {"engine": name, "by": by}, share


def _metric(name: str, about: str, samples: list[tuple[Mapping[str, str], float]]) -> Iterator[str]:
    """A gauge with its help, or nothing where there is no sample."""
    if not samples:
        return
    yield f"# HELP {name} {about}\n# TYPE {name} gauge\n"
    for labels, value in samples:
        inside = ",".join(f'{key}="{_label(text)}"' for key, text in labels.items())
        yield f"{name}{{{inside}}} {value!r}\n" if inside else f"{name} {value!r}\n"


def _label(text: str) -> str:
    return plain_line(text).replace("\\", "\\\\").replace('"', '\\"')
