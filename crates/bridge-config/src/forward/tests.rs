use super::*;
use bridge_core::engine::copy::Deletes;
use object_events::change::Provider;
use oss_lite::SignatureVersion;
use settings::Spec;
use settings::{ConfigError, Values};

use crate::copy::CopySettings;
use crate::table::copy::*;
use crate::table::oms::*;
use crate::table::oss::*;
use crate::table::serve::{INGEST_ALLOW_PRIVATE, INGEST_DOMAINS, INGEST_TOKEN};

const SYNC: &str = "https://oms.cn-north-4.myhuaweicloud.com/v2/p/sync-tasks/t/events";
const OSS_HOST: &str = "oss-cn-hangzhou-internal.aliyuncs.com";

fn good() -> Values {
    given(&[
        (&SYNC_URL.spec, SYNC),
        (&HW_AK.spec, "AK"),
        (&HW_SK.spec, "hush-hush"),
        (&LOG_BUCKET.spec, "logs"),
        (&OSS_ENDPOINT.spec, OSS_HOST),
    ])
}

fn given(settings: &[(&'static Spec, &str)]) -> Values {
    with(Values::default(), settings)
}

fn with(values: Values, settings: &[(&'static Spec, &str)]) -> Values {
    settings.iter().fold(values, |values, (spec, value)| values.with(spec, value))
}

/// What is wrong, each with its setting. What to do about it is looked at where it matters.
fn told(error: &ConfigError) -> Vec<String> {
    error.problems().iter().map(|problem| format!("{}: {}", problem.setting(), problem.what())).collect()
}

fn problems(values: &Values) -> Vec<String> {
    told(&Settings::resolve(values.clone()).unwrap_err())
}

#[test]
fn defaults_are_the_documented_ones() {
    let settings = Settings::resolve(good()).unwrap();
    assert_eq!(settings.mode.oms().map(|oms| (oms.batch, oms.max_rps)), Some((10, None)));
    assert_eq!(settings.oss.region.as_deref(), Some("cn-hangzhou"));
    assert_eq!(settings.oss.signature, SignatureVersion::V4);
    assert_eq!(settings.key_encoding, KeyEncoding::Raw);
}

#[test]
fn what_another_mode_would_use_is_looked_at_in_any_mode() {
    let oms = with(good(), &[(&PROPAGATE_DELETES.spec, "yes"), (&MAX_DELETES.spec, "-1")]);
    let names = |values: &Values| {
        let found = Settings::resolve(values.clone()).unwrap_err();
        found.problems().iter().map(|problem| problem.setting().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&oms), ["PROPAGATE_DELETES", "MAX_DELETES"]);
    let copies = [
        (&FORWARD_MODE.spec, "copy"),
        (&DEST.spec, "obs://mirror"),
        (&DEST_ENDPOINT.spec, "obs.cn-north-4.myhuaweicloud.com"),
        (&OMS_BATCH.spec, "many"),
        (&OMS_MAX_RPS.spec, "-1"),
    ];
    assert_eq!(names(&with(good(), &copies)), ["OMS_BATCH", "OMS_MAX_RPS"]);
}

#[test]
fn one_message_names_every_problem_and_no_secret() {
    let values = with(
        good(),
        &[
            (&SYNC_URL.spec, "nonsense"),
            (&HW_AK.spec, "  "),
            (&LOG_BUCKET.spec, "Bad_Name"),
            (&OMS_BATCH.spec, "101"),
            (&OMS_MAX_RPS.spec, "0"),
            (&KEY_ENCODING.spec, "base64"),
            (&EXCLUDE.spec, "a["),
            (&OSS_SIGNATURE.spec, "v2"),
            (&FORWARD_MODE.spec, "both"),
        ],
    );
    let error = Settings::resolve(values).unwrap_err();
    let found = told(&error);
    for name in [
        "SYNC_URL",
        "HW_AK: missing",
        "LOG_BUCKET",
        "OMS_BATCH",
        "OMS_MAX_RPS",
        "KEY_ENCODING",
        "EXCLUDE",
        "OSS_SIGNATURE",
        "FORWARD_MODE",
    ] {
        assert_eq!(found.iter().filter(|problem| problem.contains(name)).count(), 1, "{name}: {found:?}");
    }
    let shown = error.to_string();
    assert!(!shown.contains("hush") && shown.lines().count() == 10, "{shown}");
}

#[test]
fn nothing_set_names_all_that_is_required() {
    assert_eq!(
        problems(&Values::default()),
        [
            "SYNC_URL: missing",
            "HW_AK: missing",
            "HW_SK: missing",
            "LOG_BUCKET: missing",
            "OSS_ENDPOINT: missing"
        ]
    );
}

#[test]
fn the_region_comes_from_the_first_that_tells() {
    let region = |oss: Option<&str>, fc: Option<&str>, endpoint: &str| {
        let values = with(
            good(),
            &[
                (&OSS_REGION.spec, oss.unwrap_or_default()),
                (&FC_REGION.spec, fc.unwrap_or_default()),
                (&OSS_ENDPOINT.spec, endpoint),
            ],
        );
        Settings::resolve(values).map(|settings| settings.oss.region)
    };
    let endpoint = "oss-cn-hangzhou.aliyuncs.com";
    assert_eq!(region(Some("a"), Some("b"), endpoint).unwrap().as_deref(), Some("a"));
    assert_eq!(region(Some(""), Some("b"), endpoint).unwrap().as_deref(), Some("b"));
    assert_eq!(region(None, None, endpoint).unwrap().as_deref(), Some("cn-hangzhou"));
    let error = region(None, None, "http://127.0.0.1:9000").unwrap_err();
    assert!(error.to_string().contains("OSS_REGION: missing"), "{error}");
}

#[test]
fn settings_do_not_show_secrets() {
    assert!(!format!("{:?}", Settings::resolve(good()).unwrap()).contains("hush"));
}

/// Everything that mode `copy` needs, and nothing of OMS.
fn copying(dest: &str, endpoint: &str) -> Values {
    with(
        good(),
        &[
            (&SYNC_URL.spec, ""),
            (&FORWARD_MODE.spec, "copy"),
            (&DEST.spec, dest),
            (&DEST_ENDPOINT.spec, endpoint),
        ],
    )
}

const OBS: &str = "obs.cn-north-4.myhuaweicloud.com";
const OSS: &str = "oss-cn-beijing.aliyuncs.com";

fn copy_settings(values: &Values) -> CopySettings {
    Settings::resolve(values.clone()).unwrap().mode.copy().unwrap().clone()
}

#[test]
fn each_mode_names_what_it_needs() {
    let missing = |mode: &str| problems(&given(&[(&FORWARD_MODE.spec, mode)]));
    assert_eq!(
        missing("copy"),
        ["LOG_BUCKET: missing", "OSS_ENDPOINT: missing", "DEST: missing", "DEST_ENDPOINT: missing"]
    );
    assert_eq!(
        missing("oms-then-copy"),
        [
            "SYNC_URL: missing",
            "HW_AK: missing",
            "HW_SK: missing",
            "LOG_BUCKET: missing",
            "OSS_ENDPOINT: missing",
            "DEST: missing",
            "DEST_ENDPOINT: missing"
        ]
    );
}

#[test]
fn copies_need_neither_oms_nor_but_for_obs_huawei_credentials() {
    let settings = Settings::resolve(copying("obs://mirror/a", OBS)).unwrap();
    assert_eq!(settings.task, "direct-copy");
    let Mode::Copy(copy) = &settings.mode else { panic!("{settings:?}") };
    let destination = &copy.destination;
    assert_eq!(destination.place.to_string(), "obs://mirror/a");
    assert_eq!(destination.credentials.as_ref().unwrap().access_key_id(), "AK");
    assert_eq!((copy.deletes, settings.mode.oms().is_none()), (Deletes::Ignored, true));

    let bare = |dest, endpoint| with(copying(dest, endpoint), &[(&HW_AK.spec, ""), (&HW_SK.spec, "")]);
    assert_eq!(problems(&bare("obs://mirror", OBS)), ["HW_AK: missing", "HW_SK: missing"]);
    let own = with(bare("obs://mirror", OBS), &[(&DEST_AK.spec, "DAK"), (&DEST_SK.spec, "hush-dest")]);
    assert_eq!(copy_settings(&own).destination.credentials.unwrap().access_key_id(), "DAK");
    assert!(copy_settings(&bare("oss://mirror", OSS)).destination.credentials.is_none(), "the source's");
}

#[test]
fn a_sync_task_names_the_journal_of_copies_too() {
    let values = with(copying("obs://mirror", OBS), &[(&SYNC_URL.spec, SYNC)]);
    assert_eq!(Settings::resolve(values.clone()).unwrap().task, "t");
    assert_eq!(Settings::resolve(good()).unwrap().task, "t");
    let both = with(values, &[(&FORWARD_MODE.spec, "oms-then-copy")]);
    let settings = Settings::resolve(both).unwrap();
    assert!(settings.mode.oms().is_some() && settings.mode.copy().is_some());
}

#[test]
fn sets_of_credentials_are_never_mixed() {
    let own = |ak, sk, token| {
        let own = [(&DEST_AK.spec, ak), (&DEST_SK.spec, sk), (&DEST_SECURITY_TOKEN.spec, token)];
        problems(&with(copying("obs://mirror", OBS), &own))
    };
    assert_eq!(own("AK", "", ""), ["DEST_SK: missing, and DEST_AK is set"]);
    assert_eq!(own("", "hush", "hush"), ["DEST_AK: missing, and DEST_SK is set"]);
    assert_eq!(own("", "", "hush"), ["DEST_SECURITY_TOKEN: set without DEST_AK and DEST_SK"]);
}

#[test]
fn bad_values_of_copies_are_named_together() {
    let values = with(
        copying("s3://mirror", "ftp://x"),
        &[
            (&SOURCE_ENDPOINT.spec, "http://a/b"),
            (&SOURCE_BUCKET.spec, "Bad_Name"),
            (&PROPAGATE_DELETES.spec, "perhaps"),
            (&MAX_DELETES.spec, "0"),
        ],
    );
    let found = problems(&values);
    let names =
        ["SOURCE_ENDPOINT", "SOURCE_BUCKET", "DEST", "DEST_ENDPOINT", "PROPAGATE_DELETES", "MAX_DELETES"];
    for name in names {
        let named = found.iter().filter(|problem| problem.starts_with(&format!("{name}: "))).count();
        assert_eq!(named, 1, "{name}: {found:?}");
    }
    assert_eq!(found.len(), names.len(), "{found:?}");
}

#[test]
fn removals_are_carried_over_only_when_asked_for_and_up_to_a_limit() {
    let deletes = |propagate, max| {
        let given = [(&PROPAGATE_DELETES.spec, propagate), (&MAX_DELETES.spec, max)];
        copy_settings(&with(copying("obs://mirror", OBS), &given)).deletes
    };
    assert_eq!(deletes("", "5"), Deletes::Ignored);
    assert_eq!(deletes("false", ""), Deletes::Ignored);
    assert_eq!(deletes("true", ""), Deletes::Propagated { max: 100 });
    assert_eq!(deletes("true", "5"), Deletes::Propagated { max: 5 });
}

#[test]
fn the_source_bucket_is_one_of_oss_unless_it_says_otherwise() {
    let source = |text: &str| {
        Settings::resolve(with(good(), &[(&SOURCE_BUCKET.spec, text)])).map(|settings| settings.source)
    };
    for (text, provider, bucket) in [
        ("photos", Provider::Configured, Some("photos")),
        (" oss://photos ", Provider::Configured, Some("photos")),
        ("s3://photos", Provider::AmazonS3, None),
        ("cos://photos", Provider::TencentCos, None),
    ] {
        let source = source(text).unwrap();
        assert_eq!(source.only, Some((provider, "photos".to_owned())), "{text}");
        assert_eq!(source.bucket.as_ref().map(oss_lite::BucketName::as_str), bucket, "{text}");
    }
    for text in ["Bad_Name", "s3://Bad_Name", "s3://", "s3://photos/prefix", "obs://photos", "oss://a"] {
        assert!(source(text).is_err(), "{text}");
    }
}

#[test]
fn the_source_is_where_the_log_bucket_is_unless_it_is_told_another_service() {
    let beside = |endpoint: Option<&str>| {
        let values = with(good(), &[(&SOURCE_ENDPOINT.spec, endpoint.unwrap_or_default())]);
        let settings = Settings::resolve(values).unwrap();
        settings.source.is_at(&settings.oss.endpoint)
    };
    let host = OSS_HOST;
    assert!(beside(None));
    assert!(beside(Some("oss-cn-beijing.aliyuncs.com")), "names are given once over all regions");
    assert!(beside(Some(&format!("http://{host}"))), "the scheme makes no other service");
    assert!(!beside(Some("oss.example.com")));
}

#[test]
fn the_journal_is_not_in_the_source() {
    let problems = problems(&with(good(), &[(&SOURCE_BUCKET.spec, "logs")]));
    assert!(problems.len() == 1 && problems[0].starts_with("LOG_BUCKET: is SOURCE_BUCKET"), "{problems:?}");
}

#[test]
fn the_destination_is_neither_the_journal_nor_the_source_itself() {
    let resolved = |dest: &str, endpoint: &str, source: &str| {
        let values = with(copying(dest, endpoint), &[(&SOURCE_BUCKET.spec, source)]);
        Settings::resolve(values).map_err(|error| told(&error))
    };
    let journal = resolved("oss://logs/copies", OSS, "src").unwrap_err();
    assert!(journal.len() == 1 && journal[0].starts_with("DEST: must not be in LOG_BUCKET"), "{journal:?}");
    for inside in ["oss://src", "oss://src/copies"] {
        let source = resolved(inside, "oss-cn-hangzhou.aliyuncs.com", "src").unwrap_err();
        assert!(source.len() == 1 && source[0].starts_with("DEST: lies in SOURCE_BUCKET"), "{source:?}");
    }
    assert!(resolved("oss://src2/copies", OSS, "src").is_ok());
    assert!(resolved("obs://logs", OBS, "src").is_ok(), "another cloud has other buckets of the same name");
    let elsewhere = with(copying("oss://logs", "http://127.0.0.1:9001"), &[(&DEST_REGION.spec, "local")]);
    assert!(Settings::resolve(elsewhere).is_ok(), "so has another service");
}

#[test]
fn each_end_finds_its_region() {
    let values = copying("oss://mirror", "files.example.com");
    assert_eq!(
        problems(&values),
        ["DEST_REGION: missing: V4 signatures need it and DEST_ENDPOINT does not tell"]
    );
    let values = with(values, &[(&DEST_REGION.spec, "cn-x"), (&SOURCE_ENDPOINT.spec, OSS)]);
    let settings = Settings::resolve(values.clone()).unwrap();
    assert_eq!(settings.destination().unwrap().service.region.as_deref(), Some("cn-x"));
    assert_eq!(settings.source.service.region.as_deref(), Some("cn-beijing"));
    let values = with(values, &[(&SOURCE_ENDPOINT.spec, "files.example.com")]);
    let settings = Settings::resolve(values).unwrap();
    assert_eq!(settings.source.service.region.as_deref(), Some("cn-hangzhou"), "that of OSS");
    let destination = copy_settings(&copying("oss://mirror", OSS)).destination;
    assert_eq!(destination.service.region.as_deref(), Some("cn-beijing"));
}

#[test]
fn the_destination_is_known_to_those_who_only_look() {
    let values = with(good(), &[(&DEST.spec, "obs://mirror")]);
    assert!(Settings::resolve(values.clone()).unwrap().destination().is_none(), "nobody knows where");
    let settings = Settings::resolve(with(values, &[(&DEST_ENDPOINT.spec, OBS)])).unwrap();
    assert_eq!(settings.destination().unwrap().place.to_string(), "obs://mirror");
    assert!(settings.mode.copy().is_none());
}

fn ingesting(token: &str, domains: &str, private: &str) -> Values {
    let ingest =
        [(&INGEST_TOKEN.spec, token), (&INGEST_DOMAINS.spec, domains), (&INGEST_ALLOW_PRIVATE.spec, private)];
    with(good(), &ingest)
}

#[test]
fn nothing_is_taken_over_http_unless_a_token_is_set() {
    assert!(Settings::resolve(good()).unwrap().ingest.is_none());
    let replaying = Settings::resolve(ingesting("", "a.example", "")).unwrap().ingest.unwrap();
    assert!(replaying.token.is_none());
    let open = Settings::resolve(ingesting("0123456789abcdef", "a.example", "")).unwrap();
    let open = open.ingest.unwrap();
    assert!(open.token.is_some() && !format!("{open:?}").contains("0123456789abcdef"));
    assert_eq!(open.guard.reach(), object_copy::egress::Reach::Public);
}

#[test]
fn bad_settings_of_what_is_taken_over_http_are_named_together() {
    let missing = "INGEST_DOMAINS: missing, and INGEST_TOKEN is set";
    assert_eq!(problems(&ingesting("0123456789abcdef", "", "")), [missing]);
    let found = problems(&ingesting("hush-short", "http://a.example", "perhaps"));
    let names: Vec<&str> = found.iter().filter_map(|problem| problem.split(':').next()).collect();
    assert_eq!(names, ["INGEST_ALLOW_PRIVATE", "INGEST_TOKEN", "INGEST_DOMAINS"]);
    assert!(!found.concat().contains("hush"), "{found:?}");
    let address = problems(&ingesting("", "127.0.0.1", "false")).concat();
    assert!(address.contains("INGEST_ALLOW_PRIVATE is not set"), "{address}");
}
