"use strict";
(() => {
  const make = (name, text, more = {}) => Object.assign(document.createElement(name), {textContent: text, ...more});

  // Copy buttons: the text as it stands in the document, whatever the window does to its lines.
  const copied = async (text) => {
    try { await navigator.clipboard.writeText(text); return true; } catch { /* an older way below */ }
    const area = make("textarea", text);
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };
  for (const place of document.querySelectorAll(".command")) {
    const pre = place.querySelector("pre");
    const button = make("button", "Copy", {type: "button", className: "copy"});
    button.setAttribute("aria-label", `Copy: ${pre.getAttribute("aria-label")}`);
    button.addEventListener("click", async () => {
      button.textContent = await copied(pre.textContent) ? "Copied" : "Select it";
      if (button.textContent !== "Copied") getSelection().selectAllChildren(pre);
      button.focus();
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    place.classList.add("copyable");
    place.querySelector(".tool").append(button);
  }

  // Tables: sorted by a click on a header, searched by a word.
  const value = (row, column) => row.cells[column]?.textContent.trim() ?? "";
  const number = (text) => text === "" ? null : Number(text.replace(/,/g, "").replace("−", "-").replace(/\s*%$/, ""));
  const sorted = (table, column, header) => {
    const down = header.getAttribute("aria-sort") === "none" ? header.classList.contains("num") && column > 0
      : header.getAttribute("aria-sort") === "ascending";
    for (const other of header.parentNode.cells) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const numeric = header.classList.contains("num");
    const words = new Intl.Collator(undefined, {numeric: true});
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row, place) => [numeric ? number(value(row, column)) : value(row, column), place, row]);
    const empty = (key) => key === null || key === "";
    rows.sort(([a, i], [b, j]) => {
      // What has no value comes last, whichever way.
      if (empty(a) || empty(b)) return empty(a) - empty(b) || i - j;
      const order = numeric ? a - b : words.compare(a, b);
      return (down ? -order : order) || i - j;
    });
    // Emptied at once: taking rows out one by one, a browser looks for its neighbours each time.
    body.replaceChildren();
    body.append(...rows.map((each) => each[2]));
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((header, column) => {
      if (!header.textContent.trim() || header.matches(".fixed")) return;
      const button = make("button", header.textContent, {type: "button"});
      header.replaceChildren(button);
      header.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => sorted(table, column, header));
    });
    if (!table.matches(".search")) continue;
    const rows = [...table.tBodies[0].rows];
    let texts;
    const label = make("label", "Search");
    const input = make("input", "", {type: "search"});
    input.setAttribute("aria-label", `Search in ${table.getAttribute("aria-label")}`);
    const told = make("span", `${rows.length} rows`, {className: "dim"});
    told.setAttribute("role", "status");
    label.append(input);
    const box = make("div", "", {className: "search"});
    box.append(label, told);
    (table.closest(".scroll") ?? table).before(box);
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      texts ??= rows.map((row) => row.textContent.toLowerCase());
      rows.forEach((row, place) => {
        row.hidden = !wanted.every((word) => texts[place].includes(word));
        shown += !row.hidden;
      });
      told.textContent = wanted.length ? `${shown} of ${rows.length} rows` : `${rows.length} rows`;
    });
  }

  // Maps: one stop for the tabulator, arrows within; what is pointed at is told below.
  for (const map of document.querySelectorAll("svg.map")) {
    const parts = [...map.querySelectorAll("a")];
    const tell = make("p", "", {className: "tell"});
    tell.setAttribute("aria-hidden", "true");
    map.after(tell);
    if (map === document.querySelector("svg.map")) tell.textContent = "Point at a part, or move with the arrow keys: it is told here.";
    parts.forEach((part, place) => {
      part.setAttribute("tabindex", place ? "-1" : "0");
      const show = () => { tell.textContent = part.querySelector("title").textContent; };
      part.addEventListener("mouseenter", show);
      part.addEventListener("focus", show);
      part.addEventListener("keydown", (event) => {
        const to = {ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: parts.length - 1}[event.key];
        if (to === undefined || !parts[to]) return;
        event.preventDefault();
        part.setAttribute("tabindex", "-1");
        parts[to].setAttribute("tabindex", "0");
        parts[to].focus();
      });
    });
  }
  // A link into a table that hides the row by a search: show it again.
  addEventListener("hashchange", () => {
    const row = document.getElementById(location.hash.slice(1));
    if (row?.hidden) row.hidden = false;
    row?.scrollIntoView({block: "center"});
  });
  addEventListener("beforeprint", () => { for (const each of document.querySelectorAll("details")) each.open = true; });
})();
