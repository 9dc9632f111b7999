"""The app on a real server in a real browser: it loads, a filter changes a figure, a link restores it."""

import http.client
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.app.serving import PATIENCE, served
from workbench.store import Store

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(simulated: Path) -> Iterator[str]:
    """The address of `workbench app` on the simulated store."""
    with served(simulated) as url:
        yield url


def points(page: Any) -> int:
    """Points that the first figure draws."""
    code = "document.querySelectorAll('.js-plotly-plot')[0].querySelectorAll('.points path.point').length"
    return int(page.evaluate(code))


def test_a_filter_changes_a_figure_a_link_restores_it_and_nothing_leaves_the_machine(server: str, browser: Any):
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(PATIENCE)
    troubles: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))

    page.goto(server)
    page.wait_for_selector(".js-plotly-plot .points path.point")
    assert page.locator("h1").inner_text() == "Overview"
    for title in ("Live sweep", "Curves", "Laws", "What if", "Emergence", "Models", "Runs"):
        page.get_by_test_id("stSidebarNavLink").filter(has_text=title).click()
        page.wait_for_function("title => document.querySelector('h1')?.innerText === title", arg=title)
        page.wait_for_selector(".js-plotly-plot")
        assert page.get_by_test_id("stException").count() == 0
        assert page.get_by_test_id("stAlertContentError").count() == 0
    page.wait_for_function("document.querySelectorAll('.js-plotly-plot .points path.point').length === 40")

    where = page.get_by_label("Where", exact=True)
    where.fill("budget = 1e11")
    where.press("Enter")
    page.wait_for_function("document.querySelectorAll('.js-plotly-plot .points path.point').length === 6")
    assert points(page) == 6
    assert troubles == []
    here = (server, server.replace("http", "ws"), "data:", "blob:")
    assert [url for url in requests if not url.startswith(here)] == []

    link = page.url
    assert "where=" in link
    other = browser.new_page(viewport={"width": 1400, "height": 900})
    other.set_default_timeout(PATIENCE)
    other.goto(link)
    other.wait_for_function("document.querySelectorAll('.js-plotly-plot .points path.point').length === 6")


def test_ticked_runs_are_compared_a_link_restores_them_and_a_download_is_the_store(
    server: str, browser: Any, simulated: Path
):
    page = browser.new_page(viewport={"width": 1400, "height": 1600})
    page.set_default_timeout(PATIENCE)
    page.goto(f"{server}/runs")
    page.wait_for_selector("[data-testid=stDataFrame] canvas")
    table = page.get_by_test_id("stDataFrame").first.bounding_box()
    for row in (1, 2):
        page.mouse.click(table["x"] + 16, table["y"] + 35 * row + 18)
        page.wait_for_function(f"decodeURIComponent(location.search).split('r-').length === {row + 1}")
    page.wait_for_selector("text=Where the configurations of 2 runs differ")

    with page.expect_download() as waited:
        page.get_by_role("button", name="These runs as Parquet").click()
    taken, runs = pd.read_parquet(waited.value.path()), Store(simulated).runs()
    pd.testing.assert_frame_equal(taken[runs.columns.tolist()], runs)

    other = browser.new_page(viewport={"width": 1400, "height": 1600})
    other.set_default_timeout(PATIENCE)
    other.goto(page.url)
    other.wait_for_selector("text=Where the configurations of 2 runs differ")


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
