//! The texts in Chinese: the table is complete and true to the English, and the binary shows it.
//!
//! | module | concern |
//! |---|---|
//! | `table` | both texts of an entry name the same settings, options, commands and addresses |
//! | `help` | each text of each help has an entry; the help fits its width |
//! | `leftovers` | no English word is left in Chinese output, of any command or message |
//! | `messages` | each message of the source has an entry, and each entry a message |
//! | `remedies` | what to do about errors is said in Chinese to its end |
//! | `source` | the messages in the source |
//! | `transcripts` | what the binary says, by the locale |

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test that cannot read the source fails"))]

mod help;
mod leftovers;
mod messages;
mod remedies;
mod source;
mod table;
mod transcripts;

use std::collections::BTreeMap;

use e2e::{Finished, OmsBridge, Settings};

/// A run in Chinese.
async fn run(arguments: &[&str], settings: Settings) -> Finished {
    let settings = settings.set("LANG", "zh_CN.UTF-8");
    OmsBridge::new(arguments.iter().copied()).settings(settings).run().await
}

/// The columns that a line takes: two for a Chinese character or mark.
fn columns(line: &str) -> usize {
    line.chars().map(|c| if matches!(c, '\u{2e80}'..='\u{ffef}') { 2 } else { 1 }).sum()
}

/// The names in a text that no translation may change or lose, and how often: settings, options, addresses,
/// placeholders, commands of this program.
fn names(text: &str) -> BTreeMap<String, usize> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "_-./:{}<>#".contains(c);
    let mut found = BTreeMap::new();
    // What a placeholder is called is compared apart.
    let parts = text.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
    let text = parts.collect::<String>();
    for word in text.split(|c| !is_of_name(c)) {
        let word = word.trim_end_matches(['.', ':', ',']).trim_start_matches(['.', ':']);
        let is_setting = word.contains('_')
            && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        let is_option = word.starts_with("--") && word.len() > 2;
        if is_setting || is_option || word.contains("://") {
            *found.entry(word.to_owned()).or_default() += 1;
        }
    }
    for (at, _) in text.match_indices("oms-bridge ") {
        let rest = &text[at + "oms-bridge ".len()..];
        let command: String = rest.chars().take_while(char::is_ascii_lowercase).collect();
        if ["copy", "replay", "doctor", "status", "send", "explain", "consume", "desk", "serve"]
            .contains(&&*command)
        {
            *found.entry(format!("oms-bridge {command}")).or_default() += 1;
        }
    }
    found
}
