"""Pages in a real Chromium: quiet, alone, reachable by keyboard and by name, usable without script."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pagereports import REPORTS, TRTEXEC

from trtdoctor.render.html import render_html

api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here"),
    pytest.mark.slow,
]

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CONTRAST = """() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const linear = (c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const [x, y, z] = [r, g, b].map((c) => linear(c / 255));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = channels(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const e of document.querySelectorAll("main *, footer")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (e.closest("svg") || !own) continue;
    const [a, b] = [light(channels(getComputedStyle(e).color)), light(ground(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${e.tagName} ${e.className} ${ratio.toFixed(2)}`);
  }
  return [...new Set(poor)];
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens the page of a report; fails where it asks for anything else or says a word of trouble."""
    contexts = []
    trouble: list[str] = []

    def opened(name: str, *, width: int = 1100, anchor: str = "", **options: Any) -> Any:
        file = tmp_path / f"{name}.html"
        file.write_text(render_html(REPORTS[name]()), "utf-8")
        context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: trouble.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        page.on("dialog", lambda dialog: trouble.append(f"dialog: {dialog.message}"))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.partition("#")[0] == file.as_uri()
                else trouble.append(f"request: {request.url}")
            ),
        )
        page.goto(file.as_uri() + anchor)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert trouble == []


@pytest.mark.parametrize("name", REPORTS)
def test_a_page_is_named_ordered_and_fits_a_phone(name: str, visit: Callable[..., Any]) -> None:
    page = visit(name, width=320)
    assert page.evaluate(OVERFLOW) == 0
    levels = page.eval_on_selector_all(
        "h1, h2, h3, h4", "(all) => all.map((e) => Number(e.tagName[1]))"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.eval_on_selector_all("th:not([scope])", "(all) => all.length") == 0
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    seen = 0
    for node in tree:
        role = node.get("role", {}).get("value")
        focusable = any(
            each["name"] == "focusable" and each["value"]["value"]
            for each in node.get("properties", ())
        )
        if node.get("ignored") or role in ("RootWebArea", "generic", "Section"):
            continue
        if focusable or role in ("button", "link", "searchbox", "textbox", "table", "img"):
            seen += 1
            told = node.get("name", {}).get("value")
            assert told or role in ("DisclosureTriangle",), node
    assert seen


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["check", "blind", "explain", "compare", "plan"])
def test_text_stands_out_from_its_ground(name: str, scheme: str, visit: Callable[..., Any]) -> None:
    assert visit(name, color_scheme=scheme).evaluate(CONTRAST) == []


def cells(page: Any, column: str) -> list[str]:
    headers = page.locator("table.search thead th").all_text_contents()
    number = next(n for n, text in enumerate(headers) if text.strip().startswith(column))
    return [
        row[number]
        for row in page.eval_on_selector_all(
            "table.search tbody tr:not([hidden])",
            "(rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent))",
        )
    ]


@pytest.mark.parametrize("name", ["explain", "large"])
def test_the_layers_can_be_sorted_and_searched(name: str, visit: Callable[..., Any]) -> None:
    page = visit(name)
    whole = cells(page, "#")
    table = page.locator("table.search")
    header = table.get_by_role("columnheader", name="time (us)")
    header.get_by_role("button").click()
    times = [float(text) for text in cells(page, "time (us)")]
    assert times == sorted(times, reverse=True)
    assert header.get_attribute("aria-sort") == "descending"
    header.get_by_role("button").click()
    assert [float(text) for text in cells(page, "time (us)")] == sorted(times)
    # What has no value comes last, whichever way.
    table.get_by_role("columnheader", name="why not FP16").get_by_role("button").click()
    why = [bool(text) for text in cells(page, "why not FP16")]
    assert why == sorted(why, reverse=True) and any(why) and not all(why)
    search = page.get_by_role("searchbox", name="Search in Layers")
    search.fill("layer.7/ REFORMAT")
    assert cells(page, "#") == ["7"]
    assert page.get_by_text(f"1 of {len(whole)} rows").is_visible()
    search.fill("nothing is called this")
    assert cells(page, "#") == []
    search.fill("")
    assert sorted(cells(page, "#")) == sorted(whole)


def test_a_command_is_copied_as_it_is(visit: Callable[..., Any]) -> None:
    page = visit("explain", width=320, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy: Either with trtexec").first.click()
    page.get_by_text("Copied", exact=True).wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == TRTEXEC
    # Never folded: one line, however narrow the window is.
    pre = page.locator("pre").first
    assert pre.inner_text() == TRTEXEC
    assert pre.evaluate("(e) => e.scrollWidth > e.clientWidth && e.clientHeight < 60")


def test_a_map_is_walked_by_keyboard_and_leads_to_the_layer(visit: Callable[..., Any]) -> None:
    page = visit("explain")
    parts = page.locator("svg.map a")
    assert parts.count() == 40
    # One stop for the tabulator, however many layers there are.
    assert page.locator('svg.map a[tabindex="0"]').count() == 1
    parts.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    told = page.locator(".tell")
    assert "layer.2/attention" in told.inner_text() and "FP32" in told.inner_text()
    assert "conversion-costs-more (certain)" in told.inner_text()
    assert "3.0 us" in told.inner_text()
    page.keyboard.press("Enter")
    assert page.locator("tr:target").get_attribute("id") == "e0-2"
    parts.nth(7).hover()
    assert "converts a data type" in told.inner_text()


def test_in_a_comparison_both_maps_have_one_scale(visit: Callable[..., Any]) -> None:
    page = visit("compare")
    labels = page.locator("figcaption strong").all_inner_texts()
    assert labels == ["A: a.fp32.engine", "B: b.fp16.engine"]
    wide, narrow = (
        box.bounding_box()["width"] for box in page.locator("svg.map > rect.frame").all()
    )
    times = [0.001 * sum(1 + n % 7 for n in range(count)) for count in (20, 10)]
    assert narrow / wide == pytest.approx(times[1] / times[0], abs=0.01)


def test_hazards_and_what_a_plan_keeps_stand_on_a_models_map(visit: Callable[..., Any]) -> None:
    page = visit("plan")
    strong, weak, plan = page.locator("svg.map").all()
    for strip in (strong, weak):
        assert strip.locator(".warn").count() == 1
        titles = strip.locator("a title").all_text_contents()
        assert "epsilon: flush (likely)" in titles[2] and not any("mask" in each for each in titles)
    assert plan.locator(".warn").count() == 0
    assert "stays in FP32: its epsilon" in plan.locator("a title").all_text_contents()[2]


def test_without_script_all_is_there_and_no_control_is(visit: Callable[..., Any]) -> None:
    page = visit("explain", java_script_enabled=False)
    assert page.locator("button, input").count() == 0
    assert page.locator("svg.map a").count() == 40
    assert page.locator("table.search tbody tr").count() == 40
    page.locator("svg.map a").nth(30).click()
    assert page.url.endswith("#e0-30")
    page.get_by_text("7 more").first.click()
    assert page.get_by_text("build.log:11: Half 4.56 us").first.is_visible()


@pytest.mark.parametrize("name", ["check", "explain", "large"])
def test_on_paper_everything_is_open_and_no_control_is(
    name: str, visit: Callable[..., Any]
) -> None:
    page = visit(name)
    page.emulate_media(media="print")
    assert not any(each.is_visible() for each in page.locator(".copy, div.search, .tell").all())
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert page.pdf().startswith(b"%PDF")


def test_names_are_text_whatever_they_hold(visit: Callable[..., Any]) -> None:
    page = visit("hostile")
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1
    assert page.locator("[onfocus], [onerror], [style]").count() == 0
    assert "{{7*7}}" in page.inner_text("main") and "49" not in page.inner_text("h1")
