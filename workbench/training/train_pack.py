"""The runs of a pack, from their configs and a corpus to an outcome each: `train`, for several at once.

Shapes: K models, B windows of each one's batch, S = T + 1.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench.corpus.batches import BatchOrder, gather
from workbench.corpus.shards import Corpus
from workbench.errors import BadInput, Stopped
from workbench.models.decoder import Decoder
from workbench.training import checkpoint
from workbench.training.config import RunConfig
from workbench.training.devices import peak_memory_bytes
from workbench.training.evaluate import Evaluator
from workbench.training.horizon import check_corpus, resolve
from workbench.training.pack import Pack, make_pack, update_pack
from workbench.training.packable import pack_key
from workbench.training.recording import Progress, Recording, Row
from workbench.training.train import Outcome, prepare_device, to_device


def train_pack(
    configs: Mapping[str, RunConfig],
    corpus: Corpus,
    checkpoints: Path,
    log: Callable[[str, Row], None] = lambda _, __: None,
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, Outcome]:
    """Train models of one shape together, by name; resumes from the newest checkpoint in `checkpoints`.

    Each equals its run alone within rounding. A checkpoint is the whole pack's: it is resumed by the same pack, bit for
    bit on a CPU. A model that diverges ends there; the others go on.
    """
    names, members = tuple(configs), tuple(configs.values())
    horizons = [resolve(config) for config in members]
    _refuse_strangers(configs)
    for config in members:
        check_corpus(config, corpus)
    first, context = members[0], members[0].model.context
    device = prepare_device(first.execution)
    pack = make_pack(members, device)
    evaluate = Evaluator(corpus, context, first.train.eval_windows, device)
    recordings = [
        Recording(config, horizon, progress, device)
        for config, horizon, progress in zip(members, horizons, resume(checkpoints, names, pack), strict=True)
    ]
    orders = [BatchOrder(len(corpus.train), context, config.seed_data) for config in members]
    errors = [recording.broken if recording.progress.rows else "" for recording in recordings]
    step, last_save = recordings[0].progress.step, time.perf_counter()

    def save() -> None:
        states = {name: recording.state() for name, recording in zip(names, recordings, strict=True)}
        checkpoint.save(checkpoints, step, pack.held, pack.optimizer, {"runs": states})

    while step < horizons[0].steps and not all(errors):
        if stop():
            if step:
                save()
            raise Stopped(f"stopped after step {step} of {horizons[0].steps}; run again to resume")
        ids_KBS = to_device(_batches(corpus, orders, step, horizons[0].batch_windows), device)
        rates = [recording.rate for recording in recordings]
        measured = update_pack(pack, ids_KBS, rates)
        step += 1
        for k, recording in enumerate(recordings):
            recording.add(measured[k])
            if recording.due and not errors[k]:
                log(names[k], recording.row(rates[k], measured[k].gradient_norm, pack.models[k], evaluate))
                errors[k] = recording.broken
        if time.perf_counter() - last_save >= first.execution.checkpoint_seconds and step < horizons[0].steps:
            save()
            last_save = time.perf_counter()

    peak = peak_memory_bytes(device) // len(members)
    outcomes: dict[str, Outcome] = {}
    for name, recording, model, error in zip(names, recordings, pack.models, errors, strict=True):
        assert isinstance(model, Decoder)
        seconds = (time.perf_counter() - recording.started) / len(members)
        status = "diverged" if error else "done"
        outcomes[name] = Outcome(status, recording.progress.rows, seconds, peak, str(device), model.eval(), error)
    return outcomes


def resume(checkpoints: Path, names: Sequence[str], pack: Pack) -> list[Progress]:
    """Where each model left off, the pack's arrays loaded; the beginning where there is no checkpoint."""
    newest = checkpoint.latest(checkpoints)
    if newest is None:
        return [Progress() for _ in names]
    states = checkpoint.read_state(newest).get("runs", {})
    if tuple(states) != tuple(names):
        raise BadInput(
            f"{newest}: it is of a pack of {', '.join(states) or 'no runs'}, and this one is of {', '.join(names)}; "
            "delete the folder to train anew"
        )
    checkpoint.restore(newest, pack.held, pack.optimizer)
    return [Progress.of(state) for state in states.values()]


def _batches(corpus: Corpus, orders: Sequence[BatchOrder], step: int, windows: int) -> "np.ndarray[Any, Any]":
    """Each model's own ids of a step (K, B, S)."""
    return np.stack([gather(corpus.train, order.windows(step, windows), order.context) for order in orders])


def _refuse_strangers(configs: Mapping[str, RunConfig]) -> None:
    keys = {name: pack_key(config, resolve(config)) for name, config in configs.items()}
    first = next(iter(keys.values()))
    for name, key in keys.items():
        if key is None:
            raise BadInput(f"{name} has to train alone; leave it out of the pack")
        if key != first:
            differing = [part for part in json.loads(key) if json.loads(key)[part] != json.loads(first or "{}")[part]]
            raise BadInput(f"{name} differs from the pack's first run in its {', '.join(differing)}; pack it elsewhere")
