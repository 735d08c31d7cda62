"""Runs one module of tests and appends `client passed failed` to the tally; exits 1 on any failure."""

import sys
import unittest


class Result(unittest.TextTestResult):
    """Counts tests, not sub-tests, so that passed and failed add up."""

    def __init__(self, *args, **named):
        super().__init__(*args, **named)
        self.broken = set()

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.broken.add(test.id())

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.broken.add(test.id())

    def addError(self, test, error):
        super().addError(test, error)
        self.broken.add(test.id())


def main(client, tally):
    suite = unittest.defaultTestLoader.loadTestsFromName(f"{client}_test")
    result = unittest.TextTestRunner(verbosity=2, resultclass=Result).run(suite)
    failed = len(result.broken)
    with open(tally, "a", encoding="utf-8") as lines:
        print(client, result.testsRun - failed, failed, file=lines)
    return 1 if failed or not result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
