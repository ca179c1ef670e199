"""The page of a fleet in a real Chromium: quiet, alone, on a phone, for every eye, on paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fleetmaker import machine, made_up_fleet, write
from pagereports import HOSTILE
from test_browser import CHROMIUM, CONTRAST, OVERFLOW
from test_browser import chromium as chromium

import trtdoctor
from trtdoctor.render.fleet_html import render_fleet_html

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here"),
    pytest.mark.slow,
]


def reports(name: str) -> list[dict[str, Any]]:
    if name == "hostile":
        plain = machine(HOSTILE, "h100-no-tensorrt", driver=HOSTILE)
        for outcome in plain["outcomes"]:
            for finding in outcome["findings"]:
                finding["message"] = HOSTILE
        return [plain, machine("node01"), machine("node02")]
    if name == "all different":
        return [machine(f"node{n:02}", driver=f"535.{n}") for n in range(40)]
    return made_up_fleet()


@pytest.fixture
def visit(chromium: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    contexts, trouble = [], []

    def opened(name: str, *, width: int = 1100, **options: Any) -> Any:
        write(tmp_path, *(made := reports(name)), names=tuple(f"r{n}" for n in range(len(made))))
        file = tmp_path / "page.html"
        file.write_text(render_fleet_html(trtdoctor.fleet([tmp_path])), "utf-8")
        contexts.append(chromium.new_context(viewport={"width": width, "height": 900}, **options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("dialog", lambda dialog: trouble.append(dialog.message))
        page.on("request", lambda request: trouble.append(request.url))
        page.goto(file.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    # The page itself, and nothing else.
    assert len(trouble) == len(contexts)


@pytest.mark.parametrize("name", ["made up", "all different", "hostile"])
def test_it_fits_a_phone_and_is_in_order(name: str, visit: Callable[..., Any]) -> None:
    page = visit(name, width=320)
    assert page.evaluate(OVERFLOW) == 0
    levels = page.eval_on_selector_all(
        "h1, h2, h3", "(all) => all.map((e) => Number(e.tagName[1]))"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.eval_on_selector_all("th:not([scope])", "(all) => all.length") == 0
    assert page.get_by_role("region", name="Checks and groups").count() <= 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_text_stands_out_from_its_ground(scheme: str, visit: Callable[..., Any]) -> None:
    assert visit("made up", color_scheme=scheme).evaluate(CONTRAST) == []


def test_a_column_leads_to_its_group_and_a_mark_is_a_word_too(visit: Callable[..., Any]) -> None:
    page = visit("made up", java_script_enabled=False)
    page.get_by_role("link", name="Group 2").click()
    assert page.url.endswith("#group-2")
    cells = page.get_by_role("cell").all_inner_texts()
    assert all(any(letter.isalpha() for letter in cell) for cell in cells)
