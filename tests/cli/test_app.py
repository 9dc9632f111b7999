"""`workbench app`: what it refuses before a server starts, and how it would start one."""

import socket
from pathlib import Path

import pytest

from workbench.cli import app
from workbench.cli.main import main
from workbench.store import Store, reference_store


def refused(capsys: pytest.CaptureFixture[str], *args: object) -> str:
    with pytest.raises(SystemExit) as exit_:
        main(["app", *map(str, args)])
    out, err = capsys.readouterr()
    assert (exit_.value.code, out) == (2, "")
    return err


def test_a_folder_that_is_no_store_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert "not a store" in refused(capsys, tmp_path, "--json")


def test_a_store_of_a_newer_schema_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "store.json").write_text('{"schema_version": 999}')
    assert "newer" in refused(capsys, tmp_path)


def test_the_word_reference_is_the_store_that_ships(monkeypatch: pytest.MonkeyPatch):
    served: list[Path] = []
    monkeypatch.setattr(app, "_serve", lambda folder, port, headless: served.append(folder))
    with pytest.raises(SystemExit):
        main(["app", "reference", "--json"])
    assert served == [reference_store().resolve()]


def test_a_port_in_use_is_refused_and_the_first_free_one_is_the_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    store = Store.create(tmp_path / "store").folder
    with socket.socket() as taken:
        taken.bind((app.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"--port {port}" in refused(capsys, store, "--port", port)
        monkeypatch.setattr(app, "FIRST_PORT", port)
        assert port < app._free_port(None) < port + app.PORTS_TRIED


def test_the_server_is_told_to_keep_to_itself():
    words = app.options(8501, headless=True)
    assert {
        "--server.address=127.0.0.1",
        "--server.enableCORS=true",
        "--server.enableXsrfProtection=true",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
        "--server.allowedHosts=127.0.0.1",
    } <= set(words)
    assert not any("headless" in word for word in app.options(8501))
