#!/usr/bin/env bash
# huaweicloudsdkoms 3.1.219 (Python): create_sync_events returns normally when it was answered with a redirect.
#
# The SDK does not follow redirects and raises only from status 400 on. The answer object has no fields to look at, since
# the operation has none; only `status_code`, which no example reads, tells that nothing was accepted. The same is true
# of a 200 whose body is OMS's error object.
#
# Seen: 302 with Location: no exception, one request, status_code 302. 200 with {"error_code":"OMS.0064"}: no exception.
#       502 with HTML and 404 with an error object do raise.
#
# Why it matters: a proxy with a login page, or an endpoint that moved, swallows every key, and the caller counts them as
# handed over. Anything that calls OMS through the SDK has to compare `status_code` with 200 itself.
source "$(dirname "$0")/lib/setup.sh"
pip_install venv huaweicloudsdkoms==3.1.219 huaweicloudsdkcore==3.1.219
run_python venv <<'PY'
from answering import Server, expect
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkoms.v2 import CreateSyncEventsRequest, OmsClient, SyncObjectReq


def outcome(status, headers, body):
    server = Server(lambda request: (status, headers, body))
    credentials = BasicCredentials("ak", "sk", "project")
    client = OmsClient.new_builder().with_credentials(credentials).with_endpoint(server.url).build()
    request = CreateSyncEventsRequest(sync_task_id="task", body=SyncObjectReq(object_keys=["a%2Fb"]))
    try:
        answer = client.create_sync_events(request)
    except Exception as raised:
        return type(raised).__name__, raised.status_code, len(server.requests)
    return type(answer).__name__, answer.status_code, len(server.requests)


json = {"Content-Type": "application/json"}
expect("200, empty", outcome(200, {}, b""), ("CreateSyncEventsResponse", 200, 1))
expect("302", outcome(302, {"Location": "/login"}, b""), ("CreateSyncEventsResponse", 302, 1))
expect("200 with an error", outcome(200, json, b'{"error_code":"OMS.0064","error_msg":"m"}'), ("CreateSyncEventsResponse", 200, 1))
expect("502", outcome(502, {"Content-Type": "text/html"}, b"<html></html>"), ("ServerResponseException", 502, 1))
expect("404", outcome(404, json, b'{"error_code":"OMS.0054","error_msg":"m"}'), ("ClientRequestException", 404, 1))
PY
