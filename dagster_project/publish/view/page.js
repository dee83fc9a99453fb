// The page: one view at a time, chosen by the address (#fi/payments), its filters, charts and tables. All text comes into the
// document as text, never as markup.

const main = document.getElementById("main");
const chosen = {}; // view -> field -> value, null for all

function place() {
  const [wanted, name] = location.hash.slice(1).split("/");
  const view = page.views.find((one) => one.view === name) ?? page.views[0];
  const own = LANGUAGES.find((one) => (navigator.language ?? "").startsWith(one));
  return { language: LANGUAGES.includes(wanted) ? wanted : own ?? LANGUAGES[0], view };
}

// Which rows a block shows

function has(block, field) {
  return page.tables[block.data].columns.includes(field);
}

function kept(block) {
  return rowsOf(block.data).filter((row) =>
    Object.entries(block.where ?? {}).every(([field, values]) => values.includes(row[field])));
}

function valuesOf(view, field) {
  const block = view.blocks.find((one) => has(one, field) && kept(one).some((row) => row[field] !== null));
  const values = [...new Set((block ? kept(block) : []).map((row) => row[field]))];
  return values.filter((value) => value !== null).sort(ordered);
}

function choiceIn(view, field) {
  const mine = (chosen[view.view] ??= {});
  if (!(field in mine)) {
    const values = valuesOf(view, field);
    mine[field] = { first: values[0], last: values.at(-1), newest: values.at(-1), all: null }[view.filters[field]] ?? null;
  }
  return mine[field];
}

function obeyed(view, block) {
  return Object.keys(view.filters ?? {}).filter((field) => has(block, field) && !(block.ignores ?? []).includes(field));
}

function rowsIn(view, block, but = []) {
  let rows = kept(block);
  for (const field of [...(block.order ?? [])].reverse()) {
    const scale = field === block.chart.series ? block.chart.scale : undefined;
    const rank = (row) => (scale ? scale.indexOf(row[field]) : row[field]);
    rows = [...rows].sort((a, b) => ordered(rank(a), rank(b)));
  }
  for (const field of obeyed(view, block)) {
    const value = choiceIn(view, field);
    if (value !== null && !but.includes(field)) rows = rows.filter((row) => row[field] === value);
  }
  for (const field of [block.newest, block.one_of].filter(Boolean)) {
    const values = [...new Set(rows.map((row) => row[field]))].sort(ordered);
    const one = field === block.newest ? values.at(-1) : values[0];
    rows = rows.filter((row) => row[field] === one);
  }
  return rows;
}

// Filters

function filters(view) {
  const fields = Object.keys(view.filters ?? {}).filter((field) => valuesOf(view, field).length > 0);
  if (!fields.length) return null;
  return el("form", { class: "filters", onsubmit: (event) => event.preventDefault() }, ...fields.map((field) => filter(view, field)));
}

function filter(view, field) {
  const values = valuesOf(view, field);
  const told = values.map((value) => [value, choiceOf(field, value)]);
  if (view.filters[field] === "newest") told.reverse();
  else told.sort((a, b) => a[1].localeCompare(b[1], LOCALES[language]));
  const options = told.map(([value, label]) => el("option", { value: JSON.stringify(value), selected: value === choiceIn(view, field) }, label));
  if (view.filters[field] === "all") options.unshift(el("option", { value: "null", selected: choiceIn(view, field) === null }, text("ui.all")));
  const id = `filter-${field}`;
  const change = (event) => {
    chosen[view.view][field] = JSON.parse(event.target.value);
    blocks(view);
    say(`${heading(field)}: ${event.target.selectedOptions[0].textContent}`);
  };
  return el("div", {}, el("label", { for: id }, heading(field)), el("select", { id, onchange: change }, ...options));
}

// Blocks

let current = null;

function blocks(view) {
  const old = main.querySelectorAll("section.block");
  old.forEach((section) => section.remove());
  drawing = [];
  for (const block of view.blocks) {
    const section = el("section", { class: `block ${block.chart?.kind ?? "plain"}`, id: block.block, "aria-labelledby": `${block.block}-title` });
    main.append(section);
    fill(view, block, section);
  }
  settle();
  about();
}

function redraw(block) {
  fill(current, block, document.getElementById(block.block));
  settle();
}

function fill(view, block, section) {
  const title = `${block.block}-title`;
  section.replaceChildren(el("h3", { id: title }, text(`block.${block.block}`)));
  const note = page.texts[language][`block.${block.block}.note`];
  if (note) section.append(el("p", { class: "note" }, note));
  const rows = rowsIn(view, block);
  if (!rows.length) {
    section.append(el("p", { class: "empty" }, text(kept(block).length ? "ui.empty" : "ui.no_rows")));
  } else if (block.chart?.kind === "figures") {
    section.append(figures(rows));
  } else if (block.chart?.kind === "whatif") {
    section.append(whatIf(rows));
  } else {
    aside(view, block, rows).forEach((line) => section.append(line));
    const halves = el("div", { class: block.columns.length > 5 ? "over" : "beside" });
    section.append(halves);
    if (block.chart) halves.append(charts(view, block));
    halves.append(table(block, rows, title));
  }
}

// What a reader has to know of the rows at hand: whose they are, and that a period goes on.
function aside(view, block, rows) {
  const told = [];
  if (block.one_of) told.push(`${heading(block.one_of)}: ${shown(rows[0], block.one_of)}`);
  if (block.newest) told.push(`${heading(block.newest)}: ${shown(rows[0], block.newest)}`);
  if (rows.some((row) => row.is_to_date || row.is_early_warning)) told.push(text("ui.to_date"));
  const nothing = block.chart?.x && rows.every((row) => row[block.chart.x] === null || row[block.chart.y] === null);
  if (nothing) told.push(text(page.shelf === "public" ? "ui.all_withheld" : "ui.nothing_measured"));
  return told.map((line) => el("p", { class: "aside" }, line));
}

// One chart, or one for each value of its panel. Of lines all are drawn, the chosen one before the others.
function charts(view, block) {
  const { kind, series, panel, panels: first = [], x, y } = block.chart;
  const isLines = kind === "lines";
  const chosen = isLines && obeyed(view, block).includes(series) ? choiceIn(view, series) : null;
  const rows = rowsIn(view, block, isLines ? [series] : []);
  const isTold = (row) => row[isLines ? y : x] !== null;
  const panels = panel ? [...new Set([...first, ...rows.map((row) => row[panel]).sort(ordered)])] : [undefined];
  const extent = panel && !isLines ? extentOf(block.chart, rows) : undefined;
  const made = el("div", { class: "charts" });
  for (const value of panels) {
    const mine = panel ? rows.filter((row) => row[panel] === value) : rows;
    if (!mine.some(isTold)) continue; // the table says why
    const name = panel ? shown({}, panel, value) : null;
    const target = el("div", { class: "chart", role: "img", "aria-label": text("ui.chart", { name: [text(`block.${block.block}`), name].filter(Boolean).join(", ") }) });
    made.append(el("figure", {}, name ? el("figcaption", {}, name) : null, target));
    drawing.push(draw(target, block, mine, { chosen, extent }).catch((error) => {
      target.replaceWith(el("p", { class: "empty" }, text("ui.no_chart")));
      console.error(error);
    }));
  }
  return made;
}

// Charts under way; the page is busy until the last of them is drawn.
let drawing = [];
function settle() {
  const mine = drawing;
  main.setAttribute("aria-busy", "true");
  Promise.all(mine).then(() => {
    if (mine === drawing) main.setAttribute("aria-busy", "false");
  });
}

function figures(rows) {
  const tiles = rows.map((row) => el(
    "div", {},
    el("dt", {}, shown(row, "figure_code")),
    el("dd", { class: "value" }, shown(row, "figure_value")),
    el("dd", { class: "quiet" }, shown(row, "figure_month"),
      row.previous_value === null ? "" : ` · ${text("ui.before", { value: shown(row, "previous_value") })}`),
  ));
  return el("dl", { class: "tiles" }, ...tiles);
}

// The frame

function frame(view) {
  document.documentElement.lang = language;
  document.title = `${text(`view.${view.view}`)} – ${text(`page.${page.shelf}`)}`;
  document.getElementById("skip").textContent = text("ui.skip");
  document.getElementById("title").textContent = text(`page.${page.shelf}`);
  document.getElementById("age").textContent = age();
  const switches = LANGUAGES.map((one) => el(
    "a", { href: `#${one}/${view.view}`, lang: one, "aria-current": one === language ? "true" : null }, LANGUAGE_NAMES[one],
  ));
  document.getElementById("languages").replaceChildren(...switches);
  document.getElementById("languages").setAttribute("aria-label", text("ui.languages"));
  const links = page.views.map((one) => el("li", {}, el(
    "a", { href: `#${language}/${one.view}`, "aria-current": one === view ? "page" : null }, text(`view.${one.view}`),
  )));
  document.getElementById("views").replaceChildren(el("ul", {}, ...links));
  document.getElementById("views").setAttribute("aria-label", text("ui.views"));
  const link = document.querySelector("#views [aria-current]");
  link.closest("ul").scrollLeft = link.offsetLeft - 24; // `scrollIntoView` would make Tab begin there
}

// How old the data are: by the reader's clock, so that a page which nobody renews says so itself.
function age() {
  const until = page.made.data_date;
  if (!until) return text("ui.no_date");
  const days = Math.max(0, Math.floor((Date.now() - Date.parse(until)) / 86400000));
  const words = new Intl.RelativeTimeFormat(LOCALES[language], { numeric: "always" });
  const [count, unit] = days < 60 ? [days, "day"] : days < 730 ? [Math.floor(days / 30.44), "month"] : [Math.floor(days / 365.25), "year"];
  return text("ui.age", { date: day(until), ago: words.format(-count, unit) });
}

function about() {
  const { release_id: release, build_id: build } = page.made;
  const lines = [text(`page.${page.shelf}.about`), text("ui.made", { release, build })];
  if (page.shelf === "public") lines.push(text("ui.redacted_count", { count: number(page.made.redacted_count, 0) }));
  if (missing.size) lines.push(text("ui.missing", { codes: [...missing].sort().join(", ") }));
  const notices = document.getElementById("notices").content.textContent;
  document.getElementById("about").replaceChildren(
    ...lines.map((line) => el("p", {}, line)),
    el("details", {}, el("summary", {}, text("ui.notices")), el("pre", { lang: "en", tabindex: "0" }, notices)),
  );
}

function say(words) {
  document.getElementById("said").textContent = words;
}

function show() {
  const found = place();
  const isFirst = current === null;
  language = found.language;
  current = found.view;
  missing.clear();
  if (!current) {
    main.replaceChildren(el("p", { class: "empty" }, text("ui.no_views")));
    document.getElementById("title").textContent = text(`page.${page.shelf}`);
    document.getElementById("age").textContent = age();
    return;
  }
  frame(current);
  const title = el("h2", { tabindex: "-1", id: "view-title" }, text(`view.${current.view}`));
  main.replaceChildren(title, el("p", { class: "lead" }, text(`view.${current.view}.lead`)), ...[filters(current)].filter(Boolean));
  blocks(current);
  if (!isFirst) {
    title.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

window.addEventListener("hashchange", show);
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address chooses the view
  main.focus();
});
show();
