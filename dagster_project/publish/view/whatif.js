// What if: the one thing that is reckoned on the page. Payment for the list = base × regional × need × correction
// (× neutrality); a factor is changed in what was paid, so that without a change nothing changes, to the cent.

const change = { base: 0, need: true, correction: true, lower: "", upper: "" };

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
  return number(value, 2, { ...EURO, signDisplay: "exceptZero" });
}
