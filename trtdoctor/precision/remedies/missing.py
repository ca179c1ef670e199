"""Which evidence is missing, and the command that produces it."""

from __future__ import annotations

from ...knowledge import Knowledge
from ...model.finding import Command, to_run
from ...model.typing import Typing
from . import changes
from .commands import Commands
from .context import BuildTool, Given, RemedyContext
from .quoting import join, literal
from .toolbox import toolbox


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
    tools = toolbox(context, knowledge or Knowledge.load())
    commands = Commands(context, tools)
    missing: list[tuple[str, Command]] = []
    # The log tells nothing of choices where the model's types decide.
    log = Given.LOG not in have and tools.typing is not Typing.STRONG
    layers = Given.LAYERS not in have and not (context.detailed and context.engine)
    if log or layers:
        missing += [
            (_what(context, log=log, layers=layers), command)
            for command in commands.build(changes.witnessed(commands, log=log, layers=layers))
        ]
    seen = commands.beside(changes.WITNESSED)
    rebuilt = log or layers
    if Given.LAYERS not in have and not layers:
        missing += _layers_of_engine(commands, commands.engine)
    elif layers and context.tool is BuildTool.POLYGRAPHY and tools.polygraphy:
        missing += _layers_of_engine(commands, seen)
    if Given.ONNX not in have and tools.typing is not Typing.WEAK:
        words = ("trtdoctor", "explain", commands.engine, "--onnx", commands.model)
        missing += [("the ONNX model that was built", one) for one in to_run(join(words))]
    if Given.PROFILE not in have:
        missing += _profile(commands, seen if rebuilt else commands.engine)
    return tuple(missing)


def _what(context: RemedyContext, *, log: bool, layers: bool) -> str:
    kinds = ["verbose build log"] * log + ["detailed layers"] * layers
    own = "" if context.command else " (with the other options of your own build)"
    return " and ".join(kinds) + own


def _layers_of_engine(commands: Commands, engine: str) -> list[tuple[str, Command]]:
    """Layers out of an engine that was built with detailed ones."""
    tools, what = commands.tools, "detailed layers"
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
    return [("the time of each layer", one) for one in to_run(join((tools.program, *words)))]
