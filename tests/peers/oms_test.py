"""huaweicloudsdkoms, Huawei Cloud's Python client of OMS: sync tasks and their events, migration tasks."""

import contextlib
import json
import pathlib
import time
import unittest
from unittest import mock
from urllib.parse import quote

import obs
import oss2
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions import exceptions
from huaweicloudsdkcore.utils.http_utils import sanitize_for_serialization
from huaweicloudsdkoms import v2 as oms

import twin


def encode(key):
    return quote(key, safe="")


class SyncTask(unittest.TestCase):
    """Every test has a task of its own, from one OSS bucket to one OBS bucket."""

    def setUp(self):
        name = "oms-" + self._testMethodName.removeprefix("test_").replace("_", "-")
        self.source_name, self.destination_name = name[:60].rstrip("-"), name[:50].rstrip("-") + "-copy"
        twin.admin("POST", f"/buckets/oss/{self.source_name}")
        twin.admin("POST", f"/buckets/obs/{self.destination_name}")
        names = {"source": self.source_name, "destination": self.destination_name}
        self.task = twin.admin("POST", "/tasks", names)
        self.id = self.task["sync_task_id"]
        account = twin.OSS_ACCOUNT
        auth = oss2.make_auth(account["access_key"], account["secret_key"], oss2.AUTH_VERSION_4)
        self.source = oss2.Bucket(
            auth, twin.READY["oss_url"], self.source_name, region=twin.READY["region"], is_path_style=True
        )
        self.client = self.new_client()

    def new_client(self, secret=None, access_key=None):
        account = twin.HUAWEI_ACCOUNT
        credentials = BasicCredentials(
            access_key or account["access_key"], secret or account["secret_key"], self.task["project_id"]
        )
        return (
            oms.OmsClient.new_builder()
            .with_credentials(credentials)
            .with_endpoint(twin.READY["oms_url"])
            .build()
        )

    def send(self, keys, client=None, task=None):
        request = oms.CreateSyncEventsRequest(task or self.id, oms.SyncObjectReq(keys))
        return (client or self.client).create_sync_events(request)

    def settled(self):
        self.assertTrue(twin.admin("POST", "/wait", {"idle": True})["met"])

    def destination(self):
        account = twin.HUAWEI_ACCOUNT
        client = obs.ObsClient(
            access_key_id=account["access_key"], secret_access_key=account["secret_key"], server=twin.READY["obs_url"]
        )
        self.addCleanup(client.close)
        return client

    @contextlib.contextmanager
    def refused(self, status, code, text=""):
        with self.assertRaises(exceptions.ClientRequestException) as raised:
            yield
        error = raised.exception
        self.assertEqual((error.status_code, error.error_code), (status, code))
        self.assertIn(text, error.error_msg)

    def test_ten_keys_are_taken_and_every_object_arrives(self):
        keys = [key for key in twin.AWKWARD_KEYS.values() if key != "dir/"][:10]
        for key in keys:
            self.source.put_object(key, f"content of {key}", headers={"x-oss-meta-origin": "peer"})
        response = self.send([encode(key) for key in keys])
        self.assertEqual(response.status_code, 200)
        self.settled()
        destination = self.destination()
        for key in keys:
            with self.subTest(key):
                copy = destination.getObject(self.destination_name, key, loadStreamInMemory=True)
                self.assertEqual(copy.status, 200)
                self.assertEqual(copy.body.buffer, f"content of {key}".encode())
                self.assertEqual(dict(copy.header)["origin"], "peer")

    def test_every_awkward_key_survives_the_encoding(self):
        for key in twin.AWKWARD_KEYS.values():
            self.source.put_object(key, b"x")
            self.send([encode(key)])
        self.settled()
        arrived = twin.admin("GET", f"/buckets/obs/{self.destination_name}")
        self.assertEqual(sorted(arrived), sorted(twin.AWKWARD_KEYS.values()))

    def test_eleven_keys_are_refused_and_none_is_taken(self):
        keys = [f"key-{number}" for number in range(11)]
        for key in keys:
            self.source.put_object(key, b"x")
        with self.refused(400, "OMS.0064"):
            self.send(keys)
        self.settled()
        self.assertEqual(twin.admin("GET", f"/buckets/obs/{self.destination_name}"), [])

    def test_no_keys_at_all_are_refused(self):
        with self.refused(400, "OMS.0064"):
            self.send([])

    def test_an_unencoded_key_is_refused(self):
        for key in ("dir/file", "a b", "a+b", "测试", "100%"):
            with self.subTest(key), self.refused(400, "OMS.0064"):
                self.send(["good", key])

    def test_an_unknown_task_is_not_found(self):
        with self.refused(404, "OMS.0054"):
            self.send(["k"], task="31e9b7e6-6ffb-452f-9842-6ce354d99d75")
        with self.refused(404, "OMS.0054"):
            self.client.show_sync_task(oms.ShowSyncTaskRequest("nothing", int(time.time() * 1000)))

    def test_a_wrong_secret_is_refused_at_the_gateway(self):
        with self.refused(401, "APIGW.0301", "verify aksk signature fail"):
            self.send(["k"], self.new_client(secret=twin.WRONG_SECRET))
        # A good signature takes the failed one off the count that locks the key.
        self.send(["k"])
        self.settled()

    def test_an_unknown_access_key_is_refused_at_the_gateway(self):
        with self.refused(401, "APIGW.0301", "ak not exist"):
            self.send(["k"], self.new_client(access_key="NOBODYSACCESSKEY0000"))

    def test_a_clock_16_minutes_off_is_refused_and_14_is_not(self):
        for minutes in (16, -16):
            with mock.patch("huaweicloudsdkcore.signer.signer.datetime", twin.clock(minutes)):
                with self.refused(401, "APIGW.0301", "signature expired"):
                    self.send(["k"])
        for minutes in (14, -14):
            with mock.patch("huaweicloudsdkcore.signer.signer.datetime", twin.clock(minutes)):
                self.send(["k"])
        self.settled()

    def test_the_task_is_shown_with_the_counters_of_the_month(self):
        self.source.put_object("there", b"12345")
        self.send(["there", "missing"])
        self.settled()
        shown = self.client.show_sync_task(oms.ShowSyncTaskRequest(self.id, int(time.time() * 1000)))
        self.assertEqual((shown.sync_task_id, shown.status), (self.id, "SYNCHRONIZING"))
        self.assertEqual((shown.src_bucket, shown.dst_bucket), (self.source_name, self.destination_name))
        self.assertEqual((shown.src_cloud_type, shown.src_region), ("Aliyun", twin.READY["region"]))
        self.assertEqual(shown.monthly_acceptance_request, 2)
        self.assertEqual((shown.monthly_success_object, shown.monthly_failure_object), (1, 1))
        self.assertEqual((shown.monthly_skip_object, shown.monthly_size), (0, 5))

    def test_tasks_are_listed_page_by_page_and_by_status(self):
        self.client.stop_sync_task(oms.StopSyncTaskRequest(self.id))
        stopped = self.client.list_sync_tasks(oms.ListSyncTasksRequest(limit=100, status="STOPPED"))
        self.assertEqual([task.sync_task_id for task in stopped.tasks], [self.id])
        with self.assertRaises(exceptions.ClientRequestException):
            self.send(["k"])
        self.client.start_sync_task(
            oms.StartSyncTaskRequest(self.id, oms.StartSyncTaskReq("src-ak", "src-sk", "dst-ak", "dst-sk"))
        )
        everything = self.client.list_sync_tasks(oms.ListSyncTasksRequest(limit=100))
        self.assertIn(self.id, [task.sync_task_id for task in everything.tasks])
        pages = [
            self.client.list_sync_tasks(oms.ListSyncTasksRequest(limit=1, offset=offset)).tasks[0].sync_task_id
            for offset in range(everything.count)
        ]
        self.assertEqual(pages, [task.sync_task_id for task in everything.tasks])

    def test_statistics_count_what_was_sent_and_what_became_of_it(self):
        self.source.put_object("there", b"12345")
        start = int(time.time() * 1000) - 600_000
        self.send(["there", "missing"])
        self.settled()
        answer = self.client.list_sync_task_statistic(
            oms.ListSyncTaskStatisticRequest(
                self.id, "REQUEST,SUCCESS,FAILURE,SKIP,SIZE", start, int(time.time() * 1000)
            )
        )
        self.assertEqual(answer.statistic_time_type, "FIVE_MINUTES")
        totals = {
            series.data_type: sum(point.statistic_num for point in series.data) for series in answer.statistic_datas
        }
        self.assertEqual(totals, {"REQUEST": 2, "SUCCESS": 1, "FAILURE": 1, "SKIP": 0, "SIZE": 5})

    def put_list(self, keys, content_type="text/plain", name="lists/keys.txt"):
        text = "".join(encode(key) + "\n" for key in keys)
        headers = obs.PutObjectHeader(contentType=content_type)
        answer = self.destination().putContent(self.destination_name, name, text, headers=headers)
        self.assertLess(answer.status, 300)
        return oms.ListFile(list_file_key=name, obs_bucket=self.destination_name)

    def list_task(self, list_file, **changes):
        source, huawei = twin.OSS_ACCOUNT, twin.HUAWEI_ACCOUNT
        return oms.CreateTaskReq(
            task_type="list",
            src_node=oms.SrcNodeReq(
                cloud_type="Aliyun",
                region=twin.READY["region"],
                ak=source["access_key"],
                sk=changes.pop("source_secret", source["secret_key"]),
                bucket=self.source_name,
                list_file=list_file,
            ),
            dst_node=oms.DstNodeReq(
                ak=huawei["access_key"], sk=huawei["secret_key"], bucket=self.destination_name, region="cn-north-4"
            ),
            **changes,
        )

    def run_task(self, request):
        created = self.client.create_task(oms.CreateTaskRequest(request))
        self.settled()
        return created, self.client.show_task(oms.ShowTaskRequest(created.id))

    def test_a_migration_task_copies_the_objects_of_its_list(self):
        keys = list(twin.AWKWARD_KEYS.values())
        for key in [*keys, "not on the list"]:
            self.source.put_object(key, f"content of {key}")
        created, shown = self.run_task(self.list_task(self.put_list(keys), description="by the peer"))
        self.assertEqual((shown.id, shown.name, shown.status), (created.id, created.task_name, 5))
        self.assertEqual((shown.total_num, shown.successful_num, shown.failed_num), (len(keys), len(keys), 0))
        self.assertEqual((shown.progress, shown.description), (1.0, "by the peer"))
        arrived = [
            key
            for key in twin.admin("GET", f"/buckets/obs/{self.destination_name}")
            if not key.startswith(("oms/", "lists/"))
        ]
        self.assertEqual(sorted(arrived), sorted(keys))
        listed = self.client.list_tasks(oms.ListTasksRequest(limit=100))
        self.assertEqual([task.id for task in listed.tasks if task.description == "by the peer"], [created.id])

    def test_what_a_migration_task_could_not_copy_is_on_its_failed_list(self):
        self.source.put_object("there", b"1")
        _, shown = self.run_task(self.list_task(self.put_list(["there", "dir/gone"])))
        self.assertEqual((shown.status, shown.error_reason.error_code, shown.failed_num), (4, "TRF.0004", 1))
        self.assertTrue(shown.failed_object_record.result)
        key = shown.failed_object_record.list_file_key
        self.assertTrue(key.startswith(f"oms/task/{shown.name}/failed_object_lists/"), key)
        lost = self.destination().getObject(self.destination_name, key, loadStreamInMemory=True)
        self.assertIn(b"dir%2Fgone", lost.body.buffer)

    def test_a_migration_task_fails_for_the_documented_reasons(self):
        self.source.put_object("there", b"1")
        there = self.put_list(["there"])
        nowhere = oms.ListFile(list_file_key="lists/none.txt", obs_bucket=self.destination_name)
        for code, request in (
            ("TRF.0012", self.list_task(self.put_list(["gone"], name="lists/gone.txt"))),
            ("TRF.0013", self.list_task(nowhere)),
            ("TRF.0014", self.list_task(self.put_list(["there"], name="lists/keys.csv"))),
            ("TRF.0017", self.list_task(self.put_list([], name="lists/empty.txt"))),
            ("TRF.0019", self.list_task(self.put_list(["there"], "text/html", "lists/page.txt"))),
            ("TRF.0151", self.list_task(there, source_secret=twin.WRONG_SECRET)),
        ):
            with self.subTest(code):
                _, shown = self.run_task(request)
                self.assertEqual((shown.status, shown.error_reason.error_code), (4, code))

    def test_the_bridges_request_for_a_migration_task_is_one_of_the_clients_models(self):
        text = (pathlib.Path(__file__).parents[2] / "fixtures/oms/create-list-task.json").read_text("utf-8")
        body = json.loads(text)
        source, destination = dict(body["src_node"]), body["dst_node"]
        source["list_file"] = oms.ListFile(**source["list_file"])
        nodes = {"src_node": oms.SrcNodeReq(**source), "dst_node": oms.DstNodeReq(**destination)}
        request = oms.CreateTaskReq(**{**body, **nodes})
        self.assertEqual(sanitize_for_serialization(request), body)
