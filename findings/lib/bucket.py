"""A bucket of S3 on loopback, as far as synchronising programs need one. It verifies nothing."""

import hashlib
import urllib.parse
from xml.sax.saxutils import escape

from answering import Server


class Bucket:
    """`objects` holds what is in it: key to bytes."""

    def __init__(self, objects):
        self.objects = dict(objects)
        self.server = server = Server(self.answer)
        self.url = f"minio://ak:sk@{server.address}/bucket/"

    @property
    def requests(self):
        return self.server.requests

    def answer(self, request):
        path, _, query = request["path"].partition("?")
        key = urllib.parse.unquote(path).removeprefix("/bucket").removeprefix("/")
        if not key:
            return self.list(dict(urllib.parse.parse_qsl(query, keep_blank_values=True)))
        if request["method"] == "PUT":
            source = request["headers"].get("x-amz-copy-source")
            if source:
                self.objects[key] = self.objects[urllib.parse.unquote(source).removeprefix("/").removeprefix("bucket/")]
                return 200, {"Content-Type": "application/xml"}, b"<CopyObjectResult></CopyObjectResult>"
            self.objects[key] = request["body"]
            return 200, {"ETag": self.etag(key)}, b""
        if request["method"] == "DELETE":
            self.objects.pop(key, None)
            return 204, {}, b""
        if key not in self.objects:
            return 404, {"Content-Type": "application/xml"}, b"<Error><Code>NoSuchKey</Code></Error>"
        modified = {"Last-Modified": "Wed, 01 Jul 2026 00:00:00 GMT", "ETag": self.etag(key)}
        return 200, modified, self.objects[key]

    def etag(self, key):
        return '"%s"' % hashlib.md5(self.objects[key]).hexdigest()

    def list(self, query):
        if "location" in query:
            return 200, {"Content-Type": "application/xml"}, b"<LocationConstraint></LocationConstraint>"
        after = max(query.get("marker", ""), query.get("start-after", ""), query.get("continuation-token", ""))
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        rows, folders = "", set()
        for key, body in sorted(self.objects.items()):
            if not key.startswith(prefix) or key <= after:
                continue
            folder, found, _ = key[len(prefix):].partition(delimiter) if delimiter else ("", "", "")
            if found:
                folders.add(prefix + folder + found)
                continue
            rows += (
                f"<Contents><Key>{escape(key)}</Key><LastModified>2026-07-01T00:00:00.000Z</LastModified>"
                f"<ETag>{self.etag(key)}</ETag><Size>{len(body)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            )
        rows += "".join(f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in sorted(folders))
        text = f"<ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        return 200, {"Content-Type": "application/xml"}, text.encode()
