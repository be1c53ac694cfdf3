"""What the files of a site refer to: only what a browser is sure to ask for.

A reference that is missed costs a check; one that is none would refuse a good site.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import quote, unquote, urljoin, urlsplit

from ship.build import javascript

_HOST = "site"
# The relations whose target a browser fetches for the page itself.
# https://html.spec.whatwg.org/multipage/links.html#linkTypes
_FETCHED = {
    *("stylesheet", "icon", "apple-touch-icon", "mask-icon", "manifest"),
    *("preload", "modulepreload"),
}
_CSS = re.compile(
    r"""/\*.*?\*/ | @namespace[^;]*; | (?<![\w-])url\(\s*(?:
        "(?P<double>[^"\\\n]*)" | '(?P<single>[^'\\\n]*)' | (?P<bare>[^\s"'()\\]+) )\s*\)
    | @import\s*(?:"(?P<import_double>[^"\\\n]*)" | '(?P<import_single>[^'\\\n]*)')
    | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""",
    re.DOTALL | re.VERBOSE | re.IGNORECASE,
)
# By path and with an ending, which sources for a bundler leave out: a copied package may hold some.
_IMPORT = re.compile(
    r"""(?:from|import)\s*\(?\s*["'](\.{0,2}/[^"'\\\n]*\.(?:[cm]?js|css|json|wasm))["']"""
)


@dataclass(frozen=True)
class Missing:
    """A reference in a file of the site, and the file that it means, which is not there."""

    path: str
    reference: str
    target: str


def missing(texts: Mapping[str, str], is_there: Callable[[str], bool]) -> Iterator[Missing]:
    """Find what the pages, style sheets and scripts of a site refer to and the site does not have.

    Args:
        texts: the site's text files by their path.
        is_there: whether a path is answered.
    """
    pages = {path: _parse(text) for path, text in texts.items() if path.endswith(".html")}
    # An import map gives the names that scripts import another meaning.
    maps_imports = any(page.maps_imports for page in pages.values())
    for path, text in texts.items():
        base, references = "", list[str]()
        if path in pages:
            base, references = pages[path].base, pages[path].found
        elif path.endswith(".css"):
            references = list(_in_style_sheet(text))
        elif path.endswith((".js", ".mjs")) and not maps_imports:
            references = _IMPORT.findall(text)
        found = [
            Missing(path, reference, target)
            for reference in dict.fromkeys(references)
            if (target := resolve(path, reference, base)) and not is_there(target)
        ]
        # Parsing a script takes a while: only to see whether this is none in a
        # string or a comment.
        if found and path.endswith((".js", ".mjs")):
            imported = javascript.imports(text)
            found = [one for one in found if one.reference in imported]
        yield from found


def resolve(path: str, reference: str, base: str = "") -> str | None:
    """The path in the site that a reference in a file means; none when it leaves the site."""
    reference = reference.strip()
    # Braces: a template engine fills this in.
    if not reference or reference.startswith("#") or "{" in reference:
        return None
    try:
        found = urlsplit(urljoin(urljoin(f"http://{_HOST}/{quote(path)}", base), reference))
    except ValueError:
        return None
    if (found.scheme, found.netloc) != ("http", _HOST) or found.path == "":
        return None
    target = unquote(found.path).lstrip("/")
    return f"{target}index.html" if found.path.endswith("/") else target


def base_of(text: str) -> str:
    """What relative references of a page start from, where it says so."""
    return _parse(text).base


def _in_style_sheet(text: str) -> Iterator[str]:
    for match in _CSS.finditer(text):
        reference = next(filter(None, match.groups()), "")
        # For browsers that have died out: style sheets still name them beside other formats.
        if not re.search(r"\.eot(\?|$)|\?#?iefix", reference):
            yield reference


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.base = ""
        self._templates = 0
        self.maps_imports = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "template":
            self._templates += 1
        elif tag == "base" and not self.base:
            self.base = given.get("href", "")
        elif tag == "script" and given.get("type") == "importmap":
            self.maps_imports = True
        elif self._templates:
            pass  # What is inside is only fetched when a script uses it.
        elif tag == "link" and _FETCHED & set(given.get("rel", "").lower().split()):
            self.found.append(given.get("href", ""))
        elif tag in ("script", "img", "source"):
            self.found.append(given.get("src", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "template" and self._templates:
            self._templates -= 1


def _parse(text: str) -> _Page:
    page = _Page()
    page.feed(text)
    page.close()
    return page
