"""What all renderers share: clean text, the order of things, and the words for them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from trtdoctor.model.machine import GpuCard, Machine, TensorRTCard
from trtdoctor.model.plural import count
from trtdoctor.model.report import Finding, Outcome, Report, Severity, Status, Verdict
from trtdoctor.model.typing import Typing

TYPING_WORDS = {
    Typing.WEAK: "weakly typed: the builder chooses precisions, the FP16 flag allows it",
    Typing.STRONG: "strongly typed: the model's types decide, there is no FP16 flag",
    Typing.BOTH: "weakly typed by default (FP16 flag), strongly typed on request",
    Typing.UNKNOWN: "typing unknown",
}
# They run engines and build none, so no precision is chosen in them.
_RUNTIMES_ONLY = ("tensorrt-lean", "tensorrt-dispatch")
# Of one text, in characters. No answer needs more, and what an exception or a child says can be
# megabytes; each renderer wraps or escapes a text as often as it pleases.
_LONGEST_TEXT = 8000
_PLURALS = {Severity.ERROR: "errors", Severity.WARNING: "warnings", Severity.INFO: "notes"}


def clean(text: str) -> str:
    """The text without control characters: what a terminal would obey is shown instead.

    A text of more than 8000 characters is cut short and says so; the JSON report has it whole.
    """
    return _shown(text, keep="\n\t")


def flat(text: str) -> str:
    """Clean text whose line breaks and tabs are shown too: a name cannot make lines of its own."""
    return _shown(text, keep="")


def one_line(text: str) -> str:
    """Clean text on one line."""
    return " ".join(clean(text).split())


def exact(text: str) -> str:
    """Clean text that is never cut short: a command that lacks its end is another command."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c == "\n" or not _controls(c) else _visible(c) for c in text)


def _shown(text: str, *, keep: str) -> str:
    if len(text) <= _LONGEST_TEXT and text.isascii() and text.isprintable():
        return text
    shown = "".join(
        c if c in keep or not _controls(c) else _visible(c) for c in text[:_LONGEST_TEXT]
    )
    if len(text) <= _LONGEST_TEXT and len(shown) <= _LONGEST_TEXT:
        return shown
    # Not a character longer than what is let through, so that cleaning it again changes nothing.
    note = f"... (cut short: {len(text)} characters in all; -o report.json keeps them)"
    return shown[: _LONGEST_TEXT - len(note)] + note


def _controls(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _visible(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def failed(report: Report, severity: Severity) -> tuple[Outcome, ...]:
    """The outcomes with findings at exactly this severity, in the report's order."""
    return tuple(o for o in report.outcomes if o.findings and o.check.severity is severity)


def having(report: Report, *statuses: Status) -> tuple[Outcome, ...]:
    """The outcomes of these statuses, in the report's order."""
    return tuple(o for o in report.outcomes if o.status in statuses)


def undecided(report: Report) -> tuple[tuple[str, tuple[Outcome, ...]], ...]:
    """What could not be decided: each reason with the outcomes that it leaves open."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in having(report, Status.UNKNOWN, Status.CRASHED):
        groups.setdefault(outcome.reason or "no reason given", []).append(outcome)
    return tuple((reason, tuple(outcomes)) for reason, outcomes in groups.items())


def counts(report: Report) -> str:
    """One line: how many checks came out how."""
    parts = []
    for status, word in (
        (Status.PASSED, "passed"),
        (Status.FAILED, "with findings"),
        (Status.UNKNOWN, "undecided"),
        (Status.CRASHED, "crashed"),
        (Status.NOT_APPLICABLE, "not applicable"),
        (Status.IGNORED, "deselected"),
    ):
        number = len(having(report, status))
        if number:
            parts.append(f"{number} {word}")
    return f"{count(len(report.outcomes), 'check')}: {', '.join(parts)}"


def verdict_line(report: Report) -> str:
    """The verdict in one sentence; of files alone nothing was asked that could be healthy."""
    if report.comparisons and report.verdict is not Verdict.PROBLEMS:
        # The first is the question; what else was compared explains it.
        return one_line(report.comparisons[0].verdict)
    answers = [engine.answer for engine in report.engines]
    answers = answers or [model.answer for model in report.models]
    if report.machine is None and answers and report.verdict is Verdict.HEALTHY:
        answer = answers[0] if len(answers) == 1 else None
        return one_line(answer or f"{report.command}: no errors and no warnings.")
    tally = {s: sum(len(o.findings) for o in failed(report, s)) for s in Severity}
    found = " and ".join(
        _count(tally[s], s) for s in (Severity.ERROR, Severity.WARNING) if tally[s]
    )
    if report.verdict is Verdict.PROBLEMS:
        first = next((o for s in Severity for o in failed(report, s)), None)
        if first is None:
            return "Problems, says the report, and holds none."
        return f"Problems: {found}. Look first at {one_line(first.check.label)}."
    if report.verdict is Verdict.INCONCLUSIVE:
        number = len(having(report, Status.UNKNOWN, Status.CRASHED))
        if not number and not having(report, Status.PASSED, Status.FAILED):
            reasons = dict.fromkeys(o.reason for o in having(report, Status.NOT_APPLICABLE))
            why = one_line("; ".join(reason for reason in reasons if reason))
            return f"Nothing was checked, because none of the selected checks applies: {why or 'unknown'}."
        cause = f"{count(number, 'check')} could not decide"
        if not number:
            cause = "some checks did not load"
        return f"Inconclusive: nothing wrong was found, but {cause}."
    return "Healthy: no errors and no warnings."


def _count(number: int, severity: Severity) -> str:
    return f"{number} {severity.value if number == 1 else _PLURALS[severity]}"


def gibibytes(number: int | None) -> str:
    """Bytes as GiB, for people."""
    return "memory unknown" if number is None else f"{number / 2**30:.1f} GiB"


def gpu_lines(gpu: GpuCard) -> tuple[str, str]:
    """A GPU's name line and its line of abilities."""
    cc = f"compute capability {gpu.compute_capability or 'unknown'}"
    fast = _ternary(gpu.fast_fp16, "fast FP16: yes", "fast FP16: NO", "fast FP16: unknown")
    cores = _ternary(gpu.tensor_cores, "tensor cores", "no tensor cores", "tensor cores unknown")
    able = _listed(gpu, True)
    unable = _listed(gpu, False)
    parts = [fast, cores]
    if able:
        parts.append(f"has {able}")
    if unable:
        parts.append(f"lacks {unable}")
    if gpu.fast_fp16 is None and gpu.source:
        parts.append(gpu.source)
    name = f"{gpu.subject} {gpu.name}, {cc}, {gibibytes(gpu.memory_bytes)}"
    return name, ", ".join(parts)


def _listed(gpu: GpuCard, state: bool) -> str:
    return " ".join(name for name, has in gpu.precisions.items() if has is state)


def _ternary(value: bool | None, yes: str, no: str, unknown: str) -> str:
    return unknown if value is None else yes if value else no


def tensorrt_line(card: TensorRTCard) -> str:
    """One TensorRT on a line."""
    imported = {True: ", imported here", False: ", import FAILS here", None: ""}[card.imported]
    version = card.version or "version unknown"
    return f"{card.product} {version} ({card.kind}, {card.location}){imported}"


def machine_rows(machine: Machine) -> Iterable[tuple[str, str]]:
    """The card of the machine as label and text; an empty label goes on with the one above."""
    yield "System", machine.os or "unknown"
    for place in machine.environment:
        yield "", place
    if machine.gpus:
        lines = [gpu_lines(gpu) for gpu in machine.gpus]
        for number, (name, abilities) in enumerate(lines):
            yield ("GPU" if number == 0 else ""), name
            # GPUs of one kind, one below the other, need their abilities told once.
            if number + 1 == len(lines) or lines[number + 1][1] != abilities:
                yield "", abilities
    else:
        yield "GPU", _why(machine.gpus_reason)
    yield "Driver", machine.driver or _why(machine.driver_reason)
    driver = f"driver supports up to CUDA {machine.cuda_driver}" if machine.cuda_driver else ""
    runtimes = f"runtimes: {', '.join(machine.cuda_runtimes)}" if machine.cuda_runtimes else ""
    yield (
        "CUDA",
        "; ".join(part for part in (driver, runtimes) if part) or _why(machine.cuda_reason),
    )
    chosen = f" ({machine.python_chosen_by})" if machine.python_chosen_by else ""
    if machine.python is None:
        yield "Python", _why(machine.python_chosen_by)
    else:
        yield "Python", f"{machine.python_version or 'version unknown'} {machine.python}{chosen}"
    if machine.tensorrts:
        for number, card in enumerate(machine.tensorrts):
            yield ("TensorRT" if number == 0 else ""), tensorrt_line(card)
            if card.imported and card.product not in _RUNTIMES_ONLY:
                yield "", TYPING_WORDS[card.typing]
    else:
        yield "TensorRT", _why(machine.tensorrts_reason)


def _why(reason: str | None) -> str:
    if reason is None:
        return "unknown"
    return reason if reason.startswith("unknown") else f"none ({reason})"


def finding_details(finding: Finding) -> Iterable[tuple[str, str]]:
    """A finding's evidence, confidence and remedy as label and text; its commands stand apart."""
    for number, item in enumerate(finding.evidence):
        yield ("evidence" if number == 0 else ""), f"{item.source}: {item.value}"
    if finding.confidence.value != "certain":
        yield "confidence", finding.confidence.value
    if finding.remedy:
        yield "remedy", finding.remedy.text
