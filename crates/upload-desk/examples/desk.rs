//! Serves a desk on loopback until Ctrl-C, with a catalogue in a file of SQLite: `cargo run -p upload-desk
//! --example desk`, or with `once` to see it start and end. The endpoint of the bucket is a closed port, so
//! forms are signed, but uploads fail.

use std::env;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use http_client::Proxies;
use http_listener::Limits;
use object_copy::clock;
use oss_lite::callback::CallbackKeys;
use oss_lite::{BucketName, Client, ClientConfig, Credentials, Dialect};
use tokio::net::TcpListener;
use upload_desk::catalogue::{Catalogue, DatabaseUrl};
use upload_desk::store::Store;
use upload_desk::types::AllowedTypes;
use upload_desk::users::Users;
use upload_desk::{Callbacks, Desk, DeskParts, Rules};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let folder = tempfile::tempdir()?;
    let database = DatabaseUrl::parse(&format!("sqlite:{}", folder.path().join("desk.db").display()))?;
    let http = http_client::build(Proxies::None)?;
    let config = ClientConfig::new("http://127.0.0.1:1".parse()?, Dialect::Oss).with_region("cn-hangzhou");
    let client = Client::new(http.clone(), config)?;
    let bucket = BucketName::parse("uploads", Dialect::Oss)?;
    let credentials = Arc::new(Credentials::new("made-up-id", "made-up-secret"));

    let desk = Desk::new(DeskParts {
        users: Users::parse("zoe:0123456789abcdef")?,
        rules: Rules {
            prefix: "uploads/".to_owned(),
            max_size: 1 << 30,
            part_size: 16 << 20,
            types: AllowedTypes::parse("image/*")?,
            upload_expiry: Duration::from_mins(15),
            link_expiry: Duration::from_mins(5),
        },
        catalogue: Catalogue::open(&database).await?,
        store: Store::new(client, &bucket, credentials)?,
        callbacks: Callbacks { url: None, keys: CallbackKeys::new(http) },
        fetcher: None,
        forwarding: None,
        clock: clock::system,
        random: rustls::crypto::ring::default_provider().secure_random,
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("sign in at http://{} as zoe, with the token 0123456789abcdef", listener.local_addr()?);
    let once = env::args().nth(1).is_some_and(|argument| argument == "once");
    let stop = async move {
        if !once {
            // A signal that cannot be awaited ends it too.
            let _ = tokio::signal::ctrl_c().await;
        }
    };
    upload_desk::serve(listener, Limits::default(), desk, stop).await?;
    Ok(())
}
