//! `oms-bridge desk` as a child process, behind a gateway that keeps its address.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::pin::pin;
use std::process::ExitStatus;
use std::sync::Arc;

use bytes::Bytes;
use cloud_twin::Twin;
use parking_lot::Mutex;
use reqwest::header::HeaderMap;
use reqwest::{Method, Request, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::cloud::{Cloud, SOURCE, http_client};
use crate::database::Database;
use crate::function::listening;
use crate::process::{PATIENCE, Process, Settings};

/// A user, and its token.
pub const ERIC: User = User { name: "eric", token: "eric-token-0123456789" };
/// Another one.
pub const MIA: User = User { name: "mia", token: "mia-token-0123456789" };
/// One that is an admin.
pub const ADMIN: User = User { name: "root", token: "root-token-0123456789" };

/// A user of the desk.
#[derive(Clone, Copy, Debug)]
pub struct User {
    /// Its name.
    pub name: &'static str,
    /// Its token.
    pub token: &'static str,
}

/// A desk about to be started.
#[derive(Clone, Debug)]
pub struct DeskSetup {
    settings: Settings,
    arguments: Vec<&'static str>,
    place: Arc<Place>,
}

/// What outlives a desk: its address, its database.
#[derive(Debug)]
struct Place {
    gateway: Gateway,
    database: Database,
    folder: TempDir,
    /// Notified of each line that a desk writes to its log.
    heard: Arc<Notify>,
}

/// A running desk. It is killed when it is dropped.
#[derive(Debug)]
pub struct Desk {
    process: Process,
    setup: DeskSetup,
    address: SocketAddr,
    url: String,
    http: reqwest::Client,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// HTTP status.
    pub status: u16,
    /// The body, if it is JSON; else text.
    pub body: Value,
}

impl DeskSetup {
    /// Sets a variable of its environment.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings = self.settings.set(name, value);
        self
    }

    /// Changes its environment.
    #[must_use]
    pub fn settings(mut self, change: impl FnOnce(Settings) -> Settings) -> Self {
        self.settings = change(self.settings);
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn argument(mut self, argument: &'static str) -> Self {
        self.arguments.push(argument);
        self
    }

    /// A folder for files of the test.
    pub fn folder(&self) -> &std::path::Path {
        self.place.folder.path()
    }

    /// Where its catalogue lies.
    pub fn database(&self) -> &Database {
        &self.place.database
    }

    /// Where OSS and browsers reach it, whether it runs or not.
    pub fn url(&self) -> String {
        self.place.gateway.url()
    }

    /// Starts it and waits until it listens.
    pub async fn start(self) -> Desk {
        let desk = self.start_beside().await;
        let gateway = &desk.setup.place.gateway;
        gateway.lead_to(Some(desk.address));
        Desk { url: gateway.url(), ..desk }
    }

    /// Starts it where the gateway does not lead, beside another one.
    pub async fn start_beside(self) -> Desk {
        let arguments = ["desk", "--listen", "127.0.0.1:0", "--json"].iter().chain(&self.arguments);
        let arguments: Vec<_> = arguments.map(|argument| (*argument).to_owned()).collect();
        let process = Process::spawn_heard(&arguments, &self.settings, Arc::clone(&self.place.heard));
        let address = process.line(listening).await;
        Desk { process, setup: self, address, url: format!("http://{address}"), http: http_client() }
    }
}

impl Desk {
    /// A desk on the source bucket of a cloud, that forwards to OMS, with [`ERIC`], [`MIA`] and [`ADMIN`] as
    /// its users.
    pub async fn on(cloud: &Cloud) -> DeskSetup {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::make(folder.path()).await;
        let gateway = Gateway::open().await;
        let key = folder.path().join("callback.pem");
        std::fs::write(&key, cloud.twin.callback_public_key_pem()).unwrap();
        let users = [(ERIC, ""), (MIA, ""), (ADMIN, ":admin")];
        let users = users.map(|(user, role)| format!("{}:{}{role}", user.name, user.token)).join(",");
        let settings = cloud
            .settings()
            .set("DESK_BUCKET", SOURCE)
            .set("DESK_TOKENS", users)
            .set("DESK_CALLBACK_URL", format!("{}/callback", gateway.url()))
            .set("DESK_CALLBACK_KEY", key.to_str().unwrap())
            .set("DESK_DATABASE", database.url())
            // A line for each change of a row, which tests wait for.
            .set("RUST_LOG", "info,upload_desk=debug");
        let place = Arc::new(Place { gateway, database, folder, heard: Arc::default() });
        DeskSetup { settings, arguments: Vec::new(), place }
    }

    /// Where it is reached. That stays so after a restart.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens itself, behind its gateway.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it wrote to standard error so far.
    pub fn log(&self) -> String {
        self.process.stderr()
    }

    /// How it was set up.
    pub fn setup(&self) -> &DeskSetup {
        &self.setup
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Kills it as the machine would.
    pub async fn kill(mut self) -> DeskSetup {
        self.process.signal("KILL").await;
        self.process.wait().await;
        self.setup.place.gateway.lead_to(None);
        self.setup
    }

    /// Takes it off the gateway: it runs, and nobody reaches it.
    pub fn cut_off(&self) {
        self.setup.place.gateway.lead_to(None);
    }

    /// Puts it back behind the gateway.
    pub fn reconnect(&self) {
        self.setup.place.gateway.lead_to(Some(self.address));
    }

    /// Waits for a line of its log that contains `text`.
    pub async fn until_logged(&self, text: &str) {
        self.process.line(|line| line.contains(text).then_some(())).await;
    }

    /// Asks it to stop, and returns what it prints then.
    pub async fn stop(mut self) -> (ExitStatus, Value) {
        self.process.signal("TERM").await;
        let status = self.process.wait().await;
        (status, serde_json::from_str(&self.process.stdout()).unwrap())
    }

    /// Sends a request.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        user: Option<User>,
        body: Option<Value>,
    ) -> Response {
        let mut request = Request::new(method, format!("{}{path}", self.url).parse().unwrap());
        if let Some(user) = user {
            request.headers_mut().insert("authorization", format!("Bearer {}", user.token).parse().unwrap());
        }
        if let Some(body) = body {
            request.headers_mut().insert("content-type", "application/json".parse().unwrap());
            *request.body_mut() = Some(body.to_string().into());
        }
        self.execute(request).await
    }

    /// Sends any request to it.
    pub async fn execute(&self, request: Request) -> Response {
        timeout(PATIENCE, self.http.execute(request)).await.expect("an answer").expect("an answer")
    }

    /// `GET`
    pub async fn get(&self, user: User, path: &str) -> Answered {
        Answered::of(self.send(Method::GET, path, Some(user), None).await).await
    }

    /// `POST`
    pub async fn post(&self, user: User, path: &str, body: Value) -> Answered {
        Answered::of(self.send(Method::POST, path, Some(user), Some(body)).await).await
    }

    /// `DELETE`
    pub async fn delete(&self, user: User, path: &str) -> Answered {
        Answered::of(self.send(Method::DELETE, path, Some(user), None).await).await
    }

    /// Asks for an upload.
    pub async fn allow(&self, user: User, name: &str, content_type: &str, content: &[u8]) -> Answered {
        let wanted = json!({
            "name": name, "type": content_type, "size": content.len(), "md5": md5(content),
        });
        self.post(user, "/uploads", wanted).await
    }

    /// Asks for an upload and makes it, as a browser does.
    pub async fn upload(&self, user: User, name: &str, content_type: &str, content: &[u8]) -> Answered {
        let allowed = self.allow(user, name, content_type, content).await;
        assert_eq!(allowed.status, 201, "{allowed:?}");
        self.send_form(&allowed.body["upload"], content).await
    }

    /// Sends a form that the desk gave, with `content` as its file.
    pub async fn send_form(&self, form: &Value, content: &[u8]) -> Answered {
        Answered::of(post_form(form, content).await).await
    }

    /// Calls back as OSS would, with `body`, signed by the key of `twin`.
    pub async fn call_back(&self, twin: &Twin, body: &Value) -> Answered {
        self.call_back_as(twin, "/callback", "/callback", body.to_string().as_bytes()).await
    }

    /// Calls `target` with a body that was signed for `signed`.
    pub async fn call_back_as(&self, twin: &Twin, signed: &str, target: &str, body: &[u8]) -> Answered {
        self.call_back_with(twin.sign_callback(signed, body), target, body).await
    }

    /// Calls `target` with these headers, whatever they say.
    pub async fn call_back_with(&self, headers: HeaderMap, target: &str, body: &[u8]) -> Answered {
        let mut request = Request::new(Method::POST, format!("{}{target}", self.url).parse().unwrap());
        *request.headers_mut() = headers;
        request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        *request.body_mut() = Some(Bytes::copy_from_slice(body).into());
        Answered::of(self.execute(request).await).await
    }

    /// Asks for `path`, again after each line of the log, until the answer is as wanted. A desk logs each
    /// change of a row once it is written.
    pub async fn until(&self, user: User, path: &str, wanted: impl Fn(&Answered) -> bool) -> Answered {
        let mut last = None;
        let asked = async {
            loop {
                let mut heard = pin!(self.setup.place.heard.notified());
                // Registered before the question, so that no line in between is missed.
                heard.as_mut().enable();
                let answered = self.get(user, path).await;
                if wanted(&answered) {
                    return answered;
                }
                last = Some(answered);
                heard.await;
            }
        };
        let answered = timeout(PATIENCE * 2, asked).await;
        answered.unwrap_or_else(|_| panic!("{path} came to {last:?}\n{}", self.log()))
    }

    /// Waits until an upload has this state.
    pub async fn until_state(&self, user: User, id: &str, state: &str) -> Value {
        let path = format!("/uploads/{id}");
        self.until(user, &path, |answered| answered.body["state"] == state).await.body
    }

    /// Waits until an object is forwarded.
    pub async fn until_forwarded(&self, user: User, id: &str) -> Value {
        let path = format!("/objects/{id}");
        self.until(user, &path, |answered| answered.body["forwarded"] == true).await.body
    }
}

impl Answered {
    /// Reads an answer.
    pub async fn of(response: Response) -> Self {
        let status = response.status().as_u16();
        let text = response.text().await.expect("a whole answer");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self { status, body }
    }

    /// The id in it.
    pub fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id: {self:?}")).to_owned()
    }

    /// The code of the error in it.
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_else(|| panic!("no error: {self:?}"))
    }
}

/// Sends a form to OSS with `content` as its file, as a browser does.
pub async fn post_form(form: &Value, content: &[u8]) -> Response {
    const BOUNDARY: &str = "----boundary-7d1f";
    let mut body = String::new();
    for field in form["fields"].as_array().unwrap() {
        let (name, value) = (field[0].as_str().unwrap(), field[1].as_str().unwrap());
        write!(body, "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
            .unwrap();
    }
    write!(
        body,
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    )
    .unwrap();
    let mut body = body.into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let mut request = Request::new(Method::POST, form["url"].as_str().unwrap().parse().unwrap());
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    request.headers_mut().insert("content-type", kind.parse().unwrap());
    *request.body_mut() = Some(body.into());
    let sent = timeout(PATIENCE, http_client().execute(request)).await;
    sent.expect("an answer in time").expect("an answer")
}

/// MD5 in hex.
pub fn md5(content: &[u8]) -> String {
    use md5::Digest as _;
    md5::Md5::digest(content).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Passes connections on to where the desk listens at the moment.
#[derive(Debug)]
struct Gateway {
    address: SocketAddr,
    target: Arc<Mutex<Option<SocketAddr>>>,
    task: JoinHandle<()>,
}

impl Gateway {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let target = Arc::<Mutex<Option<SocketAddr>>>::default();
        let known = Arc::clone(&target);
        let task = tokio::spawn(async move {
            while let Ok((mut outer, _)) = listener.accept().await {
                let target = *known.lock();
                tokio::spawn(async move {
                    // Without a target the connection is closed, as by a gateway whose server is away.
                    let Some(target) = target else { return };
                    if let Ok(mut inner) = TcpStream::connect(target).await {
                        // Either side may end it.
                        let _ = copy_bidirectional(&mut outer, &mut inner).await;
                    }
                });
            }
        });
        Self { address, target, task }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn lead_to(&self, target: Option<SocketAddr>) {
        *self.target.lock() = target;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}
