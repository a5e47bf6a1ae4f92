"""A file on its way through the client into the embedded gateway, and out of it again."""

from io import BytesIO
from typing import Any

import pytest

from cleanmail_admin import upstream
from portal.api import mail
from portal.api.client import Client
from portal.api.files import File

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])
CONTENT = b"%PDF \r\n\0--" * 30_000


@pytest.mark.parametrize("size", [None, len(CONTENT)])
@pytest.mark.parametrize("pieces", [False, True])
def test_what_is_uploaded_is_what_is_downloaded(sandbox: dict[str, str], size: int | None, pieces: bool):
    api = Client(upstream.transport(), upstream.BASE_URL, sandbox["owner"])
    content: Any = (CONTENT[at : at + 1000] for at in range(0, len(CONTENT), 1000)) if pieces else BytesIO(CONTENT)
    file = api.call(mail.UPLOAD, dict[str, Any], file=File("Rechnung März.pdf", "application/pdf", content, size))
    found = api.stream(mail.READ_UPLOAD, ids={"uid": file["uid"], "filename": "Rechnung März.pdf"})
    assert (found.type, b"".join(found.chunks)) == ("application/pdf", CONTENT)
