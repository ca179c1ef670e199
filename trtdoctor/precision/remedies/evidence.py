"""Which evidence is missing, and the command that produces it."""

from __future__ import annotations

from ...knowledge import Knowledge
from ...model.machine import Typing
from . import changes
from .commands import Commands
from .context import BuildTool, Given, RemedyContext
from .quoting import join
from .toolbox import Toolbox, toolbox


def missing_evidence(
    have: frozenset[Given], context: RemedyContext, *, knowledge: Knowledge | None = None
) -> tuple[tuple[str, str], ...]:
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
    missing: list[tuple[str, str]] = []
    # The log tells nothing of choices where the model's types decide.
    log = Given.LOG not in have and tools.typing is not Typing.STRONG
    layers = Given.LAYERS not in have and not (context.detailed and context.engine)
    if log or layers:
        missing += [
            (_what(context, log=log, layers=layers), line)
            for line in commands.build(changes.witnessed(commands, log=log, layers=layers))
        ]
    if Given.LAYERS not in have and not layers:
        missing += _layers_of_engine(commands)
    if log and layers and _shown_apart(context, tools):
        missing += _layers_of_engine(commands, rebuilt=True)
    if Given.ONNX not in have and tools.typing is not Typing.WEAK:
        words = ("trtdoctor", "explain", commands.engine, "--onnx", commands.model)
        missing.append(("the ONNX model that was built", join(words)))
    if Given.PROFILE not in have:
        missing += _profile(commands, rebuilt=log or layers)
    return tuple(missing)


def _what(context: RemedyContext, *, log: bool, layers: bool) -> str:
    kinds = ["verbose build log"] * log + ["detailed layers"] * layers
    own = "" if context.command else " (with the other options of your own build)"
    return " and ".join(kinds) + own


def _shown_apart(context: RemedyContext, tools: Toolbox) -> bool:
    """Whether the tool builds with detailed layers, but does not write them as JSON."""
    return context.tool is BuildTool.POLYGRAPHY and bool(tools.polygraphy)


def _layers_of_engine(commands: Commands, *, rebuilt: bool = False) -> list[tuple[str, str]]:
    engine = commands.beside(changes.WITNESSED) if rebuilt else commands.engine
    return [
        ("detailed layers", join(("trtdoctor", "inspect", engine, "-o", commands.beside(".json"))))
    ]


def _profile(commands: Commands, *, rebuilt: bool) -> list[tuple[str, str]]:
    """Times of layers need a run; any tool's engine runs with the product's own program."""
    tools = commands.tools
    engine = commands.beside(changes.WITNESSED) if rebuilt else commands.engine
    wanted = [f"--loadEngine={engine}"]
    if tools.rtx:
        wanted.append("--dumpProfile")
    else:
        wanted += [f"--exportProfile={commands.beside('.profile.json')}", "--separateProfileRun"]
        if tools.major is not None and tools.major >= 11:
            wanted.remove("--separateProfileRun")
    if not all(word.partition("=")[0] in tools.trtexec for word in wanted):
        return []
    return [("the time of each layer", join((tools.program, *wanted)))]
