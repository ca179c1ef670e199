"""Turns a change of a build into commands for trtexec, Polygraphy and Python.

A command is only given if the tables know each of its options in the user's release.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from ...model.engine import ShapeRange
from ...model.finding import Command, Tool, either, to_write
from ...model.typing import Typing
from .context import BuildTool, RemedyContext
from .quoting import join, path_word, renamed
from .toolbox import Toolbox

# Where lines of Python belong that are no script of their own.
IN_SCRIPT = "the script that builds"


# Files that the user's own command writes beside the engine.
_WRITTEN = frozenset(
    {"--exportLayerInfo", "--exportProfile", "--exportTimes", "--exportOutput"}
    | {"--timingCacheFile", "--save-timing-cache", "--save-tactics", "--log-file"}
)
# Other kinds of models, which trtexec does not take beside ONNX.
_OTHER_MODELS = ("--deploy", "--uff", "--model")


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of a build, for each tool; null where that tool cannot express it.

    ``python`` has lines of code, and ``api`` the names of the table that they use. ``drop`` are
    options to take out of the user's own command; ``ending`` names the new engine; ``model`` is
    another model than the user's.
    """

    ending: str
    trtexec: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    polygraphy: tuple[str, ...] | None = None
    python: tuple[str, ...] | None = None
    api: tuple[str, ...] = ()
    model: str | None = None
    redirect: str | None = None


@dataclass(frozen=True)
class Commands:
    """Writes commands for one user."""

    context: RemedyContext
    tools: Toolbox

    @property
    def model(self) -> str:
        """The user's model."""
        return path_word(self.context.model or "model.onnx")

    @property
    def engine(self) -> str:
        """The user's engine."""
        return path_word(self.context.engine or renamed(self.model, ".engine"))

    @property
    def stem(self) -> str:
        """The path that new files are named after: the user's engine or model."""
        return path_word(self.context.engine or self.context.model or "model.onnx")

    def beside(self, ending: str) -> str:
        """A new file beside the user's engine or model, none that their own command names."""
        path = renamed(self.stem, ending)
        while PurePath(path) in self._named():
            path = renamed(path, f".new{PurePath(path).suffix}")
        return path

    def _named(self) -> set[PurePath]:
        """Every path that the user's own command may name, and their engine and model."""
        words = self.context.command
        values = [word.partition("=")[2] or word for word in words]
        return {
            PurePath(path) for path in (*values, self.context.engine, self.context.model) if path
        }

    def _moved(self, path: str, ending: str) -> str:
        """Another name for a file that the user's own command writes."""
        return path_word(renamed(path, f"{PurePath(ending).stem}{PurePath(path).suffix}"))

    def _precisions(self, known: frozenset[str], options: Iterable[str]) -> list[str]:
        """What the build allowed by the evidence, where its own command is not at hand.

        Only of a weakly typed build: in others a type in a layer comes from the model.
        """
        if self.tools.typing is not Typing.WEAK:
            return []
        allowed = [f"--{name.lower()}" for name in self.context.allowed]
        return [option for option in allowed if option in known and option not in set(options)]

    def build(self, change: Change) -> tuple[Command, ...]:
        """The change in the user's tool; in trtexec or Python where the tool is not known."""
        wanted = {
            BuildTool.POLYGRAPHY: (self.polygraphy,),
            BuildTool.TRTEXEC: (self.trtexec,),
            BuildTool.UNKNOWN: (self.trtexec, self.python),
        }[self.context.tool]
        found = either(*(write(change) for write in wanted))
        # Python can express every change, for whoever builds with something that cannot.
        return found or self.python(change)

    def trtexec(self, change: Change) -> tuple[Command, ...]:
        """The command for trtexec or, with TensorRT-RTX, tensorrt_rtx."""
        if change.trtexec is None:
            return ()
        options = list(change.trtexec)
        only_build = [o for o in ("--skipInference", "--buildOnly") if o in self.tools.trtexec]
        if not any(option.startswith("--exportProfile") for option in options):
            options += only_build[:1]
        if not all(option.partition("=")[0] in self.tools.trtexec for option in options):
            return ()
        options.append(f"--saveEngine={self.beside(change.ending)}")
        mine = self._own_words("trtexec", "tensorrt_rtx")
        if not mine:
            shapes = self._trtexec_shapes()
            if shapes is None:
                return ()
            words = [self.tools.program, *shapes]
            words += self._precisions(self.tools.trtexec, (*options, *change.drop))
        else:
            replaced = {option.partition("=")[0] for option in options} | set(change.drop)
            if change.model is not None:
                replaced.add("--onnx")
            words = [
                self._own_file(word, change.ending)
                for word in mine
                if word.partition("=")[0] not in replaced | {"--loadEngine"}
            ]
        if not any(word.partition("=")[0] in ("--onnx", *_OTHER_MODELS) for word in words):
            words.insert(1, f"--onnx={change.model or self.model}")
        return (_command(Tool.TRTEXEC, (*words, *options), change.redirect),)

    def _own_file(self, word: str, ending: str) -> str:
        """A word of the user's own trtexec command, with another name for a file it writes."""
        option, given, path = word.partition("=")
        if option not in _WRITTEN or not given:
            return word
        return f"{option}={self._moved(path, ending)}"

    def polygraphy(self, change: Change) -> tuple[Command, ...]:
        """The command for Polygraphy, if it builds for this product."""
        if change.polygraphy is None:
            return ()
        words = change.polygraphy
        if not all(w in self.tools.polygraphy for w in (*_options(words), "-o")):
            return ()
        mine = self._own_words("polygraphy")
        if len(mine) < 3 or mine[1] != "convert":
            shapes = self._polygraphy_shapes()
            if shapes is None:
                return ()
            mine = ("polygraphy", "convert", change.model or self.model, *shapes)
            mine += tuple(self._precisions(self.tools.polygraphy, (*words, *change.drop)))
        else:
            replaced = {*_options(words), *change.drop, "-o", "--output"}
            mine = _without(mine, replaced)
            mine = tuple(
                self._moved(word, change.ending) if before in _WRITTEN else word
                for before, word in zip(("", *mine), mine, strict=False)
            )
            if change.model is not None:
                mine = tuple(change.model if w == self.context.model else w for w in mine)
        out = ("-o", self.beside(change.ending))
        return (_command(Tool.POLYGRAPHY, (*mine, *out, *words), change.redirect),)

    def python(self, change: Change) -> tuple[Command, ...]:
        """The lines for a script that builds."""
        if change.python is None or not all(name in self.tools.python for name in change.api):
            return ()
        kept = f", what it prints sent to {change.redirect}" if change.redirect else ""
        return to_write(*change.python, where=IN_SCRIPT + kept)

    def own(self, option: str) -> str | None:
        """The value that the user's own trtexec command gives an option."""
        for word in self._own_words("trtexec", "tensorrt_rtx"):
            name, given, value = word.partition("=")
            if name == option:
                return value if given else ""
        return None

    def _trtexec_shapes(self) -> tuple[str, ...] | None:
        """The shapes of the user's own build; null where trtexec's lists cannot hold a name."""
        shapes = self.context.shapes
        if not _dynamic(shapes):
            return ()
        if any(set(name) & set(",'") for name, _ in shapes):
            return None
        return tuple(
            f"--{key}Shapes="
            + ",".join(f"{name}:{'x'.join(map(str, getattr(r, key)))}" for name, r in shapes)
            for key in ("min", "opt", "max")
        )

    def _polygraphy_shapes(self) -> tuple[str, ...] | None:
        """The same for Polygraphy, which takes what begins with a hyphen for an option."""
        shapes = self.context.shapes
        if not _dynamic(shapes):
            return ()
        if any(name.startswith("-") for name, _ in shapes):
            return None
        words: list[str] = []
        for key in ("min", "opt", "max"):
            words.append(f"--trt-{key}-shapes")
            words += [f"{name}:[{','.join(map(str, getattr(r, key)))}]" for name, r in shapes]
        return tuple(words)

    def _own_words(self, *programs: str) -> tuple[str, ...]:
        """The user's own command, if its program is one of these."""
        mine = self.context.command
        if not mine:
            return ()
        program = PurePath(mine[0].replace("\\", "/")).name.removesuffix(".exe")
        return mine if program in programs else ()


def _dynamic(shapes: tuple[tuple[str, ShapeRange], ...]) -> bool:
    """Whether an engine has shapes to be told, and all of them can be."""
    extents = [e for _, r in shapes for e in (*r.min, *r.opt, *r.max)]
    return min(extents, default=-1) >= 0 and any(r.min != r.max for _, r in shapes)


def _command(tool: Tool, words: tuple[str, ...], file: str | None) -> Command:
    line = join(words)
    return Command(tool=tool, lines=(line if file is None else f"{line} > {join((file,))} 2>&1",))


def _options(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word.startswith("-"))


def _without(words: tuple[str, ...], options: set[str]) -> tuple[str, ...]:
    """The words without some options and the values that follow these."""
    kept: list[str] = []
    dropping = False
    for word in words:
        if word.startswith("-"):
            dropping = word.partition("=")[0] in options
        if not dropping:
            kept.append(word)
    return tuple(kept)
