//! Variables of the environment that are read and are no settings: a platform sets them, or they are those of
//! others' tools.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use bridge_config::table;
use settings::reference::Language;
use settings::setting::{Section, Text, text};

/// One variable, or several that belong together.
struct Other {
    names: &'static [&'static str],
    about: Text,
    /// What is done without it.
    unset: Text,
}

const SECTION: Section = Section {
    title: text("Variables that are no settings", "不是设置的环境变量"),
    intro: text(
        "A platform sets them, or they are those of other tools. They have no option.",
        "由平台设置，或与其他工具通用，没有对应的命令行参数。",
    ),
};

const NONE: Text = text("none", "无");
const NOT_THERE: Text = text("not on that platform", "不在该平台上");

const OTHERS: [Other; 14] = [
    Other {
        names: &["FC_FUNCTION_NAME", "FC_ACCOUNT_ID"],
        about: text(
            "Function Compute sets both; with them the program is on that platform",
            "函数计算会同时设置二者；有了它们，程序就认为自己运行在函数计算上",
        ),
        unset: NOT_THERE,
    },
    Other {
        names: &["FC_SERVER_PORT", "FC_CUSTOM_LISTEN_PORT"],
        about: text(
            "Port to listen on, the first before the second; `--listen` wins over both",
            "监听端口，前者优先；`--listen` 优先于二者",
        ),
        unset: text("9000; 8080 for `desk`", "9000；`desk` 为 8080"),
    },
    Other {
        names: &["FC_QUALIFIER", "FC_FUNCTION_VERSION", "FC_VER_ID", "FC_FUNCTION_MEMORY_SIZE"],
        about: text(
            "Version and memory of the function; the memory limits the size of an event",
            "函数的版本和内存；内存决定事件大小的上限",
        ),
        unset: NONE,
    },
    Other {
        names: &[
            "AWS_LAMBDA_RUNTIME_API",
            "AWS_LAMBDA_FUNCTION_NAME",
            "AWS_LAMBDA_FUNCTION_VERSION",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            "AWS_LAMBDA_MAX_CONCURRENCY",
        ],
        about: text(
            "AWS Lambda sets them; with the first the program takes its events from there",
            "由 AWS Lambda 设置；有第一项时程序从那里获取事件",
        ),
        unset: NOT_THERE,
    },
    Other {
        names: &["TENCENTCLOUD_RUNENV"],
        about: text("Tencent Cloud sets it", "由腾讯云设置"),
        unset: NOT_THERE,
    },
    Other {
        names: &["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"],
        about: text(
            "Proxies for OSS, OBS, OMS and web sources, as `curl` uses them; never for objects of `POST /objects`, which are \
             fetched by address",
            "访问 OSS、OBS、OMS 和网络源时使用的代理，规则与 `curl` 相同；`POST /objects` 的对象从不经过代理，因为要检查其地址",
        ),
        unset: text("no proxy", "不使用代理"),
    },
    Other {
        names: &[
            "ALIBABA_CLOUD_ROLE_ARN",
            "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
            "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
        ],
        about: text(
            "`consume`: the role that a pod of ACK takes with its OIDC token; all three",
            "`consume`：ACK 的 Pod 用 OIDC 令牌扮演的角色，三项缺一不可",
        ),
        unset: text("the next way", "尝试下一种方式"),
    },
    Other {
        names: &["ALIBABA_CLOUD_ROLE_SESSION_NAME"],
        about: text(
            "`consume`: name of that session, which audits show",
            "`consume`：该会话的名称，会出现在审计日志中",
        ),
        unset: text("`oms-bridge`", "`oms-bridge`"),
    },
    Other {
        names: &["ALIBABA_CLOUD_STS_REGION", "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED"],
        about: text(
            "`consume`: region whose STS is asked; with `true` in the second, inside the VPC",
            "`consume`：使用哪个区域的 STS；第二项为 `true` 时走 VPC 内网",
        ),
        unset: text("`sts.aliyuncs.com`", "`sts.aliyuncs.com`"),
    },
    Other {
        names: &["ALIBABA_CLOUD_ECS_METADATA"],
        about: text("`consume`: role of the ECS instance", "`consume`：ECS 实例的角色名"),
        unset: text("the next way", "尝试下一种方式"),
    },
    Other {
        names: &["ALIBABA_CLOUD_ECS_METADATA_DISABLED", "ALIBABA_CLOUD_IMDSV1_DISABLED"],
        about: text(
            "`consume`: with `true`, the metadata of the instance is not asked; with `true` in the second, only with a token",
            "`consume`：为 `true` 时不访问实例元数据；第二项为 `true` 时只用带令牌的方式访问",
        ),
        unset: text("`false`", "`false`"),
    },
    Other {
        names: &["ALIBABA_CLOUD_CREDENTIALS_URI"],
        about: text("`consume`: address that answers credentials", "`consume`：返回凭证的地址"),
        unset: NONE,
    },
    Other {
        names: &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"],
        about: text(
            "Feature `aws`: credentials for S3 and SQS, with all other ways that the AWS tools know",
            "特性 `aws`：访问 S3 和 SQS 的凭证，AWS 工具的其他方式同样有效",
        ),
        unset: text("the other ways", "其他方式"),
    },
    Other {
        names: &["AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SQS"],
        about: text(
            "Feature `aws`: region where `AWS_REGION` is not set, and addresses of the services",
            "特性 `aws`：未设置 `AWS_REGION` 时的区域，以及服务地址",
        ),
        unset: text("those of Amazon", "亚马逊的地址"),
    },
];

/// What only the deploy tool reads: `s.yaml`, and no program of ours.
const DEPLOYMENT: [(&str, Text, Text); 9] = [
    (
        "FC_DEPLOY_REGION",
        text("Region of the source bucket, and so of the function", "源桶所在区域，也是函数的区域"),
        text("`cn-hangzhou`", "`cn-hangzhou`"),
    ),
    ("FC_ROLE", text("ARN of the role of the function", "函数角色的 ARN"), text("required", "必填")),
    ("SLS_PROJECT", text("Log project", "日志项目"), text("required", "必填")),
    ("SLS_LOGSTORE", text("Log store", "日志库"), text("required", "必填")),
    (
        "FAILURE_DESTINATION",
        text("Where events go that were given up", "被放弃的事件的去向"),
        text("required", "必填"),
    ),
    (
        "SOURCE_PREFIX",
        text("Only keys that begin with this raise an event", "只有以此开头的键才触发事件"),
        text("all", "全部"),
    ),
    (
        "SOURCE_SUFFIX",
        text("Only keys that end with this raise an event", "只有以此结尾的键才触发事件"),
        text("all", "全部"),
    ),
    (
        "SERVERLESS_ACCESS",
        text("Name of the credentials of `s config add`", "`s config add` 保存的凭证名称"),
        text("`default`", "`default`"),
    ),
    (
        "PREBUILT",
        text(
            "Binary or release archive to deploy; nothing is built then",
            "要部署的二进制或发布包，设置后不再构建",
        ),
        text("it is built", "现场构建"),
    ),
];

/// The sections of the page behind those of the settings.
pub(crate) fn sections(language: Language) -> String {
    let heads = match language {
        Language::English => "| name | meaning | without it |",
        Language::Chinese => "| 名称 | 含义 | 未设置时 |",
    };
    let title = |page: &mut String, section: &Section| {
        let _ = write!(
            page,
            "\n## {}\n\n{}\n\n{heads}\n|---|---|---|\n",
            language.of(section.title),
            language.of(section.intro)
        );
    };
    let mut page = String::new();
    title(&mut page, &SECTION);
    for other in &OTHERS {
        let names: Vec<_> = other.names.iter().map(|name| format!("`{name}`")).collect();
        let names = names.join(if language == Language::Chinese { "、" } else { ", " });
        let _ = writeln!(page, "| {names} | {} | {} |", language.of(other.about), language.of(other.unset));
    }
    title(
        &mut page,
        &Section {
            title: text("Variables of the deployment", "部署用的环境变量"),
            intro: text(
                "`s deploy` reads them for [s.yaml](../../s.yaml); the function never sees them.",
                "`s deploy` 为 [s.yaml](../../s.yaml) 读取，函数看不到它们。",
            ),
        },
    );
    for (name, about, unset) in DEPLOYMENT {
        let _ = writeln!(page, "| `{name}` | {} | {} |", language.of(about), language.of(unset));
    }
    page
}

/// The text of every file of our crates that is no test.
fn sources() -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, files: &mut Vec<(PathBuf, String)>) {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" {
                collect(&path, files);
            } else if path.extension().is_some_and(|kind| kind == "rs") && !name.starts_with("tests") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
                files.push((path, code));
            }
        }
    }
    let mut files = Vec::new();
    for entry in Path::new(env!("CARGO_MANIFEST_DIR")).join("..").read_dir().unwrap() {
        let source = entry.unwrap().path().join("src");
        if source.is_dir() {
            collect(&source, &mut files);
        }
    }
    files
}

#[test]
fn every_variable_that_is_read_is_on_the_page() {
    let settings: BTreeSet<_> = table::all().map(|spec| spec.name).collect();
    let others: BTreeSet<_> = OTHERS.iter().flat_map(|other| other.names).copied().collect();
    let prefixes = ["ALIBABA_CLOUD_", "AWS_", "FC_", "TENCENTCLOUD_"];
    let is_name = |text: &str| {
        prefixes.iter().any(|prefix| text.len() > prefix.len() && text.starts_with(prefix))
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let mut read = BTreeSet::new();
    for (path, code) in sources() {
        if path.ends_with(file!().trim_start_matches("crates/oms-bridge/")) {
            continue;
        }
        for name in code.split('"').skip(1).step_by(2).filter(|text| is_name(text)) {
            assert!(
                settings.contains(name) || others.contains(name),
                "{}: {name} is neither a setting nor in {}",
                path.display(),
                file!()
            );
            read.insert(name.to_owned());
        }
    }
    // The rest is for libraries: reqwest, and the AWS SDK.
    let of_libraries = |name: &str| !name.starts_with("FC_") && !name.starts_with("ALIBABA_");
    for name in others {
        assert!(read.contains(name) || of_libraries(name), "nothing reads {name}");
    }
}

#[test]
fn the_variables_of_the_deployment_are_those_that_only_s_yaml_reads() {
    let settings: BTreeSet<_> = table::all().map(|spec| spec.name).collect();
    let description = include_str!("../../../../../s.yaml");
    let read: BTreeSet<_> =
        description.split("env('").skip(1).map(|rest| rest.split('\'').next().unwrap()).collect();
    let mut only_there: BTreeSet<_> = read.difference(&settings).copied().collect();
    // Read by what it runs before it deploys.
    only_there.insert("PREBUILT");
    assert_eq!(only_there, DEPLOYMENT.iter().map(|(name, _, _)| *name).collect());
}
