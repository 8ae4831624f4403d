"""Which characters free text may hold: those that stay as they are in NFC whatever is beside them.

Conjoining jamo are none of them, so Hangul is whole syllables, and no combining mark is. What
is left is short enough a list that llguidance can allow whole kinds of tokens at once.
"""

RANGES = (
    (0x20, 0x7E),
    (0xA0, 0x2FF),  # Latin
    (0x370, 0x373),  # Greek
    (0x375, 0x377),
    (0x37A, 0x37D),
    (0x384, 0x386),
    (0x388, 0x3FF),
    (0x400, 0x482),  # Cyrillic
    (0x48A, 0x52F),
    (0x1E00, 0x1EFF),  # Latin with two marks, as Vietnamese has
    (0x2002, 0x20C0),  # punctuation, currencies
    (0x2100, 0x2125),  # ℃, №; not the ohm, kelvin and ångström signs, which NFC replaces
    (0x2127, 0x2129),
    (0x212C, 0x2328),  # numbers, arrows, mathematics
    (0x232B, 0x2ADB),
    (0x2ADD, 0x2BFF),
    (0x3000, 0x3029),
    (0x3030, 0x3098),  # hiragana
    (0x309B, 0x318E),  # katakana, compatibility jamo
    (0x3190, 0x9FFF),  # ㈜, ①, Han
    (0xAC00, 0xD7A3),  # syllables
    (0xE000, 0xF8FF),
    (0xFE0E, 0xFE0F),  # how an emoji is drawn
    (0xFF01, 0xFFEE),
    (0x1F000, 0x1FAFF),
    (0x20000, 0x2F7FF),
)
"""First and last code points. Scripts that are written with marks, such as Thai, are left out."""

_BEYOND = "".join(rf"\u{{{low:X}}}-\u{{{high:X}}}" for low, high in RANGES[1:])
FREE = rf"[\t\n -~{_BEYOND}]"
"""A character of free text, as a regex's class."""

SLICES = tuple(rf"[ !#-\[\]-~{_BEYOND}]{count}" for count in ("{1,10}", "{1,30}", "+"))
"""Free text that stands in JSON strings as it is, by how much of it a token holds."""
