"""A quality report that holds, with something in every part of it."""

from ondol.manifest import Origin
from ondol.quality import (
    Accuracy,
    CalibrationQuality,
    GenerationQuality,
    KindAccuracy,
    Quality,
    RetrievalQuality,
    TaskQuality,
    TextQuality,
)

HASH = "cd" * 32
FILE = Origin("ondol/x.jsonl", 10, HASH)
TEXT = TextQuality(
    name="ondol/eval_ko.txt",
    size=100,
    sha256=HASH,
    language="ko",
    characters=90,
    tokens=50,
    spelt=True,
    bits_per_character=2.1,
    source_bits_per_character=2.0,
    relative_loss=0.05,
    kl_bits=0.01,
    top1_agreement=0.9,
    positions=50,
    common_tokens=272,
    renormalised=False,
)
RIGHT = Accuracy(3, 4, 0.75, 0.3, 0.95)
VALID = Quality(
    ondol_quality=1,
    created_by="ondol 0",
    device="cpu",
    software="onnxruntime 1",
    machine="Linux x86_64",
    against="float32: model.gguf",
    texts=(TEXT,),
    generation=(
        GenerationQuality(FILE, True, "", 0.8, 40, 0.95, 1.1, 7, 80, 16, 900, 0.1, 0.7, 0.0, 0),
    ),
    retrieval=(RetrievalQuality(FILE, "ko", 64, 64, 0.8, 0.95, 0.86, 0.8, None, None),),
    tasks=(
        TaskQuality(FILE, "질문: …", 5, 0, 0.25, RIGHT, RIGHT, (KindAccuracy("a", RIGHT, RIGHT),)),
    ),
    calibration=(FILE,),
    calibrations=(CalibrationQuality("ko", "gptq", 4, 32, (FILE,), (TEXT,)),),
)
