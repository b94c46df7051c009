"""The report in a real browser: laid out, its plots answer, its slider moves. Skipped where there is no Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from browser import Tab, chromium, tab
from comparing import comparison
from dvcodec.evaluation import write_report

pytest.importorskip("matplotlib", reason="matplotlib (the `eval` extra) is not installed")
pytest.importorskip("scipy", reason="scipy (the `eval` extra) is not installed")
pytestmark = pytest.mark.skipif(chromium() is None, reason="there is no Chromium or Chrome on the PATH")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the small comparison."""
    return write_report(comparison(), tmp_path_factory.mktemp("report") / "report")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """One browser for all tests."""
    with tab(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_and_finds_its_plots(browser: Tab, report: Path, width: int) -> None:
    """No sideways scrolling, all plots drawn, every picture decoded, nothing fetched, nothing complained about."""
    browser.open(report, width)
    assert browser.run("document.documentElement.scrollWidth") <= width
    plots = browser.run("[...document.querySelectorAll('.plot svg')].map(svg => svg.getBoundingClientRect().width)")
    assert len(plots) == 3 and all(300 < drawn <= width for drawn in plots)
    sizes = browser.run("Promise.all([...document.images].map(image => image.decode().then(() => image.naturalWidth)))")
    assert sizes and all(size == 64 for size in sizes)
    assert browser.console == []


def test_text_on_the_plots_does_not_overlap(browser: Tab, report: Path) -> None:
    """No two labels of a plot share pixels."""
    browser.open(report, 1280)
    boxes = browser.run(
        "[...document.querySelectorAll('.plot svg')].map(svg => [...svg.querySelectorAll('text')].map(text => {"
        "const b = text.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom, text.textContent]; }))"
    )
    for plot in boxes:
        for index, one in enumerate(plot):
            for other in plot[index + 1 :]:
                apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] + 4 or other[3] <= one[1] + 4
                assert apart, (one[4], other[4])


def test_the_slider_moves(browser: Tab, report: Path) -> None:
    """A click a quarter from the left leaves a quarter of ours; the arrow keys go on; another codec can be chosen."""
    browser.open(report, 1280)
    viewer = "document.querySelector('.viewer')"
    browser.run(f"{viewer}.scrollIntoView({{block: 'start'}})")
    left, top, width, height = browser.run(
        f"(() => {{ const b = {viewer}.querySelector('.stage').getBoundingClientRect();"
        " return [b.left, b.top, b.width, b.height]; })()"
    )
    assert width > 300
    clip = f"getComputedStyle({viewer}.querySelector('.over')).clipPath"
    before = browser.run(clip)
    browser.click(left + width / 4, top + height / 2)
    share = float(browser.run(f"{viewer}.querySelector('input').value"))
    assert 20 < share < 30 and browser.run(clip) != before
    browser.key("ArrowRight")
    assert float(browser.run(f"{viewer}.querySelector('input').value")) == share + 0.5
    assert browser.run(f"{viewer}.querySelector('.left').textContent").startswith("WebP")
    assert browser.run(f"{viewer}.querySelector('.right').textContent").startswith("JPEG")
    browser.run(f"{viewer}.querySelector('.panel').focus()")
    browser.key("Enter")
    assert browser.run(f"{viewer}.querySelector('.right').textContent").startswith("original")
    shown, chosen = browser.run(
        f"[{viewer}.querySelector('.under').src, {viewer}.querySelector('.panel img').src].map(s => s.length)"
    )
    assert shown == chosen


def test_points_tell_their_figures_and_lines_can_be_hidden(browser: Tab, report: Path) -> None:
    """By pointer, by keyboard, and by the legend."""
    browser.open(report, 1280)
    browser.run("document.querySelector('.plot .hit[data-series=webp]').scrollIntoView({block: 'center'})")
    x, y = browser.run(
        "(() => { const b = document.querySelector('.plot .hit[data-series=webp]').getBoundingClientRect();"
        " return [b.left + b.width / 2, b.top + b.height / 2]; })()"
    )
    browser.click(x, y)
    tip = "(() => { const t = document.getElementById('tip'); return [t.style.visibility, t.textContent]; })()"
    visibility, first = browser.run(tip)
    assert visibility == "visible" and first.startswith("webp\n")
    browser.run("document.querySelector('.plot .hit[data-series=webp]').focus()")
    browser.key("ArrowRight")
    visibility, second = browser.run(tip)
    assert visibility == "visible" and second.startswith("webp\n") and second != first
    browser.run("document.querySelector('.legend button[data-series=webp]').click()")
    shapes = "document.querySelectorAll('.plot svg [data-series=webp]')"
    plot = "document.querySelector('.plot svg')"
    hidden = browser.run(
        f"[...{plot}.querySelectorAll('[data-series=webp]')].every(s => getComputedStyle(s).display === 'none')"
    )
    assert hidden and browser.run(f"[...{shapes}].some(s => getComputedStyle(s).display !== 'none')")


def test_light_and_dark(browser: Tab, report: Path) -> None:
    """The page follows the system's colours, plots included."""
    grounds, lines = set(), set()
    for scheme in ("light", "dark"):
        browser.open(report, 390, scheme=scheme)
        grounds.add(browser.run("getComputedStyle(document.body).backgroundColor"))
        lines.add(browser.run("getComputedStyle(document.querySelector('.plot svg g[data-series=webp] path')).stroke"))
    assert len(grounds) == len(lines) == 2


def test_printed_it_shows_every_version(browser: Tab, report: Path) -> None:
    """Paper has no slider: the pictures stand side by side; of the details it shows those that are open."""
    browser.open(report, 1280)
    browser.run("document.querySelector('details').open = true")
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.run("getComputedStyle(document.querySelector('.stage')).display") == "none"
    shown = browser.run("[...document.querySelectorAll('details')].map(one => getComputedStyle(one).display)")
    assert shown[0] == "block" and set(shown[1:]) == {"none"}
    assert browser.run("document.querySelector('.panel img').getBoundingClientRect().width") > 100
    browser.call("Emulation.setEmulatedMedia", media="")
