"""The product's `copy`, run as a user would, and what the official clients put before it and find after it."""

import os
import subprocess
import tempfile

import obs
import oss2

import twin


def environment(**settings):
    oss, huawei = twin.OSS_ACCOUNT, twin.HUAWEI_ACCOUNT
    return {
        "OSS_ENDPOINT": twin.READY["oss_url"],
        "OSS_REGION": twin.READY["region"],
        "OSS_ACCESS_KEY_ID": oss["access_key"],
        "OSS_ACCESS_KEY_SECRET": oss["secret_key"],
        "HW_AK": huawei["access_key"],
        "HW_SK": huawei["secret_key"],
        "NO_PROXY": "*",
        **settings,
    }


def run(*arguments, **settings):
    command = [os.environ["OMS_BRIDGE"], "copy", *arguments]
    # A run with failures leaves a list of them where it was started.
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(
            command, env=environment(**settings), cwd=folder, capture_output=True, text=True, timeout=120, check=False
        )


def copy(*arguments, **settings):
    """Runs the binary to its end, which must be success."""
    done = run(*arguments, **settings)
    assert done.returncode == 0, (arguments, done.returncode, done.stdout, done.stderr)
    return done


def copy_bucket(source, destination, *arguments, how=copy):
    """Copies all of one bucket to one of the other service; each is `(service, name)`."""
    settings = {}
    for name, (service, _) in (("SOURCE_ENDPOINT", source), ("DEST_ENDPOINT", destination)):
        if service == "obs":
            settings[name] = twin.READY["obs_url"]
    addresses = [f"{service}://{name}" for service, name in (source, destination)]
    return how("-r", *addresses, *arguments, **settings)


def ok(response):
    """The answer of esdk-obs-python, which returns refusals."""
    assert response.status < 300, (response.status, response.errorCode, response.errorMessage)
    return response


class OssStore:
    """A bucket of OSS in the hands of oss2."""

    service = "oss"

    def __init__(self, name):
        account = twin.OSS_ACCOUNT
        auth = oss2.AuthV4(account["access_key"], account["secret_key"])
        self.name = name
        self.sdk = oss2.Bucket(
            auth, twin.READY["oss_url"], name, region=twin.READY["region"], is_path_style=True
        )
        self.sdk.create_bucket()

    def put(self, key, body):
        self.sdk.put_object(key, body)

    def objects(self):
        return {entry.key: self.sdk.get_object(entry.key).read() for entry in oss2.ObjectIteratorV2(self.sdk)}

    def described(self, key):
        """Content type, and metadata by name."""
        head = self.sdk.head_object(key)
        prefix = "x-oss-meta-"
        headers = {name.lower(): value for name, value in head.headers.items()}
        metadata = {name.removeprefix(prefix): value for name, value in headers.items() if name.startswith(prefix)}
        return head.content_type, metadata

    def close(self):
        pass


class ObsStore:
    """A bucket of OBS in the hands of esdk-obs-python."""

    service = "obs"

    def __init__(self, name):
        account = twin.HUAWEI_ACCOUNT
        self.name = name
        self.sdk = obs.ObsClient(
            access_key_id=account["access_key"],
            secret_access_key=account["secret_key"],
            server=twin.READY["obs_url"],
            max_retry_count=0,
        )
        ok(self.sdk.createBucket(name))

    def put(self, key, body):
        ok(self.sdk.putContent(self.name, key, body))

    def objects(self):
        listed = ok(self.sdk.listObjects(self.name, max_keys=1000, encoding_type="url")).body.contents
        return {entry.key: self._content(entry.key) for entry in listed}

    def _content(self, key):
        return ok(self.sdk.getObject(self.name, key, loadStreamInMemory=True)).body.buffer or b""

    def described(self, key):
        """Content type, and metadata by name; headers that this client does not know look like metadata to it."""
        head = ok(self.sdk.getObjectMetadata(self.name, key))
        return head.body.contentType, dict(head.header)

    def close(self):
        self.sdk.close()


STORES = {"oss": OssStore, "obs": ObsStore}
OTHER = {"oss": "obs", "obs": "oss"}
