"""Rebellions ATOM: whether its compiler's package is there, and no more. Run on silicon: no.

Written from the vendor's documentation (docs.rbln.ai, 0.12) without the package, which is not
public. Never install torch-rbln without it: every `import torch` fails from then on.
"""

from ondol_runtimes._vendor import VendorRuntime


class RebellionsRuntime(VendorRuntime):
    """`rebel` says whether there is an NPU. No claim of support."""

    name = "rebellions"
    package = "rebel"
    about = (
        "Rebellions ATOM: its package is looked for and no more; no claim of support",
        "리벨리온 ATOM. 패키지가 있는지만 확인하며 지원한다고 하지 않음",
    )
    obtain = (
        "Get rebel-compiler from Rebellions; do not install torch-rbln without it.",
        "리벨리온에서 rebel-compiler를 받으세요. 그 없이 torch-rbln을 설치하지 마세요.",
    )
    unmade = (
        "Ondol makes no bundle for it and was never run with its package.",
        "온돌은 이 장치용 번들을 만들지 않으며 이 패키지로 실행해 본 적이 없습니다.",
    )
    code = """
import json
import rebel
there = rebel.npu_is_available()
print("\\n" + json.dumps({"found": str(rebel.get_npu_name(0))} if there else {"error": "no NPU"}))
"""
