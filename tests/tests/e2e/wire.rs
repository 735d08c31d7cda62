//! Requests to OMS as they are on the wire, told by a server that knows nothing of OMS.

use std::collections::BTreeMap;

use e2e::{Answer, Cloud, Function, event};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

struct Request {
    line: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// Answers as many requests as there are answers, on one connection, and returns what was asked.
async fn serve(listener: TcpListener, answers: Vec<String>) -> Vec<Request> {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    let mut requests = Vec::new();
    for answer in answers {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let headers: BTreeMap<String, String> = lines[1..]
            .iter()
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut body = vec![0; headers["content-length"].parse().unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        requests.push(Request { line: lines.remove(0), headers, body: String::from_utf8(body).unwrap() });
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
    requests
}

fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// The parts of `SDK-HMAC-SHA256 Access=…, SignedHeaders=…, Signature=…`.
fn authorization(request: &Request) -> [&str; 3] {
    let rest = request.headers["authorization"].strip_prefix("SDK-HMAC-SHA256 ").unwrap();
    let parts: Vec<&str> = rest.split(", ").collect();
    let value = |index: usize, name: &str| parts[index].strip_prefix(name).unwrap();
    assert_eq!(parts.len(), 3);
    [value(0, "Access="), value(1, "SignedHeaders="), value(2, "Signature=")]
}

#[tokio::test]
async fn a_request_carries_encoded_keys_and_is_signed_anew_on_each_try() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    // The window makes the second try at least a second later, so that its time must differ.
    let throttled = r#"{"error_code":"APIGW.0308","error_msg":"over ratelimit,limit:9,time:1 second"}"#;
    let answers = vec![answer("429 Too Many Requests", throttled), answer("200 OK", "")];
    let cloud = Cloud::start().await;
    let url = format!("http://{host}/v2/project/sync-tasks/task/events");
    let function = Function::on(&cloud).set("SYNC_URL", url).start().await;
    let keys = ["dir/a b+c.txt", "~*'()", "测"];
    let (served, replied) = tokio::join!(serve(listener, answers), function.invoke(event::put(keys)));
    assert_eq!(replied, Answer::True);

    for request in &served {
        assert_eq!(request.line, "POST /v2/project/sync-tasks/task/events HTTP/1.1");
        assert_eq!(request.body, r#"{"object_keys":["dir%2Fa%20b%2Bc.txt","~%2A%27%28%29","%E6%B5%8B"]}"#);
        assert_eq!(request.headers["host"], host);
        assert!(request.headers["content-type"].starts_with("application/json"));
        assert!(!request.headers.contains_key("x-auth-token"), "it would take precedence over the signature");
        let [access, signed, signature] = authorization(request);
        assert_eq!(access, cloud.twin.huawei_account().access_key);
        let signed: Vec<&str> = signed.split(';').collect();
        assert!(
            signed.is_sorted() && signed.contains(&"host") && signed.contains(&"x-sdk-date"),
            "{signed:?}"
        );
        assert!(signature.len() == 64 && signature.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
    assert_ne!(served[0].headers["x-sdk-date"], served[1].headers["x-sdk-date"]);
    assert_ne!(authorization(&served[0])[2], authorization(&served[1])[2]);
}
