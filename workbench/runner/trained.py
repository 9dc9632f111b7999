"""A trained model, back from the store."""

from workbench.corpus.prepare import prepare
from workbench.corpus.shards import Corpus
from workbench.errors import BadInput
from workbench.models.build import Model, build_model
from workbench.store import Store
from workbench.training import checkpoint
from workbench.training.config import RunConfig


def load_trained(store: Store, run_id: str, step: int | None = None) -> tuple[Model, RunConfig, Corpus]:
    """A run's model with its final (or a given step's) weights, its config, and the corpus it was trained on."""
    row = store.run(run_id)
    config = RunConfig.model_validate_json(str(row["config"]))
    folder = store.checkpoints(str(row["run_id"]))
    found = checkpoint.latest(folder) if step is None else folder / str(int(step))
    if found is None or not found.is_dir():
        raise BadInput(f"{folder}: no checkpoint{'' if step is None else f' of step {step}'}; train the run again")
    corpus = prepare(config.corpus)
    if corpus.fingerprint != row["corpus_fingerprint"]:
        raise BadInput(
            f"{corpus.folder}: its fingerprint is {corpus.fingerprint}, and {row['run_id']} was trained on "
            f"{row['corpus_fingerprint']}; use the Python and torch versions of that run, or train it anew"
        )
    model = build_model(config.model, config.seed_init)
    checkpoint.restore(found, model, None)
    return model.eval(), config, corpus
