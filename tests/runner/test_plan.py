"""A plan lists every run once, with the exact counts, and says when tokens would repeat."""

import hashlib
import json
import math
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from tests.runner.definitions import write_sweep
from workbench.corpus.prepare import prepare
from workbench.corpus.shards import Corpus
from workbench.errors import BadInput
from workbench.models.counts import count
from workbench.runner.cost import calibrate
from workbench.runner.definition import read_definition
from workbench.runner.plan import Plan, plan_sweep, unique_tokens, wall_seconds
from workbench.training.config import RunConfig
from workbench.training.horizon import resolve
from workbench.training.identity import determinants
from workbench.training.memory import step_bytes


def planned(path: Path) -> tuple[Plan, Corpus]:
    definition = read_definition(path)
    corpus = prepare(definition.corpus, root=path.parent / "corpora")
    return plan_sweep(definition, str(path), corpus), corpus


def test_each_run_carries_its_exact_n_d_and_c(tmp_path: Path) -> None:
    plan, _ = planned(write_sweep(tmp_path))
    for run in plan.runs:
        assert run.counts == count(run.config.model)
        assert run.horizon.flops == run.horizon.tokens * run.counts.flops_per_token_training
        assert run.horizon.flops == pytest.approx(run.budget, rel=0.02)
        assert run.memory_bytes > 16 * run.counts.n_params


def test_a_run_asked_for_twice_is_planned_once(tmp_path: Path) -> None:
    plan, _ = planned(write_sweep(tmp_path, '[[replicates]]\nlevel = 3e7\nsize = "small"\nseeds = [0, 1]\n'))
    assert len(plan.runs) == 5


def test_a_point_of_the_design_stays_one_where_a_check_or_a_replicate_asks_for_it_too(tmp_path: Path) -> None:
    more = '[axes]\n"train.rate_factor" = [1.0, 0.5]\n[[rate_checks]]\nlevels = [3e7]\nsizes = ["small"]\n'
    plan, corpus = planned(write_sweep(tmp_path, more))
    factors = {(run.config.train.rate_factor, run.role) for run in plan.runs}
    assert factors == {(1.0, "grid"), (0.5, "grid"), (2.0, "rate")}
    (again,) = plan.manifest(corpus)["shared"]
    assert again["role"] == "rate" and (again["size"], again["level"]) == ("small", 3e7)


def test_a_variant_that_is_a_run_of_the_design_keeps_its_place_among_the_variants(tmp_path: Path) -> None:
    more = """
[variants]
type = "isoflop"
levels = [3e7]
sizes = ["small"]
changes = { baseline = {}, same = { n_head = 1 } }
"""
    plan, corpus = planned(write_sweep(tmp_path, more))
    manifest = plan.manifest(corpus)
    both = [*manifest["runs"], *manifest["shared"]]
    for variant in ("baseline", "same"):
        assert sum(entry.get("variant") == variant for entry in both) == 3
    assert len({entry["run_id"] for entry in both}) == len(plan.runs) == 4 + 2


def test_a_plan_that_would_see_a_token_twice_says_so(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    assert not any("more than once" in warning for warning in planned(path)[0].warnings)
    path.write_text(path.read_text().replace("6e7", "3e9"))
    plan, corpus = planned(path)
    warning = plan.warnings[-1]
    assert "2 of 4 runs would see tokens more than once" in warning
    longest = max(plan.runs, key=lambda run: run.horizon.tokens)
    assert unique_tokens(longest.horizon, corpus) < len(corpus.train) < longest.horizon.tokens


def test_times_are_measured_and_grow_with_the_budget(tmp_path: Path) -> None:
    plan, _ = planned(write_sweep(tmp_path))
    timed = plan.timed(calibrate(plan.runs, "cpu"))
    small, large = timed.runs[0], timed.runs[2]
    assert 0 < small.seconds < large.seconds < math.inf
    assert wall_seconds(timed.runs, 1) == pytest.approx(sum(run.seconds for run in timed.runs))
    assert wall_seconds(timed.runs, 2) < wall_seconds(timed.runs, 1)


def test_runs_that_differ_in_seeds_alone_are_each_what_they_would_be_alone(tmp_path: Path) -> None:
    plan, corpus = planned(write_sweep(tmp_path, "\n[axes]\nseed = [0, 1, 2]\n"))
    assert len(plan.runs) == 12 and len({id(run.horizon) for run in plan.runs}) == 4
    for run in plan.runs:
        alone = RunConfig.model_validate(run.config.model_dump())
        assert run.config == alone and run.horizon == resolve(alone) and run.counts == count(alone.model)
        assert run.memory_bytes == step_bytes(alone, run.horizon.batch_windows)
        assert run.run_id == "r-" + digest(determinants(alone, run.horizon, corpus.fingerprint))
        shared = determinants(alone, run.horizon, corpus.fingerprint)
        del shared["seed_init"], shared["seed_data"]
        assert run.config_id == "c-" + digest(shared)
    assert len({run.run_id for run in plan.runs}) == 12 and len({run.config_id for run in plan.runs}) == 4


def digest(document: dict[str, Any]) -> str:
    """Twelve hex digits of a document's JSON, its keys in order."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@pytest.mark.parametrize("seed", ["-1", "2147483648", "1.5", '"one"'])
def test_a_wrong_seed_of_an_axis_is_refused_in_a_sentence(tmp_path: Path, seed: str) -> None:
    with pytest.raises(BadInput, match=r"size small: seed_init = "):
        planned(write_sweep(tmp_path, f"\n[axes]\nseed = [0, {seed}]\n"))


def test_a_plan_grows_with_its_runs_and_not_with_what_they_share(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, f"\n[axes]\nseed = {list(range(500))}\n")
    planned(path)
    tracemalloc.start()
    plan, _ = planned(path)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(plan.runs) == 2000
    assert kept / len(plan.runs) < 3000  # bytes


def test_sizes_that_a_factory_does_not_tell_apart_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`bag` reads `settings.hidden` alone: widths of the decoder make other ids of the same model."""
    from workbench.models import own

    for registry in ("_registered", "_imported"):
        monkeypatch.setattr(own, registry, getattr(own, registry).copy())
    own.import_models([str(Path(__file__).parents[1] / "models" / "own_models.py")])
    path = write_sweep(tmp_path)
    text = path.read_text().replace("n_layer = 1\nn_head = 1", 'architecture = "bag"\nn_layer = 1\nn_head = 1')
    path.write_text(text)
    (said,) = [warning for warning in planned(path)[0].warnings if "factory" in warning]
    assert said.startswith("the sizes small, large differ in d_model but not in their ")
    assert said.endswith("parameters and FLOPs: the factory of 'bag' may not read it")
    told_apart = text.replace("d_model = 4", "settings = { hidden = 4 }").replace(
        "d_model = 8", "settings = { hidden = 6 }"
    )
    path.write_text(told_apart)
    assert not [warning for warning in planned(path)[0].warnings if "factory" in warning]


def test_a_manifest_says_what_each_run_will_take(tmp_path: Path) -> None:
    plan, corpus = planned(write_sweep(tmp_path))
    first, *_ = plan.manifest(corpus)["runs"]
    run = plan.runs[0]
    assert (first["n_params"], first["tokens"], first["steps"]) == (
        run.counts.n_params, run.horizon.tokens, run.horizon.steps
    )  # fmt: skip
    assert first["flops"] == run.horizon.flops and "seconds" not in first
    assert plan.timed(lambda run: 2.5).manifest(corpus)["runs"][0]["seconds"] == 2.5
