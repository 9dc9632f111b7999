"""The live page in a real browser, while a real sweep trains."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.app.serving import PATIENCE, served, tab
from tests.runner.definitions import write_sweep
from workbench.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DRAWN = """
const chart = [...document.querySelectorAll('.js-plotly-plot')].at(-1);
return (chart?.data ?? []).reduce((most, line) => Math.max(most, (line.x ?? []).length), 0);
"""
"""Points of the longest curve on the page."""

COUNT = """
window.drawn = 0;
const main = document.querySelector('[data-testid=stMain]');
new MutationObserver(() => window.drawn++).observe(main, {childList: true, subtree: true});
"""
"""Count what is drawn from now on."""


def test_the_page_notices_a_sweep_follows_it_and_rests_when_it_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Any
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    definition = write_sweep(tmp_path)
    definition.write_text(definition.read_text().replace("[3e7, 6e7]", "[3e7, 1e9]"))
    store = Store.create(tmp_path / "store").folder
    call = f"main(['sweep', 'run', {str(definition)!r}, '--store', {str(store)!r}, '--workers', '2'])"
    code = f"if __name__ == '__main__':\n    from workbench.cli.main import main\n    {call}"
    with served(store) as url:
        page, troubles = tab(browser, url)
        page.goto(url)
        page.get_by_test_id("stSidebarNavLink").filter(has_text="Live sweep").click()
        page.get_by_text("No sweep has been begun in this store").wait_for()

        sweep = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            page.wait_for_function(f"(() => {{ {DRAWN} }})() > 1")
            first = page.evaluate(f"(() => {{ {DRAWN} }})()")
            loads = page.evaluate("performance.getEntriesByType('navigation').length")
            page.wait_for_function(f"(() => {{ {DRAWN} }})() > {first} + 1")
            assert page.get_by_text("the sweep tiny").first.is_visible()
            assert page.get_by_test_id("stMetricDelta").first.inner_text().startswith("of 4")
            page.get_by_text("No more is to be trained").wait_for()
            assert page.evaluate("performance.getEntriesByType('navigation').length") == loads
        finally:
            sweep.wait(timeout=PATIENCE / 1000)
        assert page.get_by_test_id("stMetricValue").first.inner_text() == "4"
        # It rests: nothing is drawn any more. The whole page was run once, so that the sidebar knows the new runs.
        assert page.get_by_text("4 runs shown").count() == 1
        page.wait_for_timeout(3000)  # what was under way comes to its end
        page.evaluate(COUNT)
        page.wait_for_timeout(4000)
        assert page.evaluate("window.drawn") == 0
        assert page.get_by_test_id("stException").count() == 0
        assert troubles == []
    assert Store(store).runs()["status"].tolist() == ["done"] * 4
