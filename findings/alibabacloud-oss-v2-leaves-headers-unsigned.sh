#!/usr/bin/env bash
# alibabacloud-oss-v2 1.4.1: `additional_headers`, the headers that a signature is to cover, are set and never signed.
#
# OSS V4 signs Content-Type, Content-MD5 and x-oss-* by itself; others are named by `x-oss-additional-headers` (in a header:
# `AdditionalHeaders`). The configuration of the client has a setting for them, "Additional signable headers". The client
# keeps it and does not hand it to its signer, which could use it. Nothing is said.
#
# Seen: a URL for a PUT with Content-Length 5 has no `x-oss-additional-headers`, and its signature is that of a URL without
#       the setting. oss2 2.19.1 signs the header. The signer of the first, called by itself with the same request, gives
#       the signature of oss2.
#
# Why it matters: whoever gives such a URL away to bound the size of an upload has bounded nothing: its bearer can store up
# to 5 GiB. Sign with oss2 or ali-oss (`signatureUrlV4`), or have forms sent (`content-length-range`).
source "$(dirname "$0")/lib/setup.sh"
pip_install venv alibabacloud-oss-v2==1.4.1 oss2==2.19.1
run_python venv <<'PY'
import datetime
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import alibabacloud_oss_v2 as oss
import oss2
import oss2.auth
from alibabacloud_oss_v2.credentials import Credentials
from alibabacloud_oss_v2.signer import v4
from alibabacloud_oss_v2.types import HttpRequest, SigningContext
from answering import expect

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.timezone.utc)
LIFE = datetime.timedelta(minutes=1)
HEADERS = {"Content-Length": "5"}
PLACE = "https://examplebucket.oss-cn-hangzhou.aliyuncs.com/k"


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW

    @classmethod
    def utcnow(cls):
        return NOW.replace(tzinfo=None)


def of(url):
    query = parse_qs(urlsplit(url).query)
    return query.get("x-oss-additional-headers"), query["x-oss-signature"]


def client(additional):
    config = oss.config.load_default()
    config.credentials_provider = oss.credentials.StaticCredentialsProvider("id", "secret")
    config.region = "cn-hangzhou"
    config.additional_headers = additional
    return oss.Client(config)


def presigned(additional):
    request = oss.PutObjectRequest("examplebucket", "k", content_length=5)
    with mock.patch.object(v4.datetime, "datetime", Clock):
        return of(client(additional).presign(request, expiration=NOW + LIFE).url)


def by_oss2():
    bucket = oss2.Bucket(oss2.AuthV4("id", "secret"), "https://oss-cn-hangzhou.aliyuncs.com", "examplebucket", region="cn-hangzhou")
    with mock.patch.object(oss2.auth, "datetime", Clock):
        return of(bucket.sign_url("PUT", "k", 60, dict(HEADERS), additional_headers={"content-length"}))


def by_the_signer():
    request = HttpRequest("PUT", PLACE, headers=dict(HEADERS))
    context = SigningContext(product="oss", region="cn-hangzhou", bucket="examplebucket", key="k", request=request)
    context.credentials = Credentials("id", "secret")
    context.auth_method_query, context.signing_time, context.expiration_time = True, NOW, NOW + LIFE
    context.additional_headers = {"content-length"}
    v4.SignerV4().sign(context)
    return of(request.url)


expect("alibabacloud-oss-v2, headers that its URL names", presigned(["content-length"])[0], None)
expect("alibabacloud-oss-v2, the signature is that without the setting", presigned(["content-length"]) == presigned(None), True)
expect("oss2, headers that its URL names", by_oss2()[0], ["content-length"])
expect("the signer of alibabacloud-oss-v2 by itself agrees with oss2", by_the_signer() == by_oss2(), True)
PY
