"use strict";

const DATA = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; text is never taken for markup. */
function make(name, attributes = {}, ...children) {
  const svg = name.startsWith("svg:");
  const node = svg ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

function number(value, digits = 0) {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A metric's value as the table writes it, with its unit. */
function formatted(metric, value) {
  const { form, unit } = DATA.metrics[metric];
  if (value === undefined || value === null) return "-";
  if (form === "share") return `${number(100 * value, 2)} %`;
  if (form === "bytes") return `${number(value / 1024, 1)} KiB`;
  if (form === "ns") return `${number(value, /^(clock|slack)/.test(metric) ? 3 : 1)} ns`;
  return unit ? `${number(value)} ${unit}` : number(value);
}

function headed(metric) {
  const { label, unit } = DATA.metrics[metric];
  return unit && unit !== "%" ? `${label} (${unit})` : label;
}

/* One tooltip for all, at the pointer or beside what has the focus. */
const tip = document.getElementById("tip");
let described = null;

/** Shows `{title, value, facts: [[name, text]]}` for a target, beside its box in the viewport. */
function showTip(content, box, target) {
  tip.replaceChildren(make("b", {}, content.title));
  if (content.value) tip.append(content.value);
  const facts = content.facts.filter(([, text]) => text);
  if (facts.length) {
    tip.append(make("dl", {}, ...facts.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)])));
  }
  tip.hidden = false;
  placeTip(box);
  if (described) described.removeAttribute("aria-describedby");
  described = target;
  target.setAttribute("aria-describedby", "tip");
}

function placeTip(box) {
  const { width, height } = tip.getBoundingClientRect();
  const gap = 10;
  const left = Math.min(Math.max(gap, box.left + box.width / 2 - width / 2), innerWidth - width - gap);
  const below = box.bottom + gap + height <= innerHeight;
  tip.style.left = `${left}px`;
  tip.style.top = `${below ? box.bottom + gap : Math.max(gap, box.top - gap - height)}px`;
}

function hideTip() {
  tip.hidden = true;
  if (described) described.removeAttribute("aria-describedby");
  described = null;
}

/** Shows what `describe(target)` gives for the elements of `selector` in `box`, on hover and on focus. */
function withTips(box, selector, describe) {
  let over = null;
  const show = (target) => {
    const content = target && describe(target);
    if (content) showTip(content, target.getBoundingClientRect(), target);
    else hideTip();
  };
  box.addEventListener("pointermove", (event) => {
    const target = event.target.closest(selector);
    if (target !== over || (target && tip.hidden)) show((over = target));
  });
  box.addEventListener("pointerleave", () => { over = null; hideTip(); });
  box.addEventListener("focusin", (event) => show(event.target.closest(selector)));
  box.addEventListener("focusout", hideTip);
}

addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });

// The table scrolls inside: what has the focus keeps its tooltip, what lies under the pointer has moved away.
function tipOnScroll() {
  if (described && described === document.activeElement) placeTip(described.getBoundingClientRect());
  else hideTip();
}
addEventListener("scroll", tipOnScroll, { passive: true });

/** One stop of the Tab key for many elements: the arrow keys move among them in order. */
function roving(box, elements) {
  let current = 0;
  elements.forEach((element, index) => element.setAttribute("tabindex", index ? -1 : 0));
  const go = (index) => {
    elements[current]?.setAttribute("tabindex", -1);
    current = Math.min(Math.max(index, 0), elements.length - 1);
    elements[current].setAttribute("tabindex", 0);
    elements[current].focus();
  };
  box.onkeydown = (event) => {
    const steps = { ArrowRight: current + 1, ArrowDown: current + 1, ArrowLeft: current - 1, ArrowUp: current - 1, Home: 0, End: Infinity };
    if (!elements.length || !(event.key in steps)) return;
    event.preventDefault();
    go(steps[event.key]);
  };
  box.onfocusin = (event) => {
    const index = elements.indexOf(event.target);
    if (index < 0 || index === current) return;
    elements[current]?.setAttribute("tabindex", -1);
    elements[(current = index)].setAttribute("tabindex", 0);
  };
}

/** What a tooltip says of where a figure comes from. */
function provenance(figure) {
  return [
    ["stage", DATA.stages[figure.stage]],
    ["tool", figure.tool],
    ["part", figure.part ?? "not stated"],
    ["clock", figure.values.clock_target_ns === undefined ? "" : `${figure.values.clock_target_ns} ns target`],
    ["file", figure.file ?? "not stated"],
    ["estimate", figure.outside ? "outside of what it was calibrated on" : ""],
    ["notes", (figure.notes ?? []).join("; ")],
    ["≠ baseline", figure.reasons],
  ];
}
