//! Why `--fix oms-task` ended early, and what to do.

use bridge_config::Settings;
use bridge_core::oms::migration::ApiError;
use chrono::{DateTime, Utc};
use repair::task::{OtherOptions, TaskError, is_cut};
use settings::text::{printable, shell_word, time};

use super::result::ComparisonEnding;
use crate::cli;
use crate::failure::{Failure, FailureKind, of_oms};

/// What failures of tasks are explained by.
pub(super) struct TaskEnds {
    /// The host of OMS.
    pub(super) oms: String,
    pub(super) settings: Settings,
    /// The settings of the access keys that OMS is given.
    pub(super) source_key: &'static str,
    pub(super) destination_key: &'static str,
}

const RIGHTS: &str = "allow oms:task:create, oms:task:get and oms:task:list in IAM";
const FOLLOWS: &str = "run the same command again: it follows the task that was begun";

impl TaskEnds {
    pub(super) fn failure(&self, error: &TaskError, ending: &ComparisonEnding) -> Failure {
        match error {
            TaskError::Busy { by, until } => busy(by, until.map(time).as_deref()),
            TaskError::Lost => Failure::configuration(error).of_setting("--fix").with_remedy(
                "nothing more was changed; run the same command again once the other run is over",
            ),
            TaskError::Journal(store) => cli::journal(store, &self.settings, "PutObject"),
            TaskError::NotRecorded(_) => Failure::out_of_reach(error).with_remedy(FOLLOWS),
            TaskError::OtherOptions(OtherOptions { options, .. }) if options.iter().any(|o| is_cut(o)) => {
                Failure::configuration(error).of_setting("--fix").with_remedy(
                    "to follow it, give the options it was begun with, which are too long to be named; to drop it, remove it in the console of OMS",
                )
            }
            TaskError::OtherOptions(OtherOptions { options, .. }) => {
                let command = command(options);
                Failure::configuration(error).of_setting("--fix").with_remedy(format_args!(
                    "to follow it, run: oms-bridge reconcile {command} --fix oms-task; to drop it, remove it in the console of OMS"
                ))
            }
            TaskError::Unknown(_) => Failure::configuration(error).of_setting("--fix").with_remedy(
                "wait until it is over, or remove it in the console of OMS; give all runs over these sides one LOG_BUCKET",
            ),
            TaskError::Unanswered { error: api, until } => {
                self.of_api(api).saying(error).with_remedy(look_again(*until))
            }
            TaskError::Unsettled(until) => Failure::out_of_reach(error).with_remedy(look_again(*until)),
            TaskError::OtherProject(tasks) => {
                let begin = printable(tasks.trim_end_matches("tasks"));
                Failure::configuration(error).of_setting("SYNC_URL").with_remedy(format_args!(
                    "give the address of a sync task that begins with {begin}sync-tasks/, and run the same command again"
                ))
            }
            TaskError::Api(api) => self.of_api(api).and_then(FOLLOWS),
            TaskError::Create(api) => self.of_api(api).saying(error),
            TaskError::Side(failed) => ending.of_side(failed),
            TaskError::Failed { code, .. } => self.of_code(code).saying(error),
            TaskError::Stopped(_) => Failure::configuration(error).of_setting("--fix").with_remedy(
                "start it in the console of OMS, or remove it there; then run the same command again",
            ),
            TaskError::UnknownState { .. } => Failure::configuration(error).of_setting("--fix").with_remedy(
                "look at the task in the console of OMS; the same command follows it until it is over or removed",
            ),
            TaskError::Interrupted(_) => Failure::internal(error),
        }
    }

    fn of_api(&self, error: &ApiError) -> Failure {
        of_oms(error, &self.oms).unwrap_or_else(|| {
            Failure::new(FailureKind::Permission, error).of_setting("HW_AK").with_remedy(RIGHTS)
        })
    }

    /// [Codes](https://support.huaweicloud.com/api-oms/oms_api_0052.md) of tasks that failed as a whole.
    fn of_code(&self, code: &str) -> Failure {
        use FailureKind::{Configuration, Credentials, Permission};
        let (source, destination) = (self.source_key, self.destination_key);
        let (kind, setting, remedy) = match code {
            "TRF.0151" => (Credentials, source, "OMS reads SRC with this key: check it and its secret"),
            "TRF.0057" => (Credentials, destination, "OMS writes DST with this key: check it and its secret"),
            "TRF.0152" => (Permission, source, "OMS reads SRC with this key: allow it to list and to read"),
            "TRF.0051" => (Permission, destination, "OMS writes DST with this key: allow it to"),
            "TRF.0013" => (
                Permission,
                destination,
                "OMS reads the list of objects with this key: allow reading below oms_source_record/object_lists/ in DST",
            ),
            "TRF.0012" => (
                Configuration,
                "SRC",
                "the first key of the list was deleted meanwhile: run the same command again",
            ),
            "TRF.0058" => {
                (Configuration, "DST", "there must be such a bucket in the region of the sync task")
            }
            "TRF.0155" => {
                (Configuration, "SRC", "there must be such a bucket in the region of the sync task")
            }
            _ => (Configuration, "--fix", "look up the code among OMS's failure causes"),
        };
        Failure::new(kind, code).of_setting(setting).with_remedy(remedy)
    }
}

/// When it is known whether OMS has a task.
fn look_again(until: DateTime<Utc>) -> String {
    format!("run the same command again after {}: it looks for the task", time(until))
}

/// Options as arguments, to be pasted into a shell. They come from the log bucket.
fn command(options: &[String]) -> String {
    let words = options.iter().map(|option| match option.split_once(' ') {
        Some((name, value)) if name.starts_with("--") => {
            format!("{} {}", shell_word(name), shell_word(value))
        }
        _ => shell_word(option).into_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Another run works: who, and until when.
fn busy(by: &str, until: Option<&str>) -> Failure {
    let what = match (by, until) {
        ("", None) => "another run has just begun to work on these sides with a task of OMS".to_owned(),
        (by, None) => format!("another run has just begun to work on these sides with a task of OMS: {by}"),
        (by, Some(until)) => {
            let by = if by.is_empty() { "?" } else { by };
            format!(
                "another run works on these sides with a task of OMS: {by}; if it is dead, its lease is over at {until}"
            )
        }
    };
    let remedy = "wait until that run is over; one that was killed can be replaced after that time";
    Failure::configuration(what).of_setting("--fix").with_remedy(remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_another_run_are_quoted_for_the_shell() {
        let options =
            ["oss://photos/my dir/", "--check listing", "--include d*, my photos/*.jpg", "--x$(y) `z`"];
        let expected =
            "'oss://photos/my dir/' --check listing --include 'd*, my photos/*.jpg' '--x$(y)' '`z`'";
        assert_eq!(command(&options.map(str::to_owned)), expected);
    }
}
