"""The comparison's page in a real browser: it sorts, filters, draws, and asks no host for anything."""

import itertools

import pytest
from comparison_records import compared, figure, many, record

from hlsflow.comparison.pages.page import page
from hlsflow.estimation.accuracy import read_held_out

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LAPTOP = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}
HOSTILE = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'> & {{script}}"


@pytest.fixture(scope="module")
def browser(chromium):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: uv sync")
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=str(chromium), args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def show(browser, tmp_path):
    """Opens a comparison's page; afterwards it must have had no error and asked for nothing."""
    numbers, complaints, contexts = itertools.count(), [], []

    def opened(comparison, **options):
        path = tmp_path / f"{next(numbers)}.html"
        path.write_text(page(comparison), encoding="utf-8")
        context = browser.new_context(**{"viewport": LAPTOP, "color_scheme": "light", **options})
        contexts.append(context)
        tab = context.new_page()
        tab.set_default_timeout(10_000)
        tab.on("console", lambda message: complaints.append(f"console {message.type}: {message.text}"))
        tab.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        tab.on("request", lambda request: complaints.append(request.url) if request.url != path.as_uri() else None)
        tab.goto(path.as_uri())
        tab.wait_for_selector(".scripted")
        return tab

    yield opened
    for context in contexts:
        context.close()
    # the icon is an empty data: URL
    assert [complaint for complaint in complaints if not complaint.startswith("data:")] == []


def names(tab) -> list[str]:
    return tab.locator("#table tbody tr:visible .who").all_inner_texts()


def mixed():
    """Three designs of one group, one that failed, and one for another part with another stage."""
    other = "xc7z045ffg900-2"
    return compared(
        *many(3),
        record("bad", passed=False, accuracy=0.99, figures=(figure(lut=10),)),
        record("other", part=other, figures=(figure("open-synthesis", tool="Invented Yosys", part=other),)),
    )


def test_a_heading_sorts_both_ways_and_says_so(show):
    tab = show(mixed())
    heading = tab.locator("th[data-key=accuracy_csim]")
    assert heading.get_attribute("aria-sort") == "none"
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert names(tab) == ["other", "net002", "net001", "net000", "bad"]
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert names(tab) == ["bad", "net000", "net001", "net002", "other"]
    assert tab.locator("th[aria-sort=ascending]").count() == 0


def test_numbers_are_sorted_as_numbers_and_the_unknown_comes_last(show):
    records = [record(name, figures=(figure(lut=lut),)) for name, lut in (("a", 900), ("b", 10000), ("c", None))]
    tab = show(compared(*records))
    button = tab.locator("th[data-key=lut] button")
    button.click()
    assert names(tab) == ["a", "b", "c"]
    button.click()
    assert names(tab) == ["b", "a", "c"]


def test_the_filter_box_keeps_what_has_every_word(show):
    tab = show(mixed())
    tab.fill("#filter", "NET invented 001")
    assert names(tab) == ["net001"]
    assert tab.inner_text("#count") == "1 of 5 shown"
    assert tab.locator("#area .plot .point.dim").count() == 3
    tab.fill("#filter", "no such thing")
    assert names(tab) == []
    tab.fill("#filter", "")
    assert tab.inner_text("#count") == "5 shown"


def test_filters_of_stage_part_and_comparability(show):
    tab = show(mixed())
    tab.select_option("#stage", "open-synthesis")
    assert names(tab) == ["other"]
    assert tab.locator("th.group:visible", has_text="csynth").count() == 0
    tab.select_option("#stage", "")
    tab.select_option("#part", "xc7z045ffg900-2")
    assert names(tab) == ["other"]
    tab.select_option("#part", "")
    tab.check("#comparable")
    assert names(tab) == ["bad", "net000", "net001", "net002"]


def test_every_stage_has_its_own_group_of_columns(show):
    tab = show(mixed())
    groups = tab.locator("th.group[data-stage]").all_inner_texts()
    own = "open-synthesis (our own RTL, another design than hls4ml's)"
    assert groups == ["analytic (estimate, not a measurement)", "csynth", own]
    stages = {cell.get_attribute("data-stage") for cell in tab.locator("tr[data-row='4'] td[data-figure]").all()}
    assert stages == {"open-synthesis"}


def test_the_table_is_one_stop_of_the_tab_key_and_moves_with_the_arrows(show):
    tab = show(mixed())
    tab.focus("#comparable")
    focused = "document.activeElement.closest('[data-key]')?.dataset.key ?? document.activeElement.innerText"
    tab.keyboard.press("Tab")
    # the box that scrolls may be a stop of its own
    if tab.evaluate("document.activeElement.id") == "table-box":
        tab.keyboard.press("Tab")
    assert tab.evaluate(focused) == "name"
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate(focused) == "accuracy_csim"
    tab.keyboard.press("Enter")
    assert names(tab)[-1] == "bad"
    tab.keyboard.press("ArrowDown")
    assert tab.evaluate(focused).startswith("96.00 %")
    tip = tab.locator("#tip")
    assert tip.is_visible() and "reports/other/build.json" in tip.inner_text()
    tab.keyboard.press("Escape")
    assert not tip.is_visible()
    tab.keyboard.press("End")
    assert (tip.is_visible() and "build/" in tip.inner_text()) or tab.evaluate(focused) == "-"


def test_hover_tells_where_a_figure_is_from(show):
    tab = show(compared(record("a", figures=(figure(notes=["a remark"]),))))
    tab.locator("td[data-figure]", has_text="20,000").hover()
    text = tab.inner_text("#tip")
    for word in ("LUT: 20,000, 37.59 % of the part", "csynth", "Invented HLS 1.0", "build/csynth.rpt", "a remark"):
        assert word in text


def test_scatters_are_drawn_with_axes_fronts_and_error_bars(show):
    tab = show(mixed())
    area = tab.locator("#area")
    assert area.locator(".plot .point").count() == 4
    assert area.locator("select").input_value() == "csynth|lut"
    assert area.locator(".plot .point.kf").count() == 1
    assert area.locator(".front").first.get_attribute("d").startswith("M")
    assert len(area.locator("svg text").all()) > 8
    assert area.locator(".range").count() == 0
    area.locator("select").select_option("analytic|lut")
    assert area.locator(".range").count() == 3
    assert area.locator(".plot .point.hollow").count() == 3
    assert tab.locator("#time .plot .point").count() == 4


def test_the_scale_can_be_logarithmic_and_says_what_it_leaves_out(show):
    tab = show(mixed())
    area = tab.locator("#area")
    area.locator("select").select_option("csynth|dsp")
    linear = area.locator(".plot .point").nth(1).bounding_box()
    area.locator(".log").check()
    # one of the four has no DSP
    assert area.locator(".plot .point").count() == 3
    assert "1 at 0 not drawn" in area.locator(".legend").inner_text()
    assert area.locator(".plot .point").nth(1).bounding_box() != linear


def test_points_are_reached_with_the_keyboard(show):
    tab = show(mixed())
    tab.focus("#area .log")
    tab.keyboard.press("Tab")
    assert "97.50 %" in tab.inner_text("#tip") or "99.00 %" in tab.inner_text("#tip")
    first = tab.inner_text("#tip")
    tab.keyboard.press("ArrowRight")
    assert tab.inner_text("#tip") != first
    assert tab.locator("#area .halo").get_attribute("visibility") == "visible"
    assert "build/csynth.rpt" in tab.inner_text("#tip")


def test_bars_show_the_modules_and_else_the_layers(show):
    tab = show(mixed())
    tab.select_option("#layers-design", label="net000")
    rows = tab.locator("#bars [role=listitem]")
    assert rows.count() == 4
    assert "fc1" in rows.first.inner_text() and "20,000" in rows.first.inner_text()
    assert "Invented HLS 1.0" in tab.inner_text("#layers-source")
    tab.select_option("#layers-design", label="bad")
    assert "8,000, 50.0 % zero" in rows.first.inner_text()
    rows.first.hover()
    assert "8,000 parameters, 4,000 of them zero" in tab.inner_text("#tip")


def test_without_figures_the_page_compares_what_there_is(show):
    tab = show(compared(record("a", bits=10_000), record("b", bits=20_000, accuracy=0.97)))
    assert tab.inner_text("#area-title") == "Accuracy against model size"
    assert tab.locator("#area .plot .point").count() == 2
    assert "--synth open" in tab.inner_text("#time")
    assert tab.locator("#bars [role=listitem]").count() == 2


def test_projects_without_accuracy(show):
    tab = show(compared(record("a", accuracy=None, figures=(figure(),))))
    assert "No accuracy here" in tab.inner_text("#area")
    assert "No accuracy here" in tab.inner_text("#time")


def test_a_hostile_record_does_nothing(show):
    hostile = record("bad", title=HOSTILE, figures=(figure(tool=HOSTILE, source_file=HOSTILE, notes=[HOSTILE]),))
    tab = show(compared(hostile, record("fine")))
    assert tab.evaluate("window.hacked") is None
    assert HOSTILE in " ".join(tab.inner_text("#table").split("\n"))
    tab.locator("td[data-figure]").first.hover()
    assert HOSTILE in tab.inner_text("#tip")
    assert tab.evaluate("document.images.length") == 0


def test_the_policy_lets_no_other_script_run(browser, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(page(compared(record())).replace("</body>", "<script>window.hacked = 1</script></body>"))
    tab = browser.new_page()
    tab.goto(path.as_uri())
    assert tab.evaluate("window.hacked") is None
    assert tab.locator(".scripted").count() == 1
    tab.close()


def test_the_page_names_no_other_host():
    text = page(mixed())
    # the name of SVG is no address that is asked for
    assert text.replace("http://www.w3.org/2000/svg", "").count("://") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_is_the_systems_until_the_button_is_pressed(show, scheme):
    tab = show(mixed(), color_scheme=scheme)
    ground = "getComputedStyle(document.body).backgroundColor"
    before = tab.evaluate(ground)
    assert (before == "rgb(18, 20, 22)") == (scheme == "dark")
    tab.click("#theme")
    assert tab.evaluate(ground) == "rgb(247, 247, 245)"
    tab.click("#theme")
    assert tab.evaluate(ground) == "rgb(18, 20, 22)"
    tab.click("#theme")
    assert tab.evaluate(ground) == before


CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = (color) => {
    canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const color = getComputedStyle(node).backgroundColor;
      if (!/^rgba\\(.*, 0\\)$/.test(color)) return color;
    }
  };
  const low = [];
  for (const node of document.querySelectorAll("h1, h2, p, b, td, th, small, span, li, label, button, output, code")) {
    if (!node.innerText?.trim() || !node.getClientRects().length) continue;
    const [a, b] = [light(getComputedStyle(node).color), light(ground(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) low.push(`${node.tagName} ${node.className} ${node.innerText.slice(0, 20)}: ${ratio.toFixed(2)}`);
  }
  return [...new Set(low)];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_legible(show, scheme):
    tab = show(mixed(), color_scheme=scheme)
    assert tab.evaluate(CONTRAST) == []


@pytest.mark.parametrize("viewport", [LAPTOP, PHONE, {"width": 320, "height": 640}])
def test_only_the_table_scrolls_sideways(show, viewport):
    long = record("a-name-that-is-much-longer-than-any-column-of-the-table-would-like", title="x" * 120)
    for comparison in (mixed(), compared(long, record("b"))):
        tab = show(comparison, viewport=viewport)
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        box = tab.locator("#table-box")
        assert box.evaluate("node => node.scrollWidth > node.clientWidth")


def test_on_paper_every_stage_is_a_table_that_fits(show):
    tab = show(mixed(), viewport={"width": 1512, "height": 1000})
    tab.emulate_media(media="print")
    assert tab.locator(".printed h3:visible").count() == 3
    assert not tab.locator("#filters").is_visible()
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_table_is_complete_without_scripts(show, browser, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(page(mixed()), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(path.as_uri())
    assert tab.locator("#table tbody tr").count() == 5
    assert not tab.locator("#filters").is_visible()
    context.close()


def test_200_rows_are_shown(show):
    tab = show(compared(*many(200)))
    assert tab.locator("#table tbody tr").count() == 200


def test_the_accuracy_of_the_estimates_is_folded_away_below(show):
    tab = show(compared(record("a", figures=(figure("analytic"),)), record("b")))
    details = tab.locator(".accuracy")
    summary, table = details.locator("summary"), details.locator("table").first
    assert summary.inner_text() == "How accurate are the estimates"
    assert not table.is_visible()
    summary.focus()
    tab.keyboard.press("Enter")
    assert table.is_visible()
    assert details.locator("table").count() == len(read_held_out().tables)
    dense = table.get_by_role("row", name="dense, io_parallel")
    lut = next(row for row in read_held_out().tables[0].rows if row.name == "dense, io_parallel").targets[0]
    assert dense.get_by_role("cell").nth(1).inner_text().split("\n") == [
        f"{lut.smape_percent:.1f} %",
        f"×{lut.median_ratio:.2f} · rank {lut.spearman:.2f}",
        f"{lut.coverage:.0%} inside",
    ]
    assert tab.evaluate(CONTRAST) == []
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_without_an_estimate_there_is_no_accuracy():
    assert "How accurate" not in page(compared(record("a", figures=(figure(),))))


def test_an_estimates_bars_look_like_no_measurement(show):
    module = figure("analytic", module="fc1", lut=500, ranges={"lut": [400.0, 700.0]})
    tab = show(compared(record("a", figures=(figure("analytic"), module))))
    assert tab.locator("#bars .fill.estimated").count() == 1
    assert "analytic (estimate, not a measurement)" in tab.inner_text("#layers-source")
    tab.locator("#bars [role=listitem]").first.hover()
    assert "LUT: 500 (400 to 700)" in tab.inner_text("#tip")
