"""The questions that the tables answer. Every table is parsed at its first use and kept."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from ..model.report import Confidence
from ..model.typing import Typing
from . import versions
from .rows import (
    PRECISIONS,
    ArithmeticRates,
    Board,
    CauseDoc,
    CodeTable,
    ComputeCapability,
    CudaDriver,
    DriverFloor,
    ErrorCode,
    FrameworkRequirement,
    HardwareCompatibility,
    JetPack,
    LogMatch,
    LogMessage,
    NumpyLimit,
    OnnxOperators,
    OnnxOpset,
    OperatorSupport,
    PackagedDriver,
    PlanCompatibility,
    PythonWindow,
    RemovedApi,
    Row,
    Support,
    SupportWindow,
    TableInfo,
    TensorRTCuda,
    ToolOption,
    TypingMode,
)
from .tables import KnowledgeEnds, Meta, TableError, read_head, read_table

R = TypeVar("R", bound=Row)
Ranged = TypeVar("Ranged", PythonWindow, PlanCompatibility, TypingMode, TensorRTCuda, OnnxOpset)

_CODE_TABLES = {
    CodeTable.CUDA: "cuda_errors",
    CodeTable.NVML: "nvml_errors",
    CodeTable.TENSORRT: "tensorrt_errors",
    CodeTable.EXIT: "exit_codes",
}


class Knowledge:
    """The tables that ship with this trtdoctor.

    Every lookup raises :class:`KnowledgeEnds` where the table does not say: a release newer or
    older than the table, a code or compute capability that is not in it, a text that is no version.
    """

    __slots__ = ("_directory", "_parsed", "_patterns", "_typed")

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._parsed: dict[str, tuple[Meta, tuple[dict[str, Any], ...]]] = {}
        self._typed: dict[str, tuple[Row, ...]] = {}
        self._patterns: tuple[tuple[LogMessage, re.Pattern[str]], ...] | None = None

    @classmethod
    def load(cls) -> Knowledge:
        """The shipped tables; reads nothing yet."""
        return cls(Path(__file__).with_name("tables"))

    @property
    def as_of(self) -> str:
        """The newest date of any table, ISO 8601."""
        return max(info.as_of for info in self.tables())

    def tables(self) -> tuple[TableInfo, ...]:
        """All tables, by name; parses their heads only."""
        heads = (read_head(path) for path in sorted(self._directory.glob("*.toml")))
        return tuple(
            TableInfo(name=m.table, as_of=m.as_of, covers=m.covers, rows=count, title=m.title)
            for m, count in heads
        )

    def rows(self, name: str) -> tuple[dict[str, Any], ...]:
        """One table's rows as plain dicts, for printing.

        Raises:
            KeyError: there is no such table.
        """
        if not any(path.stem == name for path in self._directory.glob("*.toml")):
            raise KeyError(name)
        return tuple(dict(row) for row in self._table(name)[1])

    def compute_capability(self, cc: str) -> ComputeCapability:
        """What a compute capability such as ``8.6`` offers."""
        for row in self._rows("compute_capabilities", ComputeCapability):
            if row.cc == cc:
                known = row.precisions
                full = {name: known.get(name) for name in PRECISIONS}
                return msgspec.structs.replace(row, precisions=full)
        raise self._ends("compute_capabilities", f"compute capability {cc}")

    def board_without_tensor_cores(self, cc: str, board_name: str) -> Board | None:
        """The family of boards without tensor cores that a board's name belongs to, if any."""
        for row in self._rows("boards_without_tensor_cores", Board):
            if row.cc == cc and re.search(row.pattern, board_name):
                return row
        return None

    def arithmetic_rates(self, cc: str, board_name: str) -> ArithmeticRates:
        """How fast boards of a compute capability multiply and add, by kind of arithmetic."""
        for row in self._rows("arithmetic_rates", ArithmeticRates):
            if row.cc == cc and (row.board is None or re.search(row.board, board_name)):
                return row
        raise self._ends("arithmetic_rates", f"arithmetic of compute capability {cc}")

    def tensorrt_support(self, product: str, version: str, cc: str) -> Support:
        """Whether a release of ``tensorrt`` or ``tensorrt-rtx`` runs on a compute capability."""
        table = "tensorrt_compute_capability"
        asked = f"{product} {version} on compute capability {cc}"
        numbers = self._covered(table, product, version, asked)
        for row in self._rows(table, SupportWindow):
            if row.product == product and row.cc == cc:
                try:
                    supported = _supported(row, numbers)
                except versions.Undecided:
                    break
                if supported is None:
                    # Another row may know: support is known in pieces where builds are for some only.
                    continue
                return Support(
                    product=product,
                    version=version,
                    cc=cc,
                    supported=supported,
                    first=row.first,
                    last=row.last,
                    source=row.source,
                    certainty=row.certainty,
                )
        raise self._ends(table, asked)

    def tensorrt_cuda(self, product: str, version: str) -> tuple[TensorRTCuda, ...]:
        """The CUDA major versions that a release is documented for, each with its range."""
        asked = f"CUDA versions of {product} {version}"
        rows = self._ranged("tensorrt_cuda", TensorRTCuda, product, version, asked)
        if not rows:
            raise self._ends("tensorrt_cuda", asked)
        return rows

    def tensorrt_driver_floor(
        self, product: str, version: str, cuda_major: int, platform: str = "linux"
    ) -> DriverFloor:
        """The oldest driver for a release's build for one CUDA major version."""
        asked = f"driver for {product} {version} with CUDA {cuda_major} on {platform}"
        rows = self._ranged("tensorrt_cuda", TensorRTCuda, product, version, asked)
        for row in rows:
            if row.cuda_major == cuda_major and platform in ("linux", "windows"):
                minimum = row.driver_linux if platform == "linux" else row.driver_windows
                if minimum is None:
                    floor = self.driver_floor(str(cuda_major), platform)
                    return msgspec.structs.replace(
                        floor,
                        source=f"{row.source}; {floor.source}",
                        certainty=_weaker(row.certainty, floor.certainty),
                    )
                return DriverFloor(
                    cuda_major=cuda_major,
                    platform=platform,
                    minimum=minimum,
                    rule="tensorrt",
                    source=row.source,
                    certainty=row.certainty,
                )
        raise self._ends("tensorrt_cuda", asked)

    def driver_floor(self, cuda_version: str, platform: str = "linux") -> DriverFloor:
        """The oldest driver that runs a CUDA major version under minor-version compatibility."""
        asked = f"driver for CUDA {cuda_version} on {platform}"
        numbers = self._release("cuda_drivers", cuda_version, asked)
        for row in self._rows("cuda_drivers", CudaDriver):
            if row.kind == "floor" and row.cuda == str(numbers[0]):
                minimum = {"linux": row.linux, "windows": row.windows}.get(platform)
                if minimum is not None:
                    return DriverFloor(
                        cuda_major=numbers[0],
                        platform=platform,
                        minimum=minimum,
                        rule="cuda",
                        source=row.source,
                        certainty=row.certainty,
                    )
        raise self._ends("cuda_drivers", asked)

    def packaged_driver(self, cuda_version: str, platform: str = "linux") -> PackagedDriver:
        """The driver that a CUDA toolkit came with; ``12.6.3`` is CUDA 12.6 Update 3."""
        asked = f"driver packaged with CUDA {cuda_version} on {platform}"
        numbers = _padded(self._release("cuda_drivers", cuda_version, asked))
        for row in self._rows("cuda_drivers", CudaDriver):
            if row.kind == "packaged" and _padded(versions.release(row.cuda)) == numbers:
                if platform not in ("linux", "windows"):
                    break
                return PackagedDriver(
                    cuda=row.cuda,
                    platform=platform,
                    version=row.linux if platform == "linux" else row.windows,
                    source=row.source,
                    certainty=row.certainty,
                )
        raise self._ends("cuda_drivers", asked)

    def python_support(self, product: str, version: str) -> PythonWindow:
        """The Python versions that a release has bindings for."""
        asked = f"Python versions of {product} {version}"
        rows = self._ranged("python_support", PythonWindow, product, version, asked)
        if not rows:
            raise self._ends("python_support", asked)
        return rows[0]

    def releases(self, product: str) -> tuple[str, ...]:
        """The releases that begin or end a row of a table and have wheels, newest first.

        Not every release is among them, but between two of them nothing changes that the tables know.
        """
        named = {
            row[key]
            for table in ("python_support", "tensorrt_cuda", "tensorrt_compute_capability")
            for row in self.rows(table)
            if row["product"] == product
            for key in ("first", "last")
            if key in row
        }
        numbered = sorted(((versions.release(name), name) for name in named), reverse=True)
        return tuple(name for _, name in numbered if self._has_wheels(product, name))

    def _has_wheels(self, product: str, version: str) -> bool:
        try:
            self.python_support(product, version)
        except KnowledgeEnds:
            return False
        return True

    def typing_mode(self, product: str, version: str) -> tuple[Typing, str]:
        """Who decides precision in a release, and the source of that."""
        asked = f"typing of {product} {version}"
        rows = self._ranged("typing_modes", TypingMode, product, version, asked)
        if not rows:
            raise self._ends("typing_modes", asked)
        return rows[0].typing, rows[0].source

    def typed_releases(self, product: str, typing: Typing) -> tuple[str, str]:
        """The oldest and the newest release known to build networks of that typing, weak or strong."""
        rows = [
            row
            for row in self._rows("typing_modes", TypingMode)
            if row.product == product and row.typing in (typing, Typing.BOTH)
        ]
        if not rows:
            raise self._ends("typing_modes", f"{typing.value} typing in {product}")
        return rows[0].first, rows[-1].last

    def onnx_operator(self, product: str, version: str, op: str) -> OperatorSupport:
        """Whether the ONNX parser of a release takes an operator of ONNX's own domain."""
        table = "onnx_operators"
        asked = f"ONNX operator {op} in {product} {version}"
        numbers = self._covered(table, product, version, asked)
        for row in self._rows(table, OnnxOperators):
            if row.product != product or op not in row.ops:
                continue
            try:
                absent = row.absent_through
                if absent is not None and versions.compare(numbers, absent) <= 0:
                    supported = False
                elif row.first is not None and versions.compare(numbers, row.first) >= 0:
                    supported = True
                else:
                    break
            except versions.Undecided:
                break
            return OperatorSupport(
                op=op,
                supported=supported,
                first=row.first,
                source=row.source,
                certainty=row.certainty,
                note=row.note,
            )
        raise self._ends(table, asked)

    def onnx_opset(self, product: str, version: str) -> OnnxOpset:
        """The newest opset that a release's ONNX parser is documented for."""
        asked = f"ONNX opset of {product} {version}"
        rows = self._ranged("onnx_opsets", OnnxOpset, product, version, asked)
        if not rows:
            raise self._ends("onnx_opsets", asked)
        return rows[0]

    def plan_compatibility(self, product: str, version: str) -> PlanCompatibility:
        """Which runtimes load a plan that this release of ``tensorrt`` or ``tensorrt-rtx`` built."""
        asked = f"runtimes that load plans of {product} {version}"
        rows = self._ranged("plan_compatibility", PlanCompatibility, product, version, asked)
        if not rows:
            raise self._ends("plan_compatibility", asked)
        return rows[0]

    def hardware_compatibility(self, level: str) -> HardwareCompatibility:
        """What the hardware compatibility ``ampere+`` or ``same-cc`` spans, and since when."""
        for row in self._rows("hardware_compatibility", HardwareCompatibility):
            if row.level == level:
                return row
        raise self._ends("hardware_compatibility", f"hardware compatibility {level}")

    def removed_apis(self, version: str) -> tuple[RemovedApi, ...]:
        """The APIs of TensorRT that a release no longer has."""
        table = "removed_apis"
        asked = f"APIs removed in tensorrt {version}"
        numbers = self._covered(table, "tensorrt", version, asked)
        try:
            rows = self._rows(table, RemovedApi)
            return tuple(row for row in rows if versions.compare(numbers, row.removed) >= 0)
        except versions.Undecided as exc:
            raise self._ends(table, asked) from exc

    def numpy_limit(self, product: str, version: str) -> NumpyLimit | None:
        """The NumPy that a release's bindings fail with, if any is known."""
        table = "numpy_limits"
        asked = f"NumPy limit of {product} {version}"
        numbers = self._covered(table, product, version, asked)
        for row in self._rows(table, NumpyLimit):
            try:
                if row.product == product and versions.compare(numbers, row.last) <= 0:
                    return row
            except versions.Undecided as exc:
                raise self._ends(table, asked) from exc
        return None

    def framework_requirement(self, framework: str, version: str) -> FrameworkRequirement:
        """The TensorRT that a release of ``onnxruntime-gpu``, ``torch-tensorrt`` … asks for."""
        table = "framework_requirements"
        asked = f"TensorRT of {framework} {version}"
        numbers = self._release(table, version, asked)
        try:
            for row in self._rows(table, FrameworkRequirement):
                if row.framework == framework and versions.within(numbers, row.first, row.last):
                    return row
        except versions.Undecided as exc:
            raise self._ends(table, asked) from exc
        raise self._ends(table, asked)

    def tool_options(self, table: str, product: str, version: str) -> tuple[ToolOption, ...]:
        """The options that a tool has in a release of the product it belongs to.

        Args:
            table: ``trtexec_options``, ``trtexec_formats``, ``tensorrt_rtx_options``,
                ``python_build_api``, ``polygraphy_options`` or ``autocast_options``.
            product: the package whose releases count, such as ``tensorrt`` or ``polygraphy``.
            version: a release of it.
        """
        asked = f"options of {product} {version}"
        numbers = self._covered(table, product, version, asked)
        try:
            return tuple(
                row
                for row in self._rows(table, ToolOption)
                if row.product == product
                and versions.compare(numbers, row.first) >= 0
                and (row.gone is None or versions.compare(numbers, row.gone) < 0)
            )
        except versions.Undecided as exc:
            raise self._ends(table, asked) from exc

    def covered(self, table: str, product: str) -> tuple[str, str]:
        """The oldest and the newest release of a product that a table covers."""
        meta, _ = self._table(table)
        try:
            return meta.oldest[product], meta.newest[product]
        except KeyError:
            raise self._ends(table, f"releases of {product}") from None

    def causes(self) -> tuple[CauseDoc, ...]:
        """All causes, in the order of the table."""
        return self._rows("causes", CauseDoc)

    def cuda_error(self, code: int) -> ErrorCode:
        """What a ``CUresult`` or ``cudaError`` code means; both agree on the codes in the table."""
        return self._code("cuda_errors", code)

    def nvml_error(self, code: int) -> ErrorCode:
        """What an ``nvmlReturn_t`` code means."""
        return self._code("nvml_errors", code)

    def error_codes(self, table: CodeTable) -> tuple[ErrorCode, ...]:
        """All codes of one kind, in the table's order."""
        return self._rows(_CODE_TABLES[table], ErrorCode)

    def jetpack(self, l4t: str) -> JetPack:
        """The JetPack made of a Jetson Linux release such as ``36.4.3``."""
        asked = f"JetPack of Jetson Linux {l4t}"
        numbers = _padded(self._release("jetpack", l4t.removeprefix("R"), asked))
        for row in self._rows("jetpack", JetPack):
            if _padded(versions.release(row.l4t)) == numbers:
                return row
        raise self._ends("jetpack", asked)

    def jetpacks(self) -> tuple[JetPack, ...]:
        """Every JetPack in the table, oldest first."""
        return self._rows("jetpack", JetPack)

    def jetpack_python(self, l4t: str) -> JetPack:
        """A JetPack of the same major release of Jetson Linux: all of these have the same Python."""
        asked = f"Python of Jetson Linux {l4t}"
        numbers = self._release("jetpack", l4t.removeprefix("R"), asked)
        for row in self._rows("jetpack", JetPack):
            if versions.release(row.l4t)[0] == numbers[0]:
                return row
        raise self._ends("jetpack", asked)

    def noted_messages(self) -> tuple[LogMessage, ...]:
        """The messages that the reader of build logs notes, in the table's order."""
        return tuple(row for row in self.all_messages() if row.kind is not None)

    def all_messages(self) -> tuple[LogMessage, ...]:
        """All messages, in the table's order: what is special before what is general."""
        return self._rows("log_messages", LogMessage)

    def log_messages(
        self, text: str, *, generic: bool = False, most: int = 1
    ) -> tuple[LogMatch, ...]:
        """The known messages in a text, in the table's order.

        Where the texts of two overlap, the first of the table counts, which explains more.

        Args:
            text: any text, such as a log.
            generic: whether frames that many messages stand in count as messages, too.
            most: how many occurrences of each message, the first ones.
        """
        if self._patterns is None:
            self._patterns = tuple((row, re.compile(row.regex)) for row in self.all_messages())
        taken = _Spans()
        found: list[LogMatch] = []
        for row, pattern in self._patterns:
            if row.generic and not generic:
                continue
            hits = [hit for hit in pattern.finditer(text) if not taken.overlap(*hit.span())]
            taken.add(hit.span() for hit in hits)
            found += (
                LogMatch(
                    message=row,
                    start=hit.start(),
                    end=hit.end(),
                    groups={k: v for k, v in hit.groupdict().items() if v is not None},
                )
                for hit in hits[:most]
            )
        return tuple(found)

    def _table(self, name: str) -> tuple[Meta, tuple[dict[str, Any], ...]]:
        if name not in self._parsed:
            self._parsed[name] = read_table(self._directory / f"{name}.toml")
        return self._parsed[name]

    def _rows(self, name: str, kind: type[R]) -> tuple[R, ...]:
        if name not in self._typed:
            try:
                self._typed[name] = msgspec.convert(self._table(name)[1], tuple[kind, ...])  # type: ignore[valid-type]
            except msgspec.ValidationError as exc:
                raise TableError(f"{name}.toml: {exc}") from exc
        return cast("tuple[R, ...]", self._typed[name])

    def _ends(self, name: str, asked: str) -> KnowledgeEnds:
        meta, _ = self._table(name)
        return KnowledgeEnds(table=name, covers=meta.covers, as_of=meta.as_of, asked=asked)

    def _release(self, table: str, version: str, asked: str) -> tuple[int, ...]:
        try:
            return versions.release(version)
        except versions.Undecided as exc:
            raise self._ends(table, asked) from exc

    def _covered(self, table: str, product: str, version: str, asked: str) -> tuple[int, ...]:
        """The version's numbers, if the table covers that release of that product."""
        meta, _ = self._table(table)
        numbers = self._release(table, version, asked)
        oldest, newest = meta.oldest.get(product), meta.newest.get(product)
        if oldest is None or newest is None:
            raise self._ends(table, asked)
        try:
            if not versions.within(numbers, oldest, newest):
                raise self._ends(table, asked)
        except versions.Undecided:
            # A version as short as "11" may still be decided by the rows.
            return numbers
        return numbers

    def _ranged(
        self, table: str, kind: type[Ranged], product: str, version: str, asked: str
    ) -> tuple[Ranged, ...]:
        numbers = self._release(table, version, asked)
        try:
            return tuple(
                row
                for row in self._rows(table, kind)
                if row.product == product and versions.within(numbers, row.first, row.last)
            )
        except versions.Undecided as exc:
            raise self._ends(table, asked) from exc

    def _code(self, table: str, code: int) -> ErrorCode:
        for row in self._rows(table, ErrorCode):
            if row.code == code:
                return row
        raise self._ends(table, f"code {code}")


class _Spans:
    """Stretches of a text that do not overlap."""

    def __init__(self) -> None:
        self._spans: list[tuple[int, int]] = []

    def overlap(self, start: int, end: int) -> bool:
        """Whether one of them has a character in common with this stretch."""
        place = bisect_left(self._spans, (start, start))
        before = self._spans[place - 1] if place else None
        after = self._spans[place] if place < len(self._spans) else None
        return (before is not None and before[1] > start) or (after is not None and after[0] < end)

    def add(self, spans: Iterable[tuple[int, int]]) -> None:
        """Take in stretches that overlap none of these."""
        self._spans = sorted((*self._spans, *spans))


def _supported(row: SupportWindow, version: tuple[int, ...]) -> bool | None:
    """Whether a release lies in a window; null where the window leaves it open."""
    if row.gone is not None and versions.compare(version, row.gone) >= 0:
        return False
    if row.absent_through is not None and versions.compare(version, row.absent_through) <= 0:
        return False
    if row.first is None or versions.compare(version, row.first) < 0:
        return None
    if row.last is None:
        return True if row.gone is None else None
    return True if versions.compare(version, row.last) <= 0 else None


def _weaker(one: Confidence, other: Confidence) -> Confidence:
    """The less sure of two."""
    return max(one, other, key=list(Confidence).index)


def _padded(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """A release with at least three components: ``12.6`` is ``12.6.0``."""
    return numbers + (0,) * (3 - len(numbers))
