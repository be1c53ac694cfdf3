"""The environment's site bucket: immutable assets, and the pages that name them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ship.aws import aws_call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ship.aws import Client
    from ship.build.manifest import File, Manifest

# A hashed name never gets other content; a page is revalidated each time (RFC 9111, RFC 8246).
_FOREVER = "public, max-age=31536000, immutable"
_REVALIDATE = "public, max-age=0, must-revalidate"
_HINT = "check the credentials and the network, then run the command again"


class Site:
    """What CloudFront serves besides the API."""

    def __init__(self, s3: Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def listed(self) -> frozenset[str]:
        """The keys of everything in the bucket."""
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

    def put(self, manifest: Manifest, keys: Iterable[str], read: Callable[[str], bytes]) -> None:
        """Put files of a release where users find them, assets before the pages that name them."""
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: self._put(manifest.file(key), key, read(key)), keys))

    def remove(self, keys: Iterable[str]) -> None:
        """Remove pages that the live release does not have, or assets that no release names."""

        # One by one: DeleteObjects would need the same permission, and hides single failures.
        def delete(key: str) -> None:
            aws_call(
                lambda: self._s3.delete_object(Bucket=self._bucket, Key=key),
                f"{key} cannot be removed from the site",
                _HINT,
            )

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(delete, keys))

    def _put(self, file: File, key: str, data: bytes) -> None:
        aws_call(
            lambda: self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=data,
                ContentType=file.content_type,
                CacheControl=_FOREVER if file.immutable else _REVALIDATE,
            ),
            f"{key} cannot be written to the site",
            _HINT,
        )
