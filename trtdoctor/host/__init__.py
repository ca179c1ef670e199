"""The only door to the machine: files, environment, processes and children; live and recorded."""

from .port import (
    Answer,
    Backend,
    ChildAnswer,
    Completed,
    Denied,
    Dynamic,
    Host,
    HostError,
    Missing,
    NotRecorded,
    Question,
    Stat,
    Target,
    TimedOut,
    Unusable,
)

__all__ = [
    "Answer",
    "Backend",
    "ChildAnswer",
    "Completed",
    "Denied",
    "Dynamic",
    "Host",
    "HostError",
    "Missing",
    "NotRecorded",
    "Question",
    "Stat",
    "Target",
    "TimedOut",
    "Unusable",
]
