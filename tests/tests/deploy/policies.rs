//! The policies in `deploy/`: read as RAM and IAM read them, narrow, and named where people look for them.

use std::path::Path;

use cloud_twin::AccessPolicy;
use serde_json::Value;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn policies() -> Vec<(String, String)> {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    let names = deploy.read_dir().unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("policy-")).collect();
    names.sort();
    names
        .into_iter()
        .map(|name| {
            let text = read(&format!("deploy/{name}"));
            (name, text)
        })
        .collect()
}

#[test]
fn each_is_a_policy_of_the_cloud_that_its_name_says() {
    let policies = policies();
    assert_eq!(policies.len(), 10);
    for (name, text) in policies {
        let policy = AccessPolicy::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(policy.is_of_huawei(), name.contains("huawei"), "{name}");
    }
}

#[test]
fn none_allows_everything_of_anything() {
    for (name, text) in policies() {
        let policy: Value = serde_json::from_str(&text).unwrap();
        for statement in policy["Statement"].as_array().unwrap() {
            assert_eq!(statement["Effect"], "Allow", "{name}");
            for action in statement["Action"].as_array().unwrap() {
                let action = action.as_str().unwrap();
                assert!(!action.contains('*'), "{name}: {action}");
                // With it a form could ask for an object that everybody may read.
                assert!(!action.ends_with("Acl"), "{name}: {action}");
                // Huawei takes services of projects and of the account in policies of their own.
                let service = action.split(':').next().unwrap();
                assert!(!name.contains("operator-oms") || service == "oms", "{name}: {action}");
                assert!(
                    !name.contains("huawei") || !name.contains("obs") || service == "obs",
                    "{name}: {action}"
                );
            }
            let resource = statement["Resource"].to_string();
            assert!(
                resource.contains('<') || resource == "null" && name.contains("oms"),
                "{name}: {resource}"
            );
        }
    }
}

#[test]
fn each_is_named_where_rights_are_described_in_both_languages() {
    for page in ["docs/deploy.md", "docs/deploy.zh-CN.md"] {
        let text = read(page);
        for (name, _) in policies() {
            assert!(text.contains(&format!("(../deploy/{name})")), "{page} does not name {name}");
        }
    }
}
