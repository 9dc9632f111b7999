"""Models that are not ours, good and bad, as a person's file would register them."""

import torch
from pydantic import BaseModel
from torch import Tensor, nn

from workbench.models.config import ModelConfig
from workbench.models.decoder import Decoder
from workbench.models.own import register


class Width(BaseModel, extra="forbid"):
    hidden: int = 8


class Bag(nn.Module):
    """The mean of what was read so far, through a layer of one's choice."""

    def __init__(self, vocab_size: int, width: int, middle: nn.Module) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, width)
        self.middle = middle
        self.head = nn.Linear(width, vocab_size)

    def forward(self, ids_BT: Tensor) -> Tensor:
        x_BTD = self.embedding(ids_BT)
        count_T = torch.arange(1, ids_BT.shape[1] + 1, device=x_BTD.device)
        return self.head(self.middle(x_BTD.cumsum(1) / count_T[:, None]))


class OverPositions(nn.Module):
    """BatchNorm over windows and positions: in training it sees the future."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x_BTD: Tensor) -> Tensor:
        return self.norm(x_BTD.mT).mT


class OverWindows(nn.Module):
    """BatchNorm of each position by itself: in training it sees the other windows."""

    def __init__(self, width: int, context: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width * context)

    def forward(self, x_BTD: Tensor) -> Tensor:
        return self.norm(x_BTD.flatten(1)).view_as(x_BTD)


class Backwards(nn.Module):
    def forward(self, x_BTD: Tensor) -> Tensor:
        return x_BTD.flip(1)


class NotFinite(nn.Module):
    def forward(self, x_BTD: Tensor) -> Tensor:
        return x_BTD / 0


class OneNumber(nn.Module):
    def forward(self, x_BTD: Tensor) -> Tensor:
        return x_BTD.mean(1)


class Counting(nn.Module):
    """Keeps a number of calls, and changes its output by it."""

    calls: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.dropout = nn.Dropout(0.1)

    def forward(self, x_BTD: Tensor) -> Tensor:
        if self.training:
            self.calls += 1
        return self.dropout(x_BTD) * (1 + self.calls / 10)


class Tied(nn.Module):
    def __init__(self, vocab_size: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, width)
        self.head = nn.Linear(width, vocab_size, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, ids_BT: Tensor) -> Tensor:
        return self.head(self.embedding(ids_BT))


class SharedMemory(Tied):
    """Tied by its numbers: two parameters upon one memory."""

    def __init__(self, vocab_size: int, width: int) -> None:
        super().__init__(vocab_size, width)
        self.head.weight = nn.Parameter(self.embedding.weight.data)


class ExtraState(nn.Module):
    def forward(self, x_BTD: Tensor) -> Tensor:
        return x_BTD

    def get_extra_state(self) -> dict[str, int]:
        return {"calls": 1}


class NotFiniteInTraining(nn.Module):
    def forward(self, x_BTD: Tensor) -> Tensor:
        return x_BTD / 0 if self.training else x_BTD


class Views(nn.Module):
    """Buffers upon one memory: parts of each other, and one that is kept under its second name alone."""

    end: Tensor

    def __init__(self) -> None:
        super().__init__()
        numbers = torch.arange(8.0)
        self.register_buffer("start", numbers[:4])
        self.register_buffer("end", numbers[2:])
        other = torch.ones(2)
        self.register_buffer("unkept", other, persistent=False)
        self.register_buffer("kept", other)

    def forward(self, x_BTD: Tensor) -> Tensor:
        return x_BTD * self.end[0]


class PartlyTrained(nn.Module):
    """A frozen layer, and one that is never called."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.frozen = nn.Linear(width, width).requires_grad_(False)
        self.unused = nn.Linear(width, width)

    def forward(self, x_BTD: Tensor) -> Tensor:
        return self.frozen(x_BTD)


class TiedOverWide(nn.Module):
    """A tied head over a layer that happens to be as wide as the vocabulary."""

    def __init__(self, vocab_size: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, width)
        self.up = nn.Linear(width, vocab_size)
        self.down = nn.Linear(vocab_size, width)

    def forward(self, ids_BT: Tensor) -> Tensor:
        x_BTD = self.down(torch.relu(self.up(self.embedding(ids_BT))))
        return x_BTD @ self.embedding.weight.T


class Lstm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, width, batch_first=True)

    def forward(self, x_BTD: Tensor) -> Tensor:
        return self.lstm(x_BTD)[0]


def wrapped(config: ModelConfig) -> nn.Module:
    """Our decoder, initialised as ours is from the same seed."""
    decoder = Decoder(config)
    if decoder.token_embedding.weight.device.type != "meta":
        decoder.init_weights(torch.Generator().manual_seed(torch.initial_seed()))
    return decoder


def bag(middle):
    def factory(config: ModelConfig, settings: Width) -> nn.Module:
        return Bag(config.vocab_size, settings.hidden, middle(config, settings))

    return factory


def refusing(config: ModelConfig) -> nn.Module:
    raise RuntimeError("no such shape")


register("wrapped", wrapped)
register("tied", lambda config: Tied(config.vocab_size, config.d_model))
register("tied-over-wide", lambda config: TiedOverWide(config.vocab_size, config.d_model))
register("refusing", refusing)
register("nothing", lambda config: None)
register("bag", bag(lambda config, settings: nn.Linear(settings.hidden, settings.hidden)), settings=Width)
register("lstm", bag(lambda config, settings: Lstm(settings.hidden)), settings=Width)
register("over-positions", bag(lambda config, settings: OverPositions(settings.hidden)), settings=Width)
register("over-windows", bag(lambda config, settings: OverWindows(settings.hidden, config.context)), settings=Width)
register("backwards", bag(lambda config, settings: Backwards()), settings=Width)
register("not-finite", bag(lambda config, settings: NotFinite()), settings=Width)
register("one-number", bag(lambda config, settings: OneNumber()), settings=Width)
register("counting", bag(lambda config, settings: Counting()), settings=Width)
register("no-shape", bag(lambda config, settings: nn.LazyLinear(settings.hidden)), settings=Width)
register("shared-memory", lambda config: SharedMemory(config.vocab_size, config.d_model))
register("extra-state", bag(lambda config, settings: ExtraState()), settings=Width)
register("not-finite-in-training", bag(lambda config, settings: NotFiniteInTraining()), settings=Width)
register("views", bag(lambda config, settings: Views()), settings=Width)
register("partly-trained", bag(lambda config, settings: PartlyTrained(settings.hidden)), settings=Width)
