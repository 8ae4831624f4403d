"""Sensors: a tree of files as Linux lays it out, with every kind of nonsense in it."""

import os
from pathlib import Path

import pytest

from ondol.errors import BadText
from ondol.sensors import Reading, SystemSensors, TraceSensors, line, readings

TRACE = Path(__file__).parents[1] / "fixtures" / "heat.jsonl"


def write(root: Path, files: dict[str, str]) -> SystemSensors:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return SystemSensors(root, clock=iter([5.0, 7.5]).__next__)


def test_a_machine_that_says_nothing_is_not_at_zero(tmp_path: Path) -> None:
    assert write(tmp_path, {}).read() == Reading(2.5)
    assert SystemSensors(tmp_path / "nowhere", clock=lambda: 0.0).read() == Reading(0.0)


def test_the_hottest_zone_the_mean_clock_and_the_battery(tmp_path: Path) -> None:
    sensors = write(
        tmp_path,
        {
            "class/thermal/thermal_zone0/temp": "41200",
            "class/thermal/thermal_zone1/temp": "68500",
            "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1800000",
            "devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "2400000",
            "class/power_supply/AC/type": "Mains",
            "class/power_supply/AC/online": "0",
            "class/power_supply/BAT0/type": "Battery",
            "class/power_supply/BAT0/capacity": "57",
            "class/power_supply/BAT0/status": "Discharging",
        },
    )
    assert sensors.read() == Reading(2.5, 68.5, 2100.0, 57.0, False)


@pytest.mark.parametrize("status", ["Charging", "Full", "Not charging", "Unknown"])
def test_only_a_discharging_battery_is_not_on_mains(status: str, tmp_path: Path) -> None:
    battery = "class/power_supply/battery"
    sensors = write(
        tmp_path,
        {f"{battery}/type": "Battery", f"{battery}/capacity": "5", f"{battery}/status": status},
    )
    assert sensors.read() == Reading(2.5, battery=5.0, charging=True)


def test_nonsense_is_not_believed(tmp_path: Path) -> None:
    sensors = write(
        tmp_path,
        {
            "class/thermal/thermal_zone0/temp": "-274000",
            "class/thermal/thermal_zone1/temp": "65535000",
            "class/thermal/thermal_zone2/temp": "warm",
            "class/thermal/thermal_zone3/temp": "",
            "devices/system/cpu/cpufreq/scaling_cur_freq": "9",
            "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "<unknown>",
            "class/power_supply/mouse/type": "Battery",
            "class/power_supply/mouse/scope": "Device",
            "class/power_supply/mouse/capacity": "3",
            "class/power_supply/bad/type": "Battery",
            "class/power_supply/bad/capacity": "400",
        },
    )
    (tmp_path / "class/thermal/thermal_zone4/temp").mkdir(parents=True)
    os.symlink("nowhere", tmp_path / "class/power_supply/gone")
    assert sensors.read() == Reading(2.5)


def test_a_trace_is_what_was_recorded(tmp_path: Path) -> None:
    wanted = [Reading(0.0), Reading(1.0, -3.5, 1800.0, 40.0, False)]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(map(line, wanted)))
    assert list(readings(path)) == wanted
    sensors = TraceSensors(path)
    assert [sensors.read() for _ in range(3)] == [*wanted, wanted[-1]]
    assert len(list(readings(TRACE))) > 100


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"{}\n",
        b"not JSON\n",
        b'{"seconds": 1}\n',
        b'{"seconds": "1", "temperature": 1, "frequency": 1, "battery": 1, "charging": true}\n',
        b'{"seconds": 1, "temperature": 1, "frequency": 1, "battery": 1, "charging": 1}\n',
        b"\xff\xfe\n",
    ],
)
def test_what_is_no_trace(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(text)
    with pytest.raises(BadText, match=r"bad\.jsonl"):
        TraceSensors(path)
    with pytest.raises(BadText, match="No such file"):
        TraceSensors(tmp_path / "none.jsonl")
