// Charts: from rows and a block's few words on its axes to Vega-Lite. Colour is never the only signal: lines differ in their
// dashes and points too, intervals in form, and a table with every figure stands beside.

const INK = "#1f2a37";
const QUIET = "#5a6672";
const CONTEXT = "#b9c2cc";
const ACCENT = "#14508c";
const SECOND = "#a3470b";
const SERIES = ["#14508c", "#a3470b", "#1b6e4d", "#7b3294", "#8a6d00", "#8f1d3f"]; // each 4.5 to 1 or more on white
const SCALE = ["#1b6e4d", "#5b9a7f", "#a9850f", "#c9682b", "#8f1d3f"]; // from short waits to long
const DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [10, 4], [4, 2, 1, 2]];
const SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"];
const ROW = 26; // height of a bar with its label

const LABELLED = "label ";
const isNarrow = () => matchMedia("(max-width: 36rem)").matches;
const ROOM = { left: 5, top: 5, bottom: 5, right: 64 }; // for figures at the ends of bars

function drawn(rows, fields) {
  return rows.map((row) => {
    const labels = fields.map((field) => [LABELLED + field, shown(row, field)]);
    return { ...row, ...Object.fromEntries(labels) };
  });
}

function tooltip(block) {
  return block.columns.map((field) => ({ field: LABELLED + field, type: "nominal", title: heading(field) }));
}

function tall(rows, field) {
  return ROW * new Set(rows.map((row) => row[field])).size;
}

function category(field, sort) {
  return {
    field: LABELLED + field, type: "nominal", sort, title: null,
    axis: { labelLimit: isNarrow() ? 120 : 210, labelPadding: 8, ticks: false, domain: false, grid: false },
  };
}

function amount(rows, field, isZero = true, extent = undefined) {
  const asShare = page.kinds[field] === "share" ? { labelExpr: "format(100 * datum.value, ',') + ' %'" } : {};
  return {
    field, type: "quantitative", title: axisTitle(rows, field),
    axis: { tickCount: isNarrow() ? 3 : 5, grid: true, titleLimit: isNarrow() ? 220 : 420, ...asShare },
    scale: { zero: isZero, nice: true, ...(extent ? { domain: isZero ? [Math.min(0, extent[0]), extent[1]] : extent } : {}) },
  };
}

// Charts beside each other are of one scale: from the least to the greatest that any of them shows.
function extentOf({ x, lower, upper, reference }, rows) {
  const fields = [x, lower, upper].filter(Boolean);
  const values = rows.flatMap((row) => fields.map((field) => row[field])).filter((value) => value !== null);
  if (reference !== undefined) values.push(reference);
  return [Math.min(...values), Math.max(...values)];
}

// The title of an upright axis lies flat above it.
function upright(axis) {
  return { ...axis, axis: { ...axis.axis, titleAngle: 0, titleAlign: "left", titleAnchor: "start", titleX: -28, titleY: -10 } };
}

function time(field, rows) {
  const values = [...new Set(rows.map((row) => row[field]))].sort();
  const every = Math.ceil(values.length / 8);
  return {
    field, type: "ordinal", title: null, scale: { domain: values },
    axis: {
      labelAngle: 0, labelOverlap: true, grid: false,
      values: values.filter((_, i) => i % every === 0),
      labelExpr: `${JSON.stringify(Object.fromEntries(values.map((v) => [v, shown({}, field, v)])))}[datum.value]`,
    },
  };
}

// The five series that are greatest at the end in colour, or the chosen one; the others in grey, as background.
function foremost(rows, chart, chosen) {
  if (chosen !== undefined && chosen !== null) return [chosen];
  const last = new Map();
  for (const row of rows) {
    if (row[chart.y] !== null && row[chart.series] !== null) last.set(row[chart.series], row);
  }
  const found = [...last.values()].sort((a, b) => ordered(b[chart.x], a[chart.x]) || b[chart.y] - a[chart.y]);
  return found.slice(0, SERIES.length).map((row) => row[chart.series]);
}

function lines(block, rows, { chosen }) {
  const { x, y, series, target } = block.chart;
  const front = foremost(rows, block.chart, chosen);
  const named = front.map((value) => shown({}, series, value));
  const values = drawn(rows, block.columns.includes(series) ? block.columns : [...block.columns, series])
    .map((row) => ({ ...row, isFront: front.includes(row[series]), dash: DASHES[front.indexOf(row[series])] ?? DASHES[0] }));
  const axes = { x: time(x, rows), y: upright(amount(rows, y, page.kinds[y] !== "by_indicator")) };
  const scale = (range) => ({ domain: named, range: range.slice(0, Math.max(named.length, 1)) });
  const legend = { title: null, orient: "top", columns: isNarrow() ? 1 : 2, labelLimit: 260, symbolSize: 90, offset: 30 };
  const layer = [
    {
      transform: [{ filter: "!datum.isFront" }],
      mark: { type: "line", stroke: CONTEXT, strokeWidth: 1.2 },
      encoding: { ...axes, detail: { field: LABELLED + series, type: "nominal" } },
    },
    {
      transform: [{ filter: "datum.isFront" }],
      mark: { type: "line", strokeWidth: 2.2, point: { size: 42, filled: true } },
      encoding: {
        ...axes,
        color: { field: LABELLED + series, type: "nominal", scale: scale(SERIES), legend },
        strokeDash: { field: "dash", scale: null },
        shape: { field: LABELLED + series, type: "nominal", scale: scale(SHAPES), legend },
        tooltip: tooltip(block),
      },
    },
  ];
  if (target && rows.some((row) => row[target] !== null)) {
    layer.push({ mark: { type: "line", stroke: INK, strokeWidth: 1.2, strokeDash: [3, 3], interpolate: "step" }, encoding: { x: axes.x, y: { aggregate: "max", field: target } } });
  }
  return { data: { values }, height: 280, layer };
}

function bars(block, rows, { extent }) {
  const { x, y } = block.chart;
  const told = rows.filter((row) => row[x] !== null);
  const values = drawn(told, block.columns);
  const sort = { field: x, op: "max", order: "descending" };
  return {
    data: { values }, height: tall(values, y), padding: ROOM,
    encoding: { y: category(y, sort), x: amount(rows, x, true, extent), tooltip: tooltip(block) },
    layer: [
      { mark: { type: "bar", fill: ACCENT, height: 14, cornerRadiusEnd: 2 } },
      { mark: { type: "text", align: "left", dx: 5, fill: INK }, encoding: { text: { field: LABELLED + x } } },
    ],
  };
}

function stacked(block, rows) {
  const { x, y, series, scale } = block.chart;
  const totals = new Map();
  for (const row of rows) totals.set(row[series], Math.max(totals.get(row[series]) ?? 0, row[x] ?? 0));
  const inOrder = scale ? (a, b) => scale.indexOf(a[0]) - scale.indexOf(b[0]) : (a, b) => b[1] - a[1];
  const named = [...totals].sort(inOrder).map(([value]) => shown({}, series, value));
  const fields = [...new Set([...block.columns, series])];
  const colours = named.map((_, i) => (scale ? SCALE : SERIES)[i] ?? CONTEXT);
  const levels = [...new Set(rows.map((row) => shown(row, y)))];
  return {
    data: { values: drawn(rows, fields).map((row) => ({ ...row, rank: named.indexOf(row[LABELLED + series]) })) }, height: tall(rows, y),
    mark: { type: "bar", height: 16, stroke: "white", strokeWidth: 1 },
    encoding: {
      y: category(y, (block.order ?? [])[0] === y ? levels : { field: x, op: "sum", order: "descending" }),
      x: { ...amount(rows, x), stack: "zero" },
      color: {
        field: LABELLED + series, type: "nominal", scale: { domain: named, range: colours },
        legend: { title: null, orient: "top", columns: isNarrow() ? 1 : 2, labelLimit: 260, symbolType: "square" },
      },
      order: scale ? { field: "rank", type: "quantitative" } : undefined,
      tooltip: tooltip(block),
    },
  };
}

function interval(block, rows, { extent }) {
  const { x, y, lower, upper, target, reference } = block.chart;
  const values = drawn(rows, block.columns).map((row) => ({ ...row, why: row[x] === null ? reason(row, x) : null }));
  const sort = { field: x, op: "max", order: "descending" };
  const axis = amount(rows, x, reference === undefined, extent);
  const layer = [];
  if (target && rows.some((row) => row[target] !== null)) {
    layer.push({ mark: { type: "tick", color: SECOND, thickness: 3, size: 20 }, encoding: { x: { field: target, type: "quantitative" } } });
  }
  if (reference !== undefined) {
    layer.push({ mark: { type: "rule", color: QUIET, strokeDash: [4, 3] }, encoding: { x: { datum: reference }, y: null } });
  }
  if (lower) {
    const ends = { x: { ...axis, field: lower }, x2: { field: upper } };
    layer.push({ mark: { type: "bar", color: ACCENT, opacity: 0.22, height: 10, cornerRadius: 5 }, encoding: ends });
  }
  layer.push(
    { mark: { type: "point", filled: true, color: ACCENT, size: 90, opacity: 1 }, encoding: { x: axis } },
    { transform: [{ filter: "datum.why !== null" }], mark: { type: "text", align: "left", fontStyle: "italic", fill: QUIET }, encoding: { x: { value: 6 }, text: { field: "why" } } },
  );
  return { data: { values }, height: tall(values, y), encoding: { y: category(y, sort), tooltip: tooltip(block) }, layer };
}

function reason(row, field) {
  return row.state_code && row.state_code !== "measured" ? shown(row, "state_code") : absent(row, field);
}

// From the base to the payment: each step hangs where the one before it ended. The axis begins near them, for a factor moves
// little; so the base and the payment are points, which say where they are, and no bars, which would say how long.
function steps(block, rows) {
  const { y, x, from, to } = block.chart;
  const values = drawn(rows, block.columns).map((row) => ({
    ...row, isEnd: ["base", "payment"].includes(row.step_code), isLess: row[x] < 0, end: Math.max(row[from], row[to]),
  }));
  const axis = amount(rows, x, false);
  const end = { ...axis, field: "end" };
  return {
    data: { values }, height: tall(values, y), padding: ROOM,
    encoding: { y: category(y, values.map((row) => row[LABELLED + y])), tooltip: tooltip(block) },
    layer: [
      {
        transform: [{ filter: "!datum.isEnd" }],
        mark: { type: "bar", height: 14 },
        encoding: {
          x: { ...axis, field: from }, x2: { field: to },
          color: { condition: { test: "datum.isLess", value: SECOND }, value: ACCENT },
        },
      },
      {
        transform: [{ filter: "datum.isEnd" }],
        mark: { type: "point", filled: true, size: 110, color: INK, opacity: 1 }, encoding: { x: { ...axis, field: to } },
      },
      { mark: { type: "text", align: "left", dx: 9, fill: INK }, encoding: { x: end, text: { field: LABELLED + x } } },
    ],
  };
}

// One quantity against another, with the line on which they are equal.
function curve(block, rows) {
  const { x, y } = block.chart;
  const values = drawn(rows, block.columns);
  const most = Math.max(...rows.flatMap((row) => [row[x], row[y]]));
  const axes = { x: amount(rows, x), y: upright(amount(rows, y)) };
  return {
    height: 280,
    layer: [
      {
        data: { values: [{ [x]: 0, [y]: 0 }, { [x]: most, [y]: most }] },
        mark: { type: "line", stroke: QUIET, strokeDash: [4, 3], strokeWidth: 1.2 }, encoding: axes,
      },
      {
        data: { values }, mark: { type: "line", stroke: ACCENT, point: { filled: true, size: 42, color: ACCENT } },
        encoding: { ...axes, tooltip: tooltip(block) },
      },
    ],
  };
}

const CHARTS = { lines, bars, stacked, interval, steps, curve };

function locale() {
  const [decimal, thousands] = language === "en" ? [".", ","] : [",", "\u00a0"];
  return { decimal, thousands, grouping: [3], currency: ["", "\u00a0€"], minus: "−" };
}

const CONFIG = {
  font: "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif",
  background: null,
  view: { stroke: null },
  axis: { labelColor: INK, titleColor: QUIET, labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", gridColor: "#e6eaee", domainColor: "#9aa5b1", tickColor: "#9aa5b1" },
  legend: { labelColor: INK, labelFontSize: 12 },
  text: { fontSize: 12 },
};

// Draws a chart into an element; its name for those who do not see it is the block's. `chosen` is the value of the series that
// stands out, `extent` what the axis of quantities covers.
async function draw(element, block, rows, { chosen, extent } = {}) {
  const spec = CHARTS[block.chart.kind](block, rows, { chosen, extent });
  const whole = { ...spec, width: "container", autosize: { type: "fit-x", contains: "padding" }, config: CONFIG, description: text(`block.${block.block}`) };
  return window.vegaEmbed(element, whole, {
    ast: true, actions: false, renderer: "svg", defaultStyle: false, formatLocale: locale(),
    tooltip: { theme: "custom" }, logLevel: 1, // errors alone: it warns of every empty layer
  });
}
