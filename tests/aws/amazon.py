"""Amazon's S3, SQS and IAM as moto plays them, every signature and policy checked, and small helpers for every test."""

import atexit
import contextlib
import functools
import itertools
import json
import pathlib
import subprocess
import sys
import urllib.request

import boto3
import botocore.config
import botocore.exceptions

REGION = "eu-west-1"
ACCOUNT = "123456789012"
NUMBERS = itertools.count(1)


def _policies():
    """The policy that docs/sources.md recommends, by what each part of it is for."""
    document = (pathlib.Path(__file__).parents[2] / "docs" / "sources.md").read_text("utf-8")
    section = document.split("\n## A worker instead of Lambda\n")[1]
    policy = json.loads(section.split("```json\n")[1].split("```")[0])
    worker, *source = policy["Statement"]
    parts = {"worker": {**policy, "Statement": [worker]}, "source": {**policy, "Statement": source}}
    # What no worker can do with.
    parts["reader"] = json.loads(json.dumps(parts["worker"]).replace('"sqs:DeleteMessage", ', ""))
    return parts


POLICIES = _policies()


def _start():
    server = subprocess.Popen(
        [sys.executable, pathlib.Path(__file__).parent / "server.py"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    url = server.stdout.readline().strip()

    def stop():
        server.stdin.close()
        server.wait(timeout=30)

    atexit.register(stop)
    return url


URL = _start()


def client(service, keys):
    """A boto3 client with an access key."""
    return boto3.client(
        service, endpoint_url=URL, region_name=REGION,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"], aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=keys.get("AWS_SESSION_TOKEN"),
        config=botocore.config.Config(s3={"addressing_style": "path"}, max_pool_connections=32),
    )


def _user(iam, policy):
    name = f"user-{next(NUMBERS)}"
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="policy", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


@functools.cache
def admin():
    """An access key that may do everything. From its making on moto checks signatures and policies."""
    anything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    keys = _user(client("iam", {"AWS_ACCESS_KEY_ID": "made", "AWS_SECRET_ACCESS_KEY": "up"}), anything)
    checked = urllib.request.Request(f"{URL}/moto-api/reset-auth", b"0", {"content-type": "text/plain"}, method="POST")
    urllib.request.urlopen(checked, timeout=30).close()
    return keys


def user(policy, **names):
    """An access key with a policy that docs/sources.md recommends, for the given resources."""
    return _user(client("iam", admin()), _policy(policy, names))


def role(policy, **names):
    """Temporary keys of a role with such a policy."""
    iam, name = client("iam", admin()), f"role-{next(NUMBERS)}"
    anybody = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    trust = {"Version": "2012-10-17", "Statement": [anybody]}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="policy", PolicyDocument=json.dumps(_policy(policy, names)))
    made = client("sts", admin()).assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
        "AWS_SESSION_TOKEN": made["SessionToken"],
    }


def _policy(policy, names):
    text = json.dumps(POLICIES[policy])
    for placeholder, value in names.items():
        text = text.replace(f"<{placeholder.replace('_', ' ')}>", value)
    assert "<" not in text, text
    # At Amazon a permission covers the batch form of its request; moto looks for the name of the request itself.
    for action in ("DeleteMessage", "ChangeMessageVisibility"):
        text = text.replace(f'"sqs:{action}"', f'"sqs:{action}", "sqs:{action}Batch"')
    return json.loads(text)


class Uploads:
    """A bucket whose uploads are told to a queue that has a dead-letter queue."""

    def __init__(self, visibility=30, max_receives=5):
        self.s3, self.sqs = client("s3", admin()), client("sqs", admin())
        number = next(NUMBERS)
        self.bucket, self.queue = f"uploads-{number}", f"uploads-{number}"
        self.dead = self.sqs.create_queue(QueueName=f"{self.queue}-dead")["QueueUrl"]
        redrive = {"deadLetterTargetArn": self.arn(f"{self.queue}-dead"), "maxReceiveCount": str(max_receives)}
        attributes = {"VisibilityTimeout": str(visibility), "RedrivePolicy": json.dumps(redrive)}
        self.url = self.sqs.create_queue(QueueName=self.queue, Attributes=attributes)["QueueUrl"]
        self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.s3.put_bucket_notification_configuration(
            Bucket=self.bucket,
            NotificationConfiguration={
                "QueueConfigurations": [{"QueueArn": self.arn(self.queue), "Events": ["s3:ObjectCreated:*"]}]
            },
        )

    @staticmethod
    def arn(queue):
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"

    def put(self, key, body=b"content", **options):
        return self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **options)

    def put_all(self, keys):
        """Uploads what moto takes of these keys: it knows no paths that begin with a slash, say."""
        taken = set()
        for key in keys:
            with contextlib.suppress(botocore.exceptions.ClientError):
                self.put(key, key.encode())
                taken.add(key)
        return taken

    def send(self, bodies):
        """Puts messages into the queue, ten to a request."""
        bodies = list(bodies)
        for start in range(0, len(bodies), 10):
            batch = enumerate(bodies[start:start + 10])
            entries = [{"Id": str(index), "MessageBody": body} for index, body in batch]
            assert not self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries).get("Failed")

    def count(self, url=None):
        """Messages that wait, and those that somebody received."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=url or self.url, AttributeNames=names)["Attributes"]
        return tuple(int(found[name]) for name in names)
