//! Requests a URL, and prints the kind of the error if there is no response: `cargo run -p http-client
//! --example get -- https://example.com/`. Without a URL it connects to a closed port of this machine.

use std::env;
use std::error::Error;

use http_client::{Proxies, TransportKind};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let url = env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:1/".to_owned());
    let client = http_client::build(Proxies::FromEnvironment)?;
    match client.get(&url).send().await {
        Ok(response) => println!("{url}: {}", response.status()),
        Err(error) => match TransportKind::of(&error) {
            TransportKind::Resolve => println!("{url}: the host has no address"),
            TransportKind::Connect => println!("{url}: the connection failed"),
            TransportKind::Tls => println!("{url}: TLS failed"),
            TransportKind::Other => println!("{url}: {error}"),
        },
    }
    Ok(())
}
