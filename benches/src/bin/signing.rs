//! Signs one request over and over: `signing WHAT TIMES`. Prints the nanoseconds of one signature.
//!
//! | what | signs |
//! |---|---|
//! | `oms`, `oms-token` | a request to OMS, by permanent and by temporary credentials |
//! | `oms-floor`, `oms-token-floor` | hashes the same bytes: body, canonical request, string to sign |
//! | `oss` | the PUT of a record into OSS by temporary credentials, with the key of the day, as the client does |
//! | `oss-floor` | hashes the same bytes: canonical request, string to sign |

use std::env;
use std::hint::black_box;
use std::time::Instant;

use apig_signer::{Payload, SigningParams};
use bench::Result;
use bench::function::event::{self, Role};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use oss_lite::sign::{Resource, SigningRequest, v4};
use oss_lite::{Credentials, Dialect, ObjectKey, Query};
use sha2::{Digest as _, Sha256};

const EVENTS: &str = "https://oms.cn-north-4.myhuaweicloud.com/v2/84b5266c14ae489fa6549827f032dc62/sync-tasks/b1f5dd1a-0f56-4f0f-9e33-4e9e0ed1c4b7/events";
const RECORD: &str =
    "oms_source_record/b1f5dd1a-0f56-4f0f-9e33-4e9e0ed1c4b7/success/2024/01/02/2024-summer-rome-IMG_0001.jpg";

/// Tuesday, 2 January 2024.
const SECOND: i64 = 1_704_164_645;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [what, times] = &arguments[..] else { return Err("signing WHAT TIMES".into()) };
    let times: u32 = times.parse()?;
    let role = Role::example();
    let token = Some(role.token.as_str());
    let mut sign: Box<dyn FnMut() -> Result<()>> = match what.as_str() {
        "oms" => oms(None)?,
        "oms-token" => oms(token)?,
        "oms-floor" => oms_floor(None)?,
        "oms-token-floor" => oms_floor(token)?,
        "oss" => oss(&role)?,
        "oss-floor" => oss_floor(&role)?,
        _ => return Err(format!("{what:?} cannot be signed").into()),
    };
    let begin = Instant::now();
    for _ in 0..times {
        sign()?;
    }
    println!("{:.0}", begin.elapsed().as_secs_f64() * 1e9 / f64::from(times));
    Ok(())
}

type Signs = Box<dyn FnMut() -> Result<()>>;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(SECOND, 0).unwrap_or_default()
}

fn body() -> String {
    format!(r#"{{"object_keys":["{}"]}}"#, event::key(1).replace('/', "%2F"))
}

fn huawei(token: Option<&str>) -> apig_signer::Credentials {
    let permanent =
        apig_signer::Credentials::new("EXAMPLEEXAMPLEAK0001", "ExampleExampleExampleExampleExampleSK001");
    match token {
        Some(token) => permanent.with_security_token(token),
        None => permanent,
    }
}

fn oms(token: Option<&str>) -> Result<Signs> {
    let (uri, body, credentials): (Uri, _, _) = (EVENTS.parse()?, body(), huawei(token));
    Ok(Box::new(move || {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let params = SigningParams::new(&credentials, now());
        apig_signer::sign(&Method::POST, &uri, &mut headers, Payload::Bytes(body.as_bytes()), &params)?;
        black_box(headers);
        Ok(())
    }))
}

fn oms_floor(token: Option<&str>) -> Result<Signs> {
    let (uri, body, credentials): (Uri, _, _) = (EVENTS.parse()?, body(), huawei(token));
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let params = SigningParams::new(&credentials, now());
    let payload = Payload::Bytes(body.as_bytes());
    let signed = apig_signer::sign(&Method::POST, &uri, &mut headers, payload, &params)?;
    let canonical = apig_signer::CanonicalRequest::new(
        &Method::POST,
        &uri,
        &headers,
        signed.signed_headers(),
        payload.hash(),
    )?;
    let texts = [canonical.to_string(), signed.string_to_sign().to_string()];
    let key = Hmac::<Sha256>::new_from_slice(b"ExampleExampleExampleExampleExampleSK001")?;
    Ok(Box::new(move || {
        black_box(Sha256::digest(black_box(&body)));
        hash(&key, &texts);
        Ok(())
    }))
}

fn oss(role: &Role) -> Result<Signs> {
    let credentials = alibaba(role);
    let settings = v4::Settings::new("cn-hangzhou");
    let key = v4::SigningKey::derive(credentials.secret(), &v4::Moment::new(now()).scope(settings));
    let object = ObjectKey::new(Dialect::Oss, RECORD)?;
    let query = Query::default();
    Ok(Box::new(move || {
        let resource = Resource::Object { bucket: "holiday-photos-journal", key: &object };
        let request = SigningRequest { method: &Method::PUT, resource, query: &query };
        let mut headers = record_headers();
        let moment = v4::Moment::new(now());
        v4::sign_headers(&request, &mut headers, settings, &credentials, &moment, &key)?;
        black_box(headers);
        Ok(())
    }))
}

fn oss_floor(role: &Role) -> Result<Signs> {
    let credentials = alibaba(role);
    let settings = v4::Settings::new("cn-hangzhou");
    let (object, query, moment) =
        (ObjectKey::new(Dialect::Oss, RECORD)?, Query::default(), v4::Moment::new(now()));
    let resource = Resource::Object { bucket: "holiday-photos-journal", key: &object };
    let request = SigningRequest { method: &Method::PUT, resource, query: &query };
    let mut headers = record_headers();
    v4::add_headers(&mut headers, &credentials, &moment)?;
    let canonical = v4::CanonicalRequest::new(&request, &headers, settings)?;
    let text = v4::StringToSign::new(&canonical, &moment, moment.scope(settings));
    let texts = [canonical.to_string(), text.to_string()];
    let key = Hmac::<Sha256>::new_from_slice(&[7; 32])?;
    Ok(Box::new(move || {
        hash(&key, &texts);
        Ok(())
    }))
}

fn alibaba(role: &Role) -> Credentials {
    Credentials::new(role.id.clone(), role.secret.clone()).with_security_token(role.token.clone())
}

fn record_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}

fn hash(key: &Hmac<Sha256>, [canonical, to_sign]: &[String; 2]) {
    black_box(Sha256::digest(black_box(canonical)));
    let mut mac = key.clone();
    mac.update(black_box(to_sign.as_bytes()));
    black_box(mac.finalize());
}
