"""What stands below a ticket's headings: what was found, how to make it again, and which files to send."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import chain

from trtdoctor.model.engine import EngineReport, Explanation, LayersSource
from trtdoctor.model.finding import Remedy, to_run
from trtdoctor.model.report import Outcome, Report, Severity, Status

from .common import counts, failed, having, one_line, undecided, verdict_line
from .markdown import as_blocks, as_code, as_text
from .ticket_blocks import LONGEST, Block, Rank, always, cell, file_name, short

# The newest releases that the knowledge tables know, and their date.
NEWEST = {"tensorrt": "11.4"}
NEWEST_AS_OF = "2026-11-22"
_ATTACH_MIB = 25
# Engines that are told in full: what can never be left out grows with each.
_MOST_ENGINES = 5


def slot(report: Report, name: str) -> list[Block]:
    """The blocks that fill one slot of a form."""
    return list(_SLOTS[name](report))


def _description(report: Report) -> Iterator[Block]:
    verdict = verdict_line(report)
    yield always(f"**{as_text(cell(verdict, 1000))}**")
    found = [o for severity in Severity for o in failed(report, severity)]
    items = tuple(chain.from_iterable(map(_findings, found)))
    yield Block(rank=Rank.FINDINGS, what="findings", items=items)
    answers = [
        f"- {as_code(file_name(path))}: {short(answer)}"
        for path, answer in (
            *((e.path, e.answer) for e in report.engines),
            *((m.path, m.answer) for m in report.models),
        )
        if answer and one_line(answer) != verdict
    ]
    answers += [
        f"- {short(c.verdict)}" for c in report.comparisons if one_line(c.verdict) != verdict
    ]
    yield Block(rank=Rank.CAUSES, what="answers", items=tuple(answers))
    for engine in report.engines[:_MOST_ENGINES]:
        yield from _engine(engine)
    others = tuple(f"- {as_code(file_name(e.path))}" for e in report.engines[_MOST_ENGINES:])
    yield Block(
        rank=Rank.MORE,
        what="engines",
        items=others,
        head=("The attached JSON report tells of these engines too:", ""),
    )
    open_ = tuple(
        f"- {short(reason)}; leaves open {short(', '.join(o.check.label for o in outcomes))}"
        for reason, outcomes in undecided(report)
    )
    open_ += tuple(f"- {short(p.where)}: {short(p.message)}" for p in report.problems)
    yield Block(
        rank=Rank.UNDECIDED,
        what="undecided points",
        items=open_,
        head=("Could not be seen or decided:", ""),
    )


def _findings(outcome: Outcome) -> Iterator[str]:
    severity = outcome.check.severity.value
    for finding in outcome.findings:
        subject = f" ({short(finding.subject)})" if finding.subject else ""
        label = as_text(outcome.check.label)
        lines = [f"- {severity}: **{label}**{subject}: {short(finding.message)}"]
        lines += [f"  - {short(e.source)}: {as_code(e.value[:LONGEST])}" for e in finding.evidence]
        if finding.confidence.value != "certain":
            lines.append(f"  - confidence: {finding.confidence.value}")
        if finding.remedy is not None:
            lines.append(f"  - advice: {short(finding.remedy.text)}")
            lines += as_blocks(finding.remedy.commands, indent=4)
        yield "\n".join(lines)


def _engine(engine: EngineReport) -> Iterator[Block]:
    if engine.failure is not None:
        yield Block(
            rank=Rank.FINDINGS,
            what="errors",
            items=(
                f"The build ended with line {engine.failure.line} of its log: "
                f"{as_code(engine.failure.text[:LONGEST])}",
            ),
        )
    groups: dict[tuple[str, str], list[Explanation]] = {}
    for told in engine.explanations:
        confidence = told.confidence.value if told.confidence else ""
        groups.setdefault((told.cause.value, confidence), []).append(told)
    rows = []
    for (cause, confidence), members in sorted(groups.items(), key=lambda g: -len(g[1])):
        remedy = next((m.remedy.text for m in members if m.remedy), "")
        cells = (cause, confidence, str(len(members)), cell(members[0].layer), cell(remedy))
        rows.append(f"| {' | '.join(map(as_text, cells))} |")
    yield Block(
        rank=Rank.CAUSES,
        what="causes",
        items=tuple(rows),
        head=(
            f"Why layers of {as_code(file_name(engine.path))} are not FP16:",
            "",
            "| cause | confidence | layers | for example | advice |",
            "| --- | --- | --- | --- | --- |",
        ),
    )
    yield _layers(engine)
    yield Block(
        rank=Rank.MORE,
        what="suggestions",
        items=tuple(_remedy(r) for r in (*engine.advice, *engine.missing)),
        head=("What would help, or tell more:", ""),
    )


def _layers(engine: EngineReport) -> Block:
    """Each layer that is not FP16, the dearest first."""
    dearest = sorted(engine.explanations, key=lambda t: -(t.cost.margin_ms if t.cost else 0.0))
    rows = []
    for told in dearest:
        price = f"{told.cost.margin_ms * 1000:+.2f}" if told.cost else "unknown"
        cells = (cell(told.layer), told.precision.value, told.cause.value, price)
        rows.append(f"| {' | '.join(map(as_text, cells))} |")
    return Block(
        rank=Rank.LAYERS,
        what="layers",
        items=tuple(rows),
        head=(
            f"<details><summary>{len(rows)} layers that are not FP16, or not known to be</summary>",
            "",
            "| layer | precision | cause | us more with it in FP16 |",
            "| --- | --- | --- | --- |",
        ),
        foot=("", "</details>", ""),
    )


def _remedy(remedy: Remedy) -> str:
    return "\n".join([f"- {short(remedy.text)}", *as_blocks(remedy.commands, indent=2)])


def _steps(report: Report) -> Iterator[Block]:
    built = [e.build.command for e in report.engines if e.build and e.build.command]
    items = [_shell(f"trtdoctor {shlex.join(words)}") for words in built]
    if not items:
        items.append(
            "The command that built the engine is not available (no record of the build was beside it; "
            "add it here, or build with `trtdoctor build`, which keeps one)."
            if report.engines
            else "The command that fails is not known to trtdoctor; add it here."
        )
    own = _own_command(report)
    if own:
        items.append("What made this report, but for its other options:\n\n" + _shell(own))
    else:
        items.append(
            f"The report was made by trtdoctor {as_text(report.command)}; add its options here."
        )
    yield Block(rank=Rank.COMMANDS, what="commands", items=tuple(items))


def _own_command(report: Report) -> str | None:
    """The command line that looks at the same files; None where the report does not tell it."""
    if report.command in ("check", "inspect", "audit", "plan"):
        files = [file_name(e.path) for e in report.engines] + [
            file_name(m.path) for m in report.models
        ]
        many = len(files) > 1 and report.command == "plan"
        return None if many else shlex.join(("trtdoctor", report.command, *files))
    if report.command != "explain" or len(report.engines) != 1:
        return None
    engine = report.engines[0]
    words = ["trtdoctor", "explain"]
    if engine.layers_source is LayersSource.LAYERS_FILE:
        # The layers stand for an engine that was not given where their file bears its name.
        words += ["--layers"] if engine.path.endswith(".json") else []
    elif engine.log == engine.path:
        words.append("--log")
    words.append(file_name(engine.path))
    if engine.log and engine.log != engine.path:
        words += ["--log", file_name(engine.log)]
    return shlex.join(words)


def _shell(line: str) -> str:
    return "\n".join(as_blocks(to_run(line)))


def _files(report: Report) -> Iterator[Block]:
    rows = []
    for what, path, size, sha256 in dict.fromkeys(_known_files(report)):
        bytes_ = f"{size} bytes" if size is not None else "size not available (not read)"
        hash_ = sha256 or f"not available ({_no_hash(what)})"
        too_large = size is not None and size > _ATTACH_MIB << 20
        how = (
            f"; over {_ATTACH_MIB} MB: upload it elsewhere and put the link here"
            if too_large
            else ""
        )
        rows.append(f"- {what}: {as_code(file_name(path))}, {bytes_}, SHA-256 {hash_}{how}")
    yield Block(rank=Rank.FILES, what="files", items=tuple(rows))
    share = f"trtdoctor {report.command} ... --share -o report.json"
    yield always(
        *([] if rows else ["This report names no model and no engine."]),
        f"Attach the whole report, with private data replaced: `{share}`. "
        "Zip a JSON file where the tracker does not take it as it is. "
        f"Models over {_ATTACH_MIB} MB need a link.",
    )


def _no_hash(what: str) -> str:
    return "run trtdoctor inspect with --hash" if what == "engine" else "sha256sum tells it"


def _known_files(report: Report) -> Iterator[tuple[str, str, int | None, str | None]]:
    for engine in report.engines:
        record = engine.build
        if record is not None:
            for what, file in (
                ("model", record.model),
                ("model before it was converted", record.given),
                ("engine", record.engine),
                ("build log", record.log),
                ("timing cache", record.timing_cache),
            ):
                if file is not None:
                    yield what, file.path, file.size, file.sha256
            continue
        described = engine.layers_source is LayersSource.LAYERS_FILE and engine.path.endswith(
            ".json"
        )
        if engine.path != engine.log:
            what = "layer information" if described else "engine"
            yield what, engine.path, engine.size, engine.sha256
        if engine.log:
            yield "build log", engine.log, None, None
    for model in report.models:
        yield "model", model.path, model.size, None


def _log(report: Report) -> Iterator[Block]:
    logs = tuple(
        f"- {as_code(file_name(e.build.log.path if e.build else e.log or ''))}: attach it"
        for e in report.engines
        if e.build or e.log
    )
    none = "not available (this report read no log; attach the terminal's output)"
    yield Block(rank=Rank.FILES, what="logs", items=logs or (none,))


def _latest(report: Report) -> Iterator[Block]:
    cards = (report.machine.tensorrts or ()) if report.machine else ()
    versions = [(c.product, c.version) for c in cards if c.version]
    versions += [
        (e.identity.product or "tensorrt", e.identity.tensorrt_version)
        for e in report.engines
        if e.identity and e.identity.tensorrt_version
    ]
    lines = []
    for product, version in dict.fromkeys(versions):
        newest = NEWEST.get(product)
        if newest is None or version is None:
            continue
        state = (
            "Yes"
            if _numbers(version) >= _numbers(newest)
            else "Not in this report: what it saw is older"
        )
        lines.append(
            f"- {state}. {as_text(cell(f'{product} {version}', 100))} beside {newest}, the newest "
            f"release that trtdoctor knows, as of {NEWEST_AS_OF}."
        )
    yield always(*(lines[:10] or ["not available (no version of TensorRT is known here)"]))


def _numbers(version: str) -> tuple[int, ...]:
    """The first two numbers of a version: ``11.4`` for ``11.4.0.12``."""
    return tuple(int(number[:9]) for number in re.findall(r"\d+", version)[:2])


def _frameworks(report: Report) -> Iterator[Block]:
    compared = [
        f"- {as_code(o.name)} of {short(o.of)} against {short(o.to)}: "
        + (
            f"largest difference {o.absolute:g}"
            if o.absolute is not None
            else short(o.note or "not compared")
        )
        for comparison in report.comparisons
        if comparison.reference
        for o in comparison.outputs
    ]
    if compared:
        yield Block(
            rank=Rank.CAUSES,
            what="outputs",
            items=tuple(compared),
            head=("Its outputs were compared with a reference:", ""),
        )
        return
    named = [e.build.model.path for e in report.engines if e.build] + [
        m.path for m in report.models
    ]
    model = shlex.quote(file_name(named[0])) if named else "MODEL.onnx"
    yield Block(
        rank=Rank.COMMANDS,
        what="commands",
        items=("Not run. This would tell:\n\n" + _shell(f"polygraphy run {model} --onnxrt"),),
    )


def _quantized(report: Report) -> Iterator[Block]:
    kinds = ("QuantizeLinear", "DequantizeLinear", "QLinearConv", "QLinearMatMul")
    identities = [m.identity for m in report.models if m.identity]
    if not identities:
        yield always("Unknown: this report did not read the ONNX model (`trtdoctor audit` would).")
        return
    found = any(count.op in kinds for identity in identities for count in identity.operators)
    listed = any(identity.operators for identity in identities)
    if found:
        yield always("Yes: it has QuantizeLinear, DequantizeLinear or QLinear nodes.")
    elif listed:
        yield always("No QuantizeLinear, DequantizeLinear or QLinear node is among those counted.")
    else:
        yield always("Unknown: the report lists no operators.")


def _author(report: Report) -> Iterator[Block]:
    yield always("not available (a question for the author; please fill it in)")


def _rest(report: Report) -> Iterator[Block]:
    lines = tuple(
        f"- passed: {as_text(o.check.label)}{f' ({short(o.reason)})' if o.reason else ''}"
        for o in having(report, Status.PASSED)
    )
    yield Block(
        rank=Rank.PASSED,
        what="checks",
        items=lines,
        head=(f"<details><summary>{as_text(counts(report))}</summary>", ""),
        foot=("", "</details>", ""),
    )


_SLOTS = {
    "description": _description,
    "steps": _steps,
    "files": _files,
    "log": _log,
    "latest": _latest,
    "frameworks": _frameworks,
    "quantized": _quantized,
    "author": _author,
    "rest": _rest,
}
