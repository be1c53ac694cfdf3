"""The environment's site bucket: assets, which are only added, and the pages that name them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ship.aws import aws_call
from ship.build.pages import content_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ship.aws import Client

# A hashed name never gets other content; a page is asked for again each time (RFC 9111, 8246).
_FOREVER = "public, max-age=31536000, immutable"
_REVALIDATE = "public, max-age=0, must-revalidate"
_HINT = "check the credentials and the network, then run the command again"


class Site:
    """What CloudFront serves besides the API."""

    def __init__(self, s3: Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def listed(self) -> frozenset[str]:
        """The keys of all that is there: pages in the root, assets below `assets/`."""
        pages = self._s3.get_paginator("list_objects_v2")
        return aws_call(
            lambda: frozenset(
                item["Key"]
                for page in pages.paginate(Bucket=self._bucket)
                for item in page.get("Contents", [])
            ),
            "the site's files cannot be listed",
            _HINT,
        )

    def add(self, keys: Iterable[str], read: Callable[[str], bytes]) -> None:
        """Add assets."""
        self._each(lambda key: self._put(key, read(key), _FOREVER), keys)

    def show(self, pages: dict[str, bytes]) -> None:
        """Put pages where users find them; their assets have to be there already."""
        self._each(lambda key: self._put(key, pages[key], _REVALIDATE), pages)

    def remove(self, keys: Iterable[str]) -> None:
        """Remove pages that the live release does not have, or assets that no kept one names."""
        self._each(self._delete, keys)

    def _each(self, action: Callable[[str], None], keys: Iterable[str]) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(action, keys))

    def _put(self, key: str, data: bytes, cache_control: str) -> None:
        aws_call(
            lambda: self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=data,
                ContentType=content_type(key),
                CacheControl=cache_control,
            ),
            f"{key} cannot be written to the site",
            _HINT,
        )

    def _delete(self, key: str) -> None:
        aws_call(
            lambda: self._s3.delete_object(Bucket=self._bucket, Key=key),
            f"{key} cannot be removed from the site",
            _HINT,
        )
