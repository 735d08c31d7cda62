//! Settings of what listens: the function, what is taken over HTTP, limits of clients; the queue; logs.

use std::time::Duration;

use http_listener::token::Token;
use settings::setting::{Given, Secrecy, Section, Spec, Text, Unset, text};
use settings::{Invalid, parse, table};
use terminal::format::LogFormat;

use super::{EVERY, FORWARDING};

/// Longest time that can be set: a day.
const LONGEST: Duration = Duration::from_hours(24);

/// Most connections that can be set.
const MOST_CONNECTIONS: usize = 100_000;

const EVENTS: Section = Section {
    title: text("Events over HTTP and from a queue", "通过 HTTP 和队列接收事件"),
    intro: text("", ""),
};

const LIMITS: Section = Section {
    title: text("Limits of clients", "对客户端的限制"),
    intro: text(
        "What slow, silent and many clients may take, at every listener.",
        "每个监听对过慢、不发数据和过多的客户端的限制。",
    ),
};

const INGEST: Section = Section {
    title: text("Ingest over HTTP", "通过 HTTP 接收对象"),
    intro: text(
        "`POST /objects` of `serve`, and uploads from URLs of `desk`.",
        "`serve` 的 `POST /objects`，以及 `desk` 的从 URL 上传。",
    ),
};

/// Commands that fetch nothing from the web.
const FETCH_NOTHING: &[&str] = &["send", "confirm", "status", "report", "explain", "consume"];

const FETCHED: Text = text("where objects are fetched from the web", "从网上抓取对象时");

const BASE: Spec = Spec { commands: FORWARDING, ..Spec::BASE };
const LIMIT: Spec = Spec {
    section: &LIMITS,
    commands: &["serve", "consume", "desk", "dev"],
    only: text(
        "where something listens: on AWS Lambda, and in `consume` without `--listen`, nothing does",
        "有监听时：在 AWS Lambda 上，以及 `consume` 没有 `--listen` 时，没有监听",
    ),
    ..Spec::BASE
};

table! {
    /// What listens.
    pub static TABLE;

    SERVE_TOKEN: Token = token, Spec {
        value: "TOKEN",
        section: &EVENTS,
        commands: &["serve"],
        secrecy: Secrecy::Secret,
        about: text(
            "Bearer token that senders of events must present, 16 characters or more; required where no platform authenticates callers",
            "向 `serve` 发送事件所用的令牌，至少 16 个字符；平台不校验调用者时必须设置",
        ),
        more: text("visible ASCII characters", "可见 ASCII 字符"),
        unset: Unset::Required(text(
            " on a server of your own and on Tencent Cloud, unless `INGEST_TOKEN` is set",
            "：在自己的服务器和腾讯云上，除非设置了 `INGEST_TOKEN`",
        )),
        ..BASE
    };
    QUEUE_URL: String = parse::text, Spec {
        value: "URL",
        section: &EVENTS,
        commands: &["consume"],
        short_help: &["consume"],
        feature: Some("aws"),
        about: text("URL of the queue", "队列的 URL"),
        unset: Unset::Required(text("", "")),
        ..BASE
    };
    INGEST_TOKEN: Token = token, Spec {
        unused_by: &["send", "replay", "confirm", "status", "report", "explain", "consume", "desk"],
        only: text("in `serve`", "`serve` 中"),
        value: "TOKEN",
        section: &INGEST,
        secrecy: Secrecy::Secret,
        about: text("Bearer token of POST /objects, 16 characters or more", "`POST /objects` 的令牌，至少 16 个字符"),
        more: text("visible ASCII characters", "可见 ASCII 字符"),
        unset: Unset::Nothing(text("none: there is no such path", "无：没有此接口")),
        ..BASE
    };
    INGEST_DOMAINS: String = parse::text, Spec {
        unused_by: FETCH_NOTHING,
        only: FETCHED,
        value: "NAMES",
        section: &INGEST,
        about: text(
            "Comma-separated host names that objects are fetched from; `*.example.com` for all below example.com",
            "可以抓取的主机名，以逗号分隔；`*.example.com` 表示其下所有主机名",
        ),
        unset: Unset::Required(text(" with `INGEST_TOKEN`", "：与 `INGEST_TOKEN` 同时")),
        ..BASE
    };
    INGEST_ALLOW_PRIVATE: bool = parse::boolean, Spec {
        unused_by: FETCH_NOTHING,
        only: FETCHED,
        value: "BOOL",
        section: &INGEST,
        about: text(
            "Whether private addresses, http and ports are allowed too: for tests and private networks",
            "是否放行私有地址、http 和端口，用于测试和私有网络",
        ),
        unset: Unset::Is(text("`false`", "`false`")),
        ..BASE
    };
    LISTEN_HEAD_TIMEOUT: Duration = |text| parse::seconds(text, LONGEST), Spec {
        value: "SECONDS",
        about: text(
            "Seconds from the first byte of a request until its head is complete, 1 to 86400",
            "从请求的第一个字节到请求头完整的秒数，1 到 86400",
        ),
        unset: Unset::Is(text("10; 60 under Function Compute", "10；函数计算上 60")),
        ..LIMIT
    };
    LISTEN_BODY_TIMEOUT: Duration = |text| parse::seconds(text, LONGEST), Spec {
        value: "SECONDS",
        about: text(
            "Seconds from the head of a request until its body is complete, 1 to 86400",
            "从请求头完整到请求体完整的秒数，1 到 86400",
        ),
        unset: Unset::Is(text("30; up to the deadline under Function Compute", "30；函数计算上直到截止时间")),
        ..LIMIT
    };
    LISTEN_IDLE_TIMEOUT: Duration = |text| parse::seconds(text, LONGEST), Spec {
        value: "SECONDS",
        about: text(
            "Seconds that a connection stays open without a request, 1 to 86400",
            "没有请求的连接保持打开的秒数，1 到 86400",
        ),
        unset: Unset::Is(text("60; a day under Function Compute", "60；函数计算上一天")),
        ..LIMIT
    };
    LISTEN_MAX_CONNECTIONS: usize = |text| parse::number(text, 2..=MOST_CONNECTIONS), Spec {
        value: "N",
        about: text(
            "Connections open at once, 2 to 100000; half of them may have a request",
            "同时打开的连接数，2 到 100000，其中一半可以有请求",
        ),
        more: text("the one silent for longest makes room", "超出时关闭等待最久的连接"),
        unset: Unset::Is(text(
            "512; 64 for consume; 2000 under Function Compute",
            "512；`consume` 为 64，函数计算上为 2000",
        )),
        ..LIMIT
    };
}

const LOGGING: Section = Section { title: text("Logs", "日志"), intro: text("", "") };

table! {
    /// Log lines.
    pub static LOGS;

    LOG_FORMAT: LogFormat = LogFormat::parse, Spec {
        value: "json|text",
        section: &LOGGING,
        commands: EVERY,
        about: text("Form of the log lines", "日志的格式：`json` 或 `text`"),
        unset: Unset::Is(text(
            "json under Function Compute and Lambda, else text",
            "函数计算和 Lambda 上为 `json`，否则 `text`",
        )),
        ..BASE
    };
    RUST_LOG: String = parse::text, Spec {
        value: "FILTER",
        section: &LOGGING,
        commands: EVERY,
        given: Given::Variable,
        about: text("Log filter: `info`, `oms_bridge=debug`", "日志过滤：`info`、`oms_bridge=debug`"),
        unset: Unset::Is(text("`info`, and less for commands that report what goes wrong themselves", "`info`；自己报告问题的命令更少")),
        ..BASE
    };
}

fn token(text: &str) -> Result<Token, Invalid> {
    Token::parse(text).map_err(Invalid::new)
}
