/* Starts everything; the theme is the system's until the button says otherwise. */

const THEMES = ["system", "light", "dark"];

function startTheme() {
  const button = document.getElementById("theme");
  let theme = "system";
  try {
    theme = localStorage.getItem("hlsflow-theme") ?? theme;
  } catch {
    // a page from a file may have no storage; the choice then lasts as long as the page
  }
  const apply = (chosen) => {
    theme = THEMES.includes(chosen) ? chosen : "system";
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
  };
  apply(theme);
  button.hidden = false;
  button.addEventListener("click", () => {
    apply(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]);
    try {
      localStorage.setItem("hlsflow-theme", theme);
    } catch {
      // as above
    }
  });
}

const code = (text) => make("code", {}, text);
const noAccuracy = () => ["No accuracy here", ["The reports of a tool do not state one. Name a build as well: ", code("hlsflow compare NAME PATH")]];
const noLatency = () => [
  "No latency yet",
  ["Every build estimates it: ", code("hlsflow build --model NAME")],
  ["Synthesis measures it: add ", code("--synth open"), ", ", code("--synth vitis"), " or ", code("--synth vivado")],
];

document.documentElement.classList.add("scripted");
startTheme();
const hasAccuracy = DATA.rows.some((row) => row.accuracy !== undefined);
startScatter(document.getElementById("area"), DATA.sizes, DATA.areas, noAccuracy());
startScatter(document.getElementById("time"), [], DATA.times, hasAccuracy ? noLatency() : noAccuracy());
startBars();
startTable();
