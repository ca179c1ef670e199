"""BLD001: a build that made no engine."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import Evidence, Finding, Note, Remedy, Severity, Yielded, check, facts


@check(id="BLD001", name="build-failed", severity=Severity.ERROR, since="0.1.0")
def build_failed(builds: facts.EngineBuilds) -> Iterator[Yielded]:
    """The build in a log made no engine.

    ## What it checks
    Whether the log goes on to an engine or ends with TensorRT's errors. Of several errors the first
    known one is shown from which the others follow, else the last.

    ## Why it matters
    A script that goes on after a failed build runs an engine of before, or none.

    ## How to fix it
    The finding says what the error means and the next step, where the error is a known one.

    ## Known limits
    Needs the build log, so only `trtdoctor explain --log` can tell. The error that is shown is the first
    known one near the log's end; one further up, which TensorRT survived, is not heard.
    """
    for build in builds.builds:
        failure = build.failure
        if failure is None:
            yield Note(text=f"the build in {build.log} made an engine")
            continue
        means = f", which means that {failure.meaning}" if failure.meaning else ""
        often = f" The most frequent cause: {failure.often}." if failure.often else ""
        yield Finding(
            message=f"The build in {build.log} made no engine{means}.",
            subject=build.log,
            evidence=tuple(
                Evidence(source=f"{build.log}:{line}", value=text)
                for line, text in (*filter(None, (failure.before,)), (failure.line, failure.text))
            ),
            remedy=Remedy(
                text=f"{_sentence(failure.next_step)}{often}"
                if failure.next_step
                else "Read the errors above the last one in the log: the first often names the cause.",
                commands=failure.commands,
            ),
        )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
