"""The environment's site bucket: immutable assets, and the pages that name them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ship.aws import aws_call, aws_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ship.aws import Client
    from ship.build.manifest import Manifest

# A hashed name never gets other content; a page is revalidated each time (RFC 9111, RFC 8246).
_FOREVER = "public, max-age=31536000, immutable"
_REVALIDATE = "public, max-age=0, must-revalidate"
# What site_index.js turns into a redirect.
_FOLDER = "application/x-directory"


class Site:
    """What CloudFront serves besides the API."""

    def __init__(self, s3: Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def listed(self) -> frozenset[str]:
        """The keys of everything in the bucket."""
        message = "the site's files cannot be listed"
        found = aws_list(self._s3, "list_objects_v2", "Contents", message, Bucket=self._bucket)
        return frozenset(one["Key"] for one in found)

    def put(self, manifest: Manifest, keys: Iterable[str], read: Callable[[str], bytes]) -> None:
        """Put files of a release where users find them, assets before the pages that name them."""

        def put(key: str) -> None:
            file = manifest.file(key)
            self._put(
                key, read(key), file.content_type, _FOREVER if file.immutable else _REVALIDATE
            )

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(put, keys))

    def put_folders(self, manifest: Manifest) -> None:
        """Lead the path of each folder, without a slash, to the folder's page."""
        for folder in sorted(manifest.folders):
            self._put(folder, b"", _FOLDER, _REVALIDATE)

    def remove(self, keys: Iterable[str]) -> None:
        """Remove pages that the live release does not have, or assets that no release names."""

        # One by one: DeleteObjects would need the same permission, and hides single failures.
        def delete(key: str) -> None:
            aws_call(
                lambda: self._s3.delete_object(Bucket=self._bucket, Key=key),
                f"{key} cannot be removed from the site",
            )

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(delete, keys))

    def _put(self, key: str, data: bytes, content_type: str, caching: str) -> None:
        aws_call(
            lambda: self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=data,
                ContentType=content_type,
                CacheControl=caching,
            ),
            f"{key} cannot be written to the site",
        )
