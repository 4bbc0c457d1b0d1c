"""How likely bytes beyond ASCII are a text in some charset: pure, over a sample, so that its time is bounded.

Each candidate reads the bytes strictly; its characters are judged by what people of that script write: level of the
national standard, frequent characters, letters that stand together, capitals where capitals stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

SAMPLE_BYTES: Final = 6000
NEVER: Final = -10.0
SURE: Final = 1.0
"""From here on a reading is believed without a label."""

_HANS: Final = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去"
    "法学如都同现当没动面起看定天分还进好小部其些主样理心本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业"
    "外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声"
    "提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金"
    "请您货单订收款退换谢快递客服买卖价钱码号址邮箱帮查询麻烦尽发票坏错色款寸昨今早晚"
)
_HANT: Final = frozenset(
    "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡用道行所然家種事成方多經麼去"
    "法學如都同現當沒動面起看定天分還進好小部其些主樣理心本前開但因只從想實日軍者意無力它與長把機十民第公此已工使情明性知全三又關點正業"
    "外將兩高間由問很最重並物手應戰向頭文體政美相見被利什二等產或新己制身果加西斯月話合回特代內信表化老給世位次度門任常先海通教兒原東聲"
    "請您貨單訂收款退換謝快遞客服買賣價錢碼號址郵箱幫查詢麻煩盡票壞錯色寸昨今早晚何件"
)
_HANGUL: Final = frozenset(
    "이다는을에의가고하지은를한도로기사서자리아나어시인대들그해제일보전원부정요니주문상품배송환교확습합입안녕세수있했었까없것물감받결구오과"
    "만여면게으거할장성소스비위선관경신유조연동우라공무진계생명미국방트치중때실행분화차당간내용저번변음민현산반모양발려드크"
)
_FREQUENT: Final = {
    "cyrillic": frozenset("оеаинтсрвлкмдпуйьі"),
    "greek": frozenset("αοιετσνηυρπκμςάίόέ"),
    "hebrew": frozenset("יולהאמרתבשנם"),
    "arabic": frozenset("اليمونرتبةعدسه"),
    "thai": frozenset("านรกเองยลวมทสตคดี่้ปั"),
    "latin": frozenset("äöüßéèàçêñóíáúãõôâåøæðþěščřžýąćęłńśźżőűğışțșđëïîůùûìòœÉÈÊÀÁÂÃÄÅÆÇËÍÎÑÓÔÕÖØÚÛÜÝÐÞŠŽ"),
}
_RANGES: Final = {
    "cyrillic": re.compile("[Ѐ-ӿ]"),
    "greek": re.compile("[Ͱ-Ͽ]"),
    "hebrew": re.compile("[א-ת]"),
    "arabic": re.compile("[ء-ي]"),
    "thai": re.compile("[ก-๛]"),
    "latin": re.compile("[À-ÖØ-öø-ɏ]"),
}
ALPHABETS: Final = frozenset(_RANGES) - {"latin"}
_THAI_MARKS: Final = frozenset("ัิีึืฺุู็่้๊๋์ํ๎")
_VOWELS: Final = frozenset("аеёиоуыэюяієїАЕЁИОУЫЭЮЯІЄЇαεηιουωάέήίόύώΑΕΗΙΟΥΩ")
_LEAST_VOWELS: Final = 0.22
_SPOKEN: Final = frozenset({"cyrillic", "greek"})
_TYPED: Final = frozenset("、。，．・：；？！「」『』（）［］【】《》“”‘’„‚…—–～〜ー※○●☆★→←€£©®°·•«»¿¡№\u00a0")


class Candidate(NamedTuple):
    """A codec, and how its characters are judged."""

    codec: str
    script: str


CANDIDATES: Final = (
    Candidate("gb18030", "hans"),
    Candidate("big5hkscs", "hant"),
    Candidate("cp932", "japanese"),
    Candidate("euc_jp", "japanese"),
    Candidate("cp949", "hangul"),
    Candidate("cp1251", "cyrillic"),
    Candidate("koi8_r", "cyrillic"),
    Candidate("koi8_u", "cyrillic"),
    Candidate("iso8859_5", "cyrillic"),
    Candidate("cp866", "cyrillic"),
    Candidate("cp1253", "greek"),
    Candidate("cp1255", "hebrew"),
    Candidate("cp1256", "arabic"),
    Candidate("iso8859_6", "arabic"),
    Candidate("cp874", "thai"),
    Candidate("cp1252", "latin"),
)
"""Those of one script, or one that is found in the other, by how many write them."""

_SCRIPTS: Final = {
    **{each.codec: each.script for each in CANDIDATES},
    "cp950": "hant",
    "koi8-r": "cyrillic",
    "koi8-u": "cyrillic",
    "iso8859-5": "cyrillic",
    "mac-cyrillic": "cyrillic",
    "iso8859-7": "greek",
    "iso8859-8": "hebrew",
    "iso8859-6": "arabic",
}


def script_of(codec: str) -> str:
    """By what a codec's characters are judged: one that isn't known writes Latin letters."""
    return _SCRIPTS.get(codec, "latin")


def best(raw: bytes) -> tuple[str, float]:
    """The likeliest codec for bytes beyond ASCII, and how likely it is; empty where none reads them."""
    found, score = "", NEVER
    for each in CANDIDATES:
        judged = of(raw, each.codec)
        if judged > score:
            found, score = each.codec, judged
    return found, score


def of(raw: bytes, codec: str) -> float:
    """How likely the bytes are a text of that codec: up to 3 for each character beyond ASCII, `NEVER` where it reads
    none.
    """
    sample = raw[:SAMPLE_BYTES]
    text = ""
    for cut in range(4):
        # A character may be cut where the sample ends.
        try:
            text = sample[: len(sample) - cut].decode(codec)
            break
        except UnicodeError:
            if len(raw) <= SAMPLE_BYTES:
                return NEVER
    judge = _JUDGES.get(script_of(codec))
    high = sum(character > "\x7f" for character in text)
    if not high:
        return NEVER
    return (sum(map(judge, text)) if judge else _letters(text, script_of(codec))) / high


def _hans(character: str) -> float:
    if character < "\x80":
        return 0
    if character in _HANS:
        return 3
    if character in _TYPED:
        return 0.8
    return _level(character, "gb2312", 0xB0, 0xD7)


def _hant(character: str) -> float:
    if character < "\x80":
        return 0
    if character in _HANT:
        return 3
    if character in _TYPED:
        return 0.8
    return _level(character, "big5", 0xA4, 0xC6)


def _japanese(character: str) -> float:
    if character < "\x80":
        return 0
    if "ぁ" <= character <= "ヶ":
        return 2.4
    if character in _TYPED:
        return 0.8
    return _level(character, "euc_jp", 0xB0, 0xCF)


def _hangul(character: str) -> float:
    if character < "\x80":
        return 0
    if character in _HANGUL:
        return 3
    if character in _TYPED:
        return 0.5
    return 1 if _level(character, "euc_kr", 0xB0, 0xC8) > 0 else -1


def _level(character: str, codec: str, first: int, last: int) -> float:
    """A character of the standard's first level, of its second, or of none."""
    try:
        row = character.encode(codec)[0]
    except UnicodeError:
        return -1.5
    return 1 if first <= row <= last else -0.5


_JUDGES: Final[dict[str, Callable[[str], float]]] = {
    "hans": _hans,
    "hant": _hant,
    "japanese": _japanese,
    "hangul": _hangul,
}


def _letters(text: str, script: str) -> float:
    """Letters of one script, where they stand: no capital behind a small letter, no Latin one beside another script's,
    no word of accents alone.
    """
    total = 0.0
    letters, frequent = _RANGES[script], _FREQUENT[script]
    before, run = " ", 0
    for character in text:
        if character < "\x80":
            if script != "latin" and character.isalpha() and letters.match(before):
                total -= 2
            run = 0
        elif letters.match(character):
            run += 1
            total += 2.2 if character in frequent else 0.6 if character.isupper() or script == "latin" else 0.2
            if character.isupper() and before.islower():
                total -= 2
            if script == "latin" and run > 2:
                # Those before it counted as letters between others.
                total -= 2.5 if run > 3 else 6
            elif script != "latin" and before < "\x80" and before.isalpha():
                total -= 2
            if character in _THAI_MARKS and not letters.match(before):
                total -= 2
        else:
            run = run + 1 if script == "latin" else 0
            total += 0.5 if character in _TYPED else -1.5
        before = character
    vowels = sum(map(_VOWELS.__contains__, text))
    # Letters of Hebrew and Arabic read as those of another alphabet make words that nobody can say.
    return total - (0.7 * len(letters.findall(text)) if script in _SPOKEN and vowels < _LEAST_VOWELS * len(text) else 0)
