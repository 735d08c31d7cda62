use super::*;
use bridge_core::engine::copy::Deletes;
use object_events::change::Provider;

fn good() -> SettingsArgs {
    let some = |text: &str| Some(text.to_owned());
    SettingsArgs {
        sync_url: some("https://oms.cn-north-4.myhuaweicloud.com/v2/p/sync-tasks/t/events"),
        hw_ak: some("AK"),
        hw_sk: some("hush-hush"),
        log_bucket: some("logs"),
        oss_endpoint: some("oss-cn-hangzhou-internal.aliyuncs.com"),
        ..SettingsArgs::default()
    }
}

fn problems(args: &SettingsArgs) -> Vec<String> {
    Settings::resolve(args, None).unwrap_err().problems().to_vec()
}

#[test]
fn defaults_are_the_documented_ones() {
    let settings = Settings::resolve(&good(), None).unwrap();
    assert_eq!(settings.mode.oms().map(|oms| (oms.batch, oms.max_rps)), Some((10, None)));
    assert_eq!(settings.oss_region.as_deref(), Some("cn-hangzhou"));
    assert_eq!(settings.oss_signature, SignatureVersion::V4);
    assert_eq!(settings.key_encoding, KeyEncoding::Raw);
}

#[test]
fn one_message_names_every_problem_and_no_secret() {
    let mut args = good();
    args.sync_url = Some("nonsense".to_owned());
    args.hw_ak = Some("  ".to_owned());
    args.log_bucket = Some("Bad_Name".to_owned());
    args.oms_batch = Some("101".to_owned());
    args.oms_max_rps = Some("0".to_owned());
    args.key_encoding = Some("base64".to_owned());
    args.exclude = Some("a[".to_owned());
    args.oss_signature = Some("v2".to_owned());
    args.forward_mode = Some("both".to_owned());
    let found = problems(&args);
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
    let shown = ConfigError::new(found).to_string();
    assert!(!shown.contains("hush") && shown.lines().count() == 10, "{shown}");
}

#[test]
fn nothing_set_names_all_that_is_required() {
    assert_eq!(
        problems(&SettingsArgs::default()),
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
        let mut args = good();
        args.oss_region = oss.map(str::to_owned);
        args.oss_endpoint = Some(endpoint.to_owned());
        Settings::resolve(&args, fc).map(|settings| settings.oss_region)
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
    assert!(!format!("{:?}", Settings::resolve(&good(), None).unwrap()).contains("hush"));
}

/// Everything that mode `copy` needs, and nothing of OMS.
fn copying(dest: &str, endpoint: &str) -> SettingsArgs {
    let mut args = SettingsArgs { sync_url: None, forward_mode: Some("copy".into()), ..good() };
    args.copy.dest = Some(dest.into());
    args.copy.dest_endpoint = Some(endpoint.into());
    args
}

const OBS: &str = "obs.cn-north-4.myhuaweicloud.com";
const OSS: &str = "oss-cn-beijing.aliyuncs.com";

fn copy_settings(args: &SettingsArgs) -> CopySettings {
    Settings::resolve(args, None).unwrap().mode.copy().unwrap().clone()
}

#[test]
fn each_mode_names_what_it_needs() {
    let missing =
        |mode: &str| problems(&SettingsArgs { forward_mode: Some(mode.into()), ..SettingsArgs::default() });
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
    let settings = Settings::resolve(&copying("obs://mirror/a", OBS), None).unwrap();
    assert_eq!(settings.task, "direct-copy");
    let Mode::Copy(copy) = &settings.mode else { panic!("{settings:?}") };
    let destination = &copy.destination;
    assert_eq!(destination.place.to_string(), "obs://mirror/a");
    assert_eq!(destination.credentials.as_ref().unwrap().access_key_id(), "AK");
    assert_eq!((copy.deletes, settings.mode.oms().is_none()), (Deletes::Ignored, true));

    let bare = |dest, endpoint| SettingsArgs { hw_ak: None, hw_sk: None, ..copying(dest, endpoint) };
    assert_eq!(problems(&bare("obs://mirror", OBS)), ["HW_AK: missing", "HW_SK: missing"]);
    let mut own = bare("obs://mirror", OBS);
    (own.copy.dest_ak, own.copy.dest_sk) = (Some("DAK".into()), Some("hush-dest".into()));
    assert_eq!(copy_settings(&own).destination.credentials.unwrap().access_key_id(), "DAK");
    assert!(copy_settings(&bare("oss://mirror", OSS)).destination.credentials.is_none(), "the source's");
}

#[test]
fn a_sync_task_names_the_journal_of_copies_too() {
    let args = SettingsArgs { sync_url: good().sync_url, ..copying("obs://mirror", OBS) };
    assert_eq!(Settings::resolve(&args, None).unwrap().task, "t");
    assert_eq!(Settings::resolve(&good(), None).unwrap().task, "t");
    let both = SettingsArgs { forward_mode: Some("oms-then-copy".into()), ..args };
    let settings = Settings::resolve(&both, None).unwrap();
    assert!(settings.mode.oms().is_some() && settings.mode.copy().is_some());
}

#[test]
fn sets_of_credentials_are_never_mixed() {
    let with = |ak, sk, token| {
        let mut args = copying("obs://mirror", OBS);
        (args.copy.dest_ak, args.copy.dest_sk, args.copy.dest_security_token) = (ak, sk, token);
        problems(&args)
    };
    assert_eq!(with(Some("AK".into()), None, None), ["DEST_SK: missing, and DEST_AK is set"]);
    assert_eq!(
        with(None, Some("hush".into()), Some("hush".into())),
        ["DEST_AK: missing, and DEST_SK is set"]
    );
    assert_eq!(
        with(None, None, Some("hush".into())),
        ["DEST_SECURITY_TOKEN: set without DEST_AK and DEST_SK"]
    );
}

#[test]
fn bad_values_of_copies_are_named_together() {
    let mut args = copying("s3://mirror", "ftp://x");
    args.copy.source_endpoint = Some("http://a/b".into());
    args.copy.source_bucket = Some("Bad_Name".into());
    args.copy.propagate_deletes = Some("perhaps".into());
    args.copy.max_deletes = Some("0".into());
    let found = problems(&args);
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
        let mut args = copying("obs://mirror", OBS);
        (args.copy.propagate_deletes, args.copy.max_deletes) = (propagate, max);
        copy_settings(&args).deletes
    };
    assert_eq!(deletes(None, Some("5".into())), Deletes::Ignored);
    assert_eq!(deletes(Some("false".into()), None), Deletes::Ignored);
    assert_eq!(deletes(Some("true".into()), None), Deletes::Propagated { max: 100 });
    assert_eq!(deletes(Some("true".into()), Some("5".into())), Deletes::Propagated { max: 5 });
}

#[test]
fn the_source_bucket_is_one_of_oss_unless_it_says_otherwise() {
    let source = |text: &str| {
        let mut args = good();
        args.copy.source_bucket = Some(text.to_owned());
        Settings::resolve(&args, None).map(|settings| settings.source)
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
        let mut args = good();
        args.copy.source_endpoint = endpoint.map(str::to_owned);
        let settings = Settings::resolve(&args, None).unwrap();
        settings.source.is_at(&settings.oss_endpoint)
    };
    let host = good().oss_endpoint.unwrap();
    assert!(beside(None));
    assert!(beside(Some("oss-cn-beijing.aliyuncs.com")), "names are given once over all regions");
    assert!(beside(Some(&format!("http://{host}"))), "the scheme makes no other service");
    assert!(!beside(Some("oss.example.com")));
}

#[test]
fn the_journal_is_not_in_the_source() {
    let mut args = good();
    args.copy.source_bucket = args.log_bucket.clone();
    let problems = Settings::resolve(&args, None).unwrap_err().problems().to_vec();
    assert!(problems.len() == 1 && problems[0].starts_with("LOG_BUCKET: is SOURCE_BUCKET"), "{problems:?}");
}

#[test]
fn the_destination_is_neither_the_journal_nor_the_source_itself() {
    let with = |dest: &str, endpoint: &str, source: &str| {
        let mut args = copying(dest, endpoint);
        args.copy.source_bucket = Some(source.into());
        Settings::resolve(&args, None).map_err(|error| error.problems().to_vec())
    };
    let journal = with("oss://logs/copies", OSS, "src").unwrap_err();
    assert!(journal.len() == 1 && journal[0].starts_with("DEST: must not be in LOG_BUCKET"), "{journal:?}");
    for inside in ["oss://src", "oss://src/copies"] {
        let source = with(inside, "oss-cn-hangzhou.aliyuncs.com", "src").unwrap_err();
        assert!(source.len() == 1 && source[0].starts_with("DEST: lies in SOURCE_BUCKET"), "{source:?}");
    }
    assert!(with("oss://src2/copies", OSS, "src").is_ok());
    assert!(with("obs://logs", OBS, "src").is_ok(), "another cloud has other buckets of the same name");
    let mut elsewhere = copying("oss://logs", "http://127.0.0.1:9001");
    elsewhere.copy.dest_region = Some("local".into());
    assert!(Settings::resolve(&elsewhere, None).is_ok(), "so has another service");
}

#[test]
fn each_end_finds_its_region() {
    let mut args = copying("oss://mirror", "files.example.com");
    assert_eq!(
        problems(&args),
        ["DEST_REGION: missing: V4 signatures need it and DEST_ENDPOINT does not tell"]
    );
    args.copy.dest_region = Some("cn-x".into());
    args.copy.source_endpoint = Some(OSS.into());
    let settings = Settings::resolve(&args, None).unwrap();
    assert_eq!(settings.destination().unwrap().region.as_deref(), Some("cn-x"));
    assert_eq!(settings.source.region.as_deref(), Some("cn-beijing"));
    args.copy.source_endpoint = Some("files.example.com".into());
    let settings = Settings::resolve(&args, None).unwrap();
    assert_eq!(settings.source.region.as_deref(), Some("cn-hangzhou"), "that of OSS");
    assert_eq!(
        copy_settings(&copying("oss://mirror", OSS)).destination.region.as_deref(),
        Some("cn-beijing")
    );
}

#[test]
fn the_destination_is_known_to_those_who_only_look() {
    let mut args = good();
    args.copy.dest = Some("obs://mirror".into());
    assert!(Settings::resolve(&args, None).unwrap().destination().is_none(), "nobody knows where");
    args.copy.dest_endpoint = Some(OBS.into());
    let settings = Settings::resolve(&args, None).unwrap();
    assert_eq!(settings.destination().unwrap().place.to_string(), "obs://mirror");
    assert!(settings.mode.copy().is_none());
}

fn ingesting(token: &str, domains: &str, private: &str) -> SettingsArgs {
    let given = |text: &str| Some(text.to_owned());
    SettingsArgs {
        ingest: IngestArgs {
            ingest_token: given(token),
            ingest_domains: given(domains),
            ingest_allow_private: given(private),
        },
        ..good()
    }
}

#[test]
fn nothing_is_taken_over_http_unless_a_token_is_set() {
    assert!(Settings::resolve(&good(), None).unwrap().ingest.is_none());
    let replaying = Settings::resolve(&ingesting("", "a.example", ""), None).unwrap().ingest.unwrap();
    assert!(replaying.token.is_none());
    let open = Settings::resolve(&ingesting("0123456789abcdef", "a.example", ""), None).unwrap();
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
