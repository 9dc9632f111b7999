"""One run by itself, in this process: what `workbench run` does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.corpus.config import CorpusConfig
from workbench.corpus.prepare import prepare
from workbench.errors import WorkbenchError
from workbench.runner.definition import Asked
from workbench.runner.plan import PlannedRun, plan_run, warnings
from workbench.runner.rows import curve_frame, run_row
from workbench.runner.sweep import stop_on_signals
from workbench.runner.worker import Busy, claimed, finished
from workbench.store import Store
from workbench.training.config import RunConfig
from workbench.training.train import Row, train
from workbench.validation import read_toml, validated


def train_single(
    config_path: Path, store: Store, device: str, say: Callable[[str], None], log: Callable[[Row], None]
) -> dict[str, Any]:
    """Train the run of a config file and return its row; resumes from its checkpoint, and skips what is done."""
    document = read_toml(config_path)
    corpus = prepare(validated(CorpusConfig, document.get("corpus", {}), f"{config_path}: corpus"), progress=say)
    model = document.get("model")
    if isinstance(model, dict):
        model.setdefault("vocab_size", corpus.vocab_size)
    config = validated(RunConfig, document, config_path)
    if device != "auto":
        execution = config.execution.model_copy(update={"device": device})
        config = config.model_copy(update={"execution": execution})
    run: PlannedRun = plan_run(Asked(config, "single", float("nan"), "grid"), "single", corpus)
    for warning in warnings([run], corpus):
        say(f"Warning: {warning}")
    for name, reason in run.horizon.reasons.items():
        say(f"{name}: {reason}")
    if not finished(store, run.run_id):
        try:
            with claimed(store, run.run_id), stop_on_signals() as stop:
                outcome = train(config, corpus, store.checkpoints(run.run_id), log=log, stop=stop.is_set)
                store.write_run(run_row(run, corpus, "", outcome), curve_frame(outcome.rows))
        except Busy:
            raise WorkbenchError(f"{run.run_id} is being trained by another process; wait for it to end") from None
    return {str(name): value for name, value in store.run(run.run_id).items()}
