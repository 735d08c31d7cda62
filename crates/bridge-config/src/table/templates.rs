//! What the templates of deployment set, against the table: the tools that read them know no setting, so
//! nobody would be told of a slip, and a setting that no template passes cannot be used where it is deployed.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use serde_yaml_ng::Value;
use settings::setting::{Secrecy, Unset};
use settings::{Spec, Values};

use super::all;
use crate::Settings;

const FUNCTION_COMPUTE: &str = include_str!("../../../../s.yaml");
const LAMBDA: &str = include_str!("../../../../deploy/lambda/template.yaml");
const TERRAFORM: &str = include_str!("../../../../deploy/terraform/settings.json");
const TERRAFORM_LAMBDA: &str = include_str!("../../../../deploy/terraform/lambda/settings.json");

/// Settings of `serve` that no function has a use for, each with the reason.
const NOT_OF_FUNCTIONS: [(&str, &str); 4] = [
    ("SERVE_TOKEN", "a platform decides who may send events"),
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "Function Compute sets it, from the role of the function"),
    ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "the same"),
    ("ALIBABA_CLOUD_SECURITY_TOKEN", "the same"),
];

/// Those that only AWS Lambda has a use for.
const NOT_OF_FUNCTION_COMPUTE: [(&str, &str); 4] = [
    ("FC_REGION", "the platform sets it"),
    ("OSS_ACCESS_KEY_ID", "the role of the function comes first"),
    ("OSS_ACCESS_KEY_SECRET", "the same"),
    ("OSS_SESSION_TOKEN", "the same"),
];

/// Those that only Function Compute has a use for.
const NOT_OF_LAMBDA: [(&str, &str); 8] = [
    ("FC_REGION", "another platform's"),
    ("INGEST_TOKEN", "nothing listens on Lambda"),
    ("INGEST_DOMAINS", "the same"),
    ("INGEST_ALLOW_PRIVATE", "the same"),
    ("LISTEN_HEAD_TIMEOUT", "the same"),
    ("LISTEN_BODY_TIMEOUT", "the same"),
    ("LISTEN_IDLE_TIMEOUT", "the same"),
    ("LISTEN_MAX_CONNECTIONS", "the same"),
];

/// The variables that a template sets, each with the text of its value.
fn variables(template: &str, path: &[&str]) -> Vec<(String, String)> {
    let template: Value = serde_yaml_ng::from_str(template).unwrap();
    let variables = path.iter().fold(&template, |value, name| &value[*name]);
    let variables = variables.as_mapping().unwrap().iter();
    variables.map(|(name, value)| (name.as_str().unwrap().to_owned(), text(value))).collect()
}

/// The text of a value; of `!If [CONDITION, VALUE, '']` that of the value.
fn text(value: &Value) -> String {
    match value {
        Value::Tagged(tagged) => match &tagged.value {
            Value::Sequence(branches) => {
                assert!(tagged.tag == "If" && branches.len() == 3 && branches[2] == "", "{value:?}");
                text(&branches[1])
            }
            value => value.as_str().unwrap().to_owned(),
        },
        value => value.as_str().unwrap_or_else(|| panic!("{value:?} is no text")).to_owned(),
    }
}

fn of_function_compute() -> Vec<(String, String)> {
    variables(FUNCTION_COMPUTE, &["resources", "forwarder", "props", "environmentVariables"])
}

fn of_lambda() -> Vec<(String, String)> {
    variables(LAMBDA, &["Resources", "Forwarder", "Properties", "Environment", "Variables"])
}

/// The names in a list of Terraform's `settings.json`.
fn of_terraform(file: &str, list: &str) -> Vec<String> {
    let file: Json = serde_json::from_str(file).unwrap();
    file[list].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// The names that a Terraform module passes.
fn all_of_terraform(file: &str) -> Vec<String> {
    ["settings", "secrets", "by_the_module"].iter().flat_map(|list| of_terraform(file, list)).collect()
}

fn names(variables: Vec<(String, String)>) -> Vec<String> {
    variables.into_iter().map(|(name, _)| name).collect()
}

fn spec(name: &str) -> &'static Spec {
    all()
        .find(|spec| spec.name == name && spec.is_of("serve"))
        .unwrap_or_else(|| panic!("{name} is no setting of serve"))
}

#[test]
fn what_is_deployed_are_settings_of_the_function_and_what_it_needs_is_among_them() {
    for variables in [of_function_compute(), of_lambda()] {
        for (name, _) in &variables {
            assert_eq!(spec(name).name, name);
        }
        // The rest of what may be required is for copies, or where no platform decides who sends events.
        for needed in ["SYNC_URL", "HW_AK", "HW_SK", "LOG_BUCKET", "OSS_ENDPOINT"] {
            assert!(matches!(spec(needed).unset, Unset::Required(_)), "{needed}");
            assert!(variables.iter().any(|(name, _)| name == needed), "{needed}");
        }
    }
}

#[test]
fn each_template_passes_every_setting_that_its_function_can_use_and_no_other() {
    type Exceptions = &'static [(&'static str, &'static str)];
    let templates: [(_, Vec<String>, Exceptions); 4] = [
        ("s.yaml", names(of_function_compute()), &NOT_OF_FUNCTION_COMPUTE),
        ("deploy/terraform/settings.json", all_of_terraform(TERRAFORM), &NOT_OF_FUNCTION_COMPUTE),
        ("deploy/lambda/template.yaml", names(of_lambda()), &NOT_OF_LAMBDA),
        ("deploy/terraform/lambda/settings.json", all_of_terraform(TERRAFORM_LAMBDA), &NOT_OF_LAMBDA),
    ];
    for (template, passed, exceptions) in templates {
        let left_out: BTreeSet<_> =
            NOT_OF_FUNCTIONS.iter().chain(exceptions).map(|(name, _)| spec(name).name.to_owned()).collect();
        // What is deployed is built without features.
        let usable = all().filter(|spec| spec.is_of("serve") && spec.feature.is_none());
        let usable: BTreeSet<_> =
            usable.map(|spec| spec.name.to_owned()).filter(|name| !left_out.contains(name)).collect();
        let distinct: BTreeSet<_> = passed.iter().cloned().collect();
        assert_eq!(distinct.len(), passed.len(), "{template} names a setting twice");
        let missing: Vec<_> = usable.difference(&distinct).collect();
        let unknown: Vec<_> = distinct.difference(&usable).collect();
        assert!(
            missing.is_empty() && unknown.is_empty(),
            "{template} does not pass {missing:?}, and passes {unknown:?}, which do not exist"
        );
    }
}

#[test]
fn what_is_secret_is_in_no_template() {
    type Reference = fn(&str) -> String;
    let mut secrets = 0;
    let references: [(_, Reference); 2] = [
        (of_function_compute(), |name| format!("${{env('{name}', '')}}")),
        (of_lambda(), |name| format!("{{{{resolve:secretsmanager:${{Secret}}:SecretString:{name}}}}}")),
    ];
    for (variables, reference) in references {
        for (name, value) in variables {
            if spec(&name).secrecy == Secrecy::Secret {
                assert_eq!(value, reference(&name), "{name}");
                secrets += 1;
            }
        }
    }
    assert!(secrets >= 16, "{secrets}");
    for file in [TERRAFORM, TERRAFORM_LAMBDA] {
        for (list, secrecy) in [("secrets", true), ("settings", false), ("by_the_module", false)] {
            for name in of_terraform(file, list) {
                assert_eq!(spec(&name).secrecy == Secrecy::Secret, secrecy, "{name} is in {list}");
            }
        }
    }
}

/// The value if the deployer sets none: the default in `${env('NAME', 'default')}`.
fn default(value: &str) -> String {
    let value = value.replace("${vars.region}", "cn-hangzhou").replace("${vars.sourceBucket}", "photos");
    let default =
        value.strip_prefix("${env(").map(|rest| rest.split_once(", '").map_or("", |(_, rest)| rest));
    default.map_or(value.clone(), |default| default.trim_end_matches("')}").to_owned())
}

#[test]
fn the_defaults_that_are_deployed_are_good_settings() {
    let deployed = of_function_compute();
    let deployed = deployed
        .iter()
        .fold(Values::default(), |values, (name, value)| values.with(spec(name), default(value)));
    let sync_url = "https://oms.cn-north-4.myhuaweicloud.com/v2/p/sync-tasks/t/events";
    let oms = [("SYNC_URL", sync_url), ("HW_AK", "AK"), ("HW_SK", "SK"), ("LOG_BUCKET", "logs")];
    let with = |more: &[(&str, &str)]| {
        more.iter().fold(deployed.clone(), |values, (name, value)| values.with(spec(name), value))
    };
    let settings = Settings::resolve(with(&oms)).unwrap();
    assert_eq!(settings.oss.region.as_deref(), Some("cn-hangzhou"));
    let copies = [
        ("FORWARD_MODE", "copy"),
        ("DEST", "obs://mirror"),
        ("DEST_ENDPOINT", "obs.cn-north-4.myhuaweicloud.com"),
        ("DEST_AK", "AK"),
        ("DEST_SK", "SK"),
        ("LOG_BUCKET", "logs"),
    ];
    assert!(Settings::resolve(with(&copies)).unwrap().mode.copy().is_some());
}

#[test]
fn the_defaults_of_the_template_of_lambda_are_good_settings() {
    let template: Value = serde_yaml_ng::from_str(LAMBDA).unwrap();
    let given = [
        ("SyncUrl", "https://oms.cn-north-4.myhuaweicloud.com/v2/p/sync-tasks/t/events"),
        ("LogBucket", "logs"),
        ("OssEndpoint", "oss-cn-hangzhou.aliyuncs.com"),
    ];
    let values = of_lambda().into_iter().fold(Values::default(), |values, (name, value)| {
        let value = match &*value {
            secret if secret.starts_with("{{resolve:") => "secret",
            "s3://${SourceBucket}" => "s3://photos",
            parameter => match given.iter().find(|(name, _)| *name == parameter) {
                Some((_, value)) => value,
                None => template["Parameters"][parameter]["Default"]
                    .as_str()
                    .unwrap_or_else(|| panic!("{parameter} is no parameter with a default")),
            },
        };
        values.with(spec(&name), value)
    });
    let settings = Settings::resolve(values).unwrap();
    assert_eq!(settings.oss.region.as_deref(), Some("cn-hangzhou"));
}
