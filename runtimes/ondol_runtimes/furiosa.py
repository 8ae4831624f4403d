"""FuriosaAI RNGD, up to listing the cards, and its compiler's estimate. Run on silicon: no.

Calls as of furiosa-smi and furiosa-tcc 2026.4.0. The estimate is what `furiosa-tcc`, where it is
on the PATH, predicts for a product; it is the compiler's own figure, not a measurement.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from ondol.errors import DeviceUnavailable, OptionError
from ondol.language import say
from ondol_runtimes._vendor import VendorRuntime

COMPILER, TARGET = "furiosa-tcc", "renegade-8pe"
SECONDS = 120.0

PRODUCT = """\
def linear<I={columns}, O={rows}, S={tokens}>(
    activation: [S, I]/bf16,
    weight: [O, I]/bf16
) -> [S, O]/bf16:
    assert I == {columns}
    assert O == {rows}
    assert S == {tokens}
    y: [S, O]/bf16 = tk.EinsumByDpe(
        %0 = read(activation)
        %1 = read(weight)
        %2 = dpe.exec(%0,%1 -> [S, O])
        write.to([S, O]/bf16)
    )
    return y
"""
"""One product in TCL, the compiler's language: BF16 [tokens, columns] by [rows, columns]."""


class FuriosaRuntime(VendorRuntime):
    """furiosa-smi lists the cards."""

    name = "furiosa"
    package = "furiosa_smi"
    about = (
        "FuriosaAI RNGD through furiosa-smi: looked for, up to listing the cards; "
        "`furiosa-tcc` estimates a product",
        "furiosa-smi로 찾아보는 퓨리오사AI RNGD. 카드 목록까지만. 행렬 곱은 `furiosa-tcc`로 추정",
    )
    obtain = (
        "Put in a card with its driver, and: pip install furiosa-smi",
        "카드와 드라이버를 설치하고: pip install furiosa-smi",
    )
    unmade = (
        "No bundle can be made for it: Ondol does not write its compiler's language.",
        "이 장치용 번들은 만들 수 없습니다. 온돌은 이 컴파일러의 언어를 쓰지 않습니다.",
    )
    code = """
import json
import furiosa_smi
try:
    devices = furiosa_smi.list_devices()
    said = {"found": f"RNGD x {len(devices)}, driver {furiosa_smi.driver_info()}"}
except furiosa_smi.SmiError as exc:
    said = {"error": str(exc)}
print("\\n" + json.dumps(said))
"""


def estimate(rows: int, columns: int, tokens: int = 1) -> int:
    """Cycles that `furiosa-tcc` predicts for one BF16 product on an RNGD's eight cores.

    Args:
        rows: of the weight, outputs.
        columns: of the weight, inputs.
        tokens: rows of the activation.

    Raises:
        OptionError: if a size is below 1.
        DeviceUnavailable: if the compiler is not on the PATH, or fails, in its own words.
    """
    if min(rows, columns, tokens) < 1:
        raise OptionError(
            say("Sizes have to be 1 or more.", "크기는 1 이상이어야 합니다."),
            f"{rows} × {columns}, {tokens}",
        )
    compiler = shutil.which(COMPILER)
    if compiler is None:
        raise _no_estimate(
            say(f"{COMPILER} is not on the PATH.", f"PATH에 {COMPILER}이(가) 없습니다.")
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "product.tcl"
        path.write_text(PRODUCT.format(rows=rows, columns=columns, tokens=tokens), "ascii")
        command = [compiler, "--target-npu", TARGET, "--evaluate-tcl", str(path)]
        try:
            ran = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as exc:
            raise _no_estimate(f"{COMPILER}: {exc}") from exc
    cycles = ran.stdout.strip()
    if ran.returncode or not cycles.isdecimal():
        said = (ran.stderr or ran.stdout).strip()[-300:]
        raise _no_estimate(f"{COMPILER}: exit {ran.returncode} {said}")
    return int(cycles)


def _no_estimate(why: str) -> DeviceUnavailable:
    return DeviceUnavailable(
        say("RNGD cannot be estimated here.", "여기서는 RNGD를 추정할 수 없습니다."),
        why,
        "pip install furiosa-tcc",
    )
