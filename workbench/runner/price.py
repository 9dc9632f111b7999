"""What runs cost in money, from their time and the price of a device's hour. Free of torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Price:
    """The price of an hour of a device, and how many runs share one.

    A device is a GPU; without one, the machine. A run that shares it with others is charged its share of its hours,

        money = price · seconds / 3600 / runs side by side on a device,

    so that runs side by side add up to the device's hours. A device that idles at the end, while another finishes, is
    paid for too where it is rented until then: `until` says how much that makes.
    """

    per_device_hour: float
    """In any currency."""
    devices: int
    slots: int
    """Workers, on all devices."""

    @classmethod
    def of_slots(cls, per_device_hour: float, devices: Sequence[str]) -> "Price":
        """`devices` has the device of every slot, such as cuda:1; one that is no GPU is this machine."""
        return cls(per_device_hour, len(set(devices)), len(devices))

    def of(self, seconds: float) -> float:
        """Of a run that takes so long."""
        return self.per_device_hour * seconds / 3600 * self.devices / self.slots

    def until(self, wall_seconds: float) -> float:
        """Of all devices, until the last run has ended."""
        return self.per_device_hour * wall_seconds / 3600 * self.devices

    @property
    def words(self) -> str:
        """How it is computed."""
        side_by_side = self.slots / self.devices
        shared = "" if side_by_side == 1 else f" / {side_by_side:g} runs side by side on a device"
        return f"{self.per_device_hour:g} · seconds / 3600{shared}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "per_device_hour": self.per_device_hour,
            "devices": self.devices,
            "slots": self.slots,
            "computed": self.words,
        }
