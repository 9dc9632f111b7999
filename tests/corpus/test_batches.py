"""Batches are compared with their definition: each epoch a permutation, each window T inputs and one more token."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.corpus.batches import BatchOrder, gather, validation_windows
from workbench.errors import BadInput


@given(
    n_windows=st.integers(1, 60), context=st.integers(1, 9), batch=st.integers(1, 25), seed=st.integers(0, 2**32 - 1)
)
def test_each_epoch_is_a_permutation_of_all_windows(n_windows: int, context: int, batch: int, seed: int) -> None:
    order = BatchOrder(n_windows * context + 1, context, seed)
    assert order.n_windows == n_windows
    steps = -(-2 * n_windows // batch)
    seen = np.concatenate([order.windows(step, batch) for step in range(steps)])
    for epoch in (seen[:n_windows], seen[n_windows : 2 * n_windows]):
        assert sorted(epoch.tolist()) == list(range(n_windows))


@given(step=st.integers(0, 30), ranks=st.integers(1, 8), seed=st.integers(0, 1000))
def test_many_processes_see_together_what_one_sees(step: int, ranks: int, seed: int) -> None:
    alone = BatchOrder(1001, 10, seed).windows(step, 16)
    slices = [BatchOrder(1001, 10, seed).windows(step, 16)[rank::ranks] for rank in range(ranks)]
    together = np.empty_like(alone)
    for rank, part in enumerate(slices):
        together[rank::ranks] = part
    assert np.array_equal(together, alone)


def test_the_order_is_a_pure_function_of_seed_and_step() -> None:
    order = BatchOrder(10_001, 10, seed=3)
    later_first = order.windows(7, 32)
    for step in range(20):
        order.windows(step, 32)
    assert np.array_equal(order.windows(7, 32), later_first)
    assert not np.array_equal(BatchOrder(10_001, 10, seed=4).windows(7, 32), later_first)


def test_the_order_of_a_seed_never_changes() -> None:
    """The stream of PCG64 as recorded when the order was defined: a change would change every run."""
    assert BatchOrder(81, 8, seed=0).windows(0, 10).tolist() == [3, 2, 1, 8, 6, 0, 7, 4, 5, 9]


def test_a_window_is_its_inputs_and_one_more_token() -> None:
    tokens = np.arange(31, dtype=np.uint16)
    assert gather(tokens, np.array([2, 0]), 10).tolist() == [list(range(20, 31)), list(range(11))]
    assert gather(tokens, np.array([0]), 10).dtype == np.int64


def test_held_out_windows_are_all_or_evenly_spaced_and_distinct() -> None:
    assert validation_windows(101, 10, None).tolist() == list(range(10))
    assert validation_windows(101, 10, 50).tolist() == list(range(10))
    assert validation_windows(101, 10, 4).tolist() == [0, 2, 5, 7]


def test_a_corpus_shorter_than_one_window_is_refused_on_either_side() -> None:
    assert BatchOrder(129, 128, 0).n_windows == 1
    with pytest.raises(BadInput, match="training split has 128 tokens, shorter than one window of 128 inputs"):
        BatchOrder(128, 128, 0)
    with pytest.raises(BadInput, match="validation split has 5 tokens, shorter than one window of 8 inputs"):
        validation_windows(5, 8, 4)
    with pytest.raises(BadInput, match="at least one held-out window, not 0"):
        validation_windows(101, 10, 0)
