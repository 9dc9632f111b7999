"""Runs side by side add up to the hours of their devices."""

import pytest

from workbench.runner.price import Price


def test_runs_that_fill_a_device_for_an_hour_cost_its_hour() -> None:
    price = Price.of_slots(2.5, ["cuda:0", "cuda:0", "cuda:0", "cuda:0"])
    assert sum(price.of(3600) for _ in range(4)) == pytest.approx(2.5)
    assert price.until(3600) == 2.5


def test_a_run_alone_on_a_gpu_pays_for_all_of_it_and_idle_devices_count_until_the_end() -> None:
    price = Price.of_slots(3.0, ["cuda:0", "cuda:1"])
    assert price.of(1800) == 1.5
    assert price.until(1800) == 3.0


def test_without_a_gpu_the_machine_is_the_device() -> None:
    price = Price.of_slots(1.0, ["cpu", "cpu"])
    assert (price.devices, price.slots) == (1, 2)
    assert price.of(3600) == 0.5
    assert price.words == "1 · seconds / 3600 / 2 runs side by side on a device"
