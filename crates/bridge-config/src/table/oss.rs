//! Where the services listen, and what opens OSS.

use oss_lite::{Dialect, Endpoint, SignatureVersion};
use settings::setting::{Given, Secrecy, Section, Spec, Unset, text};
use settings::{Invalid, lenient, parse, table};

use super::ALL;

const SECTION: Section = Section {
    title: text("OSS", "OSS"),
    intro: text(
        "All commands find the region by one rule: what is set, else that of the function, else what the host of the endpoint names. A \
         source or destination with an endpoint of its own is in the region that its host names; only where `OSS_ENDPOINT` names the same \
         region, or for a source without `OSS_ENDPOINT`, `OSS_REGION` holds for it, too.",
        "所有命令都按同一规则确定区域：先用设置的值，其次是函数所在的区域，最后是 Endpoint 主机名中的区域。源或目标有自己的 Endpoint 时，\
         以其主机名中的区域为准；只有 `OSS_ENDPOINT` 的区域与之相同，或源没有 `OSS_ENDPOINT` 时，`OSS_REGION` 才对它有效。",
    ),
};

const BASE: Spec = Spec { section: &SECTION, commands: ALL, ..Spec::BASE };

const CREDENTIALS: Section = Section {
    title: text("Credentials for OSS", "OSS 凭证"),
    intro: text(
        "The first complete set wins, and sets are never mixed: those of the function's role as each invocation brings them on Function \
         Compute; `ALIBABA_CLOUD_ACCESS_KEY_ID` with its secret and token; `OSS_ACCESS_KEY_ID` with its own. `consume` renews what ends: without any of these it takes the role of \
         `ALIBABA_CLOUD_ROLE_ARN`, `ALIBABA_CLOUD_OIDC_PROVIDER_ARN` and `ALIBABA_CLOUD_OIDC_TOKEN_FILE`, else that of the ECS instance \
         (`ALIBABA_CLOUD_ECS_METADATA`, its name), else what `ALIBABA_CLOUD_CREDENTIALS_URI` answers. Secrets never reach a log, an error \
         or a record.",
        "取第一组完整的，绝不混用：在函数计算上每次调用带来的函数角色凭证；`ALIBABA_CLOUD_ACCESS_KEY_ID` 及其密钥和令牌；`OSS_ACCESS_KEY_ID` 及其密钥和令牌。`consume` 会续期：以上都没有时，\
         使用 `ALIBABA_CLOUD_ROLE_ARN`、`ALIBABA_CLOUD_OIDC_PROVIDER_ARN`、`ALIBABA_CLOUD_OIDC_TOKEN_FILE` 指定的角色，其次是 ECS 实例的角色\
         （`ALIBABA_CLOUD_ECS_METADATA`，角色名），再次是 `ALIBABA_CLOUD_CREDENTIALS_URI` 给出的凭证。密钥绝不会出现在日志、错误或记录中。",
    ),
};

const KEY: Spec = Spec { section: &CREDENTIALS, given: Given::Variable, secrecy: Secrecy::Secret, ..BASE };

table! {
    /// Where OSS listens, and what opens it.
    pub static TABLE;

    OSS_ENDPOINT: Endpoint = endpoint_of_oss, Spec {
        value: "HOST",
        short_help: ALL,
        about: text(
            "Host or URL of OSS: for the log bucket, and for source and destination that have none of their own",
            "OSS 的主机名或 URL：用于日志桶，也用于没有单独设置 Endpoint 的源和目标",
        ),
        more: text("an IP address or `localhost` means path style", "IP 地址或 `localhost` 表示路径风格"),
        unset: Unset::Required(text(
            "; for `copy` where no other endpoint is set for `oss://`",
            "；`copy` 仅在 `oss://` 没有设置其他 Endpoint 时需要",
        )),
        ..BASE
    };
    OSS_REGION: String = lenient::region, Spec {
        value: "REGION",
        about: text("Region id for V4 signatures, such as `cn-hangzhou`", "V4 签名用的区域 ID，例如 `cn-hangzhou`"),
        unset: Unset::Is(text("that of the function, else of the endpoint", "函数所在的区域，否则取自 Endpoint")),
        ..BASE
    };
    FC_REGION: String = lenient::region, Spec {
        value: "REGION",
        given: Given::Variable,
        about: text("Region of the function, which Function Compute sets", "函数所在的区域，由函数计算设置"),
        ..BASE
    };
    OSS_SIGNATURE: SignatureVersion = signature, Spec {
        value: "VERSION",
        about: text("OSS signature version: `v4` or `v1`", "OSS 签名版本：`v4` 或 `v1`"),
        unset: Unset::Is(text("`v4`", "`v4`")),
        ..BASE
    };
    ALIBABA_CLOUD_ACCESS_KEY_ID: String = parse::key, Spec {
        short_help: ALL,
        about: text("Access key id of Alibaba Cloud", "阿里云访问密钥 ID"),
        ..KEY
    };
    ALIBABA_CLOUD_ACCESS_KEY_SECRET: String = parse::text, Spec {
        short_help: ALL,
        about: text("Its secret", "其密钥"),
        ..KEY
    };
    ALIBABA_CLOUD_SECURITY_TOKEN: String = parse::key, Spec {
        about: text("Its token, where it is temporary", "临时凭证的令牌"),
        ..KEY
    };
    OSS_ACCESS_KEY_ID: String = parse::key, Spec {
        about: text("Access key id of OSS, under the names of OSS's own tools", "OSS 访问密钥 ID，名称与 OSS 官方工具相同"),
        ..KEY
    };
    OSS_ACCESS_KEY_SECRET: String = parse::text, Spec {
        about: text("Its secret", "其密钥"),
        ..KEY
    };
    OSS_SESSION_TOKEN: String = parse::key, Spec {
        about: text("Its token, where it is temporary", "临时凭证的令牌"),
        ..KEY
    };
}

pub(super) fn endpoint_of_oss(text: &str) -> Result<Endpoint, Invalid> {
    lenient::endpoint(text, Dialect::Oss)
}

fn signature(text: &str) -> Result<SignatureVersion, Invalid> {
    match &*parse::word(text) {
        "v4" => Ok(SignatureVersion::V4),
        "v1" => Ok(SignatureVersion::V1),
        _ => Err(Invalid::new(format_args!("{text:?} is neither \"v4\" nor \"v1\""))),
    }
}
