#!/usr/bin/env bash
# cloudevents 2.2.0 (Python) and 10.0.0 (npm): an event that arrives without `time` has one after parsing, the present.
#
# `time` is optional. Both SDKs fill it in while they read, and the event then cannot be told from one that came with a
# time. The JavaScript SDK also rewrites a time that was sent: to UTC, cut (not rounded) to milliseconds.
#
# Seen: without `time`, both give the current time, different at each parse. "2026-03-11T13:40:45.123999+08:00" is
#       "2026-03-11T05:40:45.123Z" in JavaScript.
#
# Why it matters: the age of such an event is always zero, so a late delivery, a replayed queue or a delay that should
# alarm somebody does not show, and whoever orders by time puts the oldest event last. Two events within one millisecond
# are the same moment after a pass through JavaScript. Take order and age from the event's data.
source "$(dirname "$0")/lib/setup.sh"
pip_install venv cloudevents==2.2.0
npm_install cloudevents@10.0.0
run_python venv <<'PY'
import datetime
import json
from answering import expect
from cloudevents.core.bindings.http import HTTPMessage, from_http_event

body = json.dumps({"specversion": "1.0", "id": "1", "source": "acs.oss", "type": "t", "data": {}}).encode()
message = HTTPMessage(headers={"content-type": "application/cloudevents+json"}, body=body)
before = datetime.datetime.now(datetime.timezone.utc)
first, second = from_http_event(message).get_time(), from_http_event(message).get_time()
after = datetime.datetime.now(datetime.timezone.utc)
expect("Python, both times are those of parsing", before <= first < second <= after, True)
PY
run_node <<'JS'
import { HTTP } from 'cloudevents';
import { expect } from './answering.mjs';

const read = (more) => HTTP.toEvent({
  headers: { 'content-type': 'application/cloudevents+json' },
  body: JSON.stringify({ specversion: '1.0', id: '1', source: 'acs.oss', type: 't', data: {}, ...more }),
}).time;
const before = new Date().toISOString();
const time = read({});
expect('JavaScript, the time is that of parsing', before <= time && time <= new Date().toISOString(), true);
expect('JavaScript, a time that was sent', read({ time: '2026-03-11T13:40:45.123999+08:00' }), '2026-03-11T05:40:45.123Z');
JS
