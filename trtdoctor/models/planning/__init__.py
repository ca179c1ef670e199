"""Which nodes of a model have to stay in FP32: measured, chosen, verified and written out."""

from __future__ import annotations

from .make import PlanRequest, make_plan

__all__ = ["PlanRequest", "make_plan"]
