"""Five hundred messages of random structure and charsets: none fails, and no text of any is lost."""

import base64
import quopri
import random

import pytest

from portal.meaning.body import document, take_apart

SAYINGS = {
    "utf-8": "Grüße 你好 Привет", "iso-8859-1": "Grüße à bientôt", "windows-1252": "„Grüße“ €", "windows-1251": "Здравствуйте", "koi8-r": "Здравствуйте",
    "ks_c_5601-1987": "안녕하세요 뷁", "euc-kr": "안녕하세요", "gb2312": "李喆 朱镕基", "gbk": "李喆", "gb18030": "李喆", "big5": "國際貿易", "shift_jis": "日本語①",
    "windows-31j": "日本語①", "iso-2022-jp": "日本語", "euc-jp": "日本語", "iso-8859-2": "Žluťoučký", "iso-8859-7": "Καλημέρα", "iso-8859-8-i": "שלום", "windows-1256": "مرحبا",
    "tis-620": "สวัสดี", "ibm850": "Grüße", "us-ascii": "hello", "utf-16": "Grüße", "utf-7": "Grüße", "hz-gb-2312": "汉字",
}  # fmt: skip
CODECS = {
    "ks_c_5601-1987": "cp949", "gb2312": "gb18030", "windows-31j": "cp932", "shift_jis": "cp932", "iso-8859-8-i": "iso8859-8", "hz-gb-2312": "hz",
    "tis-620": "cp874", "ibm850": "cp850",
}  # fmt: skip
KINDS = ("mixed", "related", "report", "signed", "parallel", "x-unknown", "digest", "alternative")
BOUNDARIES = ("Apple-{}", "----=_Part_{}", "=_{}_'()+,./:=?", "b{}", "with blank {}", "{}--x")


class Sender:
    """Writes messages, and remembers the texts that a reader must find in them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 (the same messages every time)
        self.end = self.chance.choice((b"\r\n", b"\r\n", b"\n"))
        self.texts: list[str] = []
        self.parts = 0

    def lines(self, *lines: bytes) -> bytes:
        return self.end.join(lines)

    def message(self) -> bytes:
        broken = self.chance.choice((b"", b"", b"X-Broken : yes", b"no header at all", b">From somebody", b"B\xfcro: x"))
        heads = [b"From: Anna <anna@a.example>", *([broken] if broken else []), b"Subject: x", b"MIME-Version: 1.0"]
        return self.lines(*heads, self.part(0))

    def part(self, level: int) -> bytes:
        """A part with its own headers: containers down to the third level."""
        self.parts += 1
        if level < 4 and self.chance.random() < (0.9, 0.5, 0.4, 0.2)[level]:
            return self.container(level)
        return self.chance.choice((self.wording, self.wording, self.wording, self.file))()

    def container(self, level: int) -> bytes:
        kind = self.chance.choice(KINDS)
        boundary = self.chance.choice(BOUNDARIES).format(self.chance.randrange(10**9)).encode()
        named = (
            self.chance.choice((b'; boundary="%s"', b';\r\n\tBOUNDARY="%s"', b'; x=y; boundary="%s"; z=1', b' boundary="%s"'))
            % boundary
        )
        if kind == "alternative":  # the plain one and the designed one; others are forms of the same, and not all shown
            inner = [self.wording(html=False), self.wording(html=True)]
        else:
            inner = [self.part(level + 1) for _ in range(self.chance.randint(1, 4))]
        chunks = [self.chance.choice((b"", b"This is a multi-part message.", b"--not-the-boundary"))]
        for one in inner:
            chunks += [b"--" + boundary + self.chance.choice((b"", b"", b" ")), one]
        if self.chance.random() < 0.85 or level == 0:
            chunks += [b"--" + boundary + b"--", self.chance.choice((b"", b"epilogue"))]
        return self.lines(b"Content-Type: multipart/" + kind.encode() + named, b"", *chunks)

    def wording(self, html: bool | None = None) -> bytes:
        html = self.chance.random() < 0.4 if html is None else html
        label = self.chance.choice(tuple(SAYINGS))
        text = f"{SAYINGS[label]} TEXT{len(self.texts)}END the boundary"
        self.texts.append(text)
        data = (f"<p>{text}</p>" if html else text).encode(CODECS.get(label, label))
        wide = label in ("utf-16",)
        encoding = self.chance.choice(
            ("base64", "quoted-printable")
            if wide
            else ("base64", "quoted-printable", "8bit", "8-bit", "base-64", "quoted_printable", "")
        )
        if encoding.startswith("base"):
            data = self.lines(*(line for line in base64.encodebytes(data).split(b"\n") if line))
        elif encoding.startswith("quoted"):
            data = self.lines(*quopri.encodestring(data).split(b"\n"))
        spelled = self.chance.choice((f'"{label}"', label, label.upper()))
        head = f"Content-Type: text/{'html' if html else 'plain'}; charset={spelled}".encode()
        return self.lines(head, *([f"Content-Transfer-Encoding: {encoding}".encode()] if encoding else []), b"", data)

    def file(self) -> bytes:
        data = base64.b64encode(self.chance.randbytes(60))
        return self.lines(
            b"Content-Type: application/pdf; name=a.pdf",
            b"Content-Disposition: attachment",
            b"Content-Transfer-Encoding: base64",
            b"",
            data,
        )


@pytest.mark.parametrize("first", range(0, 500, 50))
def test_no_text_of_a_random_message_is_lost(first: int) -> None:
    for seed in range(first, first + 50):
        sender = Sender(seed)
        raw = sender.message()
        body = take_apart("", raw.decode("latin-1"))
        assert body is not None
        assert not body.cut
        shown = body.text + document(body)
        lost = [text for text in sender.texts if text not in shown]
        assert not lost, (seed, lost, raw)
        in_order = [text for text in sender.texts if text in body.text]
        assert sorted(in_order, key=body.text.index) == in_order, seed


@pytest.mark.parametrize("first", range(0, 500, 100))
def test_no_damage_to_a_random_message_makes_it_fail(first: int) -> None:
    for seed in range(first, first + 100):
        sender = Sender(seed)
        raw = bytearray(sender.message())
        for _ in range(sender.chance.randint(1, 30)):
            at = sender.chance.randrange(len(raw))
            match sender.chance.randrange(3):
                case 0:
                    raw[at] = sender.chance.randrange(256)
                case 1:
                    del raw[at : at + sender.chance.randint(1, 20)]
                case 2:
                    raw[at:at] = sender.chance.randbytes(sender.chance.randint(1, 5))
            if not raw:
                break
        body = take_apart("the content", raw.decode("latin-1"))
        assert body is not None
        (body.text + document(body)).encode()
