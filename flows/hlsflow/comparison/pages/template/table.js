/* The table: sorts, filters, moves with the arrow keys. The markup is complete without it. */

const table = document.getElementById("table");
const body = table.tBodies[0];
const heads = [...table.tHead.rows[1].cells];
const lines = [...body.rows];
const keys = heads.map((head) => head.dataset.key);

function sortBy(column, descending) {
  const value = (line) => line.cells[column].dataset.v;
  const numeric = lines.every((line) => value(line) === undefined || !Number.isNaN(Number(value(line))));
  const collator = new Intl.Collator("en", { numeric: true });
  const compare = numeric ? (a, b) => a - b : collator.compare;
  // what is not known comes last either way; equal rows keep the order of the page
  lines.sort((one, other) => {
    const [a, b] = [value(one), value(other)];
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined) || order(one, other);
    return (descending ? compare(b, a) : compare(a, b)) || order(one, other);
  });
  heads.forEach((head, index) => {
    head.setAttribute("aria-sort", index === column ? (descending ? "descending" : "ascending") : "none");
  });
  body.append(...lines);
}

function order(one, other) {
  return one.dataset.row - other.dataset.row || one.dataset.line - other.dataset.line;
}

function sortOnClick(event) {
  const head = event.target.closest("th[data-key]");
  if (!head) return;
  sortBy(heads.indexOf(head), head.getAttribute("aria-sort") === "ascending");
  head.firstElementChild.focus();
}

/** Filters the lines and the groups of columns, and tells the charts which rows remain. */
function filterTable() {
  const words = document.getElementById("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const stage = document.getElementById("stage").value;
  const part = document.getElementById("part").value;
  const comparable = document.getElementById("comparable").checked;
  const shown = new Set();
  for (const line of lines) {
    const row = DATA.rows[line.dataset.row];
    const fits =
      words.every((word) => line.searched.includes(word)) &&
      (!stage || line.stages.has(stage)) &&
      (!part || row.part === part || row.figures.some((figure) => figure.part === part)) &&
      (!comparable || comparesWithBaseline(row, stage));
    line.hidden = !fits;
    if (fits) shown.add(Number(line.dataset.row));
  }
  showStage(stage);
  document.getElementById("count").textContent =
    shown.size === DATA.rows.length ? `${shown.size} shown` : `${shown.size} of ${DATA.rows.length} shown`;
  document.dispatchEvent(new CustomEvent("filtered", { detail: shown }));
}

/** What the filter looks at: words, and no numbers, of which any digits would be found. */
function searchedIn(row) {
  const figures = row.figures.flatMap((figure) => [DATA.stages[figure.stage], figure.tool, figure.part, figure.file]);
  return [row.name, row.title, row.part, row.data, row.file, row.failed ? "failed" : "", ...figures];
}

function comparesWithBaseline(row, stage) {
  const figures = row.figures.filter((figure) => !stage || figure.stage === stage);
  return !row.reasons && figures.every((figure) => !figure.reasons);
}

function showStage(stage) {
  for (const cell of table.querySelectorAll("[data-stage]")) cell.hidden = Boolean(stage) && cell.dataset.stage !== stage;
}

/** The arrow keys, over headings and cells alike: one stop of the Tab key. */
function moveInTable(event) {
  const cell = event.target.closest("th, td");
  const moves = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0], Home: [0, -Infinity], End: [0, Infinity] };
  const move = moves[event.key];
  if (!cell || !move) return;
  event.preventDefault();
  const rows = [table.tHead.rows[1], ...lines.filter((line) => !line.hidden)];
  const row = rows[Math.min(Math.max(rows.indexOf(cell.parentElement) + move[0], 0), rows.length - 1)];
  const cells = [...row.cells].filter((each) => !each.hidden);
  const now = [...cell.parentElement.cells].filter((each) => !each.hidden).indexOf(cell);
  focusCell(cells[Math.min(Math.max(now + move[1], 0), cells.length - 1)]);
}

let stop = heads[0].firstElementChild;

function focusCell(cell) {
  (cell.querySelector("button") ?? cell).focus();
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function keepStop(event) {
  stop.setAttribute("tabindex", -1);
  stop = event.target;
  stop.setAttribute("tabindex", 0);
}

function describeCell(cell) {
  const line = cell.parentElement;
  const row = DATA.rows[line.dataset.row];
  const column = cell.cellIndex;
  const key = keys[column];
  const figure = cell.dataset.figure === undefined ? null : row.figures[cell.dataset.figure];
  const value = cell.firstChild.textContent;
  if (figure) {
    const metric = DATA.metrics[key];
    const percent = figure.percent[key];
    const text = metric ? `${headed(key)}: ${value}${percent === undefined ? "" : `, ${percent} % of the part`}` : "";
    return { title: row.name, value: text, facts: provenance(figure) };
  }
  if (cell.dataset.stage) return null;
  const about = { data: row.data, accuracy_csim: row.data, accuracy_keras: row.data, gate: row.data }[key] ?? "";
  return {
    title: row.name,
    value: key === "name" ? row.title : `${heads[column].textContent}: ${value}`,
    facts: [["samples", about], ["as trained", /^accuracy/.test(key) ? row.quoted : ""], ["file", row.file], ["≠ baseline", row.reasons]],
  };
}

function startTable() {
  table.setAttribute("role", "grid");
  for (const line of lines) {
    const row = DATA.rows[line.dataset.row];
    line.searched = searchedIn(row).join(" ").toLowerCase();
    line.stages = new Set(row.figures.map((figure) => figure.stage));
    for (const cell of line.cells) cell.tabIndex = -1;
  }
  stop.setAttribute("tabindex", 0);
  // what scrolls stops short of the column of names, which stays
  const box = document.getElementById("table-box");
  new ResizeObserver(() => box.style.setProperty("--name-width", `${heads[0].offsetWidth}px`)).observe(heads[0]);
  table.tHead.addEventListener("click", sortOnClick);
  table.addEventListener("keydown", moveInTable);
  table.addEventListener("focusin", keepStop);
  withTips(body, "td, th", describeCell);
  box.addEventListener("scroll", tipOnScroll, { passive: true });
  for (const id of ["filter", "stage", "part", "comparable"]) document.getElementById(id).addEventListener("input", filterTable);
  document.getElementById("filters").hidden = false;
  filterTable();
}
