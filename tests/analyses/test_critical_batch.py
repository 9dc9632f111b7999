"""Critical batches, against curves whose B*, α_B, S_min and E_min are known."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.analyses.critical_batch import Critical, critical_batches
from workbench.analyses.steps_to_loss import Direct, tokens_to
from workbench.errors import BadInput

B_STAR, ALPHA_B = 40_000.0, 0.25
"""B_noise = B*/L^4: 2,500 tokens at a loss of 2."""

BATCHES = (256, 1024, 4096, 16384)
STEPS_MIN, TOKENS_MIN = 100.0, 200_000.0
"""To a loss of 2, so that B_crit = 2,000 there."""


def loss_at(tokens: np.ndarray, batch: int, penalty: float = 0.0) -> np.ndarray:
    """Every loss takes (1 + B/B_crit) times the tokens of the smallest batch, which are TOKENS_MIN at a loss of 2."""
    scaled = tokens / (1 + batch * STEPS_MIN / TOKENS_MIN) * np.exp(-penalty)
    return np.asarray(2 * (scaled / TOKENS_MIN) ** -0.1)


def sweep(
    batches: tuple[int, ...] = BATCHES, measured: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Three rates, the middle one the best, and two seeds; noise on each row's parts, |G|² sometimes below 0."""
    rng, runs, curves = np.random.default_rng(0), [], []
    for batch in batches:
        for seed in (0, 1):
            for factor in (0.5, 1.0, 2.0):
                run_id, steps = f"r-{batch}-{seed}-{factor:g}", 3_000_000 // batch
                step = np.unique(np.geomspace(1, steps, 60).astype(int))
                tokens = step * batch
                loss = loss_at(tokens, batch, np.log(factor) ** 2) * (1 + 0.001 * rng.standard_normal())
                square = 1 + 1.5 * rng.standard_normal(len(step)) / np.sqrt(np.gradient(step))
                trace = B_STAR / loss ** (1 / ALPHA_B) * (1 + 0.05 * rng.standard_normal(len(step)))
                runs.append(
                    {
                        "run_id": run_id, "status": "done", "n_params": 1000, "batch_tokens": batch, "seed_init": seed,
                        "seed_data": seed,
                        "learning_rate": 0.01 * factor, "warmup_steps": 1, "loss": loss[-1],
                    }
                )  # fmt: skip
                parts = (
                    {"grad_square": square, "grad_trace": trace}
                    if measured
                    else dict.fromkeys(("grad_square", "grad_trace"), np.nan)
                )
                curves.append(
                    pd.DataFrame(
                        {"run_id": run_id, "step": step, "tokens": tokens, "train_loss": loss, "loss": loss, **parts}
                    )
                )
    manifest = {"name": "s", "runs": [{"run_id": run["run_id"], "size": "tiny"} for run in runs]}
    return pd.DataFrame(runs), pd.concat(curves, ignore_index=True), manifest


@pytest.fixture(scope="module")
def found() -> Critical:
    (one,) = critical_batches(*sweep(), resamples=200)
    return one


def test_the_noise_scale_gives_the_power_law_back(found: Critical) -> None:
    assert found.size == "tiny" and found.law is not None
    for name, true in (("B_star", B_STAR), ("alpha_B", ALPHA_B)):
        low, high = found.law.intervals[name]
        assert found.law.params[name] == pytest.approx(true, rel=0.2) and low < true < high
    value, low, high = found.noise_at(2.0) or (0, 0, 0)
    assert low < 2500 < high and value == pytest.approx(2500, rel=0.15)


def test_the_interval_of_a_band_holds_the_true_noise_scale(found: Critical) -> None:
    """Of the parts of single rows |G|² is often below 0; those of a band are not."""
    many = found.bands[found.bands["runs"] > 2]
    wanted = B_STAR / many["loss"] ** (1 / ALPHA_B)
    assert len(many) >= 6 and (many["low"] < wanted).all() and (wanted < many["high"]).all()
    sharp = many["loss"] < 2.4
    np.testing.assert_allclose(many["batch"][sharp], wanted[sharp], rtol=0.12)
    assert found.bands.loc[found.bands["runs"] < 3, "low"].isna().all()


def test_steps_and_tokens_to_a_loss_give_the_least_of_both_back(found: Critical) -> None:
    assert len(found.direct) == 5
    for one in found.direct:
        scale = (one.loss / 2) ** -10
        assert one.steps == pytest.approx(STEPS_MIN * scale, rel=0.05)
        assert one.tokens == pytest.approx(TOKENS_MIN * scale, rel=0.05)
        assert one.low < one.batch < one.high and one.batch == pytest.approx(2000, rel=0.05)
        assert one.table["inside"].all() and len(one.table) == 8


def test_a_rate_at_the_edge_of_those_tried_is_said_to_be(found: Critical) -> None:
    assert any("inside the rates tried at 4 of 4 batches" in note for note in found.notes)
    runs, curves, manifest = sweep()
    (one,) = critical_batches(runs[runs["learning_rate"] >= 0.01], curves, manifest, resamples=50)
    assert any("inside the rates tried at 0 of 4 batches" in note for note in one.notes)


def test_a_rate_that_diverged_still_brackets_the_best_one() -> None:
    runs, curves, manifest = sweep()
    slow = runs["learning_rate"] <= 0.01
    runs = runs.assign(status=runs["status"].where(slow, "diverged"), loss=runs["loss"].where(slow))
    (one,) = critical_batches(runs, curves, manifest, resamples=50)
    assert any("inside the rates tried at 4 of 4 batches" in note for note in one.notes)
    assert all(at.table["inside"].all() for at in one.direct)


@pytest.mark.parametrize(
    ("batches", "many", "said"),
    [
        ((128, 256, 512, 1024), 5, "outside the batches tried (128 to 1,024): it is an extrapolation"),
        ((16, 32, 64, 128), 0, "batches of 16 to 128 tokens are all far from it; try larger ones"),
    ],
)
def test_a_critical_batch_beyond_those_tried_is_an_extrapolation_and_far_beyond_none(
    batches: tuple[int, ...], many: int, said: str
) -> None:
    (one,) = critical_batches(*sweep(batches), resamples=50)
    assert len(one.direct) == many and sum(said in note for note in one.notes) == 5


def test_runs_that_differ_in_more_than_batch_rate_and_seed_are_refused() -> None:
    runs, curves, manifest = sweep()
    again = runs.assign(run_id=runs["run_id"] + "-b")
    manifest["runs"] += [{"run_id": run_id, "size": "tiny"} for run_id in again["run_id"]]
    with pytest.raises(BadInput, match="size tiny: several runs have the same batch, rate and seeds"):
        critical_batches(pd.concat([runs, again]), curves, manifest)


def test_words_say_whether_both_agree() -> None:
    def said(batch: float, low: float, high: float) -> str:
        table = pd.DataFrame({"inside": [True]})
        one = Direct(2.0, batch, low, high, 1.0, batch, table, "")

        class Known(Critical):
            def noise_at(self, loss: float) -> tuple[float, float, float]:
                return 1000, 900, 1100

        return Known("tiny", pd.DataFrame(), np.empty((0, 0)), 0.95, None, (one,), ()).words()[0]

    assert "agree within their intervals (ratio 1.05)" in said(1050, 950, 1150)
    assert "one magnitude" in said(1500, 1300, 1700)
    assert "disagree, by a factor of 5.00" in said(5000, 4000, 6000)


def test_tokens_to_a_loss_lie_between_two_evaluations() -> None:
    curve = pd.DataFrame({"tokens": [100, 1000, 10000], "loss": [3.0, 2.0, 2.5]})
    assert tokens_to(curve, 2.5) == pytest.approx(10**2.5)
    assert np.isinf(tokens_to(curve, 1.9)) and np.isinf(tokens_to(curve, 3.1))


def test_a_size_of_few_batches_has_its_noise_scale_alone() -> None:
    (one,) = critical_batches(*sweep(batches=(1024,)), resamples=0)
    assert not one.direct and len(one.bands) and one.law is not None and not one.words()


def test_batches_without_a_noise_scale_are_compared_alone() -> None:
    (one,) = critical_batches(*sweep(measured=False), resamples=0)
    assert one.direct and one.bands.empty and one.law is None


def test_batches_that_share_no_loss_are_said_to() -> None:
    runs, curves, manifest = sweep()
    late = curves["run_id"].str.startswith("r-16384") & (curves["loss"] < 4)
    (one,) = critical_batches(runs, curves.assign(loss=curves["loss"].mask(late, 4.0)), manifest, resamples=0)
    assert not one.direct and any("No loss below that of every batch" in note for note in one.notes)


def test_a_sweep_with_nothing_measured_is_refused_in_a_sentence() -> None:
    with pytest.raises(BadInput, match=r"sweep 's': no run measured .* set noise_scale = true in \[execution\]"):
        critical_batches(*sweep(batches=(1024,), measured=False))
    runs, curves, manifest = sweep(batches=(1024,))
    with pytest.raises(BadInput, match="sweep 's': no run is done"):
        critical_batches(runs.assign(status="failed"), curves, manifest)
