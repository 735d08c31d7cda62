#!/usr/bin/env bash
# opendal 0.47.12 (Python): a key with `//`, blanks at its ends or a leading slash is written under another name, and read back under both.
#
# Seen: write("a//b") puts the object "a/b", write(" lead and trail ") "lead and trail", write("/lead") "lead"; each read with the
#       name as it was given succeeds, since it is changed in the same way. A key that ends in "/" is refused as a directory.
#
# Why it matters: what a program wrote through it is found by no other client under the name that the program knows, and two names of the
# program can be one object. Objects with such keys, from other clients, cannot be read through it: a comparison of a copy made
# with it reports them missing.
source "$(dirname "$0")/lib/setup.sh"
pip_install opendal opendal==0.47.12
run_python opendal <<'PY'
import urllib.parse

import opendal

from answering import Server, expect

stored = {}


def answer(request):
    key = urllib.parse.unquote(request["path"]).removeprefix("/bucket/")
    if request["method"] == "PUT":
        stored[key] = request["body"]
        return 200, {"ETag": '"e"'}, b""
    if key in stored:
        return 200, {"ETag": '"e"'}, stored[key]
    return 404, {"Content-Type": "application/xml"}, b"<Error><Code>NoSuchKey</Code></Error>"


at = opendal.Operator("s3", bucket="bucket", endpoint=Server(answer).url, region="r", access_key_id="ak", secret_access_key="sk", root="/")

def written(key):
    stored.clear()
    at.write(key, b"x")
    assert bytes(at.read(key)) == b"x"
    return list(stored)

expect("plain", written("dir/a b"), ["dir/a b"])
expect("a//b", written("a//b"), ["a/b"])
expect("blanks at the ends", written(" lead and trail "), ["lead and trail"])
expect("a leading slash", written("/lead"), ["lead"])
try:
    at.write("dir/", b"x")
    refused = "written"
except opendal.exceptions.IsADirectory:
    refused = "IsADirectory"
expect("a slash at the end", refused, "IsADirectory")
stored["a//b"] = b"of another client"
try:
    at.read("a//b")
    found = "found"
except opendal.exceptions.NotFound:
    found = "NotFound"
expect("a//b of another client", found, "NotFound")
PY
