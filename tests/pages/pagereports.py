"""Reports for pages: an explained engine, a comparison, a model with hazards and a plan."""

from __future__ import annotations

from pathlib import Path

import msgspec

from trtdoctor.model.build import Proof, Spread
from trtdoctor.model.cause import Cause, DecidedAgain
from trtdoctor.model.comparison import AlignedLayer, Comparison, SideBySide
from trtdoctor.model.conversion_plan import ConversionPlan, KeptNode
from trtdoctor.model.engine import (
    CostTold,
    EngineReport,
    Explanation,
    Layer,
    LayersSource,
    LayerTensor,
    Precision,
    Role,
)
from trtdoctor.model.finding import Confidence, Evidence, Remedy, either, to_run, to_write
from trtdoctor.model.hazard import Cure, Effect, Hazard, HazardKind
from trtdoctor.model.model_report import ModelIdentity, ModelReport, PrecisionMap, Region, Work
from trtdoctor.model.report import Report
from trtdoctor.model.typing import Typing

GOLDEN = Path(__file__).parents[1] / "golden"
# What a name in a file could hold.
HOSTILE = "\"><img src=x onerror=alert(1)><script>alert(2)</script>' onfocus='x {{7*7}} \x1b[31m"
TRTEXEC = (
    "trtexec --onnx=model.onnx --fp16 --saveEngine=model.engine "
    "--shapes=input:1x3x224x224,mask:1x1x224x224"
)


def base(name: str = "sick", **changes: object) -> Report:
    """A report of a machine, changed."""
    found = next(GOLDEN.glob(f"report-{name}.*.json"))
    return msgspec.structs.replace(msgspec.json.decode(found.read_bytes(), type=Report), **changes)


def layer(name: str, precision: Precision, ms: float | None, **more: object) -> Layer:
    return Layer(
        name=name,
        type="CaskGemmMatrixMultiply",
        precision=precision,
        precision_confidence=Confidence.CERTAIN,
        precision_evidence=(f"tactic {precision.value.lower()}",),
        time_ms=ms,
        **more,
    )


def conversion(name: str, ms: float | None) -> Layer:
    return Layer(
        name=name,
        type="Reformat",
        inputs=(LayerTensor(name="a", dtype="FP32"),),
        outputs=(LayerTensor(name="b", dtype="FP16"),),
        precision=Precision.MIXED,
        role=Role.DATA_MOVEMENT,
        time_ms=ms,
    )


def engine(number: int, *, path: str = "model.engine", timed: bool = True) -> EngineReport:
    """So many layers: half of them FP16, a quarter FP32, every eighth a conversion."""
    layers = []
    for n in range(number):
        ms = 0.001 * (1 + n % 7) if timed else None
        name = f"/model/encoder/layer.{n}/attention/MatMul + /model/encoder/layer.{n}/Add"
        if n % 8 == 7:
            layers.append(conversion(f"Reformatting CopyNode for Input Tensor 0 to {name}", ms))
            continue
        kinds = (Precision.FP16, Precision.FP16, Precision.FP32, Precision.UNKNOWN)
        layers.append(layer(name, kinds[n % 4], ms))
    return EngineReport(path=path, layers_source=LayersSource.LIVE, layers=tuple(layers))


def explained(number: int = 40) -> Report:
    """An engine with causes that have their costs, a remedy with commands, and a proof of it."""
    made = engine(number)
    explanations = tuple(
        Explanation(
            layer=each.name,
            precision=each.precision,
            cause=Cause.CONVERSION_COSTS_MORE,
            confidence=Confidence.CERTAIN,
            region="tail",
            decided_again=DecidedAgain.LIKELY,
            evidence=tuple(
                Evidence(source=f"build.log:{n}", value="Half 4.56 us") for n in range(12)
            ),
            cost=CostTold(
                margin_ms=0.00172, kernels_ms=-0.00627, conversions_ms=0.00799, plan_ms=0.01859
            ),
            remedy=Remedy(
                text="Give the network FP16 inputs and outputs.",
                commands=either(to_run(TRTEXEC), to_write("config.set_flag(trt.BuilderFlag.FP16)")),
            ),
        )
        for each in made.layers
        if each.precision is Precision.FP32
    )
    proof = Proof(
        remedies=("FP16 network inputs and outputs",),
        promised_ms=(0.001, 0.004),
        before_ms=Spread(median=0.104, low=0.103, high=0.105, samples=31),
        after_ms=Spread(median=0.101, low=0.1, high=0.102, samples=31),
        gained_ms=(0.0025, 0.0023, 0.003),
        verdict="Worth it: an inference takes 2.50 us less.",
    )
    made = msgspec.structs.replace(
        made,
        answer="FP16 would be 1.72 us slower here. With FP16 inputs and outputs it is faster.",
        explanations=explanations,
        proofs=(proof,),
    )
    return base("healthy", command="explain", machine=None, outcomes=(), engines=(made,))


def compared() -> Report:
    a, b = engine(20, path="a.fp32.engine"), engine(10, path="b.fp16.engine")
    comparison = Comparison(
        a=a.path,
        b=b.path,
        verdict="Worth it: B is 1.9 times as fast as A.",
        facts=(SideBySide(what="size", a="20 MiB", b="10 MiB"),),
        layers=(
            AlignedLayer(
                a=("x",),
                b=("x",),
                a_precision=(Precision.FP32,),
                b_precision=(Precision.FP16,),
                a_ms=0.02,
                b_ms=0.01,
            ),
        ),
    )
    return base(
        "healthy",
        command="compare",
        machine=None,
        outcomes=(),
        # The order of engines in a report says nothing.
        engines=(b, a),
        comparisons=(comparison,),
    )


def planned() -> Report:
    """A model of six nodes, of which one is a hazard that the plan keeps in FP32."""
    nodes = tuple(f"/block/node.{n}" for n in range(6))
    work = Work(nodes=6, flops=600, bytes=60)
    regions = (
        Region(
            precisions=(Precision.FP32,), because="its tensors are FP32", nodes=nodes, work=work
        ),
    )
    free = (Region(precisions=(Precision.FP16, Precision.FP32), nodes=nodes, work=work),)
    hazards = (
        Hazard(
            kind=HazardKind.EPSILON,
            nodes=(nodes[2],),
            what="The epsilon becomes 0.",
            effect=Effect.FLUSH,
            cure=Cure.KEEP,
            advice="Keep it.",
        ),
        Hazard(
            kind=HazardKind.MASK,
            nodes=(nodes[4],),
            what="The mask is large.",
            effect=Effect.HARMLESS,
            cure=Cure.NONE,
            advice="Nothing to do.",
        ),
    )
    model = ModelReport(
        path="model.onnx",
        answer="None of the model's 6 compute nodes is FP16.",
        identity=ModelIdentity(nodes=6),
        maps=(
            PrecisionMap(
                typing=Typing.STRONG,
                releases="TensorRT 11",
                regions=regions,
                counted=work,
                shares={"FP32": work},
            ),
            PrecisionMap(
                typing=Typing.WEAK,
                releases="TensorRT 8",
                regions=free,
                counted=work,
                shares={"FP16 or FP32": work},
            ),
        ),
        hazards=hazards,
        hazards_count=2,
        plan=ConversionPlan(
            keep=(KeptNode(label=nodes[2], op="Add", reason="its epsilon"),), nodes=6
        ),
    )
    return base("healthy", command="plan", machine=None, outcomes=(), models=(model,))


def hostile() -> Report:
    """Everything that a file can name is what an attacker would call it."""
    made = explained(16)
    (told,) = made.engines
    layers = tuple(
        msgspec.structs.replace(each, name=f"{HOSTILE} {n}", type=HOSTILE)
        for n, each in enumerate(told.layers)
    )
    explanations = tuple(
        msgspec.structs.replace(
            each,
            layer=f"{HOSTILE} {n}",
            region=HOSTILE,
            remedy=Remedy(text=HOSTILE, commands=to_run(f"trtexec {HOSTILE}")),
        )
        for n, each in enumerate(told.explanations)
    )
    changed = msgspec.structs.replace(
        told, path=f"{HOSTILE}.engine", answer=HOSTILE, layers=layers, explanations=explanations
    )
    return msgspec.structs.replace(made, engines=(changed,))


REPORTS = {
    "check": base,
    "blind": lambda: base("blind"),
    "explain": explained,
    "large": lambda: explained(1000),
    "compare": compared,
    "plan": planned,
    "hostile": hostile,
}
