//! Policies as texts, and what they allow.

use http::HeaderMap;

use super::document::{AccessPolicy, PolicyVerdict, judge};
use super::needs::{Subject, deletion, of_object_service, of_oms};
use crate::dialect::Dialect;

fn ram(statements: &str) -> Result<AccessPolicy, String> {
    AccessPolicy::parse(&format!(r#"{{"Version":"1","Statement":[{statements}]}}"#))
        .map_err(|error| error.to_string())
}

fn iam(statements: &str) -> Result<AccessPolicy, String> {
    AccessPolicy::parse(&format!(r#"{{"Version":"1.1","Statement":[{statements}]}}"#))
        .map_err(|error| error.to_string())
}

const PHOTOS: &str = "acs:oss:cn-hangzhou:1:photos/a/b.jpg";

#[test]
fn what_no_statement_allows_is_not_allowed_and_a_denial_counts_more() {
    let policy =
        ram(r#"{"Effect":"Allow","Action":["oss:Get*","oss:PutObject"],"Resource":"acs:oss:*:*:photos/a/*"},
           {"Effect":"Deny","Action":"oss:GetObjectAcl","Resource":["acs:oss:*:*:*"]}"#)
        .unwrap();
    for (action, resource, verdict) in [
        ("oss:GetObject", PHOTOS, PolicyVerdict::Allowed),
        ("oss:PutObject", PHOTOS, PolicyVerdict::Allowed),
        ("oss:PutObjectTagging", PHOTOS, PolicyVerdict::Unmentioned),
        ("oss:DeleteObject", PHOTOS, PolicyVerdict::Unmentioned),
        ("oss:GetObjectAcl", PHOTOS, PolicyVerdict::Denied),
        ("oss:GetObject", "acs:oss:cn-hangzhou:1:photos/b.jpg", PolicyVerdict::Unmentioned),
        ("oss:GetObject", "acs:oss:cn-hangzhou:1:photos2/a/b.jpg", PolicyVerdict::Unmentioned),
        ("oss:GetBucketInfo", "acs:oss:cn-hangzhou:1:photos", PolicyVerdict::Unmentioned),
        ("OSS:GetObject", PHOTOS, PolicyVerdict::Unmentioned),
    ] {
        assert_eq!(judge(std::slice::from_ref(&policy), action, resource), verdict, "{action} {resource}");
    }
    let more = ram(r#"{"Effect":"Allow","Action":"oss:DeleteObject","Resource":"*"}"#).unwrap();
    assert_eq!(judge(&[policy, more], "oss:DeleteObject", PHOTOS), PolicyVerdict::Allowed, "they add up");
}

#[test]
fn policies_of_huawei_name_types_and_resources_in_capitals() {
    let policy =
        iam(r#"{"Effect":"Allow","Action":["obs:object:GetObject"],"Resource":["OBS:*:*:object:photos/*"]},
           {"Effect":"Allow","Action":["oms:synctask:createEvent"]}"#)
        .unwrap();
    assert!(policy.is_of_huawei());
    for (action, resource, verdict) in [
        ("obs:object:GetObject", "obs:cn-north-4:1:object:photos/a", PolicyVerdict::Allowed),
        ("obs:object:GetObject", "obs:cn-north-4:1:object:other/a", PolicyVerdict::Unmentioned),
        ("obs:object:PutObject", "obs:cn-north-4:1:object:photos/a", PolicyVerdict::Unmentioned),
        ("oms:synctask:createEvent", "oms:cn-north-4:1:synctask:*", PolicyVerdict::Allowed),
        ("oms:synctask:get", "oms:cn-north-4:1:synctask:*", PolicyVerdict::Unmentioned),
    ] {
        assert_eq!(judge(std::slice::from_ref(&policy), action, resource), verdict, "{action} {resource}");
    }
}

#[test]
fn a_policy_that_would_be_read_by_half_is_none() {
    for statement in [
        r#"{"Effect":"Allow","Action":"oss:GetObject","Resource":"acs:oss:*:*:a","Condition":{}}"#,
        r#"{"Effect":"Allow","NotAction":"oss:GetObject","Resource":"acs:oss:*:*:a"}"#,
        r#"{"Effect":"Allow","Action":"oss:GetObject","Resource":"acs:oss:*:*:a","Principal":["1"]}"#,
        r#"{"Effect":"allow","Action":"oss:GetObject","Resource":"acs:oss:*:*:a"}"#,
        r#"{"Effect":"Allow","Action":[],"Resource":"acs:oss:*:*:a"}"#,
        r#"{"Effect":"Allow","Action":[1],"Resource":"acs:oss:*:*:a"}"#,
        r#"{"Effect":"Allow","Action":"GetObject","Resource":"acs:oss:*:*:a"}"#,
        r#"{"Effect":"Allow","Action":"obs:object:GetObject","Resource":"acs:oss:*:*:a"}"#,
        r#"{"Effect":"Allow","Action":"oss:GetObject","Resource":"OBS:*:*:object:a"}"#,
        r#"{"Effect":"Allow","Action":"oss:GetObject","Resource":"photos/*"}"#,
        r#"{"Effect":"Allow","Action":"oss:GetObject"}"#,
        "",
    ] {
        assert!(ram(statement).is_err(), "{statement}");
    }
    assert!(iam(r#"{"Effect":"Allow","Action":"oss:GetObject","Resource":"*"}"#).is_err());
    assert!(AccessPolicy::parse(r#"{"Version":"5.0","Statement":[]}"#).is_err());
}

fn needs(dialect: Dialect, operation: &'static str, headers: &HeaderMap) -> Vec<(String, String)> {
    let subject = Subject {
        dialect,
        operation,
        region: "r",
        bucket: Some("b"),
        key: Some("k"),
        source: Some(("from", "s")),
        headers,
    };
    of_object_service(&subject).into_iter().map(|need| (need.action, need.resource)).collect()
}

#[test]
fn operations_need_what_their_pages_say() {
    let none = HeaderMap::new();
    let actions = |dialect, operation, headers: &HeaderMap| -> Vec<String> {
        needs(dialect, operation, headers).into_iter().map(|(action, _)| action).collect()
    };
    for (operation, oss, obs) in [
        ("HeadObject", "oss:GetObject", "obs:object:GetObject"),
        ("UploadPart", "oss:PutObject", "obs:object:PutObject"),
        ("AbortMultipartUpload", "oss:AbortMultipartUpload", "obs:object:AbortMultipartUpload"),
        ("ListParts", "oss:ListParts", "obs:object:ListMultipartUploadParts"),
        ("DeleteObject", "oss:DeleteObject", "obs:object:DeleteObject"),
        ("GetObjectTagging", "oss:GetObjectTagging", "obs:object:GetObjectTagging"),
        ("ListMultipartUploads", "oss:ListMultipartUploads", "obs:bucket:ListBucketMultipartUploads"),
        ("ListObjects", "oss:ListObjects", "obs:bucket:ListBucket"),
    ] {
        let wanted = |action: &str| vec![action.to_owned()];
        let (of_oss, of_obs) =
            (actions(Dialect::Oss, operation, &none), actions(Dialect::Obs, operation, &none));
        // Those of buckets have no key on the wire.
        let of_oss =
            if operation.starts_with("ListM") || operation == "ListObjects" { wanted(oss) } else { of_oss };
        assert_eq!((of_oss, of_obs), (wanted(oss), wanted(obs)), "{operation}");
    }
    let copy = needs(Dialect::Obs, "CopyObject", &none);
    assert_eq!(copy[0], ("obs:object:GetObject".into(), "obs:r:1000000000000001:object:from/s".into()));
    assert_eq!(copy[1], ("obs:object:PutObject".into(), "obs:r:1000000000000001:object:b/k".into()));
    let mut more = HeaderMap::new();
    more.insert("x-oss-tagging", "a=b".parse().unwrap());
    more.insert("x-oss-object-acl", "private".parse().unwrap());
    assert_eq!(
        actions(Dialect::Oss, "PutObject", &more),
        ["oss:PutObject", "oss:PutObjectTagging", "oss:PutObjectAcl"]
    );
    let subject = Subject {
        dialect: Dialect::Oss,
        operation: "DeleteMultipleObjects",
        region: "r",
        bucket: Some("b"),
        key: None,
        source: None,
        headers: &none,
    };
    let each = deletion(&subject, &["x".into(), "y".into()]);
    assert_eq!(each[1].resource, "acs:oss:r:1000000000000001:b/y");
    assert_eq!(of_oms("CreateSyncEvents")[0].action, "oms:synctask:createEvent");
}
