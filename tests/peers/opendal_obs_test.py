"""Apache OpenDAL's service `obs`."""

import unittest

from opendal_peer import OpenDal


class Obs(OpenDal, unittest.TestCase):
    service = "obs"
    # What else it is given it leaves out.
    metadata = {}
