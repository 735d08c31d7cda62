//! Prints how many messages wait in a queue, and whether it has a redrive policy: `cargo run -p sqs-worker
//! --example queue -- https://sqs.eu-west-1.amazonaws.com/123456789012/uploads`.
//!
//! Without a URL it connects to
//! a closed port of this machine, and prints the error that a worker would report.

use std::env;
use std::error::Error;

use http_client::Proxies;
use sqs_worker::{Address, Queue, Redrive};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let url = env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:1/123456789012/uploads".to_owned());
    let address = Address::parse(&url).ok_or("not the URL of a queue")?;
    let http = http_client::build(Proxies::FromEnvironment)?;
    let region = address.region().unwrap_or("eu-west-1").to_owned();
    let config = aws_access::config(&http, Some(region)).await;
    match Queue::new(&config, &address, None).about().await {
        Ok(about) => {
            let redrive = match about.redrive {
                Redrive::Configured => "a redrive policy",
                Redrive::Missing => "no redrive policy",
            };
            println!("{} messages wait; the queue has {redrive}", about.waiting);
        }
        Err(error) => println!("{:?}: {error}", error.kind()),
    }
    Ok(())
}
