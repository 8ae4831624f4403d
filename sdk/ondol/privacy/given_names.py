"""What Korean names are made of: surnames, usual given names, and syllables of unusual ones."""

from ondol.privacy.wordlists import words

SURNAMES = frozenset(
    "김이박최정강조윤장임한오서신권황안송류유홍전고문양손배백허남심노하곽성차주우구민진나지엄채원천방공현함변"
    "염여추도소석선설마길연위표명기반라왕금옥육인맹제모탁국어은편용피감예봉빈온"
)
LONG_SURNAMES = frozenset(("남궁", "황보", "제갈", "선우", "독고", "사공", "서문", "동방"))
USUAL_SURNAMES = frozenset(
    "김이박최정강조윤장임한오서신권황안송류유홍전고문양손배백허남심노하곽성차주"
)

GIVEN_NAMES = words("given_names")
"""Those that many people born between 1930 and 2025 have."""

FIRST_SYLLABLES = frozenset(
    "가건경고광국권규근금기길나난남다대덕도동두라란리만명무문미민바병보복봉산상새서석선설성세소솔송수순슬승시"
    "신아안애양여연영예옥완용우운원유윤율은을이인일자장재정제조종주준중지진찬창채철초춘충치태하학한해향헌혁현"
    "형혜호홍화환효훈휘흥희"
)
LAST_SYLLABLES = frozenset(
    "강건걸겸결경곤관광교구국권규균근금기길나남녀단담덕동라란람령로록룡루륜률름리린림민배범별보복봉비빈산상서석선섭"
    "성세솔수숙순술슬승식신실심아안애양연열엽영예옥온올완용우욱운웅원월유윤율은을의이익인일임자재정제조종주준중"
    "지진찬창채천철춘충칠탁태택표필하한해향헌혁현협형혜호홍화환훈휘희"
)
SINGLE_SYLLABLES = frozenset(
    "건결겸경곤국규균근단담란람린미민별봄빈산상석선설섭성솔수숙슬신아안연영옥온완용우욱"
    "운웅원윤율은인일정주준지진찬창철태하한해헌혁현형혜호화환훈휘희"
)
"""Given names of one syllable."""
