//! Settings of OMS, and of how keys are forwarded and filtered.

use oss_lite::{BucketName, Dialect};
use settings::setting::{Secrecy, Section, Spec, Text, Unset, text};
use settings::{Invalid, lenient, parse, table};

use super::{ALL, FIXING, FORWARDING};
use crate::forward_mode::ForwardMode;
use bridge_core::oms::SyncUrl;
use object_events::KeyEncoding;

const SECTION: Section = Section { title: text("Settings", "基本设置"), intro: text("", "") };

/// Of requests to OMS.
const OMS: Text = text("on requests that forward keys to OMS", "向 OMS 转发键时");

const BASE: Spec = Spec { section: &SECTION, commands: FORWARDING, ..Spec::BASE };
const SECRET: Spec = Spec { secrecy: Secrecy::Secret, ..BASE };

table! {
    /// How changes are forwarded to OMS.
    pub static TABLE;

    SYNC_URL: SyncUrl = sync_url, Spec {
        commands: FIXING,
        value: "URL",
        short_help: FORWARDING,
        about: text(
            "OMS \"synchronization request receiving address\" of the sync task",
            "同步任务的“同步请求接收地址”",
        ),
        more: text(
            "the records in the log bucket are named by its `<sync_task_id>`, and without it by `direct-copy`",
            "日志桶中的记录以其中的 `<sync_task_id>` 命名，没有时以 `direct-copy` 命名",
        ),
        unset: Unset::Required(text(" unless `FORWARD_MODE` is `copy`", "，`FORWARD_MODE` 为 `copy` 时除外")),
        ..BASE
    };
    FORWARD_MODE: ForwardMode = |text| parse::word(text).parse(), Spec {
        commands: FIXING,
        value: "MODE",
        short_help: &["serve", "send", "consume"],
        about: text(
            "What forwards changes: `oms`, `copy` (this program copies), or `oms-then-copy` (it copies what OMS did not accept)",
            "由谁转发变更：`oms`、`copy`（由本程序复制）或 `oms-then-copy`（OMS 未接受的由本程序复制）",
        ),
        unset: Unset::Is(text("`oms`", "`oms`")),
        ..BASE
    };
    HW_AK: String = parse::key, Spec {
        value: "AK",
        short_help: ALL,
        commands: ALL,
        about: text("Huawei access key", "华为云访问密钥（AK）"),
        unset: Unset::Required(text(
            " for OMS, and for OBS unless `DEST_AK` is set",
            "：使用 OMS 时，以及使用 OBS 而未设置 `DEST_AK` 时",
        )),
        ..SECRET
    };
    HW_SK: String = parse::text, Spec {
        value: "SK",
        short_help: ALL,
        commands: ALL,
        about: text("Huawei secret key", "华为云私有密钥（SK）"),
        unset: Unset::Required(text(" with `HW_AK`", "：与 `HW_AK` 同时")),
        ..SECRET
    };
    HW_SECURITY_TOKEN: String = parse::key, Spec {
        value: "TOKEN",
        commands: ALL,
        about: text("Token of temporary Huawei credentials", "华为云临时凭证的令牌"),
        ..SECRET
    };
    LOG_BUCKET: BucketName = bucket_of_oss, Spec {
        commands: FIXING,
        value: "BUCKET",
        short_help: FORWARDING,
        about: text(
            "OSS bucket of the journal; must not be the source bucket",
            "存放转发记录的 OSS 桶，不能是源桶",
        ),
        unset: Unset::Required(text(
            ", except for `desk` with `DESK_FORWARD=false`",
            "，`desk` 设置了 `DESK_FORWARD=false` 时除外",
        )),
        ..BASE
    };
    OMS_BATCH: usize = |text| parse::number(text, 1..=100), Spec {
        unused_by: &["status", "report", "explain"],
        commands: FIXING,
        only: OMS,
        value: "N",
        about: text("Keys per OMS request, 1 to 100", "每个 OMS 请求的键数，1 到 100"),
        more: text("OMS documents 10", "OMS 文档写的是 10"),
        unset: Unset::Is(text("10", "10")),
        ..BASE
    };
    OMS_MAX_RPS: f64 = requests_per_second, Spec {
        unused_by: &["status", "report", "explain"],
        commands: FIXING,
        only: OMS,
        value: "RPS",
        about: text("Own ceiling on OMS requests per second, per instance", "每个实例自设的每秒 OMS 请求上限"),
        ..BASE
    };
}

table! {
    /// Which keys are forwarded.
    pub static FILTERS;

    KEY_ENCODING: KeyEncoding = key_encoding, Spec {
        unused_by: &["send", "replay", "confirm", "status", "report", "explain", "desk"],
        only: text("on events from OSS", "处理 OSS 事件时"),
        value: "ENCODING",
        section: &FILTER,
        about: text("How keys arrive in OSS events: `raw` or `percent`", "OSS 事件中键的编码：`raw` 或 `percent`"),
        unset: Unset::Is(text("`raw`", "`raw`")),
        ..BASE
    };
    INCLUDE: String = parse::text, Spec {
        unused_by: &["replay", "confirm", "status", "report"],
        missed_by: &["copy", "reconcile"],
        only: FILTERED,
        value: "GLOBS",
        short_help: &["serve", "send", "consume"],
        section: &FILTER,
        about: text(
            "Comma-separated globs: only keys that match one are forwarded",
            "逗号分隔的键通配符：只转发与其中之一匹配的键",
        ),
        more: text(
            "`*` (also matches `/`), `?` one character, `[…]`, `{a,b}`, `{a,}`",
            "`*`（也匹配 `/`）、`?`（一个字符）、`[…]`、`{a,b}`、`{a,}`",
        ),
        unset: Unset::Is(text("all keys", "全部")),
        ..BASE
    };
    EXCLUDE: String = parse::text, Spec {
        unused_by: &["replay", "confirm", "status", "report"],
        missed_by: &["copy", "reconcile"],
        only: FILTERED,
        value: "GLOBS",
        short_help: &["serve", "send", "consume"],
        section: &FILTER,
        about: text(
            "Comma-separated globs: keys that match one are not forwarded",
            "逗号分隔的键通配符：与其中之一匹配的键不转发",
        ),
        more: text("it wins over `INCLUDE`", "优先于 `INCLUDE`"),
        ..BASE
    };
}

const FILTERED: Text = text(
    "on what is forwarded for the first time; `copy` has options of this name, and no settings",
    "首次转发时；`copy` 有同名选项，但不读取该设置",
);

const FILTER: Section = Section { title: text("Keys", "键"), intro: text("", "") };

/// A slash behind it, and full-width characters, change nothing.
fn sync_url(text: &str) -> Result<SyncUrl, Invalid> {
    SyncUrl::parse(lenient::half_width(text).trim_end_matches('/')).map_err(Invalid::new)
}

pub(super) fn bucket_of_oss(text: &str) -> Result<BucketName, Invalid> {
    lenient::bucket(text, Dialect::Oss)
}

/// Requests per second.
///
/// # Errors
///
/// When it is no such number.
pub fn requests_per_second(text: &str) -> Result<f64, Invalid> {
    // The lower bound keeps the time between two requests within a day.
    match lenient::half_width(text).trim().parse::<f64>() {
        Ok(rps) if (0.0001..=1_000_000.0).contains(&rps) => Ok(rps),
        _ => Err(Invalid::new(format_args!(
            "{text:?} is not a number of requests per second above 0, such as 5 or 0.5"
        ))),
    }
}

fn key_encoding(text: &str) -> Result<KeyEncoding, Invalid> {
    match &*parse::word(text) {
        "raw" => Ok(KeyEncoding::Raw),
        "percent" => Ok(KeyEncoding::Percent),
        _ => Err(Invalid::new(format_args!("{text:?} is neither \"raw\" nor \"percent\""))),
    }
}
