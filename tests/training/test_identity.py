"""An id hashes what determines the result, and nothing else."""

import typing

from tests.training.tiny import tiny_run
from workbench.corpus.shards import Corpus
from workbench.training.config import Optimizer, RunConfig
from workbench.training.horizon import resolve
from workbench.training.identity import UNUSED, config_id, run_id


def identify(config: RunConfig) -> str:
    return run_id(config, resolve(config), "corpus")


def test_execution_is_no_part_of_the_id(corpus: Corpus) -> None:
    other = {"threads": 2, "micro_batch": 1, "log_points": 3, "checkpoint_seconds": 1.0, "noise_scale": True}
    other |= {"activation_checkpointing": True, "chunked_loss": True}
    assert identify(tiny_run(corpus)) == identify(tiny_run(corpus, execution=other))


def test_two_ways_to_ask_for_one_horizon_are_one_run(corpus: Corpus) -> None:
    assert identify(tiny_run(corpus)) == identify(tiny_run(corpus, tokens=1280, batch_tokens=64))
    doubled = tiny_run(corpus, learning_rate=0.005, rate_factor=2.0)
    assert identify(tiny_run(corpus)) == identify(doubled)


def test_a_default_written_out_is_the_same_run(corpus: Corpus) -> None:
    same = {"n_kv_head": 2, "d_head": 4, "d_ff": 32, "rope_base": 10_000.0}
    assert identify(tiny_run(corpus, model=same)) == identify(tiny_run(corpus))
    learned = {"position": "learned"}
    assert identify(tiny_run(corpus, model={**learned, "rope_base": 500.0})) == identify(
        tiny_run(corpus, model=learned)
    )


def test_a_setting_without_effect_is_the_same_run(corpus: Corpus) -> None:
    assert identify(tiny_run(corpus, momentum=0.5, adversarial_radius=0.2)) == identify(tiny_run(corpus))
    assert identify(tiny_run(corpus, optimizer="muon", momentum=0.95)) == identify(tiny_run(corpus, optimizer="muon"))
    assert identify(tiny_run(corpus, optimizer="sgd", beta2=0.5)) == identify(tiny_run(corpus, optimizer="sgd"))
    assert identify(tiny_run(corpus, warmup_tokens=128)) == identify(tiny_run(corpus))  # 0.1 of 20 steps


def test_every_optimizer_says_which_settings_are_not_its_own() -> None:
    assert set(UNUSED) == set(typing.get_args(Optimizer))


def test_whatever_changes_the_result_changes_the_id(corpus: Corpus) -> None:
    changes = [
        tiny_run(corpus),
        tiny_run(corpus, learning_rate=0.02),
        tiny_run(corpus, steps=21, batch_tokens=64),
        tiny_run(corpus, beta2=0.95),
        tiny_run(corpus, warmup_fraction=0.5),
        tiny_run(corpus, seed_init=1),
        tiny_run(corpus, seed_data=1),
        tiny_run(corpus, precision="bf16"),
        tiny_run(corpus, model={"d_model": 16}),
        tiny_run(corpus, model={"n_kv_head": 1}),
        tiny_run(corpus, model={"d_head": 2}),
        tiny_run(corpus, model={"d_ff": 16}),
        tiny_run(corpus, model={"rope_base": 500.0}),
        tiny_run(corpus, eval_windows=8),
        tiny_run(corpus, schedule="linear"),
        tiny_run(corpus, schedule="inverse-sqrt"),
        tiny_run(corpus, warmup_tokens=640, schedule="linear"),
        tiny_run(corpus, optimizer="adamw-8bit"),
        tiny_run(corpus, optimizer="lion"),
        tiny_run(corpus, optimizer="muon"),
        tiny_run(corpus, optimizer="muon", momentum=0.9),
        tiny_run(corpus, optimizer="sgd"),
        tiny_run(corpus, optimizer="sgd", momentum=0.5),
        tiny_run(corpus, sam_radius=0.05),
        tiny_run(corpus, z_loss=1e-4),
        tiny_run(corpus, label_smoothing=0.1),
        tiny_run(corpus, adversarial="fgm"),
        tiny_run(corpus, adversarial="fgm", adversarial_radius=0.2),
        tiny_run(corpus, adversarial="pgd"),
        tiny_run(corpus, adversarial="pgd", adversarial_steps=4),
    ]
    assert len({identify(config) for config in changes}) == len(changes)
    assert run_id(changes[0], resolve(changes[0]), "another corpus") != identify(changes[0])


def test_seeds_share_a_config_id(corpus: Corpus) -> None:
    one, other = tiny_run(corpus), tiny_run(corpus, seed_init=1, seed_data=2)
    assert config_id(one, resolve(one), "corpus") == config_id(other, resolve(other), "corpus")


def test_ids_are_frozen() -> None:
    """A field added later, at its default, must leave this id as it is; a changed default must not pass unseen."""
    config = RunConfig.model_validate(
        {"model": {"n_layer": 2, "n_head": 2, "d_model": 32, "vocab_size": 512}, "train": {"flops": 1e11}}
    )
    assert identify(config) == "r-e8f2a229103b"
