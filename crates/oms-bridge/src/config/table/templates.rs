//! What the templates of deployment set, against the table: the tools that read them know no setting, so
//! nobody would be told of a slip.

use serde_yaml_ng::Value;
use settings::setting::{Secrecy, Unset};
use settings::{Spec, Values};

use super::all;
use crate::config::Settings;

const FUNCTION_COMPUTE: &str = include_str!("../../../../../s.yaml");
const LAMBDA: &str = include_str!("../../../../../deploy/lambda/template.yaml");

/// The variables that a template sets, each with the text of its value.
fn variables(template: &str, path: &[&str]) -> Vec<(String, String)> {
    let template: Value = serde_yaml_ng::from_str(template).unwrap();
    let variables = path.iter().fold(&template, |value, name| &value[*name]);
    let text = |value: &Value| match value {
        Value::Tagged(tagged) => tagged.value.as_str().unwrap().to_owned(),
        value => value.as_str().unwrap_or_else(|| panic!("{value:?} is no text")).to_owned(),
    };
    let variables = variables.as_mapping().unwrap().iter();
    variables.map(|(name, value)| (name.as_str().unwrap().to_owned(), text(value))).collect()
}

fn of_function_compute() -> Vec<(String, String)> {
    variables(FUNCTION_COMPUTE, &["resources", "forwarder", "props", "environmentVariables"])
}

fn of_lambda() -> Vec<(String, String)> {
    variables(LAMBDA, &["Resources", "Forwarder", "Properties", "Environment", "Variables"])
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
    assert!(secrets >= 9, "{secrets}");
}

/// The value where whoever deploys sets nothing of its own: the default in `${env('NAME', 'default')}`.
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
