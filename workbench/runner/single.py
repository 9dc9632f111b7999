"""One run by itself, in this process: what `workbench run` does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.corpus.config import CorpusConfig
from workbench.corpus.prepare import prepare
from workbench.errors import Stopped
from workbench.models.own import pinned
from workbench.runner.definition import Asked
from workbench.runner.jobs import Job
from workbench.runner.leases import Busy
from workbench.runner.plan import plan_run, warnings
from workbench.runner.sweep import stop_on_signals
from workbench.runner.worker import train_and_commit
from workbench.store import Store
from workbench.training.config import RunConfig
from workbench.training.devices import pick_device
from workbench.training.horizon import resolve
from workbench.training.recording import Row
from workbench.validation import read_toml, validated


def train_single(
    config_path: Path, store: Store, device: str, say: Callable[[str], None], log: Callable[[Row], None]
) -> dict[str, Any]:
    """Train the run of a config file and return its row; resumes from its checkpoint, and skips what is done."""
    document = read_toml(config_path)
    wanted = validated(CorpusConfig, document.get("corpus", {}), f"{config_path}: corpus")
    config = _config(document, config_path, device, wanted.resolved_vocab_size)
    resolve(config, str(config_path))  # what is wrong with the run is said before a corpus is made
    pick_device(config.execution.device)
    corpus = prepare(config.corpus, progress=say)
    config = _config(document, config_path, device, corpus.vocab_size)
    run = plan_run(Asked(config, "single", float("nan"), "grid"), "single", corpus)
    for warning in warnings([run], corpus):
        say(f"Warning: {warning}")
    for name, reason in run.horizon.reasons.items():
        say(f"{name}: {reason}")
    if not store.finished(run.run_id):
        try:
            with stop_on_signals() as stop:
                train_and_commit(Job(run, "", store.folder, corpus.folder), stop.is_set, log)
        except Busy:
            if not store.finished(run.run_id):
                raise Stopped(
                    f"{run.run_id} is being trained by another process; run again when it has ended"
                ) from None
    return {str(name): value for name, value in store.run(run.run_id).items()}


def _config(document: dict[str, Any], path: Path, device: str, vocab_size: int) -> RunConfig:
    """The config of the file, its vocabulary the tokenizer's unless given, on the device of the command line."""
    model = document.get("model")
    if isinstance(model, dict):
        document = {**document, "model": {"vocab_size": vocab_size, **model}}
    config = validated(RunConfig, document, path)
    config = config.model_copy(update={"model": pinned(config.model, path)})
    if device == "auto":
        return config
    return config.model_copy(update={"execution": config.execution.model_copy(update={"device": device})})
