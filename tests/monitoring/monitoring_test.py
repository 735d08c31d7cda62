"""Alert rules and the dashboard against the metrics of a real run.

A world in order and one in trouble are made on cloud-twin and read as Prometheus would read them. `promtool test rules` then
plays half an hour of the first and an hour of the second to the rules: silence, then each of the alerts.
"""

import contextlib
import datetime
import json
import os
import pathlib
import re
import sys
import time
import unittest

import product
import promtool

MONITORING = pathlib.Path(__file__).parents[2] / "deploy" / "monitoring"
ALERTS = MONITORING / "alerts.yml"
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))

# The minute in which trouble begins.
TURN = 30

# What takes longer to fall ill than a test should take: the values that the real series get.
SLOW = {
    "oms_bridge_queue_healthy": 0,
    "oms_bridge_messages_in_flight": 7,
    "oms_bridge_oldest_unconfirmed_seconds": 7200,
    "oms_bridge_reconcile_ended_timestamp_seconds": -200_000,
    "oms_bridge_reconcile_keys": 3,
}


class World:
    """Expositions by instance."""

    def __init__(self):
        self.texts = {}
        self.read_at = time.time()

    def series(self):
        """All values. Moments become seconds before the start of the clock of `promtool test rules`, which is 0."""
        found = {}
        for instance, text in self.texts.items():
            for series, value in promtool.samples(text, instance=instance, job="oms-bridge").items():
                if re.match(r"\w+_timestamp_seconds\b", series):
                    value -= self.read_at
                found[series] = value
        return found

    def kinds(self):
        kinds = {}
        for text in self.texts.values():
            kinds |= promtool.kinds(text)
        return kinds


def in_order():
    world = World()
    with product.serve(**product.both_sides()) as serve, product.desk() as desk, product.consume() as consume:
        assert product.event(serve, "a.jpg") == "true"
        assert product.tick(serve, "reconcile") == "true"
        for instance, url in (("serve", serve), ("desk", desk), ("consume", consume)):
            world.texts[instance] = product.metrics(url)
    # First: of a key that is sent by hand nobody knows the size.
    status = product.run("status", "status", "--json")
    world.texts["files"] = merged(product.run("nightly", "send", "b.jpg"), status)
    world.read_at = time.time()
    return world


def in_trouble():
    world = World()
    with product.serve(HW_SK="not-the-secret") as serve:
        for key in ("c.jpg", "d.jpg", "e.jpg"):
            assert product.event(serve, key) == "false"
        denied = {"status": 403, "code": "AccessDenied", "message": "no"}
        with product.fault(service="oss", method="PUT", action={"respond": denied}):
            assert "JournalUnavailable" in product.event(serve, "f.jpg")
        world.texts["serve"] = product.metrics(serve)
    long_ago = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=2)
    failed = {"v": 1, "key": "old.jpg", "class": "transient", "first_failed_at": f"{long_ago:%Y-%m-%dT%H:%M:%SZ}"}
    product.put_record("failed_object", "old.jpg", json.dumps(failed))
    product.put_record("dead_object", "dead.jpg", json.dumps({"v": 1, "key": "dead.jpg"}))
    world.texts["files"] = merged(
        product.killed("killed", "send", "-"),
        product.run("broken", "send", "g.jpg", code=2, HW_SK=""),
        late(),
    )
    world.read_at = time.time()
    return world


def late():
    """What `status` says once the keys that were accepted are late: nothing has confirmed them."""
    deadline = time.monotonic() + product.PATIENCE
    while True:
        text = product.run("status", "status", "--json", ARRIVE_WITHIN="1s")
        missed = [value for series, value in promtool.samples(text).items() if "operations_missed_threshold" in series]
        if missed[0] > 0:
            return text
        assert time.monotonic() < deadline, text


def merged(*texts):
    """Several files as one collector reads them: each metric described once."""
    lines = {}
    for line in "".join(texts).splitlines():
        lines.setdefault(line.split()[2] if line.startswith("#") else re.split(r"[{ ]", line)[0], {})[line] = None
    return "".join(f"{line}\n" for family in lines.values() for line in family)


class Monitoring(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.good = in_order()
        cls.bad = in_trouble()
        cls.kinds = cls.good.kinds() | cls.bad.kinds()

    def test_every_exposition_is_well_formed(self):
        for world in (self.good, self.bad):
            for instance, text in world.texts.items():
                with self.subTest(instance):
                    promtool.promtool("check", "metrics", text=text)

    def test_the_rules_are_well_formed(self):
        promtool.promtool("check", "rules", ALERTS)

    def test_rules_and_panels_ask_for_what_there_is(self):
        targets = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
        rules = "\n".join(line for line in ALERTS.read_text("utf-8").splitlines() if "annotations" not in line)
        for expression in [*targets, rules]:
            self.assertEqual(promtool.names(expression) - self.kinds.keys(), set(), expression)
        # Every panel shows something that a panel before it does not.
        self.assertEqual(len(targets), len(set(targets)))

    def test_every_panel_can_be_asked_for_and_shows_the_real_run(self):
        """Each query as a recording rule, played over the real run: a name or a label that is wrong has no value."""
        rules, tests = [], []
        for panel in DASHBOARD["panels"]:
            for target in panel["targets"]:
                name = f"panel:{panel['id']}:{target['refId']}"
                query = target["expr"].replace("$task", ".*")
                self.assertNotIn("$", query, panel["title"])
                rules.append({"record": name, "expr": query})
                there = f"count(count({name}) > 0)"
                tests.append({"expr": there, "eval_time": "40m", "exp_samples": [{"labels": "{}", "value": 1}]})
        self.play(rules=rules, expected=tests)

    def test_nothing_is_reported_of_a_world_in_order_and_everything_of_one_in_trouble(self):
        soon = {
            "OmsBridgeBreakerOpen",
            "OmsBridgeComparisonStale",
            "OmsBridgeComparisonUnknown",
            "OmsBridgeDeadKeys",
            "OmsBridgeJournalRefusing",
            "OmsBridgeKeysUnrecorded",
            "OmsBridgeKeysWaiting",
            "OmsBridgeMissedThreshold",
            "OmsBridgeOldestUnconfirmed",
            "OmsBridgeQueueUnreachable",
            "OmsBridgeRunFailed",
            "OmsBridgeRunSilent",
            "OmsBridgeStatusStale",
        }
        # Of errors that are over nothing is said any more; a worker is stalled after a quarter of an hour.
        later = soon - {"OmsBridgeJournalRefusing", "OmsBridgeKeysUnrecorded"} | {"OmsBridgeQueueStalled"}
        every = set(re.findall(r"alert: (\w+)", ALERTS.read_text("utf-8")))
        self.assertEqual(soon | later, every)
        firing = 'count by (alertname) (ALERTS{alertstate="firing"})'

        def at(minute, alerts):
            samples = [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in sorted(alerts)]
            return {"expr": firing, "eval_time": f"{minute}m", "exp_samples": samples}

        self.play(expected=[at(TURN - 1, []), at(TURN + 9, soon), at(TURN + 25, later)])

    def play(self, expected, rules=None):
        """Half an hour in order and one in trouble, and what `expected` expressions say then."""
        scratch = product.SCRATCH
        files = [ALERTS]
        if rules is not None:
            files = [scratch / "panels.yml"]
            files[0].write_text(promtool.as_yaml({"groups": [{"name": "panels", "rules": rules}]}))
        good, bad = self.good.series(), self.bad.series()
        series = []
        for name in sorted(good.keys() | bad.keys()):
            metric = name.split("{")[0]
            before, after = good.get(name), bad.get(name, good.get(name))
            after = SLOW.get(metric, after)
            family = re.sub(r"_(bucket|sum|count)$", "", metric)
            if before is not None and self.kinds.get(metric, self.kinds.get(family)) != "gauge":
                # In trouble another process counted, from 0.
                after = before + bad.get(name, 0)
            # A value and so many more of it; of nothing there is only so much.
            first = f"_x{TURN}" if before is None else f"{before!r}x{TURN - 1}"
            series.append({"series": name, "values": f"{first} {after!r}x60"})
        test = {"interval": "1m", "input_series": series, "promql_expr_test": expected}
        document = {"rule_files": [str(file) for file in files], "evaluation_interval": "1m", "tests": [test]}
        file = scratch / "test.yml"
        file.write_text(promtool.as_yaml(document))
        promtool.promtool("test", "rules", file)


if __name__ == "__main__":
    unittest.main(verbosity=2)
