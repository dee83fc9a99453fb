// The page: one view at a time, chosen by the address (#fi/payments), its filters, charts and tables. All text comes into the
// document as text, never as markup.

const SHOWN_ROWS = 12;
const WHEN = new Set(["month", "period", "date"]);
const main = document.getElementById("main");
const chosen = {}; // view -> field -> value, null for all
const sorted = {}; // block -> [field, direction]
const opened = new Set(); // blocks of which all rows are shown
const change = { base: 0, need: true, correction: true, lower: "", upper: "" }; // of the what-if

// An element with attributes and children; a string becomes text.
function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

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

// Tables

function table(block, rows, labelledBy) {
  const columns = toldIn(block, rows);
  const isOfTime = ["month", "period"].includes(page.kinds[columns[0]]);
  const [field, direction] = sorted[block.block] ?? (isOfTime ? [columns[0], "descending"] : []);
  const ranked = field ? [...rows].sort((a, b) => compared(a, b, field, direction)) : rows;
  const full = opened.has(block.block) || rows.length <= SHOWN_ROWS + 3;
  const head = el("tr", {}, ...columns.map((column) => headed(block, column, field === column ? direction : null)));
  const body = ranked.map((row, i) => {
    const cells = columns.map((column, j) => cell(row, column, j === 0));
    return el("tr", { class: !full && i >= SHOWN_ROWS ? "more" : null }, ...cells);
  });
  const made = el("table", { "aria-labelledby": labelledBy }, el("thead", {}, head), el("tbody", {}, ...body));
  const region = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": labelledBy }, made);
  return el("div", { class: "table" }, region, full ? null : more(block, rows.length));
}

// Columns that hold anything; on the public page also those of which everything was left out.
function toldIn(block, rows) {
  return block.columns.filter((column) => page.shelf === "public" || rows.some((row) => (valueOf(row, column) ?? null) !== null));
}

function compared(a, b, field, direction) {
  const [one, other] = [valueOf(a, field) ?? null, valueOf(b, field) ?? null];
  if (one === null || other === null) return ordered(one, other); // what is missing stays last
  const found = isNumeric(field) || WHEN.has(page.kinds[field]) ? ordered(one, other) : ordered(shown(a, field), shown(b, field));
  return direction === "descending" ? -found : found;
}

function headed(block, column, direction) {
  const turn = () => {
    const next = direction === "ascending" || (direction === null && isNumeric(column)) ? "descending" : "ascending";
    sorted[block.block] = [column, next];
    redraw(block);
    document.querySelector(`#${block.block} th[data-field="${column}"] button`).focus();
    say(`${heading(column)}: ${text(`ui.${next}`)}`);
  };
  return el(
    "th", { scope: "col", "aria-sort": direction, class: isNumeric(column) ? "n" : null, "data-field": column },
    el("button", { type: "button", onclick: turn }, heading(column)),
  );
}

function cell(row, column, isFirst) {
  const value = valueOf(row, column);
  const nothing = value === null || value === undefined;
  const classes = [isNumeric(column) ? "n" : "", nothing ? "nothing" : "", WHEN.has(page.kinds[column]) ? "when" : ""].filter(Boolean).join(" ");
  const inner = page.kinds[column] === "state" && !nothing ? el("span", { class: `state ${value}` }, shown(row, column)) : shown(row, column);
  return el(isFirst ? "th" : "td", { class: classes || null, scope: isFirst ? "row" : null }, inner);
}

function more(block, count) {
  const show = () => {
    opened.add(block.block);
    redraw(block);
    document.querySelector(`#${block.block} .scroll`).focus();
  };
  return el("button", { type: "button", class: "show", onclick: show }, text("ui.all_rows", { count: number(count, 0) }));
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
  const { kind, series, panel, x, y } = block.chart;
  const isLines = kind === "lines";
  const pick = isLines && obeyed(view, block).includes(series) ? choiceIn(view, series) : null;
  const rows = rowsIn(view, block, isLines ? [series] : []);
  const isTold = (row) => row[isLines ? y : x] !== null;
  const panels = panel ? [...new Set(rows.map((row) => row[panel]))].sort(ordered).reverse() : [undefined];
  const made = el("div", { class: "charts" });
  for (const value of panels) {
    const mine = panel ? rows.filter((row) => row[panel] === value) : rows;
    if (!mine.some(isTold)) continue; // the table says why
    const name = panel ? shown({}, panel, value) : null;
    const target = el("div", { class: "chart", role: "img", "aria-label": text("ui.chart", { name: [text(`block.${block.block}`), name].filter(Boolean).join(", ") }) });
    made.append(el("figure", {}, name ? el("figcaption", {}, name) : null, target));
    drawing.push(draw(target, block, mine, pick).catch((error) => {
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

// What if: payment for the list = base × regional × need × correction (× neutrality), with some of them changed

function reckoned(row) {
  const need = change.need ? 1 : 1 / (row.need_factor ?? 1);
  const was = row.correction_factor ?? 1;
  const lower = change.lower === "" ? -Infinity : Number(change.lower);
  const upper = change.upper === "" ? Infinity : Number(change.upper);
  const correction = change.correction ? Math.min(Math.max(was, lower), upper) : 1;
  const euros = row.list_eur * (1 + change.base / 100) * need * (correction / was);
  return Math.round(euros * 100) / 100;
}

function whatIf(rows) {
  const told = rows.filter((row) => row.list_eur !== null && row.list_eur !== undefined);
  const output = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": text("block.what_if") });
  const answer = () => output.replaceChildren(answered(told));
  const input = (name, attributes) => {
    const isCheck = attributes.type === "checkbox";
    const read = (event) => {
      change[name] = isCheck ? event.target.checked : event.target.value;
      answer();
    };
    const made = el("input", { id: `if-${name}`, oninput: read, ...attributes, ...(isCheck ? { checked: change[name] } : { value: change[name] }) });
    return el("div", {}, el("label", { for: `if-${name}` }, text(`ui.if_${name}`)), made);
  };
  const form = el(
    "form", { class: "filters", onsubmit: (event) => event.preventDefault() },
    input("base", { type: "number", step: "0.5", min: "-50", max: "50" }),
    input("need", { type: "checkbox" }), input("correction", { type: "checkbox" }),
    input("lower", { type: "number", step: "0.01", min: "0.5", max: "1" }),
    input("upper", { type: "number", step: "0.01", min: "1", max: "2" }),
  );
  answer();
  return el("div", {}, el("p", { class: "formula" }, text("ui.if_formula")), form, output);
}

function answered(rows) {
  const lines = rows.map((row) => [shown(row, "provider_id"), row.list_eur, reckoned(row)]);
  const sum = (i) => lines.reduce((total, line) => total + line[i], 0);
  lines.push([text("ui.total"), sum(1), sum(2)]);
  const headings = ["if_provider", "if_now", "if_then", "if_change", "if_change_pct"];
  const head = headings.map((key, i) => el("th", { scope: "col", class: i ? "n" : null }, text(`ui.${key}`)));
  const body = lines.map(([name, now, then], i) => el(
    "tr", { class: i === lines.length - 1 ? "total" : null }, el("th", { scope: "row" }, name),
    ...[withUnit(now, "eur"), withUnit(then, "eur"), signed(then - now), now ? `${number(100 * (then / now - 1), 1, { signDisplay: "exceptZero" })}\u00a0%` : "–"]
      .map((value) => el("td", { class: "n" }, value)),
  ));
  return el("table", { "aria-label": text("block.what_if") }, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body));
}

function signed(value) {
  return number(value, 2, { style: "currency", currency: "EUR", signDisplay: "exceptZero" });
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
