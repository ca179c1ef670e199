"""The only door to the machine: plain questions, plain answers, live or recorded; never judges."""

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
