"""Prints the settings of a desk on the running cloud-twin, one NAME=VALUE a line: settings.py PORT DATABASE"""

import json
import os
import sys

port, database = sys.argv[1:]
twin = json.loads(os.environ["CLOUD_TWIN"])
oss = next(account for account in twin["oss_accounts"] if account["security_token"])
huawei = twin["huawei_accounts"][0]

settings = {
    "SYNC_URL": twin["sync_tasks"][0]["sync_url"],
    "HW_AK": huawei["access_key"],
    "HW_SK": huawei["secret_key"],
    "LOG_BUCKET": "logs",
    "OSS_ENDPOINT": twin["oss_url"],
    "OSS_REGION": twin["region"],
    "ALIBABA_CLOUD_ACCESS_KEY_ID": oss["access_key"],
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": oss["secret_key"],
    "ALIBABA_CLOUD_SECURITY_TOKEN": oss["security_token"],
    "DESK_BUCKET": "source",
    "DESK_TOKENS": os.environ["DESK_TOKENS"],
    "DESK_DATABASE": f"sqlite://{database}",
    "DESK_CALLBACK_URL": f"http://127.0.0.1:{port}/callback",
    "DESK_MAX_SIZE": str(20_000_000),
    "INGEST_DOMAINS": "127.0.0.1",
    "INGEST_ALLOW_PRIVATE": "true",
    # The key of callbacks has a fixed address in the world, which the local OSS plays as a proxy.
    "HTTP_PROXY": twin["oss_url"],
    "NO_PROXY": "127.0.0.1",
}
for name, value in settings.items():
    print(f"{name}={value}")
