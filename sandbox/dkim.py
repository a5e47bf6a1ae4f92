"""The keys that sign a domain's mail (openapi.yaml, tag DomainsDKIM)."""

import base64
import re
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from msgspec import UNSET, UnsetType

from sandbox import answers
from sandbox.answers import Refusal, Shape, Text
from sandbox.auth import Caller, domain_for, domain_for_sysadmin
from sandbox.models import DkimKey, Domain

SELECTOR = "protect"
SELECTOR_LABELS = re.compile(r"(?=.{1,63}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
BITS, LEAST, MOST = 2048, 1024, 4096


class DkimDTO(Shape):
    private_key: Text | UnsetType | None = UNSET
    public_key: Text | UnsetType | None = UNSET
    selector: str | UnsetType | None = UNSET


def get_dkim(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """getDkim"""
    return answers.json(records(key_of(domain_for(caller, domain_id, "DOMAIN_VIEW"))))


def add_dkim(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """addDkim: with the key that is sent, or with a new one."""
    domain = domain_for_sysadmin(caller, domain_id)
    key = key_sent(request, domain, SELECTOR)
    with transaction.atomic(using="sandbox"):
        if DkimKey.objects.filter(domain=domain).exists():
            raise Refusal(400, "The domain has a DKIM key already: PUT replaces it.")
        key.save()
    return answers.json(records(key), status=201)


def update_domain_dkim(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """updateDomainDkim: the selector stays when none is sent."""
    domain = domain_for_sysadmin(caller, domain_id)
    key = key_sent(request, domain, key_of(domain).selector)
    key.save()
    return answers.json(records(key))


@transaction.atomic(using="sandbox")
def delete_domain_dkim(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """deleteDomainDkim"""
    key_of(domain_for_sysadmin(caller, domain_id)).delete()
    return answers.no_content()


def key_of(domain: Domain) -> DkimKey:
    found = DkimKey.objects.select_related("domain").filter(domain=domain).first()
    if found is None:
        raise Refusal(404, "No DKIM values found.")
    return found


def key_sent(request: HttpRequest, domain: Domain, selector: str) -> DkimKey:
    """The key of a request. The body may be left out, and everything in it."""
    body = answers.sent(request, DkimDTO) if request.body.strip() else DkimDTO()
    selector = (body.selector or selector).lower()
    if not SELECTOR_LABELS.fullmatch(selector):
        raise Refusal(400, "The selector is not a name in DNS.", {"selector": "not a name in DNS"})
    private = given_key(body.private_key) if body.private_key else generate_private_key(public_exponent=65537, key_size=BITS)
    public = public_of(private)
    if body.public_key and bare(body.public_key) != public:
        reason = "does not belong to the private key" if body.private_key else "nothing without its private key"
        raise Refusal(400, "The public key does not fit.", {"publicKey": reason})
    return DkimKey(domain=domain, selector=selector, private_key=pem_of(private), public_key=public)


def given_key(text: str) -> RSAPrivateKey:
    """A private key as PEM, or as its Base64 alone."""
    try:
        load: Any = load_pem_private_key if "-----BEGIN" in text else load_der_private_key
        data = text.strip().encode() if "-----BEGIN" in text else base64.b64decode("".join(text.split()), validate=True)
        # Whether huge numbers are prime takes a minute to find out, and the process stands still: so first their size.
        key = load(data, None, unsafe_skip_rsa_key_validation=True)
        if isinstance(key, RSAPrivateKey) and key.key_size <= MOST:
            numbers = key.private_numbers()
            key = load(data, None) if numbers.p * numbers.q == numbers.public_numbers.n else None
    except Exception:  # whatever the many readers of formats make of it
        raise Refusal(400, "The private key cannot be read.", {"privateKey": "not a key as PEM or Base64"}) from None
    if not isinstance(key, RSAPrivateKey) or not LEAST <= key.key_size <= MOST:
        raise Refusal(400, f"DKIM wants an RSA key of {LEAST} to {MOST} bits.", {"privateKey": "not such a key"})
    return key


def pem_of(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_of(key: RSAPrivateKey) -> str:
    """The public half as DNS has it: the DER in Base64."""
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def bare(public: str) -> str:
    """A public key without what PEM puts around it, or a record in DNS before it."""
    return re.sub(r"-----[A-Z ]+-----|\s|^.*\bp=", "", public)


def records(key: DkimKey) -> list[str]:
    """What belongs into DNS: one line for the domain, and one for each other name of it."""
    names = [key.domain.name, *key.domain.aliases.order_by("name").values_list("name", flat=True)]
    return [f"{key.selector}._domainkey.{name} TXT v=DKIM1; p={key.public_key}" for name in names]
