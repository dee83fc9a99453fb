// Tables: beside every chart, sorted by their headings, the first rows at first. Text comes into the document as text, never
// as markup.

const SHOWN_ROWS = 12;
const WHEN = new Set(["month", "period", "date"]);
const sorted = {}; // block -> [field, direction]
const opened = new Set(); // blocks of which all rows are shown

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
