"""Options of commands: those that several share, and those of a chat."""

import re
from pathlib import Path
from typing import Annotated

import typer

from ondol.language import say

Json = Annotated[
    bool,
    typer.Option(
        "--json", help=say("Print one JSON object.", "결과를 JSON 객체 하나로 출력합니다.")
    ),
]

BundleName = Annotated[
    str,
    typer.Argument(
        metavar="BUNDLE",
        help=say(
            "A bundle's name in the store, its folder or its .ondol file.",
            "번들의 이름, 폴더 또는 .ondol 파일.",
        ),
    ),
]

Licence = Annotated[
    str | None,
    typer.Option(
        "--licence",
        metavar="NAME",
        show_default=False,
        help=say(
            "The licence of the model; otherwise what the model says of itself.",
            "모델의 라이선스. 없으면 모델이 스스로 밝힌 것.",
        ),
    ),
]

LicenceFile = Annotated[
    Path | None,
    typer.Option(
        "--licence-file",
        metavar="FILE",
        show_default=False,
        help=say("The text of that licence.", "그 라이선스의 전문."),
    ),
]

LicenceClass = Annotated[
    str | None,
    typer.Option(
        "--licence-class",
        metavar="commercial|conditional|research-only|unknown",
        show_default=False,
        help=say(
            "Its class, where Ondol does not know the licence.",
            "온돌이 모르는 라이선스일 때 그 등급.",
        ),
    ),
]

Explain = Annotated[
    bool,
    typer.Option(
        "--explain",
        help=say(
            "Show the graph's nodes, every matrix and the sizes; write nothing.",
            "그래프의 노드, 행렬마다의 저장 형식, 크기를 보여 주고 아무것도 쓰지 않습니다.",
        ),
    ),
]

Device = Annotated[
    str | None,
    typer.Option(
        "--device",
        metavar="NAME",
        show_default=False,
        help=say(
            "The device: that one or an error; otherwise the best here, said why: ondol devices",
            "실행할 장치. 쓰지 못하면 오류로 끝냅니다. 없으면 가장 나은 것을 씁니다: ondol devices",
        ),
    ),
]

Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        metavar="N",
        show_default=False,
        help=say(
            "Threads; otherwise as many as there are cores.",
            "스레드 수. 정하지 않으면 코어 수만큼 씁니다.",
        ),
    ),
]

ChatModel = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        show_default=False,
        help=say(
            "A bundle's name or folder, or a starter's name; otherwise the default starter.",
            "번들의 이름이나 폴더, 또는 기본 모델의 이름. 없으면 기본 모델을 씁니다.",
        ),
    ),
]

Once = Annotated[
    str | None,
    typer.Option(
        "--once",
        metavar="TEXT",
        show_default=False,
        help=say("Answer this and end.", "이 말에만 답하고 끝냅니다."),
    ),
]

System = Annotated[
    str | None,
    typer.Option(
        "--system",
        metavar="TEXT",
        show_default=False,
        help=say(
            "The system prompt instead of the bundle's own.",
            "번들의 시스템 프롬프트 대신 쓸 것.",
        ),
    ),
]

Context = Annotated[
    int | None,
    typer.Option(
        "--context",
        metavar="N",
        show_default=False,
        help=say(
            "The context in tokens; otherwise all the bundle allows.",
            "문맥 길이(토큰). 정하지 않으면 번들이 허락하는 만큼.",
        ),
    ),
]

MaxTokens = Annotated[
    int | None,
    typer.Option(
        "--max-tokens",
        metavar="N",
        show_default=False,
        help=say("The longest answer, in tokens.", "가장 긴 답(토큰)."),
    ),
]

Temperature = Annotated[
    float | None,
    typer.Option(
        "--temperature",
        metavar="X",
        show_default=False,
        help=say(
            "0 (the default): always the likeliest token. Higher: more varied.",
            "0(기본값)이면 늘 가장 그럴듯한 토큰. 높을수록 다양해집니다.",
        ),
    ),
]

TopK = Annotated[
    int | None,
    typer.Option(
        "--top-k",
        metavar="N",
        show_default=False,
        help=say(
            "Draw from the N likeliest tokens (0: all; with --temperature).",
            "가장 그럴듯한 N개에서 고르기(0: 모두, --temperature와 함께).",
        ),
    ),
]

TopP = Annotated[
    float | None,
    typer.Option(
        "--top-p",
        metavar="X",
        show_default=False,
        help=say(
            "Draw from the likeliest that reach this probability (with --temperature).",
            "확률의 합이 X에 이르는 것들에서 고르기(--temperature와 함께).",
        ),
    ),
]

MinP = Annotated[
    float | None,
    typer.Option(
        "--min-p",
        metavar="X",
        show_default=False,
        help=say(
            "Leave out what is less than X times the likeliest (with --temperature).",
            "가장 그럴듯한 것의 X배가 안 되는 것은 빼기(--temperature와 함께).",
        ),
    ),
]

RepetitionPenalty = Annotated[
    float | None,
    typer.Option(
        "--repetition-penalty",
        metavar="X",
        show_default=False,
        help=say(
            "Above 1: fewer repetitions. Otherwise the bundle's own.",
            "1보다 크면 되풀이가 줄어듭니다. 없으면 번들의 값.",
        ),
    ),
]

Seed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="N",
        show_default=False,
        help=say("The same seed gives the same answer.", "같은 씨앗값이면 같은 답이 나옵니다."),
    ),
]

Stop = Annotated[
    list[str] | None,
    typer.Option(
        "--stop",
        metavar="TEXT",
        show_default=False,
        help=say(
            "End the answer before this text; may be given several times.",
            "답에 이 글이 나오면 그 앞에서 끝냅니다. 여러 번 줄 수 있습니다.",
        ),
    ),
]


Method = Annotated[
    str | None,
    typer.Option(
        "--method",
        metavar="nearest|search|gptq|awq",
        show_default="int8: nearest, int4: gptq",
        help=say(
            "How int8 and int4 round what they cannot hold exactly. gptq and awq run Korean text "
            "through the model first.",
            "int8과 int4에 꼭 맞지 않는 값을 반올림하는 방법. gptq와 awq는 먼저 한국어 글을 "
            "모델에 넣어 봅니다.",
        ),
    ),
]

Block = Annotated[
    int | None,
    typer.Option(
        "--block",
        metavar="16|32|64|128",
        show_default="32",
        help=say(
            "How many weights of int8 and int4 share a scale: fewer are more exact and larger.",
            "int8과 int4에서 배율 하나를 함께 쓰는 가중치 수. 적을수록 정확하고 큽니다.",
        ),
    ),
]

SHARE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*%|(0?\.[0-9]+)")


def share(text: str | None) -> float | None:
    """A share said as "99.5%" or "0.995"; None where nothing was said.

    A bare "1" could be 1 % as well as all of it, so it is refused.

    Raises:
        OptionError: if it is neither.
    """
    if text is None:
        return None
    found = SHARE.fullmatch(text.strip())
    if found is None:
        from ondol.errors import OptionError

        raise OptionError(
            say(f"{text!r} is no share.", f"{text!r}은(는) 비율이 아닙니다."),
            say("A share is a number and a percent sign.", "비율은 수와 % 기호로 적습니다."),
            say("For example: 1% or 99.5%", "예: 1% 또는 99.5%"),
        )
    percent, number = found.groups()
    return float(percent) / 100 if percent else float(number)
