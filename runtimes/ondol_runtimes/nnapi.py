"""NNAPI inside an Android build of ONNX Runtime: looked for and no more. Run on silicon: no."""

from ondol_runtimes._android import CODE, AndroidRuntime


class NnapiRuntime(AndroidRuntime):
    """The provider NnapiExecutionProvider. No claim of support."""

    name = "nnapi"
    about = (
        "NNAPI inside an Android build of ONNX Runtime: looked for and no more; no claim",
        "안드로이드용 ONNX Runtime의 NNAPI. 있는지만 확인하며 지원한다고 하지 않음",
    )
    code = CODE.format(provider="NnapiExecutionProvider")
