/* One design's layers or modules: what each takes of one resource. */

const BAR_LIMIT = 60;
const LAYER_METRIC = "parameters";

/** What can be shown of a row: `[{label, options: [{value, label}]}]`. */
function barChoices(row) {
  const groups = [];
  row.figures.forEach((figure, index) => {
    const known = (metric) => (figure.modules ?? []).some((module) => module.values[metric] !== undefined);
    const options = [...DATA.areas, "latency_max_cycles", "interval_max_cycles"].filter(known);
    if (options.length) {
      const items = options.map((metric) => ({ value: `${index}|${metric}`, label: headed(metric) }));
      groups.push({ label: `${DATA.stages[figure.stage]}: ${figure.tool}`, options: items });
    }
  });
  if (row.layers.length) groups.push({ label: "the model", options: [{ value: `|${LAYER_METRIC}`, label: "parameters, zeros" }] });
  return groups;
}

function startBars() {
  const rows = DATA.rows.filter((row) => barChoices(row).length);
  if (!rows.length) return;
  const designs = document.getElementById("layers-design");
  const metrics = document.getElementById("layers-metric");
  document.getElementById("layers").hidden = false;
  designs.append(...rows.map((row, index) => make("option", { value: index }, row.name)));
  const start = rows.findIndex((row) => row.figures.some((figure) => figure.modules));
  designs.value = Math.max(start, 0);
  const choose = () => {
    const wanted = metrics.value.split("|")[1];
    const groups = barChoices(rows[designs.value]);
    metrics.replaceChildren(...groups.map(({ label, options }) =>
      make("optgroup", { label }, ...options.map((option) => make("option", { value: option.value }, option.label)))));
    const same = [...metrics.options].find((option) => wanted && option.value.endsWith(`|${wanted}`));
    if (same) metrics.value = same.value;
    drawBars(rows[designs.value], metrics.value);
  };
  designs.addEventListener("input", choose);
  metrics.addEventListener("input", () => drawBars(rows[designs.value], metrics.value));
  withTips(document.getElementById("bars"), "[role=listitem]", ({ tipContent }) => tipContent);
  choose();
}

function drawBars(row, choice) {
  const [index, metric] = choice.split("|");
  const bars = index === "" ? layerBars(row) : moduleBars(row, row.figures[index], metric);
  const kept = [...bars].sort((one, other) => other.amount - one.amount).slice(0, BAR_LIMIT);
  const shown = bars.filter((bar) => kept.includes(bar));
  const most = Math.max(...bars.map((bar) => bar.amount), 1);
  const nodes = shown.map((bar) => {
    const track = make("span", { class: "track", "aria-hidden": "true" });
    for (const [kind, amount] of bar.pieces) {
      const fill = make("span", { class: `fill ${kind}` });
      fill.style.width = `${(100 * amount) / most}%`;
      if (amount) track.append(fill);
    }
    const label = make("span", { class: "label" }, bar.label);
    if (bar.about) label.append(make("small", {}, bar.about));
    const node = make("div", { role: "listitem" }, label, track, make("span", { class: "amount" }, bar.text));
    node.tipContent = bar.tip;
    return node;
  });
  const box = document.getElementById("bars");
  box.replaceChildren(...nodes);
  roving(box, nodes);
  const hidden = bars.length - shown.length;
  document.getElementById("layers-source").textContent = [
    index === "" ? `${row.file}: solid is not zero, hatched is zero` : sourceLine(row.figures[index]),
    hidden ? `the ${BAR_LIMIT} largest of ${bars.length}` : "",
  ].filter(Boolean).join(" · ");
}

function sourceLine(figure) {
  return [DATA.stages[figure.stage], figure.tool, figure.part ?? "part not stated", figure.file ?? "file not stated"].join(" · ");
}

function layerBars(row) {
  return row.layers.map((layer) => {
    const share = layer.parameters ? layer.zeros / layer.parameters : 0;
    return {
      label: layer.name,
      about: layer.type ?? layer.about,
      amount: layer.parameters,
      pieces: [["", layer.parameters - layer.zeros], ["zeros", layer.zeros]],
      text: `${number(layer.parameters)}, ${number(100 * share, 1)} % zero`,
      tip: {
        title: `${row.name}: ${layer.name}`,
        value: `${number(layer.parameters)} parameters, ${number(layer.zeros)} of them zero`,
        facts: [["layer", layer.about], ["weights", layer.type], ["reuse factor", layer.reuse_factor && String(layer.reuse_factor)], ["file", row.file]],
      },
    };
  });
}

function moduleBars(row, figure, metric) {
  const known = (figure.modules ?? []).filter((module) => module.values[metric] !== undefined);
  return known.map((module) => {
    const amount = module.values[metric];
    const range = module.ranges[metric];
    const bars = range ? ` (${range.map((end) => formatted(metric, end)).join(" to ")})` : "";
    return {
      label: module.name,
      amount,
      pieces: [[figure.estimate ? "estimated" : "", amount]],
      text: formatted(metric, amount),
      tip: { title: `${row.name}: ${module.name}`, value: `${headed(metric)}: ${formatted(metric, amount)}${bars}`, facts: provenance(figure) },
    };
  });
}
