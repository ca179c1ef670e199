"""The tools of ``trtdoctor mcp``: each reads and tells, and none writes, builds or uses a GPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

import trtdoctor
from trtdoctor.model.errors import TrtdoctorError
from trtdoctor.model.report import Report
from trtdoctor.render.brief import PARTS, cleaned, page, summary
from trtdoctor.reporting.look_session import Looking

from .engine_options import expected_share
from .why import documentation

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

T = TypeVar("T")

INSTRUCTIONS = """\
trtdoctor diagnoses NVIDIA TensorRT: will it work on this machine, is FP16 fast here, why is a layer of an
engine not FP16, and what to change. "unknown" and "undecided" are answers: do not guess in their place. A
cause holds with the confidence that stands beside it. Remedies are for the user to run. Each report comes
as a summary; ask for its parts by page."""

_READS_ONLY = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
_KEPT = 4
# Each is looked at by a child process with a deadline of its own.
_LOOK = Looking(deadline=45)

Part = Annotated[
    str, Field(description=f"summary, or one page of a part of the report: {', '.join(PARTS)}.")
]
Offset = Annotated[
    int, Field(description="Of a page: the first item; an answer's next_offset goes on.")
]
Python = Annotated[
    str | None,
    Field(description="The interpreter whose TensorRT is meant; without it the first python3."),
]
Expect = Annotated[
    str | None, Field(description="The share of compute layers that must be FP16: fp16:0.9.")
]
Path = Annotated[str | None, Field(description="A path on this machine.")]


class _Reports:
    """The reports told last, so that pages are those of the report that was summarised."""

    def __init__(self) -> None:
        self._told: dict[str, Report] = {}

    def __call__(
        self, asked: str, make: Callable[[], Report], part: str, offset: int
    ) -> dict[str, Any]:
        if part == "summary":
            self._keep(asked, _answered(make))
            return summary(self._told[asked])
        if asked not in self._told:
            self._keep(asked, _answered(make))
        return _answered(lambda: page(self._told[asked], part, offset))

    def _keep(self, asked: str, report: Report) -> None:
        self._told.pop(asked, None)
        self._told[asked] = report
        while len(self._told) > _KEPT:
            del self._told[next(iter(self._told))]


def _answered(make: Callable[[], T]) -> T:
    """What is made; an error of whoever asks is told in its one sentence."""
    try:
        return make()
    except TrtdoctorError as error:
        raise ToolError(str(error)) from None


def _looking(python: str | None) -> Looking:
    return replace(_LOOK, python=python)


def add_tools(server: MCPServer[Any], *, share: bool) -> None:
    """Give a server its tools.

    Args:
        server: the server.
        share: replace private data by pseudonyms in all that is answered.
    """
    reports = _Reports()

    def check(
        files: Annotated[
            list[str], Field(description="Engines, models or folders: will this machine run them?")
        ] = [],  # noqa: B006  read only, and shown as the default
        select: Annotated[
            list[str], Field(description="Only these checks: ids, names or areas.")
        ] = [],  # noqa: B006
        python: Python = None,
        part: Part = "summary",
        offset: Offset = 0,
    ) -> dict[str, Any]:
        """Look at this machine: will TensorRT work, is FP16 fast, what must change first?"""

        def make() -> Report:
            return trtdoctor.check(
                *files, look=_looking(python), select=select, live=False, share=share
            )

        return reports(repr(("check", files, select, python)), make, part, offset)

    def inspect(
        engines: Annotated[list[str], Field(description="Engine files, or folders of caches.")],
        layers: Path = None,
        profile: Path = None,
        expect: Expect = None,
        part: Part = "summary",
        offset: Offset = 0,
    ) -> dict[str, Any]:
        """What is in engine files: identity, layers, precisions. Needs no TensorRT and no GPU.

        layers is the engine inspector's output, profile the times of trtexec --exportProfile.
        """

        def make() -> Report:
            return trtdoctor.inspect(
                *engines,
                layers=layers,
                profile=profile,
                look=_LOOK,
                expect=expected_share(expect),
                live=False,
                share=share,
            )

        return reports(repr(("inspect", engines, layers, profile, expect)), make, part, offset)

    def explain(
        engine: Path = None,
        log: Path = None,
        onnx: Path = None,
        layers: Path = None,
        profile: Path = None,
        part: Part = "summary",
        offset: Offset = 0,
    ) -> dict[str, Any]:
        """Why is a layer not FP16, what does it cost, and what to change?

        Give what there is of the engine, the verbose log of its build, its ONNX model, the inspector's
        layers and the profile; what is missing is named. Causes by layer are the part explanations.
        """

        def make() -> Report:
            return trtdoctor.explain(
                engine,
                log=log if log is not None else (),
                onnx=onnx,
                layers=layers,
                profile=profile,
                look=_LOOK,
                live=False,
                share=share,
            )

        return reports(repr(("explain", engine, log, onnx, layers, profile)), make, part, offset)

    def audit(
        models: Annotated[list[str], Field(description="ONNX models.")],
        tensorrt: Annotated[
            str | None, Field(description="The release to build with: 11.4, or rtx-1.7.")
        ] = None,
        part: Part = "summary",
        offset: Offset = 0,
    ) -> dict[str, Any]:
        """What of ONNX models will be FP16, what breaks there, and what is refused, before any build?"""

        def make() -> Report:
            return trtdoctor.audit(*models, tensorrt=tensorrt, look=_LOOK, share=share)

        return reports(repr(("audit", models, tensorrt)), make, part, offset)

    def decode(
        text: Annotated[str | None, Field(description="An error text, a code or a log.")] = None,
        file: Path = None,
    ) -> dict[str, Any]:
        """What an error text of TensorRT, CUDA, a framework or the driver means, and the next step."""
        told = _answered(lambda: trtdoctor.decode(text, file=file, look=_LOOK, share=share))
        answer: dict[str, Any] = cleaned(msgspec.to_builtins(told))
        return answer

    def why(
        what: Annotated[str, Field(description="A check's id or name, a cause, or an error code.")],
    ) -> str:
        """Explain a check, a cause that a layer is not FP16, or an error: why it matters, how to fix it."""
        return _answered(lambda: documentation(what))

    for tool in (check, inspect, explain, audit, decode, why):
        server.add_tool(tool, annotations=_READS_ONLY)
