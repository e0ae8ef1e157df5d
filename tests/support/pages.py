"""Text and links of pages."""

import html
import re


def text_of(page: str) -> str:
    """The text of a page, with single spaces between words."""
    body = re.sub(r"(?s)<head>.*?</head>|<(script|style)\b.*?</\1>", " ", page)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def links_of(page: str) -> dict[str, str]:
    """The targets of links, by their text."""
    found = re.findall(r'(?s)<a\b[^>]*\bhref="([^"]*)"[^>]*>(.*?)</a>', page)
    return {text_of(text): html.unescape(target) for target, text in found}
