"""TRT007: who decides precision on this machine."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Fact,
    Finding,
    Knowledge,
    KnowledgeEnds,
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Typing,
    Unknown,
    Yielded,
    check,
    devices,
    facts,
    to_run,
    typing_of_module,
    versions,
)

_AUTOCAST = "python -m modelopt.onnx.autocast --onnx_path m.onnx --output_path m_fp16.onnx"


@check(id="TRT007", name="tensorrt-typing-mode", severity=Severity.INFO, since="0.1.0")
def tensorrt_typing_mode(
    imports: facts.Imports,
    gpus: Fact[facts.Gpus],
    cuda: Fact[facts.CudaDriver],
    kb: Knowledge,
) -> Iterator[Yielded]:
    """Who decides precision here: the builder, the model's types, or whichever is chosen.

    ## What it checks
    Which precision flags the imported TensorRT really has. With `BuilderFlag.FP16` and no
    `STRONGLY_TYPED` the builder alone decides (weak typing); with both, each network chooses; without the
    FP16 flag the types in the model decide (strong typing). The table of releases confirms it.

    ## Why it matters
    TensorRT 11 and TensorRT-RTX have no FP16 flag: `BuilderFlag.FP16` raises `AttributeError`,
    `trtexec --fp16` is gone, and a model whose tensors are FP32 becomes an FP32 engine without a word.
    From 10.12 on the flags still work and are deprecated.

    ## How to fix it
    Nothing is wrong. For FP16 with strong typing put FP16 into the model: export it so, or convert it
    with AutoCast of NVIDIA ModelOpt, which keeps sensitive nodes in FP32. For FP16 with weak typing set
    the flag.

    ## References
    - TensorRT 10.x to 11.x Migration Guide:
      https://docs.nvidia.com/deeplearning/tensorrt/11.4.0/api/migration-guide.html
    - NVIDIA ModelOpt documentation, "AutoCast (ONNX)":
      https://nvidia.github.io/Model-Optimizer/guides/8_autocast.html
    """
    working = {m.product: m for m in reversed(imports.modules) if m.genuine and m.has_builder}
    if not working:
        runtimes = [m.module for m in imports.modules if m.genuine]
        if runtimes:
            yield Note(text=f"{' and '.join(runtimes)} only runs engines: there is no builder")
            return
        raise NotApplicable("no TensorRT could be imported")
    slow = _no_fast_fp16(gpus, cuda, kb)
    for module in reversed(working.values()):
        seen = typing_of_module(module)
        if seen is Typing.UNKNOWN:
            yield Unknown(subject=module.module, reason="its builder flags could not be read")
            continue
        source, doubt = _table(module, seen, kb)
        if doubt:
            yield Note(text=f"{module.module}: {doubt}")
        flags = ", ".join(module.precision_flags or ()) or "none"
        yield Finding(
            message=f"{module.module} {module.version or 'of unknown version'} {_says(seen)}.",
            subject=module.module,
            confidence=Confidence.LIKELY if doubt else Confidence.CERTAIN,
            evidence=(
                Evidence(source="precision members of BuilderFlag", value=flags),
                Evidence(
                    source="NetworkDefinitionCreationFlag",
                    value=", ".join(module.network_flags or ()) or "none",
                ),
            ),
            # hardware-no-fast-fp16 says what to do there.
            remedy=None if slow else _remedy(module, seen, kb),
            references=(source,) if source else (),
        )


def _no_fast_fp16(gpus: Fact[facts.Gpus], cuda: Fact[facts.CudaDriver], kb: Knowledge) -> bool:
    """Whether every GPU here is known to have no fast FP16."""
    try:
        known = devices(gpus, cuda)
        if isinstance(known, Unknown):
            return False
        return all(
            not kb.compute_capability(device.compute_capability or "").fast_fp16 for device in known
        )
    except (NotApplicable, KnowledgeEnds):
        return False


def _table(
    module: facts.ModuleImport, seen: Typing, kb: Knowledge
) -> tuple[str | None, str | None]:
    """Where the table confirms what was seen, and what is doubtful where it doesn't."""
    try:
        typing, source = kb.typing_mode(module.product, module.version or "")
    except KnowledgeEnds as end:
        return None, str(end)
    if typing is not seen:
        return source, f"its flags say {seen.value} typing, the table says {typing.value}"
    return source, None


def _says(seen: Typing) -> str:
    return {
        Typing.WEAK: "is weakly typed: the builder decides, and the FP16 flag lets it use FP16",
        Typing.BOTH: "does both: weakly typed by default, where the FP16 flag lets the builder use "
        "FP16, and strongly typed where a network asks for it",
        Typing.STRONG: "is strongly typed: the model's types decide, there is no FP16 flag, and an FP32 "
        "model becomes an FP32 engine",
    }[seen]


def _remedy(module: facts.ModuleImport, seen: Typing, kb: Knowledge) -> Remedy:
    if seen is Typing.STRONG:
        return Remedy(
            text="For FP16, put FP16 into the model before building.", commands=to_run(_AUTOCAST)
        )
    have = versions.numbers(module.version) or ()
    for row in kb.rows("removed_apis"):
        deprecated = (
            versions.numbers(row.get("deprecated")) if row["api"] == "BuilderFlag.FP16" else None
        )
        if deprecated and have >= deprecated:
            return Remedy(
                text=f"For FP16 set BuilderFlag.FP16 (trtexec --fp16). It is deprecated since "
                f"{row['deprecated']} and gone in {row['removed']}; what stays is FP16 in the model.",
                commands=to_run(_AUTOCAST),
            )
    return Remedy(text="For FP16 set BuilderFlag.FP16, or trtexec --fp16.")
