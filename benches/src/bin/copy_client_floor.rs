//! The second floor of the benchmark `copy`: the same requests by the product's HTTP client and runtime, and nothing decided.
//!
//! Takes what `copy_floor` takes, and does the same in the same order. What lies between the two is what the HTTP client
//! costs; what lies between this one and the product is what the product costs.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_client::Proxies;
use reqwest::{Client, Request, Response, Url};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Objects on a page.
const PAGE: usize = 1000;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

struct Floor {
    http: Client,
    listings: Vec<Signed>,
    copies: Vec<[Signed; 3]>,
    next: AtomicUsize,
    /// One permit for each object that was listed; closed when all are.
    listed: Semaphore,
}

/// A request that was signed beforehand.
#[derive(Clone)]
struct Signed {
    method: Method,
    url: Url,
    headers: HeaderMap,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [_, _, connections, listings, requests] = &arguments[..] else {
        return Err("copy_client_floor SOURCE DESTINATION CONNECTIONS LISTINGS REQUESTS".into());
    };
    let text = fs::read_to_string(requests)?;
    let mut all = text.split_terminator("\r\n\r\n").map(Signed::parse).collect::<Result<Vec<_>>>()?;
    let copies = all.split_off(listings.parse()?);
    let floor = Arc::new(Floor {
        http: http_client::build(Proxies::None)?,
        listings: all,
        copies: copies.as_chunks().0.to_vec(),
        next: AtomicUsize::new(0),
        listed: Semaphore::new(0),
    });
    writeln!(io::stdout(), "ready")?;
    io::stdin().read_line(&mut String::new())?;
    let mut tasks = JoinSet::new();
    tasks.spawn(Arc::clone(&floor).list());
    for _ in 0..connections.parse()? {
        tasks.spawn(Arc::clone(&floor).copy());
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

impl Floor {
    async fn list(self: Arc<Self>) -> Result<()> {
        if let Some((first, pages)) = self.listings.split_first() {
            first.send(&self.http, None).await?.bytes().await?;
            for page in pages {
                page.send(&self.http, None).await?.bytes().await?;
                self.listed.add_permits(PAGE);
            }
        }
        self.listed.close();
        Ok(())
    }

    async fn copy(self: Arc<Self>) -> Result<()> {
        loop {
            if let Ok(permit) = self.listed.acquire().await {
                permit.forget();
            }
            let Some([get, put, head]) = self.copies.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                return Ok(());
            };
            let object = get.send(&self.http, None).await?;
            put.send(&self.http, Some(object)).await?.bytes().await?;
            head.send(&self.http, None).await?;
        }
    }
}

impl Signed {
    fn parse(head: &str) -> Result<Self> {
        let mut lines = head.split("\r\n");
        let mut first = lines.next().ok_or("no request")?.split(' ');
        let (method, path) = (first.next().ok_or("no method")?.parse()?, first.next().ok_or("no path")?);
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").ok_or("no header")?;
            headers.append(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        }
        let host = headers.remove("host").ok_or("no host")?;
        let url = format!("http://{}{path}", host.to_str()?).parse()?;
        Ok(Self { method, url, headers })
    }

    /// Sends it, with the body of `answer` if there is one.
    async fn send(&self, http: &Client, answer: Option<Response>) -> Result<Response> {
        let mut request = Request::new(self.method.clone(), self.url.clone());
        request.headers_mut().clone_from(&self.headers);
        *request.body_mut() = answer.map(reqwest::Body::from);
        Ok(http.execute(request).await?.error_for_status()?)
    }
}
