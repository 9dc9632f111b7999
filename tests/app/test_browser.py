"""The app on a real server in a real browser: every page, light and dark; filters, links, downloads; what is broken."""

import http.client
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.app.serving import READY, served, tab
from tests.app.test_pages import PAGES, TITLES
from workbench.store import Store

pytestmark = pytest.mark.browser

POINTS = "document.querySelectorAll('.js-plotly-plot .points path.point').length"
"""Points that the figures draw."""

INK = "getComputedStyle(document.querySelector('.js-plotly-plot .xtick text, .js-plotly-plot .g-xtitle text')).fill"


@pytest.fixture(scope="module")
def server(twins: Path) -> Iterator[str]:
    """The address of `workbench app` on a store with two sweeps, of which it opens the first, the simulated one."""
    with served(twins) as url:
        yield url


def brightness(color: str) -> float:
    """Of a colour as a browser writes it, from 0, black, to 1."""
    return sum(int(part) for part in re.findall(r"\d+", color)[:3]) / 765


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_drawn_without_an_error_and_nothing_leaves_the_machine(server: str, browser: Any, scheme: str):
    page, troubles = tab(browser, server, scheme)
    page.goto(server)
    for name in ("overview", *sorted({*PAGES} - {"overview"})):
        title = TITLES.get(name, name.capitalize())
        page.get_by_test_id("stSidebarNavLink").filter(has_text=re.compile(f"^{title}$")).click()
        page.wait_for_function("title => document.querySelector('h1')?.innerText === title", arg=title)
        page.wait_for_function(READY)
        assert page.get_by_test_id("stException").count() == 0, name
        assert page.get_by_test_id("stAlertContentError").count() == 0, name
        assert (brightness(page.evaluate(INK)) > 0.5) == (scheme == "dark"), name
        wider = "(e => e.scrollWidth - e.clientWidth)(document.querySelector('[data-testid=stMain]'))"
        assert page.evaluate(wider) == 0, f"{name} scrolls sideways"
    assert troubles == []
    page.context.close()


def test_a_filter_changes_a_figure_and_a_link_restores_it(server: str, browser: Any):
    page, troubles = tab(browser, server)
    page.goto(f"{server}/runs")
    page.wait_for_function(f"{POINTS} === 40")
    where = page.get_by_label("Where", exact=True)
    where.fill("budget = 1e11")
    where.press("Enter")
    page.wait_for_function(f"{POINTS} === 6")
    assert "where=" in page.url

    other, _ = tab(browser, server)
    other.goto(page.url)
    other.wait_for_function(f"{POINTS} === 6")
    assert troubles == []
    for each in (page, other):
        each.context.close()


def test_ticked_runs_are_compared_a_link_restores_them_and_a_download_is_the_store(
    server: str, browser: Any, twins: Path
):
    page, troubles = tab(browser, server)
    page.goto(f"{server}/runs")
    page.wait_for_selector("[data-testid=stDataFrame] canvas")
    table = page.get_by_test_id("stDataFrame").first.bounding_box()
    for row in (1, 2):
        page.mouse.click(table["x"] + 16, table["y"] + 35 * row + 18)
        page.wait_for_function(f"decodeURIComponent(location.search).split('r-').length === {row + 1}")
    page.wait_for_selector("text=Where the configurations of 2 runs differ")

    with page.expect_download() as waited:
        page.get_by_role("button", name="These runs as Parquet").click()
    taken, runs = pd.read_parquet(waited.value.path()), Store(twins).runs("sweep = 'simulated'")
    pd.testing.assert_frame_equal(taken[runs.columns.tolist()], runs)

    other, _ = tab(browser, server)
    other.goto(page.url)
    other.wait_for_selector("text=Where the configurations of 2 runs differ")
    assert troubles == []
    for each in (page, other):
        each.context.close()


def test_a_corrupt_file_is_named_in_a_sentence(corrupt: Path, browser: Any):
    with served(corrupt) as url:
        page, troubles = tab(browser, url)
        page.goto(url)
        error = page.get_by_test_id("stAlertContentError")
        error.wait_for()
        assert "r-00000003.parquet" in error.inner_text() and "not a readable parquet file" in error.inner_text()
        assert page.get_by_test_id("stException").count() == 0
        assert troubles == []
        page.context.close()


def test_a_page_of_another_origin_or_name_is_refused(server: str):
    """The stream that carries the data answers this machine's own page alone."""
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    address = server.removeprefix("http://")
    for changed, status in (
        ({}, 101),
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Host": "elsewhere.example"}, 403),
    ):
        connection = http.client.HTTPConnection(address, timeout=10)
        connection.request("GET", "/_stcore/stream", headers={"Host": address, **upgrade, **changed})
        assert connection.getresponse().status == status, changed
        connection.close()


def test_the_server_listens_on_this_machine_alone(server: str):
    import psutil

    port = int(server.rsplit(":", 1)[1])
    mine = psutil.Process(os.getpid()).children(recursive=True)
    addresses = {
        connection.laddr.ip
        for process in mine
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    }
    assert addresses == {"127.0.0.1"}
