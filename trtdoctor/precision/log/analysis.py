"""What solving the builder's problem again tells; times in milliseconds, lines of the log."""

from __future__ import annotations

from trtdoctor.model.base import Frozen
from trtdoctor.model.cause import DecidedAgain as DecidedAgain
from trtdoctor.model.report import Confidence

# In this share of perturbed problems a difference must hold to be more than noise.
SURE = 0.80
# Below this it is hardly better than a coin's.
_EVEN = 0.65
_CERTAIN = 0.95
# Past this excess of the logged total the builder weighed other numbers than those that are known.
_CLOSE = 0.01


class SolvedLayer(Frozen, frozen=True, kw_only=True):
    """A layer in the solution. ``half`` is null where it has no floating tensor.

    ``same_type`` and ``same_vector`` compare with the engine that the log ends with; ``line`` is
    where the time stands, null where it costs nothing or the log prints none.
    """

    name: str
    half: bool | None
    kernel: str | None
    time_ms: float
    line: int | None
    candidate_line: int
    same_type: bool
    same_vector: bool


class SolvedConversion(Frozen, frozen=True, kw_only=True):
    """A conversion in the solution: into a layer's input, or out of one into a network output.

    ``known`` is false where the log does not tell its time, which then is that of other ones.
    """

    tensor: str
    layer: str
    into: bool
    port: int
    source: str
    target: str
    time_ms: float
    line: int | None
    moves: bool = True
    known: bool = True


class Choice(Frozen, frozen=True, kw_only=True):
    """How the exact minimum compares with what the builder chose.

    ``layers``, ``vectors`` and ``conversions`` are pairs: as many as agree, of as many as there
    are. Only where ``reproduced`` holds is anything certain that solving again tells.
    ``logged_ms`` is the least that the log's own choice of types can cost, so its excess over
    ``plan_ms`` says how far off it is.
    """

    profile: int
    reproduced: bool
    layers: tuple[int, int]
    vectors: tuple[int, int]
    conversions: tuple[int, int]
    extra_conversions: int
    plan_ms: float
    logged_ms: float | None
    unknown_terms: int
    untimed_layers: tuple[str, ...]
    solved_layers: tuple[SolvedLayer, ...]
    converted: tuple[SolvedConversion, ...]

    @property
    def certain(self) -> bool:
        """Whether what solving again tells is certain: reproduced, and no time is missing."""
        return self.ceiling is Confidence.CERTAIN

    @property
    def ceiling(self) -> Confidence:
        """The most that anything can be that follows from solving again.

        Possible at most where what the log's own choice costs is unknown or differs from the
        solved total: then the numbers are not those that the builder weighed. Certain only where
        the choice is reproduced and no time is missing.
        """
        if self.logged_ms is None or self.logged_ms - self.plan_ms > _CLOSE * self.plan_ms:
            return Confidence.POSSIBLE
        if self.reproduced and not self.unknown_terms and not self.untimed_layers:
            return Confidence.CERTAIN
        return Confidence.LIKELY


class Change(Frozen, frozen=True, kw_only=True):
    """One difference between two solutions; a null time means that it is not in that one."""

    what: str
    before: str | None
    before_ms: float | None
    before_line: int | None
    after: str | None
    after_ms: float | None
    after_line: int | None
    conversion: bool


class Alternative(Frozen, frozen=True, kw_only=True):
    """The best solution under a condition. Margins are its excess over the solution without it.

    ``flips`` are the layers that change between FP16 and another type; ``known`` is false where
    the log lacks the time of a term in it.
    """

    total_ms: float
    margin_ms: float
    kernels_ms: float
    conversions_ms: float
    flips: tuple[str, ...]
    changes: tuple[Change, ...]
    known: bool


def decided(share: float) -> DecidedAgain:
    """What the share of perturbed problems that keep a layer's type tells of another build."""
    if share >= _CERTAIN:
        return DecidedAgain.CERTAIN
    return DecidedAgain.LIKELY if share >= SURE else DecidedAgain.UNLIKELY


class Gain(Frozen, frozen=True, kw_only=True):
    """How far a total falls from one build to another: 19 of 20 lie between the two."""

    low_ms: float
    high_ms: float

    @property
    def sure(self) -> bool:
        """Whether it falls at all, whatever the noise."""
        return self.low_ms > 0.0


class NetworkFormat(Frozen, frozen=True, kw_only=True):
    """The format of one network input or output in a counterfactual.

    ``layout`` is the name that trtexec's I/O formats use (``chw``, ``hwc8``).
    """

    tensor: str
    output: bool
    dtype: str
    layout: str


class NetworkIo(Frozen, frozen=True, kw_only=True):
    """The solution with FP16 network inputs and outputs.

    An estimate: a build with FP32 ones does not time conversions from FP16 ones. ``sure`` is the
    share of perturbed problems in which the total falls, with the same noise in both; ``gain`` what
    another build would save, null where none could be solved.
    """

    formats: tuple[NetworkFormat, ...]
    total_ms: float
    saved_ms: float
    half: tuple[str, ...]
    sure: float
    gain: Gain | None = None

    @property
    def falls(self) -> bool:
        """Whether the total falls by more than noise."""
        return self.saved_ms > 0.0 and self.sure >= SURE


class LayerVerdict(Frozen, frozen=True, kw_only=True):
    """What solving again tells of one layer that can compute in FP16 and in another type.

    ``half`` is how the solution has it; ``half_when_free`` how it would be with all conversions free.
    ``forced`` is the best solution with the layer the other way, and ``region`` names what flips
    together. ``again`` is the share of perturbed problems in which it stays as it is. ``known`` is
    false where the log lacks the time of one of its candidates, so that nothing follows.
    """

    layer: str
    half: bool
    known: bool

    half_when_free: bool
    forced: Alternative | None
    region: str | None
    again: float
    decided_again: DecidedAgain

    @property
    def near_tie(self) -> bool:
        """Whether noise decides: another build is not likely to decide the same."""
        return self.decided_again is DecidedAgain.UNLIKELY

    @property
    def even(self) -> bool:
        """Whether either choice is about as likely, so that nothing else is the reason."""
        return self.again < _EVEN


class Analysis(Frozen, frozen=True, kw_only=True):
    """Everything that solving one attempt's problem tells.

    ``io_linear`` has row-major FP16 network tensors, ``io_best`` the cheapest FP16 or other format
    for each; null where there is none to change. ``unreached`` counts layers whose verdict time did
    not suffice for, ``io_unreached`` says that of the network tensors.
    """

    choice: Choice
    verdicts: tuple[LayerVerdict, ...]
    io_linear: NetworkIo | None
    io_best: NetworkIo | None
    unreached: int = 0
    io_unreached: bool = False

    @property
    def network_io(self) -> NetworkIo | None:
        """The cheaper of the two where the total falls by more than noise."""
        found = [io for io in (self.io_best, self.io_linear) if io is not None and io.falls]
        return min(found, key=lambda io: io.total_ms, default=None)
