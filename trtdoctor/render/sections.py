"""Which tables a report shows of its engines, by the command that made it."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.model.report import Report

from .arithmetic_sections import arithmetic_sections
from .build_sections import build_sections, proof_sections
from .comparison_sections import comparison_sections
from .engine_sections import engine_sections
from .explanations import explanation_sections
from .measured_sections import measured_sections
from .model_sections import model_sections
from .plan_sections import plan_sections
from .section import Section


def report_sections(
    report: Report,
    *,
    all_layers: bool = False,
    verbose: bool = False,
    gather_above: int | None = None,
) -> Iterator[Section]:
    """The tables of a report: what was measured, comparisons, engines or their explanations, models.

    Of engines there are explanations where there are any, else what is in them. Before a table of
    more than ``gather_above`` layers stands one that counts those that are alike.
    """
    yield from arithmetic_sections(report.machine)
    for number, comparison in enumerate(report.comparisons):
        yield from comparison_sections(comparison, verbose=verbose, brief=number > 0)
    if report.command == "explain":
        for engine in report.engines:
            yield from explanation_sections(engine, verbose=verbose)
            yield from proof_sections(engine)
    elif report.command == "build":
        for engine in report.engines:
            yield from build_sections(engine)
            yield from explanation_sections(engine, verbose=verbose)
    elif not report.comparisons:
        yield from engine_sections(report.engines, all_layers=all_layers, gather_above=gather_above)
    if verbose or not report.comparisons:
        yield from measured_sections(report.engines)
    for model in report.models:
        yield from model_sections(model, verbose=verbose, numbers_only=report.command == "explain")
        yield from plan_sections(model, verbose=verbose)
