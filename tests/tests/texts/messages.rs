//! Each message of the source has an entry in the table, and each entry a message.

use std::collections::BTreeSet;

use texts::catalogue::{CHINESE, Catalogue, entries};
use texts::template::Template;

use crate::source::{Message, is_message, literals};
use crate::transcripts::usage_errors;

/// Where no text is for people at a terminal, or it stays English in every locale, and why.
const ENGLISH: &[(&str, &[&str])] = &[
    ("the local cloud of tests and `dev`", &["crates/cloud-twin/"]),
    ("help of metrics, which programs read", &["crates/metrics/src/names.rs"]),
    (
        "the page of `report`, which has both languages in it",
        &[
            "crates/arrival-report/src/html.rs",
            "crates/arrival-report/src/page",
            "crates/arrival-report/src/plot.rs",
            "crates/arrival-report/src/words.rs",
        ],
    ),
    (
        "results and commentary, which are not translated: docs/operations.md says so",
        &[
            "crates/oms-bridge/src/cli/demo.rs",
            "crates/oms-bridge/src/cli/dev",
            "crates/oms-bridge/src/cli/reconcile/estimate/shown.rs",
            "crates/oms-bridge/src/demo/",
            "crates/oms-bridge/src/explain/",
            "crates/reconcile/src/estimate/price.rs",
            "crates/status-report/src/",
        ],
    ),
    (
        "what becomes of a key: in its record and in log lines",
        &[
            "crates/arrival/src/confirm/look.rs",
            "crates/arrival/src/confirm/send.rs",
            "crates/arrival/src/rounds/",
            "crates/signature-breaker/",
            "crates/bridge-core/src/engine/",
            "crates/bridge-core/src/journal/",
            "crates/bridge-core/src/pipeline",
            "crates/bridge-core/src/policy.rs",
            "crates/bridge-core/src/policy/guard.rs",
            "crates/object-copy/src/egress/",
            "crates/object-copy/src/transfer/",
            "crates/object-copy/src/web_url.rs",
        ],
    ),
    (
        "answers to clients of a server, and its log",
        &[
            "crates/fc-adapter/",
            "crates/http-listener/src/body.rs",
            "crates/object-events/",
            "crates/function-host/src/function.rs",
            "crates/function-host/src/lambda/",
            "crates/sqs-worker/src/health.rs",
            "crates/sqs-worker/src/load.rs",
            "crates/sqs-worker/src/queue_health.rs",
            "crates/sqs-worker/src/receive.rs",
            "crates/sqs-worker/src/delete.rs",
            "crates/sqs-worker/src/stats.rs",
            "crates/upload-desk/src/api/",
            "crates/upload-desk/src/counters.rs",
            "crates/upload-desk/src/entry",
            "crates/upload-desk/src/fetch.rs",
            "crates/upload-desk/src/name.rs",
            "crates/upload-desk/src/worker",
            "crates/web-ingest/",
        ],
    ),
    (
        "no texts: statements of a database, pages of the documentation, signed texts",
        &[
            "crates/apig-signer/",
            "crates/oms-bridge/src/cli/reference.rs",
            "crates/oms-bridge/src/cli/reference/others.rs",
            "crates/bridge-config/src/table/templates.rs",
            "crates/oss-lite/src/credentials.rs",
            "crates/oss-lite/src/sign/",
            "crates/oss-lite/src/test_support.rs",
            "crates/settings/src/reference.rs",
            "crates/texts/",
            "crates/upload-desk/src/catalogue/connect.rs",
            "crates/upload-desk/src/catalogue/statements.rs",
        ],
    ),
    (
        "what a service answers that is not the one that it should be: details in an error, as OSS writes them",
        &[
            "crates/bridge-core/src/credentials/renewal.rs",
            "crates/bridge-core/src/oms/api.rs",
            "crates/oss-lite/src/body.rs",
            "crates/oss-lite/src/callback/",
            "crates/oss-lite/src/client/",
            "crates/oss-lite/src/crc64.rs",
            "crates/oss-lite/src/error/reply.rs",
            "crates/oss-lite/src/framing.rs",
            "crates/oss-lite/src/json.rs",
            "crates/oss-lite/src/meta.rs",
            "crates/oss-lite/src/ops/",
            "crates/oss-lite/src/post_policy/",
            "crates/oss-lite/src/process.rs",
            "crates/oss-lite/src/stream_body.rs",
            "crates/oss-lite/src/xml.rs",
            "crates/upload-desk/src/catalogue/readers.rs",
        ],
    ),
];

/// Files below those folders that people are shown texts of: why an object is left out, and what is wrong with an
/// address.
const SHOWN: [&str; 3] = [
    "crates/object-copy/src/transfer/files/links.rs",
    "crates/object-copy/src/transfer/s3/address.rs",
    "crates/object-copy/src/transfer/s3/request.rs",
];

/// Literals of other files that are no texts: statements of a database, and what services write.
const NO_TEXTS: [&str; 7] = [
    "BEGIN IMMEDIATE",
    "DELETE FROM storage_migrations WHERE success = FALSE",
    "Signature expired",
    "Signature not yet current",
    "ak not exist",
    "duplicate column name",
    "verify aksk signature fail",
];

/// The messages that people are shown.
fn messages() -> Vec<Message> {
    let is_english = |message: &Message| {
        let is_shown = SHOWN.iter().any(|path| message.place.starts_with(path));
        !is_shown && ENGLISH.iter().flat_map(|(_, paths)| *paths).any(|path| message.place.starts_with(path))
    };
    let is_text = |message: &Message| !NO_TEXTS.contains(&message.text.trim());
    literals("crates").into_iter().filter(|message| !is_english(message) && is_text(message)).collect()
}

#[test]
fn each_message_is_translated() {
    let known: BTreeSet<String> =
        entries(CHINESE).unwrap().into_iter().flat_map(|entry| entry.english).collect();
    // Help, of which examples and headings are taken apart: `help` looks after it.
    let is_help = |text: &str| text.starts_with("Example") || text.starts_with("Exit codes:");
    let missing = |message: &Message| {
        let text = message.text.trim();
        let is_known =
            known.contains(text) || text.strip_suffix(':').is_some_and(|text| known.contains(text));
        is_message(&message.text) && !is_help(&message.text) && !is_known
    };
    let entry =
        |message: Message| format!("#: {}\nmsgid {:?}\nmsgstr \"\"\n\n", message.place, message.text.trim());
    let missing: String = messages().into_iter().filter(missing).map(entry).collect();
    assert!(
        missing.is_empty(),
        "translate in crates/texts/texts/zh_CN.po, with the same placeholders (`{{cause:tr}}` for one that is a message \
         itself), or name the file in ENGLISH of tests/tests/texts/messages.rs if nobody is shown it:\n\n{missing}"
    );
}

/// `3 keys` is a message of its own.
#[test]
fn a_count_of_things_is_translated_with_their_name() {
    let entries = entries(CHINESE).unwrap();
    let mut counts = 0;
    for Message { text, place, counts: of } in messages() {
        let Some(entry) = entries.iter().find(|entry| entry.english.contains(&text)) else { continue };
        for at in of {
            let forms = ["tr", "word"].map(|form| format!("{{{at}:{form}}}"));
            let is_translated = forms.iter().any(|form| entry.chinese.contains(form));
            assert!(is_translated, "{place}: none of {forms:?} is in {}", entry.chinese);
            counts += 1;
        }
    }
    assert!(counts > 10, "{counts}");
}

#[tokio::test]
async fn each_entry_is_of_a_text_that_there_is() {
    let trimmed = |message: Message| {
        let text = message.text.trim().to_owned();
        let without_colon = text.strip_suffix(':').map(str::to_owned);
        [Some(text), without_colon].into_iter().flatten()
    };
    let literals: BTreeSet<String> = literals("crates").into_iter().flat_map(trimmed).collect();
    let mut shown: Vec<String> = oms_bridge::cli::texts_of_help().into_iter().collect();
    for line in usage_errors().await.iter().flat_map(|error| error.lines()) {
        shown.push(line.trim().to_owned());
        shown.extend(line.split(": ").map(|part| part.trim().to_owned()));
        for (at, _) in line.match_indices(": ") {
            shown.extend([line[..at].trim().to_owned(), line[at + 2..].trim().to_owned()]);
        }
    }
    // What is shown of a template is found by it, and not by a closer one.
    let catalogue = Catalogue::chinese();
    let translations: BTreeSet<String> = shown.iter().filter_map(|text| catalogue.text(text)).collect();
    let is_shown = |english: &str, chinese: &str| {
        let (english, chinese) = (Template::parse(english), Template::parse(chinese));
        shown.iter().any(|text| {
            let values = english.matched(text).or_else(|| english.matched(text.strip_suffix('.')?));
            let filled =
                values.and_then(|values| chinese.filled(&values, str::to_owned, |word| catalogue.text(word)));
            filled.is_some_and(|filled| {
                translations.contains(&filled) || translations.contains(&format!("{filled}。"))
            })
        })
    };
    let unused: Vec<String> = entries(CHINESE)
        .unwrap()
        .into_iter()
        .filter(|entry| {
            let plural =
                |english: &str| english.strip_prefix("{} ").is_some_and(|noun| literals.contains(noun));
            !entry.english.iter().any(|english| {
                literals.contains(english) || plural(english) || is_shown(english, &entry.chinese)
            })
        })
        .flat_map(|entry| entry.english)
        .collect();
    assert!(
        unused.is_empty(),
        "remove from crates/texts/texts/zh_CN.po what nothing says any more: {unused:#?}"
    );
}
