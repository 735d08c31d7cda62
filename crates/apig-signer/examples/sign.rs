//! Prints the stages of one signature: `cargo run -p apig-signer --example sign`.

use std::error::Error;

use apig_signer::{Credentials, Payload, SigningParams, sign_request};
use chrono::{DateTime, Utc};
use http::{Request, header};

fn main() -> Result<(), Box<dyn Error>> {
    let credentials = Credentials::new("QTWAOYTTINDUT2QVKYUC", "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc");
    let now: DateTime<Utc> = "2019-11-15T03:36:55Z".parse()?;
    let body = r#"{"object_keys":["a.txt"]}"#;
    let (mut parts, ()) = Request::post("http://127.0.0.1:9000/v2/project/sync-tasks/task/events")
        .header(header::CONTENT_TYPE, "application/json")
        .body(())?
        .into_parts();
    let signed =
        sign_request(&mut parts, Payload::Bytes(body.as_bytes()), &SigningParams::new(&credentials, now))?;
    println!("{signed:#?}\n");
    for (name, value) in &parts.headers {
        println!("{name}: {}", value.to_str()?);
    }
    Ok(())
}
