//! What went wrong and what to do about it is said in Chinese to its end: no half of a line stays English.

use cloud_twin::{Fault, FaultResponse, Service};
use e2e::{Cloud, Finished, Settings};

use crate::leftovers;

/// What a service or the operating system says, and values in quotes, are shown as they are.
fn without_quotes(line: &str) -> String {
    let mut own = String::new();
    let mut is_quoted = false;
    for c in line.chars() {
        is_quoted ^= "\"`".contains(c);
        if !is_quoted {
            own.push(c);
        }
    }
    let aws = "an error occurred while loading credentials";
    for answer in
        [ANSWER, aws, "The specified bucket does not exist", "No such file or directory (os error 2)"]
    {
        own = own.replace(answer, "");
    }
    own
}

/// What stands for the message of a service.
const ANSWER: &str = "said by the service, and not by the program";

/// Two English words that follow each other.
fn has_english(line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    let is_lower = |c: &char| c.is_ascii_lowercase();
    words.windows(2).any(|pair| {
        pair[0].chars().rev().take_while(is_lower).count() >= 3
            && pair[1].chars().take_while(is_lower).count() >= 3
    })
}

fn assert_chinese(finished: &Finished, said: &[&str]) {
    // Findings are the result of `doctor`; other results are not translated.
    let is_doctor = finished.stdout.contains("问题");
    let text = format!("{}{}", if is_doctor { &finished.stdout } else { "" }, finished.stderr);
    let english: Vec<&str> = text.lines().filter(|line| has_english(&without_quotes(line))).collect();
    assert!(english.is_empty(), "{english:#?} in {text}");
    let left = leftovers::left(&text);
    assert!(left.is_empty(), "{left:#?} in {text}");
    for said in said {
        assert!(text.contains(said), "{said} is not in {text}");
    }
}

#[test]
fn english_is_recognised_outside_of_quotes() {
    for (line, expected) in [
        ("处理：create the bucket, 更正 DST", true),
        ("DST: 需要它，或 OSS_ENDPOINT", false),
        ("错误：\"no such file\" 不存在", false),
        ("403 AccessDenied: said by the service, and not by the program，请求 ID 1", false),
    ] {
        assert_eq!(has_english(&without_quotes(line)), expected, "{line}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_arguments_and_settings_is_said_in_chinese() {
    let settings = Settings::default();
    for (arguments, said) in [
        (&["copy", "-r", "/tmp", "oss://mirror/"][..], "DEST_ENDPOINT: 缺失：oss:// 需要它，或 OSS_ENDPOINT"),
        (&["copy", "-r", "/tmp", "obs://mirror/"], "DEST_ENDPOINT: 缺失：obs:// 需要它"),
        (&["copy", "oss://Bad_Name/k", "obs:/mirror/a"], "SRC: "),
        (&["copy", "-r", "https://example.com/a", "obs://mirror/"], "SRC: "),
        (&["copy", "oss://photos", "obs://mirror/"], "SRC: "),
        (&["copy", "/", "obs://mirror/"], "\"/\" 是目录：使用 -r"),
        (&["copy", "--abort-stale", "obs://Bad_Name"], "DST: "),
        (&["copy", "-r", "/no: internal error", "obs://mirror/"], "\"/no: internal error\" 不是目录：不存在"),
        (&["replay"], "SYNC_URL: 缺失："),
        (&["desk"], "DESK_BUCKET: 缺失"),
        (&["consume"], "缺失"),
    ] {
        let finished = crate::run(arguments, settings.clone()).await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert_chinese(&finished, &[said]);
    }
}

/// Each answer has a remedy of its own.
#[tokio::test]
async fn what_to_do_about_an_answer_of_a_service_is_said_in_chinese() {
    let cloud = Cloud::start().await;
    let nowhere = crate::run(&["status"], cloud.settings().set("LOG_BUCKET", "no-such-bucket")).await;
    let said =
        ["列举桶 no-such-bucket: 404 NoSuchBucket", "处理：创建该桶，更正 LOG_BUCKET，或把 OSS_ENDPOINT"];
    assert_chinese(&nowhere, &said);
    let from_nowhere = ["copy", "-r", "oss://no-such-bucket/", "obs://mirror/"];
    let said = ["列举桶 no-such-bucket: 404 NoSuchBucket", "处理：更正 SRC，或把 OSS_ENDPOINT"];
    assert_chinese(&crate::run(&from_nowhere, cloud.copy_settings()).await, &said);
    // A value in the end of the English, which the Chinese has elsewhere.
    let one = ["copy", "oss://no-such-bucket/x", "obs://mirror/"];
    let said = ["读取桶 no-such-bucket 中的 \"x\"：404 NoSuchBucket"];
    assert_chinese(&crate::run(&one, cloud.copy_settings()).await, &said);

    for (status, code, remedy) in [
        (403, "AccessDenied", "处理：在 RAM 中授予"),
        (403, "InDebt", "处理：账号"),
        (403, "SignatureDoesNotMatch", "处理：检查"),
        (403, "InvalidAccessKeyId", "处理：检查"),
        (403, "RequestTimeTooSkewed", "处理：校准本机时钟"),
        (400, "InvalidArgument", "处理：检查 OSS_ENDPOINT 是否为阿里云 OSS 的：它指向 127.0.0.1"),
        (409, "SomethingElse", "处理：见错误码和错误信息"),
        (503, "ServiceUnavailable", "处理：稍后重试"),
    ] {
        let answer = FaultResponse::error(status, code, ANSWER);
        let fault = cloud.twin.faults().inject(Fault::respond(Service::Oss, answer));
        for command in [&["status"][..], &["doctor"]] {
            let finished = crate::run(command, cloud.settings()).await;
            assert_chinese(&finished, &[remedy.trim_start_matches("处理：")]);
        }
        cloud.twin.faults().clear(fault);
    }
}

#[tokio::test]
async fn a_name_of_the_user_that_reads_like_a_message_stays_as_it_is() {
    let cloud = Cloud::start().await;
    let list = ["copy", "-r", "oss://source/", "obs://mirror/", "--keys-from", "n: internal error"];
    let said = ["--keys-from: \"n: internal error\": No such file or directory"];
    assert_chinese(&crate::run(&list, cloud.copy_settings()).await, &said);
    // A name of many parts takes no longer than another.
    let source = format!("./{}", "q: ".repeat(60));
    let finished = crate::run(&["copy", &source, "oss://src/"], Settings::default()).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert_chinese(&finished, &["DEST_ENDPOINT: 缺失："]);
}
