"""The option that chooses a ticket's template."""

from __future__ import annotations

import difflib
from typing import Any

import click

# As in trtdoctor.render.ticket_templates, which is imported where a ticket is made.
NAMES = (
    "nvidia-tensorrt",
    "onnxruntime",
    "torch-tensorrt",
    "ultralytics",
    "triton",
    "comfyui",
    "generic",
)


class _Template(click.Choice[str]):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value in NAMES:
            return str(value)
        near = difflib.get_close_matches(str(value).lower(), NAMES, n=1, cutoff=0.5)
        meant = f"did you mean {near[0]}? " if near else ""
        self.fail(
            f"there is no template {str(value)!r}; {meant}The templates are {', '.join(NAMES)}.",
            param,
            ctx,
        )


template_option = click.option(
    "--template",
    type=_Template(NAMES),
    metavar="NAME",
    help=f"Markdown as a ticket for a project's form: {', '.join(NAMES)}. "
    "Printed unless --format is given.",
)
