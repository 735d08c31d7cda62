"""Uploads a file as a browser does, and prints the id of its object: upload.py DESK TOKEN NAME TYPE"""

import json
import sys
import urllib.request

desk, token, name, content_type = sys.argv[1:]
content = b"not really a cat"

wanted = json.dumps({"name": name, "type": content_type, "size": len(content)}).encode()
headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
with urllib.request.urlopen(urllib.request.Request(f"{desk}/uploads", wanted, headers)) as answer:
    form = json.load(answer)["upload"]

boundary = "----a-boundary-that-is-not-in-there"
parts = [f'Content-Disposition: form-data; name="{field}"\r\n\r\n{value}' for field, value in form["fields"]]
parts.append(f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n{content.decode()}')
body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"
headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
with urllib.request.urlopen(urllib.request.Request(form["url"], body.encode(), headers)) as answer:
    stored = json.load(answer)
assert answer.status == 200 and stored["state"] == "stored", stored
print(stored["id"])
