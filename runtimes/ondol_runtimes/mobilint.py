"""Mobilint ARIES and REGULUS, up to opening the accelerator. Run on silicon: no.

Calls as of qbruntime and mbltml 1.5.0. The compiler that makes their MXQ files is not public.
"""

from ondol_runtimes._vendor import VendorRuntime


class MobilintRuntime(VendorRuntime):
    """qbruntime opens an accelerator; mbltml counts them."""

    name = "mobilint"
    package = "qbruntime"
    about = (
        "Mobilint ARIES and REGULUS through qbruntime: looked for, up to opening the card",
        "qbruntime으로 찾아보는 모빌린트 ARIES·REGULUS. 카드를 여는 데까지만",
    )
    obtain = (
        "Put in a card with its driver, and: pip install mobilint-qb-runtime mobilint-ml",
        "카드와 드라이버를 설치하고: pip install mobilint-qb-runtime mobilint-ml",
    )
    unmade = (
        "No bundle can be made for it: the compiler of its MXQ files is not public.",
        "이 장치용 번들은 만들 수 없습니다. MXQ 컴파일러가 공개되어 있지 않습니다.",
    )
    code = """
import json
import qbruntime
try:
    accelerator = qbruntime.Accelerator()
except qbruntime.QbRuntimeError as exc:
    said = {"error": str(exc).splitlines()[0]}
else:
    import mbltml
    said = {"found": "Mobilint NPU"}
    try:
        mbltml.mbltmlInit()
        said["found"] += f" x {mbltml.mbltmlGetDeviceCount()}"
    except mbltml.MBLTMLError as exc:
        said["found"] += f" (mbltml: {exc})"
print("\\n" + json.dumps(said))
"""
