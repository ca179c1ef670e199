"""Which evidence is missing, and the command that produces it."""

from __future__ import annotations

from dataclasses import replace

from ...knowledge import Knowledge
from ...model.finding import Command, to_run
from ...model.typing import Typing
from . import changes
from .commands import Commands
from .context import BuildTool, Given, RemedyContext
from .quoting import join, literal
from .toolbox import Toolbox, toolbox

TOGETHER = "then explain it again with all of that"
"""What the line is called that reads what the commands before it wrote."""

_LAYERS, _TIMES = "detailed layers", "the time of each layer"
_OPTIONS = {Given.LOG: "--log", Given.LAYERS: "--layers", Given.PROFILE: "--profile"}


def missing_evidence(
    have: frozenset[Given], context: RemedyContext, *, knowledge: Knowledge | None = None
) -> tuple[tuple[str, Command], ...]:
    """What is missing and a command or line that produces it, most telling first.

    A rebuild is a build of its own with choices of its own, so log and layers come from the same
    one and go beside a new engine; the user's engine is never overwritten.

    Args:
        have: the evidence at hand.
        context: what is known of the user and the build.
        knowledge: the tables; loaded anew unless given.
    """
    knowledge = knowledge or Knowledge.load()
    tools = toolbox(context, knowledge)
    commands = Commands(context, tools)
    missing: list[tuple[str, Command]] = []
    log, layers = _rebuild(have, context, tools)
    if log or layers:
        builder = commands
        if log and tools.typing is Typing.UNKNOWN and context.fp16_allowed:
            # Its log tells only where the builder chooses, and FP16 was allowed there.
            weak = replace(context, typing=Typing.WEAK)
            builder = Commands(weak, toolbox(weak, knowledge))
        missing += [
            (_what(builder, log=log, layers=layers), command)
            for command in builder.build(changes.witnessed(builder, log=log, layers=layers))
        ]
    if not missing:
        # No command for this release is known, so nothing will have been built.
        log = layers = False
    seen = commands.beside(changes.WITNESSED)
    rebuilt = log or layers
    if Given.LAYERS not in have and not layers:
        missing += _layers_of_engine(commands, commands.engine)
    elif layers and context.tool is BuildTool.POLYGRAPHY and tools.polygraphy:
        missing += _layers_of_engine(commands, seen)
    if Given.PROFILE not in have:
        missing += _profile(commands, seen if rebuilt else commands.engine)
    model = Given.ONNX not in have and tools.typing is not Typing.WEAK
    if missing or model:
        what = "the ONNX model that was built, and then all of it together" if model else TOGETHER
        if model and not missing:
            what = "the ONNX model that was built"
        written = {what for what, _ in missing}
        line = _read(commands, written, log=log, layers=layers)
        missing += [(what, one) for one in to_run(line)]
    return tuple(missing)


def _rebuild(have: frozenset[Given], context: RemedyContext, tools: Toolbox) -> tuple[bool, bool]:
    """Whether another build has to tell its log, and its layers.

    The log tells nothing of choices where the model's types decide; elsewhere the layers of
    another build are no evidence beside the log of this one.
    """
    layers = Given.LAYERS not in have and not (context.detailed and context.engine)
    if tools.typing is Typing.STRONG:
        return False, layers
    both = layers or Given.LOG not in have
    return both, both


def _read(commands: Commands, written: set[str], *, log: bool, layers: bool) -> str:
    """The line that reads what the commands before it wrote, beside what the user has."""
    context = commands.context
    rebuilt = log or layers
    files = {} if rebuilt else dict(context.files)
    engine = commands.beside(changes.WITNESSED) if rebuilt else context.engine
    words = ["trtdoctor", "explain", *([engine] if engine else [])]
    if log:
        files[Given.LOG] = commands.beside(".build.log")
    if layers or _LAYERS in written:
        printed = commands.tools.rtx and rebuilt
        files[Given.LAYERS] = commands.beside(".layers.txt" if printed else ".layers.json")
    if _TIMES in written:
        files[Given.PROFILE] = commands.beside(".profile.json")
    for kind, option in _OPTIONS.items():
        words += [option, files[kind]] if kind in files else []
    if context.model or commands.tools.typing is not Typing.WEAK:
        words += ["--onnx", commands.model]
    return join(tuple(words))


def _what(commands: Commands, *, log: bool, layers: bool) -> str:
    kinds = ["verbose build log"] * log + ["detailed layers"] * layers
    own = [] if commands.context.command else ["with the other options of your own build"]
    if log and commands.context.version is None:
        own.append("up to TensorRT 10")
    return " and ".join(kinds) + (f" ({'; '.join(own)})" if own else "")


def _layers_of_engine(commands: Commands, engine: str) -> list[tuple[str, Command]]:
    """Layers out of an engine that was built with detailed ones."""
    tools, what = commands.tools, _LAYERS
    file = commands.beside(".layers.json")
    if tools.rtx:
        read = changes.layers_of(f"open({literal(engine)}, 'rb').read()", file)
        return [(what, one) for one in commands.python(read)]
    if "--exportLayerInfo" not in tools.trtexec:
        return []
    words = [f"--loadEngine={engine}", f"--exportLayerInfo={file}"]
    words += [o for o in ("--skipInference", "--buildOnly") if o in tools.trtexec][:1]
    return [(what, one) for one in to_run(join((tools.program, *words)))]


def _profile(commands: Commands, engine: str) -> list[tuple[str, Command]]:
    """Times of layers need a run; any tool's engine runs with the product's own program."""
    tools = commands.tools
    words = [f"--loadEngine={engine}"]
    if tools.ends:
        return []
    if tools.rtx:
        line = join((tools.program, *words, "--dumpProfile"))
        return [("the time of each layer, printed", one) for one in to_run(line)]
    words.append(f"--exportProfile={commands.beside('.profile.json')}")
    if "--exportProfile" not in tools.trtexec:
        return []
    # From 11 on layers are timed so in any case.
    if "--separateProfileRun" in tools.trtexec and (tools.major is None or tools.major < 11):
        words.append("--separateProfileRun")
    return [(_TIMES, one) for one in to_run(join((tools.program, *words)))]
