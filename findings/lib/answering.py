"""A server on loopback that answers what it is told and keeps what it was sent; it ends with the process."""

import http.server
import sys
import threading


class Server:
    """`answer` gets each request as a dict and returns (status, headers, body)."""

    def __init__(self, answer):
        self.requests = requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def read_body(self):
                if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def reply(self):
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = {"method": self.command, "path": self.path, "headers": headers, "body": self.read_body()}
                requests.append(request)
                status, headers, body = answer(request)
                self.send_response_only(status)
                for name, value in {"Date": self.date_time_string(), "Content-Length": len(body), **headers}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = reply

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """A client that hangs up is no error of this server."""

        server = Quiet(("127.0.0.1", 0), Handler)
        self.address = "127.0.0.1:%d" % server.server_address[1]
        self.url = "http://" + self.address
        threading.Thread(target=server.serve_forever, daemon=True).start()


def expect(what, seen, wanted):
    """Prints what was seen; ends the program if it is no longer what the finding says."""
    print(f"{what}: {seen!r}")
    if seen != wanted:
        sys.exit(f"the behaviour has changed: it was {wanted!r}")
