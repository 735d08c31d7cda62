"""Apache OpenDAL's service `oss`."""

import unittest

from opendal_peer import OpenDal


class Oss(OpenDal, unittest.TestCase):
    service = "oss"
    metadata = {"user_metadata": {"origin": "peer"}}
