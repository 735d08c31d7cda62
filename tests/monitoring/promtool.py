"""promtool, and the text format that it and Prometheus read."""

import json
import re
import subprocess

SAMPLE = re.compile(r"^(?P<name>[a-z_]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$")


def promtool(*arguments, text=None):
    done = subprocess.run(["promtool", *arguments], input=text, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"promtool {' '.join(map(str, arguments))}:\n{done.stdout}{done.stderr}\n{text or ''}"


def samples(text, **labels):
    """The values by series, with more labels as a scrape adds them."""
    added = [f'{name}="{value}"' for name, value in labels.items()]
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            sample = SAMPLE.match(line)
            assert sample, line
            own = [sample["labels"]] if sample["labels"] else []
            series = f"{sample['name']}{{{','.join(own + added)}}}"
            found[series] = float(sample["value"])
    return found


def kinds(text):
    return dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE "))


def names(expression):
    """The metrics of ours in an expression, as families."""
    series = re.findall(r"\boms_bridge_[a-z_]+", expression)
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in series}


def as_yaml(document):
    """YAML is a superset of JSON."""
    return json.dumps(document, indent=1)
