//! `serve`: the event function.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use fc_adapter::{ErrorKind, FcContext, Limits, Markers, Platform};
use rustls::crypto::ring;

use super::{Ended, Exit, exit, variable};
use crate::assemble;
use crate::failure::{self, Failure, LISTEN};
use bridge_config::table::serve::{INGEST_TOKEN, SERVE_TOKEN};
use bridge_config::{IngestSettings, Settings, SettingsOf, WithSettings, listen};
use bridge_core::credentials::SourceCredentials;
use function_host::access::{Access, Beside, Trust};
use function_host::fc;
use function_host::function::{DEFAULT_TIMEOUT, Function};
use function_host::lambda::{self, RuntimeApi};
use http_client::{self, Proxies};
use settings::{Invalid, Reader, parse};
use terminal::interrupts::Interrupts;
use web_ingest::{Ingest, MAX_BODY};

/// Runs the event function on Function Compute's custom runtime, or on AWS Lambda.
///
/// On Function Compute it listens on 0.0.0.0, on the port that the platform names, else 9000. On Lambda it
/// polls for events, and Lambda sets the timeout. Anywhere else it listens on 127.0.0.1:9000, and every
/// request except GET /healthz must carry a token: SERVE_TOKEN, or INGEST_TOKEN for /objects. On Tencent
/// Cloud it listens on 0.0.0.0 and requires the token too, since a web function receives every request to its
/// URL.
///
/// It replaces the Python function of Huawei's guide:
/// <https://support.huaweicloud.com/bestpractice-oms/oms_05_5602.html>
#[derive(Args)]
#[expect(clippy::doc_markdown, reason = "it is the help text, which shows backticks as they are")]
#[command(after_help = exit::help("Example:
  export SERVE_TOKEN=$(openssl rand -hex 32)
  oms-bridge serve --listen 127.0.0.1:9000
  curl -H \"Authorization: Bearer $SERVE_TOKEN\" \\
    --data-binary @event.json http://127.0.0.1:9000/invoke"))]
pub(super) struct ServeArgs {
    /// Address to listen on. It is plain HTTP: put a server with TLS in front, except on loopback.
    #[arg(long, value_name = "ADDR:PORT", value_parser = parse::listen_address)]
    listen: Option<SocketAddr>,
    /// On Tencent Cloud, accept events without a token: only if the function has neither a URL nor a gateway,
    /// so that nobody but the platform can reach it.
    #[arg(long)]
    trust_platform: bool,
    /// Seconds an invocation may take: the function's timeout. A platform may set less, never more.
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_TIMEOUT.as_secs(), value_parser = seconds)]
    timeout: u64,
    /// Print one JSON object when the function stops, and nothing else, on stdout.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) settings: SettingsOf<ServeArgs>,
}

fn seconds(text: &str) -> Result<u64, Invalid> {
    parse::number(text, 1..=86_400)
}

impl WithSettings for ServeArgs {
    const NAME: &'static str = "serve";
}

pub(super) async fn run(args: &ServeArgs, reader: Reader) -> Ended {
    let lambda = RuntimeApi::find(variable);
    let token_is_set = reader.is_set(&SERVE_TOKEN.spec);
    let Served { function, ingest, access, limits } = match served(args, reader, lambda.as_ref()) {
        Ok(served) => served,
        Err(failure) => {
            if let Some(lambda) = lambda {
                lambda.report_init_error(&failure.to_string()).await;
            }
            return Err(failure);
        }
    };
    if token_is_set && matches!(access, Access::OfPlatform) {
        tracing::warn!(
            "SERVE_TOKEN is set, but has no effect here: the platform decides who may send events"
        );
    }
    if args.listen.is_some() && lambda.is_some() {
        tracing::warn!("--listen has no effect here: on AWS Lambda nothing listens");
    }
    if args.trust_platform && (lambda.is_some() || Platform::detect(variable) != Platform::TencentCloud) {
        tracing::warn!("--trust-platform has no effect here: it is for functions on Tencent Cloud");
    }
    let json = args.json;
    let ended = match lambda {
        Some(api) => {
            if ingest.is_some() {
                tracing::warn!("INGEST_TOKEN is set, but POST /objects is not served on AWS Lambda");
            }
            on_lambda(&api, Duration::from_secs(args.timeout), function.clone()).await
        }
        None => over_http(args, function.clone(), ingest, access, limits).await,
    };
    if json {
        super::print_json(&function.totals());
    }
    ended
}

/// The function, the interfaces served beside it, who may send events, and the limits of clients.
struct Served {
    function: Function,
    ingest: Option<Ingest>,
    access: Access,
    limits: Limits,
}

fn served(args: &ServeArgs, mut reader: Reader, lambda: Option<&RuntimeApi>) -> Result<Served, Failure> {
    if let Some(lambda) = lambda {
        lambda.check(variable).map_err(Failure::configuration)?;
    }
    let settings = Settings::read(&mut reader);
    let access = access(args, &mut reader, lambda);
    let limits = |r: &mut Reader| listen::limits(r, Platform::detect(variable).limits());
    let limits = if lambda.is_some() { reader.check(limits) } else { limits(&mut reader) };
    let (settings, access) = reader.finish(settings.zip(access))?;
    let key_encoding = settings.key_encoding;
    let ingest = settings.ingest.clone();
    let http = http_client::build(Proxies::FromEnvironment).map_err(Failure::internal)?;
    let (pipeline, arrivals) = assemble::confirming(settings, &http).map_err(Failure::configuration)?;
    let function = Function::new(pipeline, arrivals, SourceCredentials::new(variable), key_encoding);
    let random = ring::default_provider().secure_random;
    let ingest = ingest.and_then(|IngestSettings { guard, token }| {
        Some(Ingest::new(function.host(), guard, token?, random))
    });
    Ok(Served { function, ingest, access, limits })
}

/// Who may invoke the function.
fn access(args: &ServeArgs, r: &mut Reader, lambda: Option<&RuntimeApi>) -> Option<Access> {
    if args.trust_platform && r.is_set(&SERVE_TOKEN.spec) {
        let what = Invalid::new("is given, and SERVE_TOKEN is set");
        r.problem("--trust-platform", what.with_remedy("leave out one of them"));
    }
    if lambda.is_some() {
        // It polls for events itself.
        return Some(Access::OfPlatform);
    }
    let beside = if r.is_set(&INGEST_TOKEN.spec) { Beside::Ingest } else { Beside::Nothing };
    let trust = if args.trust_platform { Trust::Platform } else { Trust::Token };
    let access = Access::resolve(Platform::detect(variable), r.text(&SERVE_TOKEN.spec), beside, trust);
    access.map_err(|problem| r.add(problem)).ok()
}

async fn over_http(
    args: &ServeArgs,
    function: Function,
    ingest: Option<Ingest>,
    access: Access,
    limits: Limits,
) -> Ended {
    if matches!(access, Access::Nobody) {
        tracing::info!("SERVE_TOKEN is not set: POST /objects is served, but no events are accepted");
    }
    let platform = Platform::detect(variable);
    let adapter = fc::adapter(function.clone()).platform(platform).limits(limits);
    let adapter = adapter.timeout(Duration::from_secs(args.timeout));
    let ending = function.clone();
    let adapter = adapter.on_stop(move || ending.end_at_parts());
    let mut adapter = adapter.admit(move |headers| access.admits(headers));
    if let Some(ingest) = ingest {
        let looking = ingest.clone();
        adapter = adapter.on_http(MAX_BODY, move |request| {
            let (ingest, function) = (ingest.clone(), function.clone());
            async move { ingest.answer(request, function.invocation(FcContext::current().as_deref())).await }
        });
        adapter = adapter.look_at_http(move |head| looking.refuses(head));
    }
    if let Some(listen) = args.listen {
        adapter = adapter.listen(listen);
    }
    if args.json || platform != Platform::FunctionCompute {
        // Only Function Compute splits its logs by these lines.
        adapter = adapter.markers(Markers::Off);
    }
    match adapter.run().await {
        Ok(()) => Ok(Exit::Done),
        Err(error) => match error.kind() {
            ErrorKind::Interrupted => {
                super::say(error);
                Ok(Exit::Interrupted)
            }
            ErrorKind::Configuration => Err(Failure::configuration(&error)),
            ErrorKind::Listen => Err(failure::listener(&error, LISTEN)),
            _ => Err(Failure::internal(&error)),
        },
    }
}

async fn on_lambda(api: &RuntimeApi, timeout: Duration, function: Function) -> Ended {
    let mut signals = Interrupts::of_process();
    let stop = async {
        signals.next().await;
        function.end_at_parts();
    };
    lambda::run(function.clone(), api, timeout, stop).await.map(|()| Exit::Done).map_err(Failure::internal)
}
