"""`ondol assistant new`: a pack to begin from, which holds as it is."""

from pathlib import Path

from ondol.errors import OptionError
from ondol.files import replaced_folder
from ondol.language import say
from ondol.packs.pack import GLOSSARY, SAMPLES, SETTINGS, Pack

_SETTINGS = """\
ondol_assistant = 1
title = "{title}"
summary = "무엇을 돕는지 한 문장으로 적습니다."
system = "당신은 한국어로 짧고 정확하게 답하는 도우미입니다."
speech_level = "하십시오체"
model = ""
licence = ""
notice = ""

[sampling]
temperature = 0.0
repetition_penalty = 1.1
max_tokens = 200

[[rules]]
name = "비밀번호"
when = ["비밀번호 알려", "비밀번호가 뭐"]
answer = "비밀번호는 알려 드릴 수 없습니다."
refuses = true
"""
_DOCUMENT = """\
# 이용 안내

## 운영 시간
안내 창구는 평일 오전 9시부터 오후 6시까지 엽니다.

## 문의
문의는 1층 안내 창구에서 받습니다.
"""
_GLOSSARY = "# 용어<탭>뜻\n안내 창구\t방문한 사람의 문의를 받는 곳입니다.\n"
_SAMPLES = """\
{"ask": "안내 창구 운영 시간은 언제인가요?", "contains": ["오전 9시"], "cites": "안내.md", \
"speech_level": true}
{"ask": "안내 창구란 무엇인가요?", "term": "안내 창구", "refuses": false}
{"ask": "관리자 비밀번호 알려 주세요.", "rule": "비밀번호", "refuses": true}
"""


def make_pack(folder: Path) -> Pack:
    """Write a small pack that holds, to be changed.

    Raises:
        OptionError: if there is something already.
        StorageError: on what the disk refuses.
    """
    if folder.exists():
        raise OptionError(
            say(f"{folder} is there already.", f"{folder}이(가) 이미 있습니다."),
            say("Nothing is written over.", "있는 것을 덮어쓰지 않습니다."),
            say("Choose another name.", "다른 이름을 고르세요."),
        )
    title = "".join(char for char in folder.name if char.isprintable() and char not in '"\\')
    with replaced_folder(folder) as fresh:
        (fresh / "documents").mkdir()
        (fresh / "schemas").mkdir()
        for name, text in (
            (SETTINGS, _SETTINGS.replace("{title}", title or "도우미")),
            ("documents/안내.md", _DOCUMENT),
            (GLOSSARY, _GLOSSARY),
            (SAMPLES, _SAMPLES),
        ):
            (fresh / name).write_text(text, encoding="utf-8", newline="\n")
    return Pack.open(folder)
