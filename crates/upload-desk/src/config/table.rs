//! Their rows of the table of settings.

use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use crate::catalogue::DatabaseUrl;
use crate::types::AllowedTypes;
use crate::users::Users;
use oss_lite::callback::PublicKey;
use oss_lite::{BucketName, Dialect, Endpoint};
use reqwest::Url;
use settings::setting::{Secrecy, Section, Spec, Unset, text};
use settings::{Invalid, lenient, parse, table};

/// Smallest and largest part, limits of OSS.
const PARTS: RangeInclusive<u64> = 100 << 10..=5 << 30;

/// Largest object: 10,000 parts of 5 GiB, a limit of OSS.
const LARGEST: u64 = 10_000 * *PARTS.end();

/// Longest time in which an upload may begin.
const LONGEST_UPLOAD: Duration = Duration::from_hours(24);

/// Longest time that temporary credentials sign a URL for.
const LONGEST_LINK: Duration = Duration::from_hours(12);

/// Longest prefix: with the user, the id and a name of 255 bytes a key has 1023 bytes at most.
const LONGEST_PREFIX: usize = 500;

const SECTION: Section = Section {
    title: text("Desk", "上传台"),
    intro: text(
        "Of the command `desk` alone. Its bucket is at `SOURCE_ENDPOINT`.",
        "只用于命令 `desk`。它的桶位于 `SOURCE_ENDPOINT`。",
    ),
};

const BASE: Spec = Spec { section: &SECTION, commands: &["desk"], feature: Some("desk"), ..Spec::BASE };

table! {
    /// All of them, in the order of the help text.
    pub static TABLE;

    DESK_BUCKET: BucketName = |text| lenient::bucket(text, Dialect::Oss), Spec {
        value: "BUCKET",
        short_help: &["desk"],
        about: text("OSS bucket that browsers upload to", "浏览器上传到的 OSS 桶"),
        more: text("at `SOURCE_ENDPOINT`", "位于 `SOURCE_ENDPOINT`"),
        unset: Unset::Required(text("", "")),
        ..BASE
    };
    DESK_TOKENS: Users = users, Spec {
        value: "USERS",
        short_help: &["desk"],
        secrecy: Secrecy::Secret,
        about: text(
            "Users, `name:token` or `name:token:admin`, with commas between",
            "用户：`name:token` 或 `name:token:admin`，逗号分隔",
        ),
        more: text("tokens of 16 characters or more", "令牌至少 16 个字符"),
        unset: Unset::Required(text(", or `DESK_TOKENS_FILE`", "，或 `DESK_TOKENS_FILE`")),
        ..BASE
    };
    DESK_TOKENS_FILE: Users = users_in_file, Spec {
        value: "FILE",
        about: text(
            "File of users, one `name:token` or `name:token:admin` a line",
            "用户文件，每行一个 `name:token` 或 `name:token:admin`",
        ),
        unset: Unset::Required(text(", or `DESK_TOKENS`", "，或 `DESK_TOKENS`")),
        ..BASE
    };
    DESK_CALLBACK_URL: Url = callback_url, Spec {
        value: "URL",
        short_help: &["desk"],
        about: text(
            "Where OSS reaches POST /callback of this desk from the internet",
            "OSS 从公网访问本上传台 `POST /callback` 的地址",
        ),
        unset: Unset::Nothing(text("none: uploads are found by looking", "无：靠查看桶来发现上传")),
        ..BASE
    };
    DESK_CALLBACK_KEY: PublicKey = public_key, Spec {
        value: "FILE",
        about: text(
            "PEM file of the key that callbacks are signed with, for private clouds and desks without a way out",
            "回调签名公钥的 PEM 文件，用于专有云和没有外网出口的上传台",
        ),
        unset: Unset::Is(text(
            "fetched from `gosspublic.alicdn.com`, where OSS publishes it; the published one is built in",
            "从 OSS 公布它的 `gosspublic.alicdn.com` 获取；已发布的那个内置",
        )),
        ..BASE
    };
    DESK_PUBLIC_ENDPOINT: Endpoint = |text| lenient::endpoint(text, Dialect::Oss), Spec {
        value: "HOST",
        about: text(
            "Host or URL of OSS for browsers, such as a custom domain, when the desk uses an internal endpoint",
            "上传台使用内网地址时，浏览器使用的 OSS 主机或 URL，例如自定义域名",
        ),
        unset: Unset::Is(text("that of the desk", "与上传台相同")),
        ..BASE
    };
    DESK_DATABASE: DatabaseUrl = database, Spec {
        value: "URL",
        short_help: &["desk"],
        secrecy: Secrecy::Secret,
        about: text(
            "Database of the catalogue: `sqlite://FILE` or `mysql://USER:PASSWORD@HOST/DATABASE`",
            "对象目录的数据库：`sqlite://文件` 或 `mysql://USER:PASSWORD@HOST/DATABASE`",
        ),
        more: text("a database of MySQL or MariaDB may be shared by several desks", "MySQL、MariaDB 的数据库可供多个上传台共用"),
        unset: Unset::Is(text("`sqlite://oms-bridge-desk.db`", "`sqlite://oms-bridge-desk.db`")),
        ..BASE
    };
    DESK_PREFIX: String = prefix, Spec {
        value: "PREFIX",
        about: text("What all keys begin with", "所有键的前缀"),
        unset: Unset::Is(text("`uploads/`", "`uploads/`")),
        ..BASE
    };
    DESK_MAX_SIZE: u64 = max_size, Spec {
        value: "BYTES",
        about: text("Largest upload in bytes", "最大上传字节数"),
        more: text("up to 53687091200000 (48.8 TiB); fetches from a URL end at 5 GiB", "最大 53687091200000（48.8 TiB）；从 URL 获取最多 5 GiB"),
        unset: Unset::Is(text("5368709120 (5 GiB)", "5368709120（5 GiB）")),
        ..BASE
    };
    DESK_PART_SIZE: u64 = part_size, Spec {
        value: "BYTES",
        about: text(
            "Size of the parts of large uploads in bytes; the page uploads files of more than 16 of them in parts",
            "大文件分片的字节数；页面对超过 16 个分片的文件使用分片上传",
        ),
        more: text("102400 to 5368709120; larger where an upload would have more than 10000 parts", "102400 到 5368709120；超过 10000 片时自动增大"),
        unset: Unset::Is(text("16777216 (16 MiB)", "16777216（16 MiB）")),
        ..BASE
    };
    DESK_TYPES: AllowedTypes = types, Spec {
        value: "TYPES",
        about: text(
            "Comma-separated content types that may be uploaded, such as `image/*,application/pdf`",
            "允许上传的内容类型，逗号分隔，例如 `image/*,application/pdf`",
        ),
        unset: Unset::Is(text("all", "全部")),
        ..BASE
    };
    DESK_UPLOAD_EXPIRY: Duration = |text| parse::seconds(text, LONGEST_UPLOAD), Spec {
        value: "SECONDS",
        about: text("Seconds in which an upload must begin, up to 86400", "上传必须在多少秒内开始，最多 86400"),
        unset: Unset::Is(text("1800", "1800")),
        ..BASE
    };
    DESK_LINK_EXPIRY: Duration = |text| parse::seconds(text, LONGEST_LINK), Spec {
        value: "SECONDS",
        about: text("Seconds that a download link is good for, up to 43200", "下载链接的有效秒数，最多 43200"),
        unset: Unset::Is(text("3600", "3600")),
        ..BASE
    };
    DESK_FORWARD: bool = parse::boolean, Spec {
        value: "BOOL",
        short_help: &["desk"],
        about: text(
            "Whether the desk forwards what is uploaded; `false` where the bucket has a trigger that does",
            "上传台是否转发上传的对象；桶有触发器转发时设为 `false`",
        ),
        unset: Unset::Is(text("`true`", "`true`")),
        ..BASE
    };
}

fn users(text: &str) -> Result<Users, Invalid> {
    Users::parse(text)
}

fn users_in_file(path: &str) -> Result<Users, Invalid> {
    users(&file_text(path)?)
}

fn database(text: &str) -> Result<DatabaseUrl, Invalid> {
    DatabaseUrl::parse(text.trim())
}

fn types(text: &str) -> Result<AllowedTypes, Invalid> {
    AllowedTypes::parse(text)
}

fn file_text(path: &str) -> Result<String, Invalid> {
    let text = fs::read_to_string(Path::new(path));
    let text = text.map_err(|error| {
        // The content of the file in the place of its path may be a secret.
        let is_path = !path.contains([':', '\n', '\r']) && !path.starts_with("--");
        let shown = if is_path { format!("{path:?}") } else { "the file".to_owned() };
        Invalid::new(format_args!("{shown} cannot be read: {error}"))
            .with_remedy("set it to the path of a file")
    })?;
    Ok(text.strip_prefix(lenient::MARK).map(str::to_owned).unwrap_or(text))
}

fn public_key(path: &str) -> Result<PublicKey, Invalid> {
    PublicKey::from_pem(&file_text(path)?).map_err(|error| Invalid::new(format_args!("{path:?}: {error}")))
}

/// OSS calls plain `http` and `https` URLs, and none of IPv6.
fn callback_url(text: &str) -> Result<Url, Invalid> {
    let url = Url::parse(&lenient::half_width(text)).map_err(|_| {
        Invalid::new(format_args!("{:?} is no URL", lenient::shown_url(text)))
            .with_remedy("write it with https:// before it, such as https://desk.example.com/callback")
    })?;
    let good = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| !host.starts_with('['))
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
        && !url.as_str().contains(';');
    if good { Ok(url) } else { Err(Invalid::new("is not a plain http or https URL, which OSS could call")) }
}

fn prefix(text: &str) -> Result<String, Invalid> {
    let text = text.trim();
    let text = if text.ends_with('/') { text.to_owned() } else { format!("{text}/") };
    let bad_segment = text.split('/').rev().skip(1).any(|segment| matches!(segment, "" | "." | ".."));
    if text.len() > LONGEST_PREFIX || bad_segment || text.chars().any(char::is_control) {
        let what = format!("{text:?} is no folder of up to {LONGEST_PREFIX} bytes, such as \"uploads/\"");
        return Err(Invalid::new(what));
    }
    Ok(text)
}

fn part_size(text: &str) -> Result<u64, Invalid> {
    let (least, most) = PARTS.into_inner();
    parse::number(text, PARTS)
        .map_err(|_| Invalid::new(format_args!("{text:?} is not a number of bytes from {least} to {most}")))
}

fn max_size(text: &str) -> Result<u64, Invalid> {
    parse::number(text, 1..=LARGEST)
        .map_err(|_| Invalid::new(format_args!("{text:?} is not a number of bytes from 1 to {LARGEST}")))
}
