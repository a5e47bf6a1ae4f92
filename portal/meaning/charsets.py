"""Bytes of a mail as text, whatever charset they claim to be in.

A label means what the Encoding Standard of the web says (gb2312 is GB18030, iso-8859-1 is windows-1252), since that is what mail
programs do; what the web has given up and Python still reads (utf-7, iso-2022-kr, ibm850) is read too. Nothing here fails, and a
byte that means nothing spoils one character.
"""

import binascii
import codecs
import encodings
import pkgutil
import re
from encodings.aliases import aliases

import webencodings  # type: ignore[import-untyped]

LONGEST_LABEL = 60
# Python's codecs for the standard's names, where another one knows more. Of several, the first that reads every byte is taken.
WIDER = {
    "gbk": ("gb18030",),
    "big5": ("cp950", "big5hkscs"),
    "euc-kr": ("cp949",),
    "utf-16le": ("utf-16",),
    "shift_jis": ("cp932",),
}
# Labels that neither the standard nor Python has.
ALSO = {
    "gb18030": "gb_2312 euc-cn x-euc-cn gb18030-2000 gb18030-2005 gb18030-2022 cp936 ms936",
    "euc-kr": "uhc ms949 cp949 x-euc-kr x-windows-949 ks-c-5601 ksc-5601-1987 ks-c-5601-1992",
    "shift_jis": "cp932 ms932 x-ms-cp932 shiftjis shift-jis-2004 shift-jisx0213",
    "euc-jp": "x-eucjp eucjp eucjp-ms cp51932 euc-jisx0213",
    "iso-2022-jp": "cp50220 cp50221 cp50222 iso-2022-jp-1 iso-2022-jp-ms",
    "big5": "big5-eten cp950 ms950 x-windows-950 x-big5",
    "macintosh": "x-mac-roman mac x-mac-western",
    "utf-8": "utf-8n utf8n utf8mb4 cesu-8 utf-8-mac x-utf-8",
    "iso-8859-15": "latin-9 latin9 iso-latin-9",
}
STANDARD = {label: name for name, labels in ALSO.items() for label in labels.split()}
# Python has codecs that are no charsets; some take minutes (punycode) or make much out of little (zlib). These are charsets.
CODECS = re.compile(
    r"ascii|utf-(7|8|16|32)(-[lb]e|-sig)?|iso8859-\d+|latin-1|cp\d+\w?|koi8-[rut]|mac-\w+|gb\w+|hz|big5\w*|euc_\w+|iso2022_\w+"
    r"|shift_jis\w*|johab|kz1048|ptcp154|tis-620|hp-roman8"
)
# Python keeps in mind every name that it was ever asked for: a mail can hold a hundred thousand that nobody knows.
PYTHON = frozenset((*aliases, *(module.name for module in pkgutil.iter_modules(encodings.__path__))))
ANYTHING = "ascii us-ascii ansi_x3.4-1968 ansi_x3.4-1986 iso646-us iso-ir-6 us cp367 ibm367 csascii"
ASCII = frozenset(ANYTHING.split())  # said of everything
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
SHIFTED = re.compile(rb"\x1b\$\(?[@BD]|\x1b\(I")  # escapes of iso-2022-jp
META = re.compile(
    rb"<(?:meta\b[^<>]{0,300}?charset|\?xml\b[^<>]{0,100}?encoding)\s{0,9}=[\s\"']{0,9}([\w.:+-]{1,60})", re.IGNORECASE
)
# An encoded word, with blanks in it too: the standard forbids them and people send them.
WORD = re.compile(r"=\?([^?\s]{1,100})\?([bBqQ])\?([^?]{0,8000})\?=")
HALVES = re.compile("[\ud800-\udfff]")


def codec(label: str) -> tuple[str, ...]:
    """The Python codecs that a label stands for, the likeliest first; none where nobody knows it, or it says nothing."""
    label = re.split(r"[\s;,()*]", label.strip(" \t\r\n\"'<>=").lower(), maxsplit=1)[0].strip("\"'")
    if not re.fullmatch(rf"[a-z0-9_.:+-]{{1,{LONGEST_LABEL}}}", label) or label in ASCII:
        return ()
    label = re.sub(r"^(?:x-)?win(?:dows)?[-_]?(?=\d)", "windows-", label)
    for spelled in (label, label.replace("_", "-"), label.replace("iso-8859", "iso8859"), label.removeprefix("x-")):
        found = webencodings.lookup(STANDARD.get(spelled, spelled))
        if found and found.name not in ("replacement", "x-user-defined"):
            return WIDER.get(found.name, (found.codec_info.name,))
        name = encodings.normalize_encoding(spelled)
        if name not in PYTHON and name.replace(".", "_") not in PYTHON:
            continue
        try:
            name = codecs.lookup(spelled).name
        except (LookupError, ValueError):
            continue
        if CODECS.fullmatch(name):
            return (name,)
    return ()


def decode(data: bytes, label: str = "", otherwise: str = "") -> str:
    """Text of these bytes. `otherwise` is the charset that is likely where the label says nothing, or nothing that is true."""
    for mark, name in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _whole(data[len(mark) :].decode(name, "replace"))
    names = codec(label)
    if names and names != ("utf-8",):
        return _whole(_named(data, names))
    if data.isascii():
        return _whole(_named(data, ("iso2022_jp",)) if SHIFTED.search(data) else data.decode("ascii"))
    text = data.decode("utf-8", "replace")
    bad, wide = text.count("\ufffd"), len(re.findall(r"[^\x00-\x7f\ufffd]", text))
    if not bad or (names and wide):  # whoever says UTF-8 and has one letter of it, has damaged letters beside it
        return text
    likely = codec(otherwise)
    if likely and likely != ("utf-8",):
        other = _named(data, likely)
        return _whole(text if "\ufffd" in other and wide >= bad else other)
    return text if wide >= bad else _named(data, ("cp1252",))


def sure(data: bytes, label: str) -> bool:
    """Whether the label leaves no doubt: it is one that all the bytes fit, and not the one that everything fits."""
    names = codec(label)
    return bool(names) and names != ("cp1252",) and "\ufffd" not in _named(data, names)


def of_markup(data: bytes) -> str:
    """The charset that a piece of HTML names itself, "" where it does not."""
    found = META.search(data[:8192])
    label = found[1].decode("ascii", "replace") if found else ""
    return "utf-8" if any(name.startswith(("utf-16", "utf-32")) for name in codec(label)) else label  # we could not have read it


def words(text: str, otherwise: str = "") -> str:
    """A header with its encoded words read (RFC 2047, and RFC 2231 for their language). Raw bytes are a character each."""
    found: list[str] = []
    label, data, end = "", b"", 0
    for word in WORD.finditer(text):
        between, end = text[end : word.start()], word.end()
        named = word[1].partition("*")[0]
        if data and not between.strip() and named.lower() == label.lower():
            data += _word(word[2], word[3])  # two words side by side may share a letter
            continue
        found.append(decode(data, label, otherwise))
        found.append(raw(between, otherwise) if between.strip() or not data else "")
        label, data = named, _word(word[2], word[3])
    return "".join([*found, decode(data, label, otherwise), raw(text[end:], otherwise)])


def raw(text: str, otherwise: str = "") -> str:
    """A header that was read a byte a character. One with other characters has been decoded by somebody else."""
    return text if text.isascii() or max(text) > "\xff" else decode(text.encode("latin-1"), "", otherwise)


def percent(text: str) -> bytes:
    """The bytes of a parameter in percent signs (RFC 2231)."""
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), text.encode("latin-1", "replace"))


def _word(encoding: str, text: str) -> bytes:
    data = text.encode("latin-1", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(data, header=True)
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    return binascii.a2b_base64(letters[: len(letters) - (len(letters) % 4 == 1)] + b"==")


def _named(data: bytes, names: tuple[str, ...]) -> str:
    """The text by the codec that reads most of it."""
    texts = [_by_codec(data, name) for name in names]
    return min(texts, key=lambda text: text.count("\ufffd"))


def _by_codec(data: bytes, name: str) -> str:
    if name.startswith(("utf-16", "utf-32")) and re.fullmatch(rb"[\t\r\n -~]*", data):
        return data.decode("ascii")  # it only says so
    if name == "utf-16" and data[0::2].count(0) > data[1::2].count(0):
        name = "utf-16-be"
    if name.startswith("iso2022_jp"):
        return "".join(_jis(data))
    text = data.decode(name, "replace")
    if name == "euc_jp" and "\ufffd" in text:  # Python's codec lacks the characters of two makers that everybody has
        return "".join(
            _shifted_jis(run) if run[0] > 0xA0 else run.decode("euc_jp", "replace")
            for run in re.findall(rb"(?:[\xa1-\xfe][\xa1-\xfe])+|(?:\x8f..|\x8e.|[\x00-\x8d\x90-\xa0])+|.", data, re.DOTALL)
        )
    return text


def _jis(data: bytes) -> list[str]:
    """iso-2022-jp as the standard of the web has it: with the characters of those makers, and katakana of half width."""
    found, start, charset = [], 0, b"(B"
    for escape in [*re.finditer(rb"\x1b(\$\(?[@BDA]|\([BJIH])", data), None]:
        run = data[start : escape.start() if escape else len(data)]
        if charset in (b"$B", b"$@", b"$(B", b"$(@"):
            # A line ends two-byte text, whether it says so or not.
            pieces = re.findall(rb"(?:[\x21-\x7e][\x21-\x7e])+|.", run, re.DOTALL)
            found += [_shifted_jis(bytes(b | 0x80 for b in one)) if len(one) > 1 else _ascii(one) for one in pieces]
        elif charset == b"(I":
            found.append(bytes(b | 0x80 if 0x20 < b < 0x60 else b for b in run).decode("cp932", "replace"))
        elif charset == b"$(D":
            found.append(
                b"".join(b"\x8f" + bytes(b | 0x80 for b in run[at : at + 2]) for at in range(0, len(run) - 1, 2)).decode(
                    "euc_jp", "replace"
                )
            )
        else:
            found.append(_ascii(run))
        if escape:
            start, charset = escape.end(), escape[1]
    return found


def _ascii(data: bytes) -> str:
    return data.decode("ascii", "replace")


def _shifted_jis(pairs: bytes) -> str:
    """Characters of JIS X 0208 (two bytes of EUC each) by way of Shift JIS, whose codec has them all."""
    found = bytearray()
    for row, cell in zip((b - 0xA1 for b in pairs[0::2]), (b - 0xA1 for b in pairs[1::2]), strict=True):
        found.append(row // 2 + (0x81 if row < 62 else 0xC1))
        found.append(cell + 0x9F if row % 2 else cell + (0x40 if cell < 63 else 0x41))
    return found.decode("cp932", "replace")


def _whole(text: str) -> str:
    """Some charsets give half characters, which nobody can be sent."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if HALVES.search(text) else text
