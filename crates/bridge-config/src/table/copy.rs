//! Settings of direct copies, and of where `explain` looks.

use oss_lite::{BucketName, Dialect};
use settings::location::Place;
use settings::setting::{Secrecy, Section, Spec, Text, Unset, text};
use settings::{Invalid, lenient, parse, table};

use super::{ALL, FORWARDING};
use object_events::change::Provider;

const SECTION: Section = Section {
    title: text("Source and destination", "源与目标"),
    intro: text(
        "`DEST` and what belongs to it are for copies (`FORWARD_MODE=copy` and `oms-then-copy`), and say where `explain` looks; the command \
         `copy` is told both ends by its arguments.",
        "`DEST` 及相关设置用于复制（`FORWARD_MODE=copy` 与 `oms-then-copy`），也是 `explain` 查看的位置；命令 `copy` 的两端由参数给出。",
    ),
};

const BASE: Spec = Spec { section: &SECTION, commands: FORWARDING, ..Spec::BASE };
const KEY: Spec = Spec { commands: ALL, secrecy: Secrecy::Secret, ..BASE };

const DESTINATION: Text = text(
    "where this program copies (the command `copy`, `FORWARD_MODE` `copy` and `oms-then-copy`) and in `explain`; a sync task has its own destination",
    "由本程序复制时（命令 `copy`，或 `FORWARD_MODE` 为 `copy` 或 `oms-then-copy`），以及 `explain` 中；同步任务有自己的目标端",
);

const DELETES: Text = text(
    "where events are forwarded by copies (`FORWARD_MODE` `copy` or `oms-then-copy`): neither OMS nor the command `copy` removes anything",
    "以复制转发事件时（`FORWARD_MODE` 为 `copy` 或 `oms-then-copy`）：OMS 和命令 `copy` 都不删除任何对象",
);

table! {
    /// Both ends of copies.
    pub static TABLE;

    SOURCE_BUCKET: (Provider, String) = source_bucket, Spec {
        unused_by: &["status", "report"],
        value: "[s3://]BUCKET",
        short_help: &["serve", "send", "consume"],
        about: text(
            "The source bucket: events of any other are refused, and keys given without a bucket are taken to be in it",
            "源桶：只接受该桶的事件（其他桶的会被拒绝），也是没有带桶名的键所在的桶",
        ),
        more: text(
            "such keys are those of `send` and the vendor's empty markers. A bucket of OSS, or `s3://bucket`, `cos://bucket`",
            "没有带桶名的键包括 `send` 的键和厂商的空标记。OSS 的桶，或 `s3://bucket`、`cos://bucket`",
        ),
        unset: Unset::Is(text("any: events of all buckets are taken", "无：接受任何桶的事件")),
        ..BASE
    };
    SOURCE_ENDPOINT: String = parse::text, Spec {
        unused_by: &["status", "report"],
        value: "HOST",
        commands: ALL,
        about: text(
            "Host or URL of the source's service, where that is not `OSS_ENDPOINT`",
            "源端服务的主机名或 URL（与 `OSS_ENDPOINT` 不同时）",
        ),
        more: text(
            "of OSS for all but `copy`; for `copy` also of OBS, and of S3, where it stands above the AWS settings",
            "除 `copy` 外都是 OSS 的；`copy` 还可以是 OBS 的，或 S3 的（优先于 AWS 设置）",
        ),
        unset: Unset::Is(text("`OSS_ENDPOINT`; required for `obs://`", "`OSS_ENDPOINT`；`obs://` 必填")),
        ..BASE
    };
    DEST: Place = lenient::place, Spec {
        only: DESTINATION,
        value: "obs://BUCKET[/PREFIX]",
        about: text(
            "Bucket that objects are copied to, in OBS or OSS, and what stands before their keys there",
            "复制到的桶（OBS 或 OSS），以及键在那里的前缀",
        ),
        more: text(
            "`obs://bucket[/prefix]` or `oss://bucket[/prefix]`; it is also where `explain` looks; not in the source bucket",
            "`obs://bucket[/prefix]` 或 `oss://bucket[/prefix]`；也是 `explain` 查看的位置；不得在源桶中",
        ),
        unset: Unset::Required(text(" for the copy modes", "（复制模式）")),
        ..BASE
    };
    DEST_ENDPOINT: String = parse::text, Spec {
        only: DESTINATION,
        value: "HOST",
        commands: ALL,
        short_help: &["copy", "reconcile"],
        about: text("Host or URL of the destination's service", "目标端服务的主机名或 URL"),
        unset: Unset::Required(text(" with `DEST`; `OSS_ENDPOINT` for `oss://`", "：与 `DEST` 同时；`oss://` 默认为 `OSS_ENDPOINT`")),
        ..BASE
    };
    DEST_REGION: String = lenient::region, Spec {
        only: DESTINATION,
        value: "REGION",
        commands: ALL,
        about: text("Region id of a destination in OSS, or of a DST in S3", "OSS 目标端或 S3 中 DST 的区域 ID"),
        unset: Unset::Is(text(
            "by the rule for `OSS_REGION`; `AWS_REGION` for `s3://`",
            "按 `OSS_REGION` 的规则；`s3://` 用 `AWS_REGION`",
        )),
        ..BASE
    };
    DEST_AK: String = parse::key, Spec {
        only: DESTINATION,
        value: "AK",
        about: text("Access key of the destination", "目标端的访问密钥"),
        unset: Unset::Is(text("`HW_AK` for OBS, that of the source for OSS", "OBS 用 `HW_AK`，OSS 用源端凭证")),
        ..KEY
    };
    DEST_SK: String = parse::text, Spec {
        only: DESTINATION,
        value: "SK",
        about: text("Secret key of the destination", "目标端的私有密钥"),
        unset: Unset::Is(text("`HW_SK` for OBS, that of the source for OSS", "OBS 用 `HW_SK`，OSS 用源端凭证")),
        ..KEY
    };
    DEST_SECURITY_TOKEN: String = parse::key, Spec {
        only: DESTINATION,
        value: "TOKEN",
        about: text("Token of temporary credentials of the destination", "目标端临时凭证的令牌"),
        ..KEY
    };
    PROPAGATE_DELETES: bool = parse::boolean, Spec {
        unused_by: &["status", "report", "explain"],
        missed_by: &["serve", "send", "replay", "confirm", "doctor", "consume", "desk", "copy"],
        only: DELETES,
        value: "BOOL",
        about: text(
            "Whether an object that is removed at the source is removed at the destination: `true` or `false`",
            "是否把源端已删除的对象从 `DEST` 删除（复制模式）：`true` 或 `false`",
        ),
        unset: Unset::Is(text("`false`", "`false`")),
        ..BASE
    };
    MAX_DELETES: usize = parse::positive, Spec {
        unused_by: &["status", "report", "explain"],
        only: text("with `PROPAGATE_DELETES=true`, in a mode that copies", "设置了 `PROPAGATE_DELETES=true` 且为复制模式时"),
        value: "N",
        about: text("Objects that an instance may remove in ten minutes", "每个实例十分钟内最多删除的对象数"),
        unset: Unset::Is(text("100", "100")),
        ..BASE
    };
    AWS_REGION: String = lenient::aws_region, Spec {
        value: "REGION",
        commands: &["copy", "reconcile", "consume"],
        feature: Some("aws"),
        about: text(
            "Region of Amazon's services: of a side in S3, and of the queue if its URL does not tell",
            "亚马逊服务的区域：S3 一端的区域，以及 URL 未给出时队列所在的区域",
        ),
        unset: Unset::Is(text("from the queue's URL, else from the AWS settings", "取自队列的 URL，否则取自 AWS 设置")),
        ..BASE
    };
}

/// A bucket of OSS by its name, one of another service with that service's scheme before it.
fn source_bucket(text: &str) -> Result<(Provider, String), Invalid> {
    let (scheme, name) = match lenient::parts(text) {
        Some((scheme, name, _)) => (scheme, name.trim_end_matches('/')),
        None => ("oss", text),
    };
    let provider = match scheme {
        "oss" | "https" | "http" => {
            let bucket: BucketName = lenient::bucket(text, Dialect::Oss)?;
            return Ok((Provider::Configured, bucket.as_str().to_owned()));
        }
        "s3" => Provider::AmazonS3,
        "cos" => Provider::TencentCos,
        _ => {
            return Err(Invalid::new(format_args!(
                "{:?} is no bucket of oss://, s3:// or cos://",
                lenient::shown_url(text)
            )));
        }
    };
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    if (3..=63).contains(&name.len()) && name.bytes().all(allowed) {
        Ok((provider, name.to_owned()))
    } else {
        Err(Invalid::new(format_args!("{:?} is no name of a bucket", lenient::shown_url(name))))
    }
}
