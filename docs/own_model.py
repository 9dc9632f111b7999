"""A model of one's own: a GRU beside the workbench's decoders. `--import own_model.py` makes it known."""

from pydantic import BaseModel, Field
from torch import Tensor, nn

from workbench.models.config import ModelConfig
from workbench.models.own import register


class GruSettings(BaseModel, extra="forbid"):
    """The table [model.settings] of a definition."""

    hidden: int = Field(default=32, gt=0)
    layers: int = Field(default=1, gt=0)


class Gru(nn.Module):
    """Token ids (B, T) to the logits of the next token (B, T, V)."""

    def __init__(self, vocab_size: int, hidden: int, layers: int):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, hidden)
        self.recurrent = nn.GRU(hidden, hidden, layers, batch_first=True)
        self.head = nn.Linear(hidden, vocab_size, bias=False)

    def forward(self, ids_BT: Tensor) -> Tensor:
        """The whole window at once; the state begins at zero in each."""
        hidden_BTH, _ = self.recurrent(self.embedding(ids_BT))
        logits_BTV: Tensor = self.head(hidden_BTH)
        return logits_BTV


def make_gru(config: ModelConfig, settings: GruSettings) -> nn.Module:
    """`config` is the table [model]: its vocabulary and context are the corpus's and the sweep's."""
    return Gru(config.vocab_size, settings.hidden, settings.layers)


register("gru", make_gru, settings=GruSettings)
