"""Who decides precision: the builder (weak typing) or the model's types (strong typing).

One rule for each kind of evidence: the flags of an imported module, the table of releases, what
built an engine, what a build's log shows. Nobody else decides it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trtdoctor.knowledge import Knowledge, KnowledgeEnds
from trtdoctor.model.facts import ModuleImport
from trtdoctor.model.typing import Typing

from .candidates import is_half, touches_floats

if TYPE_CHECKING:
    from trtdoctor.readers.buildlog import Build


def typing_of_module(module: ModuleImport) -> Typing:
    """By the flags that an imported module really has; unknown where they could not be read.

    Without ``BuilderFlag.FP16`` there is nothing to allow, so the model's types decide, whatever
    other precisions (TF32) the builder still has flags for.
    """
    if not module.returned or module.precision_flags is None:
        return Typing.UNKNOWN
    if "FP16" not in module.precision_flags:
        return Typing.STRONG
    if module.network_flags is None:
        return Typing.UNKNOWN
    return Typing.BOTH if "STRONGLY_TYPED" in module.network_flags else Typing.WEAK


def typing_of_release(product: str | None, version: str | None, knowledge: Knowledge) -> Typing:
    """By the table of releases; unknown where it does not say.

    Args:
        product: ``tensorrt`` or ``tensorrt-rtx``.
        version: a release of it, such as ``10.9.0.34``.
        knowledge: the tables.
    """
    try:
        return knowledge.typing_mode(product or "", version or "")[0]
    except KnowledgeEnds:
        return Typing.UNKNOWN


def typing_of_engine(product: str | None, version: str | None, knowledge: Knowledge) -> Typing:
    """By the release that built an engine; never ``both``.

    An engine is one or the other, so a release that builds both kinds leaves it unknown.
    """
    found = typing_of_release(product, version, knowledge)
    return Typing.UNKNOWN if found is Typing.BOTH else found


def typing_of_build(build: Build, knowledge: Knowledge) -> Typing:
    """By what a build's log shows; never ``both``."""
    # Every check of a machine imports this module, and none needs the reader of logs.
    from trtdoctor.readers.buildlog import NoteKind

    # A strongly typed layer has one type: only a weak builder tries two.
    mixed = any(
        {True, False} <= {is_half(c) for c in tuning.candidates if touches_floats(c)}
        for attempt in build.attempts
        for tuning in attempt.layers
    )
    # Version 8, the only one that announces costs without a name, knows no strong typing.
    old = build.names_costs is False
    release = typing_of_release("tensorrt", build.version, knowledge)
    if mixed or old or release is Typing.WEAK:
        return Typing.WEAK
    command = build.setting("command")
    if command is not None and "--stronglyTyped" in command.value.split():
        return Typing.STRONG
    banner = build.setting("Precision")
    if banner is not None and banner.value.startswith("FP32") and release is Typing.BOTH:
        # Where the network is strongly typed, the banner says that in place of precisions.
        return Typing.WEAK
    if release is Typing.STRONG or (banner is not None and "trongly" in banner.value):
        return Typing.STRONG
    for note in build.noted(NoteKind.TYPING):
        return Typing.WEAK if "Weakly-typed" in note.text else Typing.STRONG
    return Typing.UNKNOWN
