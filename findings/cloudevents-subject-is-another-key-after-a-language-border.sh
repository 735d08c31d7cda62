#!/usr/bin/env bash
# cloudevents 2.2.0 (Python) and cloudevents 10.0.0 (npm), both official: in binary mode over HTTP they disagree on the header ce-subject.
#
# The Python core percent-encodes attributes into headers and decodes them on the way back; the JavaScript SDK does
# neither, and neither does the `cloudevents.v1` that ships inside the Python package. The subject of a storage event
# names the object (`acs:oss:region:account:bucket/key`).
#
# Seen, Python to JavaScript: "b/a b.txt" is read as "b/a%20b.txt".
#       JavaScript to Python: "b/100%25.txt" is read as "b/100%.txt" by the core, as "b/100%25.txt" by cloudevents.v1.
#
# Why it matters: an event that is passed on by a service in the other language names another object, although each side
# uses the official SDK. What is inside the data (structured mode, or `data.oss.object.key`) is not affected.
source "$(dirname "$0")/lib/setup.sh"
pip_install venv cloudevents==2.2.0
npm_install cloudevents@10.0.0
cat >"$work/python.py" <<'PY'
import json
import sys
from cloudevents.core.bindings.http import HTTPMessage, from_http_event, to_binary_event
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1.http import from_http as v1_from_http

if sys.argv[1] == "send":
    attributes = {"specversion": "1.0", "id": "1", "source": "acs.oss", "type": "t", "subject": sys.argv[2],
                  "datacontenttype": "application/json"}
    message = to_binary_event(CloudEvent(attributes=attributes, data={}))
    print(json.dumps({"headers": dict(message.headers), "body": message.body.decode()}))
else:
    message = json.load(sys.stdin)
    body = message["body"].encode()
    print(json.dumps([from_http_event(HTTPMessage(headers=message["headers"], body=body)).get_subject(),
                      v1_from_http(message["headers"], body)["subject"]]))
PY
cat >"$work/javascript.mjs" <<'JS'
import { readFileSync } from 'node:fs';
import { CloudEvent, HTTP } from 'cloudevents';

if (process.argv[2] === 'send') {
  const event = new CloudEvent({ id: '1', source: 'acs.oss', type: 't', subject: process.argv[3], datacontenttype: 'application/json', data: {} });
  console.log(JSON.stringify(HTTP.binary(event)));
} else {
  console.log(JSON.stringify(HTTP.toEvent(JSON.parse(readFileSync(0))).subject));
}
JS
python() { timeout 60 "$work/venv/bin/python" "$work/python.py" "$@"; }
javascript() { timeout 60 node "$work/javascript.mjs" "$@"; }
expect() {
  echo "$1: $2"
  [ "$2" = "$3" ] || { echo "the behaviour has changed: it was $3" >&2; exit 1; }
}
expect "Python to Python, core and v1" "$(python send 'b/a b.txt' | python receive)" '["b/a b.txt", "b/a%20b.txt"]'
expect "Python to JavaScript" "$(python send 'b/a b.txt' | javascript receive)" '"b/a%20b.txt"'
expect "JavaScript to JavaScript" "$(javascript send 'b/100%25.txt' | javascript receive)" '"b/100%25.txt"'
expect "JavaScript to Python, core and v1" "$(javascript send 'b/100%25.txt' | python receive)" '["b/100%.txt", "b/100%25.txt"]'
