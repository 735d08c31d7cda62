#!/usr/bin/env bash
# aws-lambda-powertools 3.37.0 (Python): two readers of one package name two different objects.
#
# S3 sends object keys form-encoded in its own notifications, and as they are in the events of EventBridge. The class
# S3EventBridgeNotificationEvent form-decodes the key of EventBridge all the same; the model
# S3EventNotificationEventBridgeModel returns it as sent. For S3's own notifications, where decoding is right,
# S3Event.object_key decodes, but the model S3Model and the `get_object.key` of a record do not.
#
# Seen: EventBridge key "a+b%20c.txt": class "a b c.txt", model "a+b%20c.txt".
#       S3 key "red+flo%2Bwer.jpg" (object "red flo+wer.jpg"): object_key decoded, record and model as sent.
#
# Why it matters: a handler that moves objects by this class asks for "a b c.txt" and gets 404 for an object that is
# there. Only names with "+" or "%" are affected, so an ordinary test does not show it.
source "$(dirname "$0")/lib/setup.sh"
pip_install venv aws-lambda-powertools==3.37.0 pydantic==2.14.4
run_python venv <<'PY'
from answering import expect
from aws_lambda_powertools.utilities.data_classes import S3Event, S3EventBridgeNotificationEvent
from aws_lambda_powertools.utilities.parser.models import S3EventNotificationEventBridgeModel, S3Model

bridge = {
    "version": "0", "id": "1", "detail-type": "Object Created", "source": "aws.s3", "account": "123456789012",
    "time": "2026-01-01T00:00:00Z", "region": "us-east-1", "resources": ["arn:aws:s3:::bucket"],
    "detail": {
        "version": "0", "bucket": {"name": "bucket"}, "request-id": "r", "requester": "123456789012",
        "source-ip-address": "192.0.2.1", "reason": "PutObject",
        "object": {"key": "a+b%20c.txt", "size": 5, "etag": "b1946ac92492d2347c6235b4d2611184", "sequencer": "00"},
    },
}
expect("EventBridge, class", S3EventBridgeNotificationEvent(bridge).detail.object.key, "a b c.txt")
expect("EventBridge, model", S3EventNotificationEventBridgeModel.model_validate(bridge).detail.object.key, "a+b%20c.txt")

notification = {"Records": [{
    "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventTime": "2026-01-01T00:00:00.000Z",
    "eventName": "ObjectCreated:Put", "userIdentity": {"principalId": "p"},
    "requestParameters": {"sourceIPAddress": "192.0.2.1"},
    "responseElements": {"x-amz-request-id": "r", "x-amz-id-2": "i"},
    "s3": {
        "s3SchemaVersion": "1.0", "configurationId": "c",
        "bucket": {"name": "bucket", "ownerIdentity": {"principalId": "p"}, "arn": "arn:aws:s3:::bucket"},
        "object": {"key": "red+flo%2Bwer.jpg", "size": 1, "eTag": "e", "sequencer": "00"},
    },
}]}
event = S3Event(notification)
expect("notification, object_key", event.object_key, "red flo+wer.jpg")
expect("notification, record", next(event.records).s3.get_object.key, "red+flo%2Bwer.jpg")
expect("notification, model", S3Model.model_validate(notification).Records[0].s3.object.key, "red+flo%2Bwer.jpg")
PY
