// A server on loopback that answers what it is told and keeps what it was sent.
import http from 'node:http';

// `answer` gets each request and returns [status, headers, body].
export function serve(answer) {
  const requests = [];
  const server = http.createServer((incoming, outgoing) => {
    const chunks = [];
    incoming.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
      const { method, url: path, headers } = incoming;
      const request = { method, path, headers, body: Buffer.concat(chunks) };
      requests.push(request);
      const [status, extra, body] = answer(request);
      outgoing.writeHead(status, { 'content-length': Buffer.byteLength(body), ...extra });
      outgoing.end(body);
    });
  });
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ requests, port: server.address().port, close }));
  });
}

// Prints what was seen; ends the program if it is no longer what the finding says.
export function expect(what, seen, wanted) {
  console.log(`${what}: ${JSON.stringify(seen)}`);
  if (JSON.stringify(seen) !== JSON.stringify(wanted)) {
    console.error(`the behaviour has changed: it was ${JSON.stringify(wanted)}`);
    process.exit(1);
  }
}
