"""Everything a check or a plugin may import. What is here stays; the rest of trtdoctor may move."""

from trtdoctor.checking.definition import (
    Check,
    CheckDefinitionError,
    NotApplicable,
    Note,
    Unknown,
    Yielded,
    check,
)
from trtdoctor.checking.devices import Device, devices, nvml_devices
from trtdoctor.checking.facts import Fact
from trtdoctor.checking.hazards import hazard_findings
from trtdoctor.checking.loaded import LoadedTensorRT, loaded_tensorrts
from trtdoctor.checking.plans import (
    Fit,
    Plan,
    certain_runtimes,
    device_fit,
    engine_beside,
    first_device,
    is_damaged,
    is_no_plan,
    load_of,
    platform_name,
    product_supports,
    runtime_for,
    sound_plans,
    stand_in,
    unfit,
    version_fit,
    weakest,
)
from trtdoctor.checking.rates import Beside, beside, rates_of
from trtdoctor.checking.releases import Installable, Situation, installable, situation
from trtdoctor.knowledge import Knowledge, KnowledgeEnds, versions
from trtdoctor.model.finding import Command, either, to_run, to_write
from trtdoctor.model.hazard import Cure, Effect, Hazard, HazardKind
from trtdoctor.model.plural import count
from trtdoctor.model.report import (
    Confidence,
    Evidence,
    FactStatus,
    Finding,
    Remedy,
    Severity,
)
from trtdoctor.model.typing import Typing
from trtdoctor.precision.typing import typing_of_engine, typing_of_module

from . import facts

__all__ = [
    "Beside",
    "Check",
    "CheckDefinitionError",
    "Command",
    "Confidence",
    "Cure",
    "Device",
    "Effect",
    "Evidence",
    "Fact",
    "FactStatus",
    "Finding",
    "Fit",
    "Hazard",
    "HazardKind",
    "Installable",
    "Knowledge",
    "KnowledgeEnds",
    "LoadedTensorRT",
    "NotApplicable",
    "Note",
    "Plan",
    "Remedy",
    "Severity",
    "Situation",
    "Typing",
    "Unknown",
    "Yielded",
    "beside",
    "certain_runtimes",
    "check",
    "count",
    "device_fit",
    "devices",
    "either",
    "engine_beside",
    "facts",
    "first_device",
    "hazard_findings",
    "installable",
    "is_damaged",
    "is_no_plan",
    "load_of",
    "loaded_tensorrts",
    "nvml_devices",
    "platform_name",
    "product_supports",
    "rates_of",
    "runtime_for",
    "situation",
    "sound_plans",
    "stand_in",
    "to_run",
    "to_write",
    "typing_of_engine",
    "typing_of_module",
    "unfit",
    "version_fit",
    "versions",
    "weakest",
]
