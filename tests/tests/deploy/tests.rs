use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::schema::Schema;

const DESCRIPTION: &str = include_str!("../../../s.yaml");
const SCHEMA: &str = include_str!("../../../fixtures/fc3/schema.json");

fn description() -> Value {
    serde_yaml_ng::from_str(DESCRIPTION).unwrap()
}

fn props() -> Value {
    description()["resources"]["forwarder"]["props"].take()
}

/// What the walker says of the deployed description once `change` has been made to it.
fn problems_after(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut props = props();
    change(&mut props);
    let schema = Schema::parse(SCHEMA);
    let mut problems = schema.problems(&props);
    // The schema takes any object for the configuration of a trigger, since that of one kind has no described form.
    for (index, trigger) in props["triggers"].as_array().into_iter().flatten().enumerate() {
        let definition = match trigger["triggerType"].as_str() {
            Some("oss") => "IOssTriggerConfig",
            Some("timer") => "ITimerTriggerConfig",
            _ => continue,
        };
        let path = format!("triggers[{index}].triggerConfig");
        problems.extend(schema.problems_with_definition(definition, &trigger["triggerConfig"], &path));
    }
    problems
}

fn rename(object: &mut Value, from: &str, to: &str) {
    let object = object.as_object_mut().unwrap();
    let value = object.remove(from).unwrap();
    object.insert(to.to_owned(), value);
}

#[test]
fn every_key_and_value_is_one_that_the_deploy_tool_knows() {
    assert_eq!(problems_after(|_| {}), Vec::<String>::new());
}

#[test]
fn the_walker_catches_what_the_deploy_tool_drops() {
    type Change = fn(&mut Value);
    let mistakes: [(&str, Change); 15] = [
        ("initializer: unknown key", |props| {
            props["initializer"] = props["instanceLifecycleConfig"]["initializer"].take();
        }),
        ("instanceConcurency: unknown key", |props| {
            rename(props, "instanceConcurrency", "instanceConcurency");
        }),
        ("triggers[0].triggerConfig.bucketName: unknown key", |props| {
            props["triggers"][0]["triggerConfig"]["bucketName"] = json!("photos");
        }),
        ("triggers[0].triggerConfig.events[6]: \"oss:ObjectCreated:Put\" is none of", |props| {
            let events = &mut props["triggers"][0]["triggerConfig"]["events"];
            events.as_array_mut().unwrap().push(json!("oss:ObjectCreated:Put"));
        }),
        ("triggers[0].triggerConfig.filter.key: suffix is missing", |props| {
            let key = &mut props["triggers"][0]["triggerConfig"]["filter"]["key"];
            key.as_object_mut().unwrap().remove("suffix");
        }),
        ("triggers[0].triggerType: \"OSS\" is none of", |props| {
            props["triggers"][0]["triggerType"] = json!("OSS");
        }),
        ("asyncInvokeConfig.destinationConfig.onFailed: unknown key", |props| {
            rename(&mut props["asyncInvokeConfig"]["destinationConfig"], "onFailure", "onFailed");
        }),
        ("asyncInvokeConfig.maxAsyncRetryAttempts: 9 against maximum", |props| {
            props["asyncInvokeConfig"]["maxAsyncRetryAttempts"] = json!(9);
        }),
        ("memorySize: 100 against minimum", |props| props["memorySize"] = json!(100)),
        ("memorySize: 200 against multipleOf", |props| props["memorySize"] = json!(200)),
        ("timeout: \"120\" is no \"integer\"", |props| props["timeout"] = json!("120")),
        ("diskSize: 1024 is none of", |props| props["diskSize"] = json!(1024)),
        ("logConfig: logstore is missing", |props| {
            props["logConfig"].as_object_mut().unwrap().remove("logstore");
        }),
        ("props: code is missing", |props| {
            props.as_object_mut().unwrap().remove("code");
        }),
        ("environmentVariables.OMS_BATCH: 10 is no \"string\"", |props| {
            props["environmentVariables"]["OMS_BATCH"] = json!(10);
        }),
    ];
    for (wanted, mistake) in mistakes {
        let problems = problems_after(mistake);
        assert!(problems.iter().any(|problem| problem.starts_with(wanted)), "{wanted}: {problems:?}");
    }
}

#[test]
fn the_edition_and_the_component_are_the_current_ones() {
    let description = description();
    assert_eq!(description["edition"], "3.0.0");
    assert_eq!(description["resources"]["forwarder"]["component"], "fc3");
    assert_eq!(description["resources"].as_object().unwrap().len(), 1);
}

#[test]
fn the_trigger_names_exactly_the_events_that_leave_an_object_behind() {
    let props = props();
    let triggers = props["triggers"].as_array().unwrap();
    let trigger = triggers.iter().find(|trigger| trigger["triggerType"] == "oss").unwrap();
    let events: BTreeSet<&str> = trigger["triggerConfig"]["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event.as_str().unwrap())
        .collect();
    let wanted =
        ["PutObject", "PostObject", "CopyObject", "CompleteMultipartUpload", "AppendObject", "PutSymlink"];
    // The wildcard, and with it an event for every part of an upload, is not among them.
    assert_eq!(
        events,
        wanted.map(|name| format!("oss:ObjectCreated:{name}")).iter().map(String::as_str).collect()
    );
    assert!(trigger["sourceArn"].as_str().unwrap().ends_with(":${vars.sourceBucket}"));
    assert!(
        trigger["invocationRole"].is_string(),
        "without it the tool's own look-up may end the deployment"
    );
}

#[test]
fn nothing_is_lost_when_the_function_fails() {
    let props = props();
    let asynchronous = &props["asyncInvokeConfig"];
    assert!(asynchronous["destinationConfig"]["onFailure"]["destination"].is_string());
    assert!(asynchronous["maxAsyncRetryAttempts"].as_u64().unwrap() >= 3);
    // The API takes at most seven days, whatever the schema says.
    assert!((3600..=604_800).contains(&asynchronous["maxAsyncEventAgeInSeconds"].as_u64().unwrap()));
}

#[test]
fn timers_send_again_what_failed_confirm_what_arrived_and_compare_both_sides() {
    let props = props();
    let triggers = props["triggers"].as_array().unwrap();
    let timers: Vec<_> = triggers.iter().filter(|trigger| trigger["triggerType"] == "timer").collect();
    let found = timers.iter().map(|timer| {
        let config = &timer["triggerConfig"];
        assert_eq!(config["enable"], true);
        let payload: Value = serde_json::from_str(config["payload"].as_str().unwrap()).unwrap();
        (config["cronExpression"].clone(), payload)
    });
    // What the trigger of events is configured for is compared, and nothing else.
    let keys = &triggers.iter().find(|trigger| trigger["triggerType"] == "oss").unwrap()["triggerConfig"]["filter"]
        ["key"];
    let wanted = [
        ("@every 10m", json!({"action": "replay"})),
        ("@every 5m", json!({"action": "confirm"})),
        ("@every 1h", json!({"action": "reconcile", "prefix": keys["prefix"], "suffix": keys["suffix"]})),
    ];
    let wanted = wanted.map(|(cron, payload)| (json!(cron), payload));
    assert_eq!(found.collect::<Vec<_>>(), wanted);
}

#[test]
fn logs_are_kept() {
    let props = props();
    for name in ["project", "logstore"] {
        assert!(props["logConfig"][name].is_string(), "{name}");
    }
}

#[test]
fn the_function_knows_its_own_timeout() {
    let props = props();
    let config = &props["customRuntimeConfig"];
    let args: Vec<&str> =
        config["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect();
    let ["serve", "--timeout", timeout] = args.as_slice() else { panic!("{args:?}") };
    assert_eq!(timeout.parse().ok(), props["timeout"].as_u64());
    assert_eq!(config["port"], 9000);
    assert_eq!(config["command"], json!(["/code/bootstrap"]));
    assert!(props["runtime"].as_str().unwrap().starts_with("custom"));
    assert!(props["instanceConcurrency"].as_u64().unwrap() > 1);
}

#[test]
fn lifecycle_hooks_stay_within_the_limits_of_the_platform() {
    let props = props();
    let hooks = &props["instanceLifecycleConfig"];
    assert!((1..=300).contains(&hooks["initializer"]["timeout"].as_u64().unwrap()));
    assert!((1..=90).contains(&hooks["preStop"]["timeout"].as_u64().unwrap()));
}

#[test]
fn secrets_come_from_the_environment_of_whoever_deploys() {
    let props = props();
    let variables = props["environmentVariables"].as_object().unwrap();
    for name in ["HW_AK", "HW_SK", "DEST_AK", "DEST_SK"] {
        assert!(variables.contains_key(name), "{name}");
    }
    for (name, value) in variables {
        let secret = ["_AK", "_SK", "SECRET", "TOKEN"].iter().any(|part| name.contains(part));
        // Which of them are needed is for the function to say: that depends on the mode.
        let reference = format!("${{env('{name}', '')}}");
        assert!(!secret || value == &reference, "{name} is {value}, not {reference}");
    }
    assert!(!DESCRIPTION.contains("LTAI"), "an access key id of Alibaba Cloud");
}
