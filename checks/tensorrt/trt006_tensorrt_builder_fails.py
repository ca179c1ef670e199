"""TRT006: a Builder cannot be made."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Finding,
    Knowledge,
    KnowledgeEnds,
    Note,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    to_run,
)


@check(
    id="TRT006",
    name="tensorrt-builder-fails",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=(
        "driver-missing",
        "container-without-gpu",
        "driver-library-mismatch",
        "driver-too-old-for-cuda",
        "cuda-init-fails",
        "no-gpu-visible",
        "gpu-outside-tensorrt-support",
        "tensorrt-half-installed",
        "tensorrt-version-mismatch",
        "jetson-pip-tensorrt",
        "jetson-image-for-another-release",
    ),
)
def tensorrt_builder_fails(builders: facts.Builders, kb: Knowledge) -> Iterator[Yielded]:
    """TensorRT imports, but no Builder can be made.

    ## What it checks
    Whether `tensorrt.Builder` can be constructed, in a process of its own. TensorRT's own log of the
    attempt is decoded: CUDA's error codes, a builder resource library that is missing, a GPU that this
    release does not know.

    ## Why it matters
    No engine can be built here, and usually none can be run: making a runtime takes the same first steps.

    ## How to fix it
    By the decoded message. `factory function returned nullptr` is only the wrapping; the real error is in
    the log before it.

    ## Known limits
    It creates a CUDA context, so it runs only where that was asked for (`--active`). A first start can
    take long, on a Jetson or a slow disk: of a Builder that did not come back in time nothing is known.
    `--deadline` gives it more.

    ## References
    - TensorRT Python API, Builder:
      https://docs.nvidia.com/deeplearning/tensorrt/latest/_static/python-api/infer/Core/Builder.html
    """
    for trial in builders.trials:
        if trial.attempt.ending is facts.Ending.RETURNED:
            yield Note(text=f"{trial.module}: a Builder can be made")
        elif trial.attempt.ending is facts.Ending.DEADLINE:
            had = trial.attempt.detail or "no answer before its deadline"
            yield Unknown(
                subject=trial.module,
                reason=f"making a Builder: {had}; it may hang or only be slow, a longer --deadline "
                "can tell",
            )
        else:
            yield _finding(trial, kb)


def _finding(trial: facts.BuilderTrial, kb: Knowledge) -> Finding:
    attempt = trial.attempt
    how = {
        facts.Ending.EXCEPTION: f"raises {attempt.detail or 'an exception'}",
        facts.Ending.EXIT: f"ends the interpreter ({attempt.detail or 'exit'})",
        facts.Ending.SIGNAL: f"kills the interpreter ({attempt.detail or 'a signal'})",
    }[attempt.ending]
    said = "\n".join(text for text in (*trial.log, attempt.detail, attempt.output) if text)
    meanings, steps, sources = _decoded(said, kb)
    why = f": {meanings[0]}" if meanings else ""
    evidence = [
        Evidence(source=f"{trial.module}.Builder", value=attempt.detail or attempt.ending.value)
    ]
    evidence += [Evidence(source="TensorRT's log", value=line) for line in trial.log[-6:]]
    if attempt.output and attempt.output.strip() and not trial.log:
        evidence.append(Evidence(source="its output, the end", value=attempt.output.strip()[-600:]))
    return Finding(
        message=f"Making a {trial.module}.Builder {how}{why}.",
        subject=trial.module,
        evidence=tuple(evidence),
        remedy=Remedy(
            text="; ".join(steps[:2]) + "."
            if steps
            else "Nothing in its log is known here; see what the GPU says, then the whole log.",
            commands=() if steps else to_run("nvidia-smi", "trtdoctor check --active -v"),
        ),
        references=tuple(sources),
    )


def _decoded(said: str, kb: Knowledge) -> tuple[list[str], list[str], list[str]]:
    """Meanings, next steps and sources of the known errors, what only follows from others last."""
    meanings, steps, sources = [], [], []
    errors = (m for m in kb.log_messages(said) if m.message.severity is Severity.ERROR)
    known = sorted(errors, key=lambda m: m.message.follower)
    for match in known:
        meaning, step, source = match.message.meaning, match.message.next_step, match.message.source
        code = match.groups.get("code")
        if match.message.id == "cuda-init-failure" and code is not None:
            try:
                error = kb.cuda_error(int(code))
            except KnowledgeEnds:
                meaning = f"CUDA could not be initialised, error {code}"
            else:
                meaning = f"CUDA error {code} {error.name}: {error.meaning}"
                step, source = error.next_step, error.source
        sm = _sm(match.groups)
        if sm is not None:
            meaning = f"{meaning} (the GPU here: {sm})"
        meanings.append(meaning)
        steps.append(step)
        sources.append(source)
    return meanings, steps, list(dict.fromkeys(sources))[:2]


def _sm(groups: dict[str, str]) -> str | None:
    """The compute capability in ``Unsupported SM: 0x809`` or ``Target GPU SM 120``: 8.9, 12.0."""
    if "hex" in groups:
        number = int(groups["hex"], 16)
        return f"{number >> 8}.{number & 0xFF}"
    if "sm" in groups:
        return f"{groups['sm'][:-1]}.{groups['sm'][-1]}"
    return None
