"""What holds for every optimizer: its name, decay of matrices alone, a rate per group, and the parameterisation."""

import typing

import pytest
import torch

from workbench.models.config import ModelConfig
from workbench.models.decoder import Decoder, build
from workbench.models.parameterisation import scales
from workbench.training.config import Optimizer, TrainConfig
from workbench.training.optimizers import OPTIMIZERS, build_optimizer, set_rate
from workbench.training.optimizers.sgd import Sgd

MODEL = {"n_layer": 1, "n_head": 2, "d_model": 8, "vocab_size": 11, "context": 8}


def small(**fields: typing.Any) -> Decoder:
    return build(ModelConfig.model_validate({**MODEL, **fields}), seed=0)


def settings(name: str, **fields: typing.Any) -> TrainConfig:
    return TrainConfig.model_validate({"optimizer": name, "learning_rate": 0.01, **fields})


def test_the_table_has_every_name() -> None:
    assert set(OPTIMIZERS) == set(typing.get_args(Optimizer))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_without_a_gradient_to_follow_matrices_decay_and_vectors_stay(name: str) -> None:
    model = small()
    before = {key: parameter.detach().clone() for key, parameter in model.named_parameters()}
    optimizer = build_optimizer(model, settings(name, weight_decay=0.5))
    set_rate(optimizer, 0.1)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for key, parameter in model.named_parameters():
        kept = 1 - 0.1 * 0.5 if parameter.ndim >= 2 else 1.0
        torch.testing.assert_close(parameter.detach(), before[key] * kept, msg=key)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_parameter_is_in_one_group(name: str) -> None:
    model = small(tie_embeddings=False, position="learned", activation="swiglu")
    held = [id(p) for group in build_optimizer(model, settings(name)).param_groups for p in group["params"]]
    assert sorted(held) == sorted(id(parameter) for parameter in model.parameters())


@pytest.mark.parametrize("name", ["adamw", "adamw-8bit", "lion"])
@pytest.mark.parametrize("kind", ["mup", "completep"])
def test_groups_follow_the_parameterisation(name: str, kind: str) -> None:
    base = {"base_width": 4} | ({"base_depth": 1} if kind == "completep" else {})
    model = small(parameterisation=kind, n_layer=2, **base)
    optimizer = build_optimizer(model, settings(name, weight_decay=0.1, epsilon=1e-8))
    set_rate(optimizer, 0.5)
    of = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    for key, parameter in model.named_parameters():
        group, wanted = of[id(parameter)], scales(model.config, key)
        assert group["lr"] == pytest.approx(0.5 * wanted.rate)
        assert group["eps"] == pytest.approx(1e-8 * wanted.epsilon)
        assert group["weight_decay"] == pytest.approx(0.1 * wanted.decay if parameter.ndim >= 2 else 0.0)


def test_a_scaled_group_takes_steps_of_its_own_length() -> None:
    plain, scaled = torch.nn.Parameter(torch.zeros(3)), torch.nn.Parameter(torch.zeros(3))
    optimizer = Sgd([{"params": [plain], "momentum": 0.0}, {"params": [scaled], "momentum": 0.0, "scale": 0.25}])
    set_rate(optimizer, 0.1)
    for parameter in (plain, scaled):
        parameter.grad = torch.ones(3)
    optimizer.step()
    assert torch.equal(scaled.detach(), plain.detach() * 0.25)
    assert torch.equal(plain.detach(), torch.full((3,), -0.1))
