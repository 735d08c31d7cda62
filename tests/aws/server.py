"""moto's server on a free port of the loopback interface, until standard input is closed. Prints its URL."""

import logging
import sys
import threading
import time

from moto.server import ThreadedMotoServer
from moto.sqs import models


def hasten():
    """moto goes through all messages of a queue several times in each request; ten thousand make that slow, and requests at the
    same moment trip over it. The same results, with less of that."""
    models.unix_time_millis = lambda: time.time() * 1000
    groups = models.Queue.pending_message_groups.fget
    models.Queue.pending_message_groups = property(lambda own: groups(own) if own.fifo_queue else set())

    # All attributes are read to learn one of them: messages are counted for those who ask.
    thread, attributes = threading.local(), models.SQSBackend.get_queue_attributes

    def counted(self, queue, names):
        thread.counts = any(name == "All" or name.startswith("Approximate") for name in names)
        try:
            return attributes(self, queue, names)
        finally:
            thread.counts = False

    def when_asked(count):
        return property(lambda own: count(own) if getattr(thread, "counts", False) else 0)

    models.SQSBackend.get_queue_attributes = counted
    for suffix in ("", "_delayed", "_not_visible"):
        name = f"approximate_number_of_messages{suffix}"
        setattr(models.Queue, name, when_asked(getattr(models.Queue, name).fget))

    def delete_message(self, receipt_handle):
        if receipt_handle in self.deleted_messages:
            return
        message = next((own for own in self._messages if own.had_receipt_handle(receipt_handle)), None)
        if message is None:
            raise models.ReceiptHandleIsInvalid()
        self.pending_messages.discard(message)
        self.deleted_messages.update(message.all_receipt_handles)
        self._messages = [own for own in self._messages if own is not message]

    models.Queue.delete_message = delete_message


hasten()
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
host, port = server.get_host_and_port()
print(f"http://{host}:{port}", flush=True)
sys.stdin.read()
server.stop()
