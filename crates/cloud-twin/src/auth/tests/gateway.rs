//! The same for the API gateway, and its lock.

use super::*;
use crate::time::parse_basic_time;

struct GatewayCase {
    sent: Sent,
    account: Account,
    now: DateTime<Utc>,
}

impl GatewayCase {
    fn read(case: &Case) -> Self {
        let (context, request) = (case.json("context.json"), case.json("request.json"));
        let url: http::Uri = text(&request, "url").parse().unwrap();
        let mut headers: Vec<(String, String)> = request["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].as_str().unwrap().to_owned()))
            .collect();
        let has = |headers: &[(String, String)], name: &str| {
            headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name))
        };
        if !has(&headers, "host") {
            headers.push(("host".to_owned(), authority(&url)));
        }
        if !has(&headers, "x-sdk-date") {
            headers.push(("x-sdk-date".to_owned(), text(&context, "date").to_owned()));
        }
        let canonical = case.text("canonical-request.txt");
        for name in ["x-security-token", "x-sdk-content-sha256"] {
            let line = canonical.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
            if let (Some(value), false) = (line, has(&headers, name)) {
                headers.push((name.to_owned(), value.to_owned()));
            }
        }
        headers.push(("authorization".to_owned(), case.text("authorization.txt")));
        let token = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-security-token"));
        let account = Account {
            security_token: token.map(|(_, token)| token.clone()),
            ..Account::permanent(text(&context, "access_key"), text(&context, "secret_key"))
        };
        let sent = Sent {
            method: text(&request, "method").to_owned(),
            path: url.path().to_owned(),
            query: url.query().unwrap_or_default().to_owned(),
            headers,
            body: text(&request, "body").to_owned(),
        };
        Self { sent, account, now: parse_basic_time(text(&context, "date")).unwrap() }
    }

    fn verify(&self, sent: &Sent) -> Result<(), apig::ApigRefusal> {
        let accounts = [self.account.clone()];
        apig::verify(&sent.parts(), sent.body.as_bytes(), &accounts, &FailureLock::default(), self.now)
    }

    fn signed_headers(&self) -> Vec<String> {
        let (_, authorization) = self.sent.headers.last().unwrap();
        let listed = authorization.split("SignedHeaders=").nth(1).unwrap().split(',').next().unwrap();
        listed.split(';').map(str::to_owned).collect()
    }
}

fn authority(url: &http::Uri) -> String {
    let default = if url.scheme_str() == Some("http") { 80 } else { 443 };
    match url.port_u16() {
        Some(port) if port != default => format!("{}:{port}", url.host().unwrap()),
        _ => url.host().unwrap().to_owned(),
    }
}

#[test]
fn every_recorded_gateway_signature_holds_and_breaks_with_each_signed_part() {
    let cases = cases("apig");
    assert!(cases.len() >= 8);
    for case in &cases {
        let name = case.name();
        let gateway = GatewayCase::read(case);
        assert_eq!(gateway.verify(&gateway.sent), Ok(()), "{name}");
        let signed = gateway.signed_headers();
        let refused = |what: &str, edit: &dyn Fn(&mut Sent)| {
            let mut sent = gateway.sent.clone();
            edit(&mut sent);
            assert!(gateway.verify(&sent).is_err(), "{name}: a changed {what} passes");
        };
        refused("method", &|sent| sent.method = "PATCH".to_owned());
        refused("path", &|sent| sent.path.push_str("/x"));
        refused("query", &|sent| sent.add_query("acl", ""));
        refused("authorization", &|sent| sent.headers.last_mut().unwrap().1.push('0'));
        for (at, (header, value)) in gateway.sent.headers.iter().enumerate() {
            if signed.contains(&header.to_lowercase()) {
                refused(header, &|sent| sent.headers[at].1 = flipped(value));
            }
        }
        let announced = gateway.sent.headers.iter().any(|(_, value)| value == "UNSIGNED-PAYLOAD");
        if !announced {
            refused("body", &|sent| sent.body.push(' '));
        }
    }
}

#[test]
fn the_gateway_lock_strikes_after_the_sixth_bad_signature() {
    let case = GatewayCase::read(&cases("apig")[0]);
    let failures = FailureLock::default();
    let accounts = [case.account.clone()];
    let verify =
        |sent: &Sent, now| apig::verify(&sent.parts(), sent.body.as_bytes(), &accounts, &failures, now);
    let mut bad = case.sent.clone();
    bad.headers.last_mut().unwrap().1.push('0');
    for _ in 0..6 {
        let apig::ApigRefusal(text) = verify(&bad, case.now).unwrap_err();
        assert!(text.starts_with("verify aksk signature fail, canonicalRequest:"), "{text}");
    }
    let locked = Err(apig::ApigRefusal("AK access failed to reach the limit,forbidden".to_owned()));
    assert_eq!(verify(&case.sent, case.now), locked, "a good signature does not lift the lock");
    assert_eq!(verify(&case.sent, case.now + TimeDelta::minutes(5)), Ok(()));
}
