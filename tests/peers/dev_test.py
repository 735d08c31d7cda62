"""The lines that `oms-bridge dev` prints for the official clients, run as pasted. tests/tests/e2e/dev.rs runs the others."""

import os
import signal
import subprocess
import tempfile
import unittest

BINARY = os.environ["OMS_BRIDGE"]


class Lines(unittest.TestCase):
    """One `dev` for all; each client uploads to it."""

    @classmethod
    def setUpClass(cls):
        cls.dev = subprocess.Popen(
            [BINARY, "dev", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        cls.lines = []
        for line in cls.dev.stdout:
            if line == "What happens:\n":
                break
            cls.lines.append(line)

    @classmethod
    def tearDownClass(cls):
        cls.dev.send_signal(signal.SIGINT)
        cls.dev.wait(30)
        cls.dev.stdout.close()

    def paste(self, program):
        (line,) = [line for line in self.lines if line.startswith(f"  {program} ")]
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                ["bash", "-c", line], cwd=folder, capture_output=True, text=True, timeout=120, check=False
            )
        self.assertEqual((done.returncode, done.stdout), (0, "200\n"), (line, done.stderr))

    def test_oss2(self):
        self.paste("python3 -c")

    def test_ali_oss(self):
        self.paste("node -e")


if __name__ == "__main__":
    unittest.main()
