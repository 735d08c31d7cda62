use super::*;

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

fn problems(args: SettingsArgs) -> Vec<String> {
    Settings::resolve(&args, None).unwrap_err().problems
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
    let found = problems(args);
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
    let shown = ConfigError { problems: found }.to_string();
    assert!(!shown.contains("hush") && shown.lines().count() == 10, "{shown}");
}

#[test]
fn nothing_set_names_all_that_is_required() {
    assert_eq!(
        problems(SettingsArgs::default()),
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
        Settings::resolve(&args, fc.map(str::to_owned)).map(|settings| settings.oss_region)
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
