"""Forms that the pages send."""

from urllib.parse import parse_qs, urlsplit

from fastapi import Request

SQL_CHARACTERS = 100_000
"""Of a query in a form."""

_BODY_BYTES = 12 * SQL_CHARACTERS
"""Of a form: a character takes up to four bytes, each of them up to three in a form."""

_MOST_FIELDS = 8


def is_from_these_pages(request: Request) -> bool:
    """Whether a form was sent by one of our pages, or by a program other than a browser."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    # Browsers omit that header on plain HTTP, but always send a form's origin.
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


async def form_fields(request: Request) -> dict[str, str] | None:
    """The fields of a form, with line feeds as line ends; None when it is too large or not a form of ours.

    Too large is also a form whose field `sql` is.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_BYTES:
            return None
    try:
        given = parse_qs(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return None
    fields = {name: values[-1].replace("\r\n", "\n") for name, values in given.items()}
    return fields if len(fields.get("sql", "")) <= SQL_CHARACTERS else None
