"""`workbench batch` prints both measurements of a sweep's critical batch, and refuses a sweep that has none."""

import json

from tests.analyses.test_critical_batch import sweep
from tests.factories import make_store
from workbench.store import Store


def measured(folder):
    """A simulated store, and in it the sweep `s` of known truths; what that does not say is another run's."""
    store = Store(make_store(folder))
    runs, curves, manifest = sweep()
    row, curve = store.runs().iloc[0], store.curves().iloc[:1]
    for _, one in runs.iterrows():
        mine = {str(name): value for name, value in one.items()}
        rows = curves[curves["run_id"] == mine["run_id"]]
        filled = rows.assign(**{str(name): curve[name].iloc[0] for name in curve if name not in rows})
        store.write_run({str(name): value for name, value in row.items()} | mine | {"sweep": "s"}, filled)
    store.write_manifest(manifest)
    return folder


def test_both_measurements_are_printed_and_compared(run, tmp_path):
    folder = measured(tmp_path / "store")
    code, out, _ = run("batch", "--store", folder, "--sweep", "s", "--resamples", 50)
    assert code == 0
    for said in ("tiny, by gradient noise", "B_star = ", "tiny, by steps and tokens to a loss", "agree within"):
        assert said in out
    code, out, _ = run(
        "batch", "--store", folder, "--sweep", "s", "--resamples", 50, "--json", "--out", tmp_path / "report"
    )
    (size,) = json.loads(out)["sizes"]
    assert code == 0 and len(size["direct"]) == 5 and set(size["law"]["params"]) == {"B_star", "alpha_B"}
    assert "B_crit, tokens" in (tmp_path / "report" / "report.md").read_text()


def test_a_sweep_that_measured_nothing_is_refused(run, tmp_path):
    code, _, err = run("batch", "--store", make_store(tmp_path / "store"), "--sweep", "simulated")
    assert code == 2 and "sweep 'simulated': no run measured the parts of the noise scale" in err
