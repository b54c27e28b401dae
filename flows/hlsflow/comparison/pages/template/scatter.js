/* Accuracy against a cost. One stage at a time: figures of two stages never share an axis. */

const SHAPES = ["circle", "square", "diamond", "triangle"];

/** The choices of an axis, in groups of a stage: `[{label, options: [{stage, metric}]}]`, those with points alone. */
function axisChoices(sizes, metrics) {
  const groups = Object.keys(DATA.stages).map((stage) => ({
    label: DATA.stages[stage],
    options: metrics.map((metric) => ({ stage, metric })),
  }));
  groups.push({ label: "model size", options: sizes.map((metric) => ({ stage: "", metric })) });
  for (const group of groups) group.options = group.options.filter(({ stage, metric }) => pointsOf(stage, metric).length);
  return groups.filter((group) => group.options.length);
}

/** The points of an axis: every row with an accuracy and that cost. */
function pointsOf(stage, metric) {
  const points = [];
  DATA.rows.forEach((row, index) => {
    if (row.accuracy === undefined) return;
    const sources = stage ? row.figures.filter((figure) => figure.stage === stage) : [row];
    for (const source of sources) {
      const x = source.values[metric];
      if (x === undefined) continue;
      const optimal = (source.optimal ?? []).includes(metric);
      const range = source.ranges?.[metric];
      points.push({ x, y: 100 * row.accuracy, row, index, source, group: source.group, optimal, range });
    }
  });
  return points;
}

function startScatter(box, sizes, metrics, missing) {
  const select = box.querySelector("select");
  const log = box.querySelector(".log");
  const plot = box.querySelector(".plot");
  const title = box.querySelector("h2");
  const heading = title.textContent;
  const choices = axisChoices(sizes, metrics);
  let shown = new Set(DATA.rows.keys());
  box.hidden = false;
  if (!choices.length) {
    box.querySelector(".controls").hidden = true;
    const [head, ...lines] = missing;
    plot.append(make("div", { class: "empty" }, make("b", {}, head), ...lines.map((line) => make("p", {}, ...line))));
    return;
  }
  for (const { label, options } of choices) {
    const items = options.map(({ stage, metric }) => make("option", { value: `${stage}|${metric}` }, headed(metric)));
    select.append(make("optgroup", { label }, ...items));
  }
  select.value = startingChoice(choices);
  const draw = () => {
    const [stage, metric] = select.value.split("|");
    title.textContent = stage ? heading : "Accuracy against model size";
    drawScatter(box, plot, { stage, metric, log: log.checked, points: pointsOf(stage, metric), shown });
  };
  select.addEventListener("input", draw);
  log.addEventListener("input", draw);
  document.addEventListener("filtered", (event) => { shown = event.detail; draw(); });
  let width = 0;
  new ResizeObserver(([entry]) => {
    if (Math.abs(entry.contentRect.width - width) < 1) return;
    width = entry.contentRect.width;
    draw();
  }).observe(plot);
}

/** The axis to begin with: the page's cost if it is there, measured if it can be, with as many points as there are. */
function startingChoice(choices) {
  const options = choices.flatMap((group) => group.options);
  const worth = ({ stage, metric }) => [metric === DATA.cost, stage !== "" && stage !== "analytic", stage !== "", pointsOf(stage, metric).length];
  const better = (one, other) => {
    const [a, b] = [worth(one).map(Number), worth(other).map(Number)];
    const index = a.findIndex((value, place) => value !== b[place]);
    return index >= 0 && a[index] > b[index];
  };
  const { stage, metric } = options.reduce((best, option) => (better(option, best) ? option : best));
  return `${stage}|${metric}`;
}

/** Round steps between two values: 1, 2 or 5 times a power of ten. */
function ticksOf(low, high, count) {
  const rough = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const ticks = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1) ticks.push(index * step);
  return { ticks, step };
}

function logTicks(low, high) {
  const ticks = [];
  const factors = Math.log10(high / low) > 3 ? [1] : Math.log10(high / low) > 1.2 ? [1, 3] : [1, 2, 3, 5, 7];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
    for (const factor of factors) {
      const tick = factor * 10 ** power;
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
    }
  }
  return ticks;
}

function short(value) {
  const size = Math.abs(value);
  const [scale, letter] = size >= 1e9 ? [1e9, "G"] : size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
  return `${Number((value / scale).toPrecision(4)).toLocaleString("en-US")}${letter}`;
}

/** The horizontal scale: `{place, ticks}`; points at 0 have no place on a logarithmic one. */
function scaleX(points, log, left, right) {
  const values = points.flatMap((point) => [point.x, ...(point.range ?? [])]).filter((value) => !log || value > 0);
  let low = Math.min(...values);
  let high = Math.max(...values);
  const span = right - left;
  if (log) {
    const pad = Math.max((high / low) ** 0.08, 1.1);
    [low, high] = [low / pad, high * pad];
    const place = (value) => left + (span * Math.log(value / low)) / Math.log(high / low);
    return { place, ticks: logTicks(low, high) };
  }
  // from 0 where that leaves the points apart
  const pad = (high - low) * 0.12 || high * 0.25;
  low = low < 0.5 * high || low === high ? Math.min(0, low) : low - pad;
  high = high + pad || 1;
  return { place: (value) => left + (span * (value - low)) / (high - low), ticks: ticksOf(low, high, span / 90).ticks };
}

function scaleY(points, top, bottom) {
  const values = points.map((point) => point.y);
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const pad = Math.max((high - low) * 0.12, 0.25);
  [low, high] = [low - pad, high + pad];
  const { ticks, step } = ticksOf(low, high, (bottom - top) / 50);
  const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  return { place: (value) => bottom - ((bottom - top) * (value - low)) / (high - low), ticks, digits };
}

function mark(shape, x, y, size, attributes) {
  const at = { ...attributes };
  const [w, h] = [size * 1.25, size * 1.15];
  if (shape === "circle") return make("svg:circle", { ...at, cx: x, cy: y, r: size });
  const paths = {
    square: `M${x - size * 0.9} ${y - size * 0.9}h${size * 1.8}v${size * 1.8}h${-size * 1.8}z`,
    diamond: `M${x} ${y - w}L${x + w} ${y}L${x} ${y + w}L${x - w} ${y}z`,
    triangle: `M${x} ${y - h}L${x + h} ${y + h * 0.85}L${x - h} ${y + h * 0.85}z`,
    cross: `M${x - size} ${y - size}L${x + size} ${y + size}M${x + size} ${y - size}L${x - size} ${y + size}`,
  };
  return make("svg:path", { ...at, class: `${at.class} ${shape}`, d: paths[shape] });
}

/** How a group looks: colours and shapes repeat after 24, and the legend names each. */
function looks(points) {
  const groups = [...new Set(points.map((point) => point.group).filter(Boolean))].sort();
  return (point) => {
    if (point.row.failed) return { kind: "kf", shape: "cross", label: "failed the gate: on no front" };
    if (point.source.barred) return { kind: "kf", shape: "cross", label: "does not fit, misses its clock, or is outside the estimate's domain: on no front" };
    if (!point.group) return { kind: "kx", shape: "circle", label: "version, part or clock not known, or contradicted: on no front" };
    const index = groups.indexOf(point.group);
    return { kind: `k${index % 6}`, shape: SHAPES[Math.floor(index / 6 + index) % 4], label: point.group.replace(`${point.source.stage}: `, "") };
  };
}

function drawScatter(box, plot, { stage, metric, log, points, shown }) {
  const width = Math.max(plot.clientWidth, 240);
  const height = Math.round(Math.min(Math.max(width * 0.58, 240), 400));
  const drawn = log ? points.filter((point) => point.x > 0) : points;
  const what = `${headed(metric)}${stage ? `, ${stage === "analytic" ? "estimated" : stage}` : ""}`;
  if (!drawn.length) {
    plot.replaceChildren(make("p", { class: "empty" }, `All of ${what} is 0, which a logarithmic axis does not have.`));
    box.querySelector(".legend").replaceChildren();
    return;
  }
  const [left, right, top, bottom] = [52, width - 14, 26, height - 44];
  const x = scaleX(drawn, log, left, right);
  const y = scaleY(drawn, top, bottom);
  const look = looks(points);
  const svg = make("svg:svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": `Accuracy against ${what}` });
  for (const tick of y.ticks) {
    svg.append(make("svg:line", { class: "grid", x1: left, x2: right, y1: y.place(tick), y2: y.place(tick) }));
    svg.append(make("svg:text", { x: left - 8, y: y.place(tick) + 4, "text-anchor": "end" }, number(tick, y.digits)));
  }
  for (const tick of x.ticks) {
    svg.append(make("svg:line", { class: "axis", x1: x.place(tick), x2: x.place(tick), y1: bottom, y2: bottom + 5 }));
    svg.append(make("svg:text", { x: x.place(tick), y: bottom + 18, "text-anchor": "middle" }, short(tick)));
  }
  svg.append(make("svg:line", { class: "axis", x1: left, x2: right, y1: bottom, y2: bottom }));
  svg.append(make("svg:text", { class: "title", x: left - 44, y: 12 }, "accuracy in C simulation (%)"));
  svg.append(make("svg:text", { class: "title", x: right, y: height - 6, "text-anchor": "end" }, what));
  for (const line of fronts(drawn, x, y, right, look)) svg.append(line);
  const nodes = drawn.map((point) => {
    const { kind, shape } = look(point);
    const faded = shown.has(point.index) ? "" : " dim";
    const [px, py] = [x.place(point.x), y.place(point.y)];
    if (point.range) svg.append(errorBar(point.range.map((end) => x.place(Math.max(end, log ? 1e-9 : end))), py, `range ${kind}${faded}`, left, right));
    const classes = `point ${kind}${point.source.estimate ? " hollow" : ""}${point.optimal ? " optimal" : ""}${faded}`;
    const label = `${point.row.name}: ${number(point.y, 2)} %, ${formatted(metric, point.x)}${point.optimal ? ", Pareto-optimal" : ""}`;
    const node = mark(shape, px, py, point.optimal ? 6 : 4.5, { class: classes, role: "img", "aria-label": label });
    node.point = point;
    return node;
  });
  svg.append(...nodes);
  svg.append(...tags(drawn.filter((point) => shown.has(point.index)), x, y, { left, right, top, bottom }));
  const halo = make("svg:circle", { class: "halo", r: 11, visibility: "hidden" });
  svg.append(halo);
  // Chromium gives the focus to an SVG element that listens for it; a box around it listens instead
  const frame = make("div", {}, svg);
  frame.addEventListener("focusin", (event) => {
    const point = event.target.point;
    for (const [key, value] of [["cx", x.place(point.x)], ["cy", y.place(point.y)], ["visibility", "visible"]]) halo.setAttribute(key, value);
  });
  frame.addEventListener("focusout", () => halo.setAttribute("visibility", "hidden"));
  roving(frame, nodes);
  withTips(frame, ".point", ({ point }) => describePoint(point, metric));
  plot.replaceChildren(frame);
  drawLegend(box.querySelector(".legend"), drawn, look, points.length - drawn.length);
}

function describePoint(point, metric) {
  const { row, source, range } = point;
  const bars = range ? ` (${range.map((end) => formatted(metric, end)).join(" to ")})` : "";
  const own = [["file", row.file], ["≠ baseline", row.reasons]];
  return {
    title: `${row.name}${point.optimal ? " ★" : ""}`,
    value: `${number(point.y, 2)} % · ${headed(metric)}: ${formatted(metric, point.x)}${bars}`,
    facts: [["gate", row.failed ? "FAILED" : ""], ["on no front", source.barred], ["samples", row.data], ...(source === row ? own : provenance(source))],
  };
}

/** The front of each group: what is the best accuracy for at most this cost. Costs of a group are of one kind. */
function fronts(points, x, y, right, look) {
  const groups = new Map();
  for (const point of points.filter((each) => each.optimal)) {
    groups.set(point.group, [...(groups.get(point.group) ?? []), point]);
  }
  return [...groups.values()].map((members) => {
    members.sort((one, other) => one.x - other.x);
    const [first, ...rest] = members;
    const steps = rest.map((point) => `H${x.place(point.x)}V${y.place(point.y)}`).join("");
    return make("svg:path", { class: `front ${look(first).kind}`, d: `M${x.place(first.x)} ${y.place(first.y)}${steps}H${right}` });
  });
}

function errorBar(ends, y, classes, left, right) {
  const [low, high] = ends.map((end) => Math.min(Math.max(end, left), right));
  return make("svg:path", { class: classes, d: `M${low} ${y}H${high}M${low} ${y - 4}v8M${high} ${y - 4}v8` });
}

/** Names beside the points, where there is room: those on a front first. */
function tags(points, x, y, frame) {
  const taken = points.map((point) => ({ l: x.place(point.x) - 6, r: x.place(point.x) + 6, t: y.place(point.y) - 6, b: y.place(point.y) + 6 }));
  const placed = [];
  for (const point of [...points].sort((one, other) => other.optimal - one.optimal).slice(0, 40)) {
    const name = point.row.name.length > 24 ? `…${point.row.name.slice(-23)}` : point.row.name;
    const [px, py, wide] = [x.place(point.x), y.place(point.y), name.length * 6.4];
    const spots = [[px + 10, py - 7, "start"], [px - 10, py - 7, "end"], [px + 10, py + 15, "start"], [px - 10, py + 15, "end"]];
    for (const [tx, ty, anchor] of spots) {
      const l = anchor === "start" ? tx : tx - wide;
      const room = { l, r: l + wide, t: ty - 10, b: ty + 3 };
      const inside = room.l >= frame.left && room.r <= frame.right + 8 && room.t >= frame.top - 10 && room.b <= frame.bottom;
      if (!inside || taken.some((other) => room.l < other.r && room.r > other.l && room.t < other.b && room.b > other.t)) continue;
      taken.push(room);
      placed.push(make("svg:text", { class: "tag", x: tx, y: ty, "text-anchor": anchor, "aria-hidden": "true" }, name));
      break;
    }
  }
  return placed;
}

function drawLegend(list, points, look, left) {
  const entries = new Map();
  for (const point of points) {
    const { kind, shape, label } = look(point);
    const entry = entries.get(label) ?? { kind, shape, hollow: point.source.estimate, front: false };
    entry.front ||= point.optimal;
    entries.set(label, entry);
  }
  const items = [...entries].map(([label, { kind, shape, hollow, front }]) => {
    const icon = make("svg:svg", { viewBox: "0 0 26 14", "aria-hidden": "true" });
    if (front) icon.append(make("svg:path", { class: `front ${kind}`, d: "M0 7H26" }));
    icon.append(mark(shape, 13, 7, 4.5, { class: `point ${kind}${hollow ? " hollow" : ""}` }));
    return make("li", {}, icon, front ? `${label} · the line is its Pareto front` : label);
  });
  if (left) items.push(make("li", {}, `${left} at 0 not drawn: a logarithmic axis has no 0`));
  list.replaceChildren(...items);
}
