"""A finished run as a folder that Hugging Face opens: weights, tokenizer, and what they were made of."""

from dataclasses import dataclass
from pathlib import Path

from workbench.errors import BadInput
from workbench.models.config import DECODER
from workbench.models.decoder import Decoder
from workbench.models.formats import to_hugging_face
from workbench.models.formats.exporting import refuse_occupied
from workbench.models.formats.table import format_of
from workbench.runner.trained import load_trained
from workbench.store import Store
from workbench.training.config import RunConfig


@dataclass(frozen=True)
class Exported:
    """What was written."""

    run_id: str
    folder: Path
    format: str
    """The `model_type` of config.json."""
    architecture: str
    """The class of `transformers` that opens it."""
    n_params: int
    files: list[str]


def export_run(store: Store, run: str, folder: Path) -> Exported:
    """Write the final weights and the tokenizer of a run, named by its id or the beginning of it."""
    row = store.run(run)
    run_id = str(row["run_id"])
    if row["status"] != "done":
        raise BadInput(f"{run_id} is {row['status']}, not done; only a finished run can be exported")
    # Asked before the corpus is prepared, which may take minutes.
    model_config = RunConfig.model_validate_json(str(row["config"])).model
    if model_config.architecture != DECODER:
        raise BadInput(
            f"{run_id} is of the registered model {model_config.architecture!r}, and only decoders have a format of "
            "Hugging Face that holds them"
        )
    format_of(model_config)
    refuse_occupied(folder)
    model, _, corpus = load_trained(store, run_id)
    assert isinstance(model, Decoder)
    written = to_hugging_face(model, folder, corpus.tokenizer)
    files = sorted(path.name for path in folder.iterdir())
    n_params = sum(parameter.numel() for parameter in model.parameters())
    return Exported(run_id, folder, written.model_type, written.architecture, n_params, files)
