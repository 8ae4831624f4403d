"""How units, currencies, signs and letters are read aloud in Korean: tables, nothing else."""


def _table(text: str) -> dict[str, str]:
    """Pairs out of "name reading, name reading"."""
    pairs = (pair.split(maxsplit=1) for pair in text.split(",") if pair.strip())
    return {name: " ".join(reading.split()) for name, reading in pairs}


UNITS = _table("""
    m 미터, km 킬로미터, cm 센티미터, mm 밀리미터, μm 마이크로미터, nm 나노미터, in 인치, ft 피트,
    g 그램, kg 킬로그램, mg 밀리그램, μg 마이크로그램, t 톤, lb 파운드, oz 온스,
    L 리터, l 리터, mL 밀리리터, ml 밀리리터, dL 데시리터, kL 킬로리터, cc 시시,
    m² 제곱미터, m2 제곱미터, km² 제곱킬로미터, km2 제곱킬로미터, cm² 제곱센티미터, ha 헥타르,
    m³ 세제곱미터, m3 세제곱미터, cm³ 세제곱센티미터,
    s 초, ms 밀리초, μs 마이크로초, ns 나노초, min 분, h 시간,
    W 와트, kW 킬로와트, MW 메가와트, GW 기가와트, Wh 와트시, kWh 킬로와트시, MWh 메가와트시,
    V 볼트, kV 킬로볼트, mV 밀리볼트, A 암페어, mA 밀리암페어, Ah 암페어시, mAh 밀리암페어시,
    Ω 옴, kΩ 킬로옴, MΩ 메가옴, Hz 헤르츠, kHz 킬로헤르츠, MHz 메가헤르츠, GHz 기가헤르츠,
    B 바이트, kB 킬로바이트, KB 킬로바이트, MB 메가바이트, GB 기가바이트, TB 테라바이트,
    bps 비피에스, kbps 킬로비피에스, Mbps 메가비피에스, Gbps 기가비피에스, px 픽셀, pt 포인트,
    N 뉴턴, kN 킬로뉴턴, Pa 파스칼, hPa 헥토파스칼, kPa 킬로파스칼, MPa 메가파스칼,
    J 줄, kJ 킬로줄, cal 칼로리, kcal 킬로칼로리, mol 몰, mmol 밀리몰, dB 데시벨, lx 럭스, lm 루멘,
    km/h 킬로미터 매 시, m/s 미터 매 초, rpm 알피엠, fps 에프피에스, ppm 피피엠,
    % 퍼센트, %p 퍼센트포인트, ‰ 퍼밀, ℃ 도, °C 도, ℉ 도, °F 도, ° 도, ′ 분, ″ 초
""")
"""Units as they stand behind a number; upper and lower case differ (g 그램, 5G 파이브지)."""

CURRENCIES = _table("""
    ₩ 원, ￦ 원, $ 달러, € 유로, £ 파운드, ¥ 엔, ￥ 엔, ฿ 밧, ₫ 동, ₽ 루블, ₹ 루피
""")
"""Signs in front of an amount, read behind it."""

SIGNS = _table("""
    % 퍼센트, ‰ 퍼밀, ° 도, & 앤드, + 플러스, # 샵, @ 골뱅이, * 별표, = 이퀄, ∞ 무한대,
    α 알파, β 베타, γ 감마, δ 델타, ε 엡실론, ζ 제타, η 에타, θ 세타, ι 요타, κ 카파, λ 람다,
    μ 뮤, ν 뉴, ξ 크시, ο 오미크론, π 파이, ρ 로, σ 시그마, ς 시그마, τ 타우, υ 입실론, φ 피, χ 키,
    ψ 프시, ω 오메가,
    ㄱ 기역, ㄴ 니은, ㄷ 디귿, ㄹ 리을, ㅁ 미음, ㅂ 비읍, ㅅ 시옷, ㅇ 이응, ㅈ 지읒, ㅊ 치읓,
    ㅋ 키읔, ㅌ 티읕, ㅍ 피읖, ㅎ 히읗, ㄲ 쌍기역, ㄸ 쌍디귿, ㅃ 쌍비읍, ㅆ 쌍시옷, ㅉ 쌍지읒
""")
"""Signs, Greek letters and consonants by name."""

LETTERS = _table("""
    A 에이, B 비, C 시, D 디, E 이, F 에프, G 지, H 에이치, I 아이, J 제이, K 케이, L 엘, M 엠,
    N 엔, O 오, P 피, Q 큐, R 알, S 에스, T 티, U 유, V 브이, W 더블유, X 엑스, Y 와이, Z 제트
""")
"""Letters by the name they are called; R is 알, as it is said, and not the dictionary's 아르."""

WORDS = _table("""
    app 앱, web 웹, lab 랩, pub 펍, club 클럽, job 잡, big 빅, bag 백, kick 킥, rock 록, talk 톡,
    group 그룹, circuit 서킷, biscuit 비스킷, kosdaq 코스닥, opec 오펙, apec 에이펙, jpeg 제이펙,
    mp3 엠피스리, mp4 엠피포, g7 지세븐, naver 네이버, kakaotalk 카카오톡, gmail 지메일,
    latex 라텍, check 체크, knock 노크, shock 쇼크, set 세트, net 네트, nut 너트, hat 해트,
    cafe 카페, recipe 레시피, apache 아파치, nike 나이키, adobe 어도비, karaoke 가라오케,
    ios 아이오에스
""")
"""Words that are not read as they are spelt, by their lower case."""
