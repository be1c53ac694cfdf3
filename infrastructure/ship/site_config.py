"""The table `[tool.ship.site]` of the project file: how files and headers are published."""

import re
from dataclasses import dataclass, field

from ship.table import Table

_DEFAULT_SITE = "web"
_FOLDER = r"(?!/|.*\.\.)[\w@./ -]*[\w@-]"
_MOUNT = r"/(?!-/)([A-Za-z0-9_.-]+/)+"
_MOST_MOUNTS = 10
_PAGE = r"(?!/|.*\.\.)[A-Za-z0-9_./-]+\.html"
_ENDING_OR_PATH = r"\.[^./]+|[^/].*/.*[^/]"
_MEDIA_TYPE = r"[a-z0-9.+-]+/[a-z0-9.+-]+(; ?[a-z0-9-]+=[A-Za-z0-9-]+)*"
# https://www.w3.org/TR/CSP3/#csp-directives
_DIRECTIVES = (
    "base-uri child-src connect-src default-src font-src form-action frame-ancestors frame-src "
    "img-src manifest-src media-src object-src script-src script-src-attr script-src-elem "
    "style-src style-src-attr style-src-elem worker-src"
)
_HEADER = r"[A-Za-z0-9-]+"
_SOURCE = r"[!-+\--:<-~]+"  # Printable, without what ends a source or a directive.
# CloudFront's policies have settings of their own for these, and the stack decides on them.
_FIXED_HEADERS = {
    "Content-Security-Policy": "write its directives, such as font-src = [\"'self'\"]",
    "X-Frame-Options": "write who may frame a page: frame-ancestors = [\"'self'\"]",
    "Strict-Transport-Security": "leave it out: all responses have it",
    "X-Content-Type-Options": "leave it out: all responses have it",
    "X-Xss-Protection": "leave it out: browsers ignore it",
}


@dataclass(frozen=True)
class SiteSettings:
    """How the files of the site are made and published.

    `build` is a shell command that makes the folder, run at the root of the repository; `fallback`
    is the page that answers unknown paths of a single-page application; `hash` says whether the
    build names what is below assets/ by its content, `content_types` what differs from the usual
    type, by ending (".x") or by path.
    """

    folder: str = _DEFAULT_SITE
    fallback: str = ""
    hash: bool = True
    check_references: bool = True
    content_types: dict[str, str] = field(default_factory=dict)
    immutable: tuple[str, ...] = ()
    """Patterns of further files that never change under their name; pages always may."""
    build: str = ""
    folders: dict[str, str] = field(default_factory=dict)
    """Further folders that are published, by the path that they are published below: "/static/"."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Every folder that files of the site come from."""
        return (self.folder, *self.folders.values())

    def is_mounted(self, path: str) -> bool:
        """Whether a path, with or without a slash in front, lies below one of `folders`."""
        return f"/{path.lstrip('/')}".startswith(tuple(self.folders))

    def source(self, path: str) -> str:
        """Where in the repository a file of the site comes from."""
        for prefix, folder in self.folders.items():
            if f"/{path}".startswith(prefix):
                return f"{folder}/{path[len(prefix) - 1 :]}"
        return f"{self.folder}/{path}"


@dataclass(frozen=True)
class SiteHeaders:
    """What the site's pages say besides, or instead of what the platform has them say.

    `sources` are added to the content security policy, by directive; `others` are whole headers.
    """

    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)


def read_site(table: Table) -> SiteSettings:
    """Read how the site is published, without its headers."""
    folder = table.text("folder", _FOLDER, "web/dist", _DEFAULT_SITE)
    types = table.table("content_types")
    for key in types.values:
        types.text(key, _MEDIA_TYPE, "text/plain")
        if not re.fullmatch(_ENDING_OR_PATH, key):
            raise types.error(key, 'name an ending such as ".x", or a path with a folder in it')
    folders = table.table("folders")
    for path in folders.values:
        folders.text(path, _FOLDER, "backend/shop/static")
        if not re.fullmatch(_MOUNT, path):
            raise folders.error(path, 'name a path with a slash at both ends, such as "/static/"')
        if others := [one for one in folders.values if one != path and one.startswith(path)]:
            raise folders.error(others[0], f"leave it out, or {path}: one lies in the other")
    if len(folders.values) > _MOST_MOUNTS:
        raise table.error("folders", f"name at most {_MOST_MOUNTS} folders")
    return SiteSettings(
        folder,
        table.text("fallback", f"({_PAGE})?", "index.html", ""),
        # A bundler has named its files already, and its scripts compute some of the names.
        table.flag("hash", default=folder == _DEFAULT_SITE),
        table.flag("check_references", default=True),
        types.values,
        table.texts("immutable", r"[^/].*", '["assets/*"]', ()),
        table.text(
            "build", r".*", "npm --prefix frontend ci && npm --prefix frontend run build", ""
        ),
        folders.values,
    )


def read_headers(table: Table) -> SiteHeaders:
    """Read the sources of directives, which are lists, and whole headers, which are texts."""
    directives = [name for name, value in table.values.items() if isinstance(value, list)]
    # Refuses what is no directive, with the nearest one.
    lists = Table(table.name, {name: table.values[name] for name in directives}, _DIRECTIVES)
    found = SiteHeaders()
    for name in directives:
        found.sources[name] = lists.texts(name, _SOURCE, '["https://cdn.example"]', ())
    for name in table.values.keys() - directives:
        header = name.title()
        if header in _FIXED_HEADERS:
            raise table.error(name, _FIXED_HEADERS[header])
        if not re.fullmatch(_HEADER, header) or name in _DIRECTIVES.split():
            raise table.error(name, 'write a directive as font-src = ["https://cdn.example"]')
        found.others[header] = table.text(name, r"[ -~]+", "noindex")
    return found
