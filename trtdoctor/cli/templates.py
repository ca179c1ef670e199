"""The option that chooses a ticket's template."""

from __future__ import annotations

import click

from .words import OneOf

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


template_option = click.option(
    "--template",
    type=OneOf(list(NAMES)),
    metavar="NAME",
    help=f"Markdown as a ticket for a project's form: {', '.join(NAMES)}. "
    "Printed unless --format is given.",
)
