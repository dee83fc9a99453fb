// Values in words: numbers, days and codes in the reader's language. Everything shown passes here; nothing is reckoned.
const page = JSON.parse(document.getElementById("data").textContent);
const LANGUAGES = ["fi", "sv", "en"];
const LOCALES = { fi: "fi-FI", sv: "sv-FI", en: "en-GB" };
const LANGUAGE_NAMES = { fi: "Suomi", sv: "Svenska", en: "English" };
const NUMERIC = new Set(["count", "eur", "factor", "share", "pct", "number", "by_indicator", "by_unit"]);
const EURO = { style: "currency", currency: "EUR" }; // in whole euros where they are of thousands
const UNIT_PLACES = { pct: 1, points: 1, days: 1, minutes: 1, mean: 2, index: 3, per_1000: 1 };

let language = LANGUAGES[0];
const missing = new Set(); // codes of the data that have no text in the language

function text(key, values = {}) {
  const said = page.texts[language][key];
  if (said === undefined) throw new Error(`no text for ${key}`);
  return said.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

function code(prefix, value) {
  const said = page.texts[language][`code.${prefix}.${value}`];
  if (said === undefined) missing.add(`${prefix}: ${value}`);
  return said ?? String(value);
}

// Rows of an answer as objects, made once.
const answers = new Map();
function rowsOf(name) {
  if (!answers.has(name)) {
    const { columns, rows } = page.tables[name];
    answers.set(name, rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i]]))));
  }
  return answers.get(name);
}

function lookup(name, key, value) {
  if (!page.tables[name]) return undefined;
  const id = `${name} by ${key}`;
  if (!answers.has(id)) answers.set(id, new Map(rowsOf(name).map((row) => [row[key], row])));
  return answers.get(id).get(value);
}

// A field of a row; what the answer does not hold may be known of its provider.
function valueOf(row, field) {
  return field in row ? row[field] : lookup("provider", "provider_id", row.provider_id)?.[field];
}

const formats = new Map();
function number(value, places, options = {}) {
  const key = `${language} ${places} ${JSON.stringify(options)}`;
  if (!formats.has(key)) {
    const digits = { minimumFractionDigits: places, maximumFractionDigits: places };
    formats.set(key, new Intl.NumberFormat(LOCALES[language], { ...digits, ...options }));
  }
  return formats.get(key).format(value);
}

function day(value, options = { day: "numeric", month: language === "en" ? "short" : "numeric", year: "numeric" }) {
  const key = `${language} ${JSON.stringify(options)}`;
  if (!formats.has(key)) {
    formats.set(key, new Intl.DateTimeFormat(LOCALES[language], { ...options, timeZone: "UTC" }));
  }
  return formats.get(key).format(new Date(`${value}T00:00:00Z`));
}

function month(value) {
  return language === "en" ? day(value, { month: "short", year: "numeric" }) : `${Number(value.slice(5, 7))}/${value.slice(0, 4)}`;
}

// A period by its months, once any answer says when it ends.
function period(row, value) {
  const ends = row.period_end_date ?? endOf(value);
  if (!ends) return month(value);
  if (value.slice(0, 4) !== ends.slice(0, 4)) return `${month(value)}–${month(ends)}`;
  const first = language === "en" ? day(value, { month: "short" }) : Number(value.slice(5, 7));
  return `${first}–${month(ends)}`;
}

function endOf(value) {
  const name = Object.keys(page.tables).find((one) => page.tables[one].columns.includes("period_end_date"));
  return name && lookup(name, "period_start_date", value)?.period_end_date;
}

function municipality(value) {
  if (value === "all") return text("ui.whole_area");
  const found = lookup("municipality", "municipality_code", value);
  return (language === "sv" ? found?.name_sv : found?.name_fi) ?? found?.name_fi ?? value;
}

function withUnit(value, unit) {
  switch (unit) {
    case "eur": return number(value, 2, EURO);
    case "count": return number(value, 0);
    case "pct": return `${number(value, 1)}${language === "en" ? "" : "\u00a0"}%`;
    default: return number(value, UNIT_PLACES[unit] ?? 1);
  }
}

// A value of a field as text.
function shown(row, field, value = valueOf(row, field)) {
  if (value === null || value === undefined) return absent(row, field);
  switch (page.kinds[field]) {
    case "count": return number(value, 0);
    case "eur": return page.shelf === "public" ? number(value, 0, EURO) : withUnit(value, "eur");
    case "factor": return number(value, 4);
    case "share": return withUnit(100 * value, "pct");
    case "pct": return withUnit(value, "pct");
    case "number": return number(value, Number.isInteger(value) ? 0 : 1);
    case "by_indicator": return withUnit(value, lookup("indicator", "indicator_id", row.indicator_id)?.unit_code);
    case "by_unit": return withUnit(value, row.unit_code);
    case "month": return month(value);
    case "date": return day(value);
    case "period": return period(row, value);
    case "is": return text(value ? "ui.yes" : "ui.no");
    case "code": return code(field.replace(/_(code|id)$/, ""), value);
    case "state": return code("state", value);
    case "codes": return value.split(",").map((one) => code("language", one)).join(", ");
    case "provider": return lookup("provider", "provider_id", value)?.provider_name ?? value;
    case "site": return lookup("site", "site_id", value)?.site_name ?? value;
    case "municipality": return municipality(value);
    case "municipalities": return value.split(",").map(municipality).join(", ");
    case "band": return value === "unknown" ? text("ui.unknown") : value.replace("-", "–");
    case "trait": return trait(row, value);
    case "indicator": return lookup("indicator", "indicator_id", value)?.[`name_${language}`] ?? value;
    default: return String(value);
  }
}

// What clients are told apart by: a municipality, a sex, a language or an age.
function trait(row, value) {
  if (value === "unknown") return text("ui.unknown");
  if (row.trait_code === "municipality") return municipality(value);
  return row.trait_code === "age" ? value.replace("-", "–") : code(row.trait_code, value);
}

// A choice of a filter: a truth is named after its field, another value as in the table.
function choiceOf(field, value) {
  return page.kinds[field] === "is" ? text(`choice.${field}.${value}`) : shown({}, field, value);
}

// Nothing where a value might be: it is of whom nobody may know, was not measured, or was left out of the public page.
function absent(row, field) {
  if (["provider", "municipality", "site"].includes(page.kinds[field])) return text("ui.unknown");
  const own = `${field.split("_")[0]}_state`; // of this very figure, where a row has several
  const state = row[`${own}_code`] ?? "measured";
  if (state !== "measured") return page.texts[language][`code.${own}.${state}`] ?? code("state", state);
  if (/^(lower|upper)_/.test(field)) return "–"; // its figure says why
  const isLeftOut = page.shelf === "public" && NUMERIC.has(page.kinds[field]) && (row.state_code ?? "measured") === "measured";
  return isLeftOut ? text("ui.withheld") : "–";
}

function isNumeric(field) {
  return NUMERIC.has(page.kinds[field]);
}

// What an axis counts: of an indicator in its own unit.
function axisTitle(rows, field) {
  if (page.kinds[field] !== "by_indicator") return heading(field);
  const unit = lookup("indicator", "indicator_id", rows[0].indicator_id)?.unit_code;
  return unit ? `${shown(rows[0], "indicator_id")}, ${code("unit", unit)}` : heading(field);
}

function heading(field) {
  return text(`field.${field}`);
}

function ordered(one, other) {
  if (one === other) return 0;
  if (one === null || one === undefined) return 1;
  if (other === null || other === undefined) return -1;
  return typeof one === "string" ? one.localeCompare(other, LOCALES[language], { numeric: true }) : one - other;
}
