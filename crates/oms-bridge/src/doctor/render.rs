//! The findings as text.

use super::{Diagnosis, Finding, Severity};
use settings::text::printable;
use terminal::layout::{measure_text_width, padded, paragraph};
use terminal::numbers::counted;
use texts::language::Language;
use texts::translated;

impl Diagnosis {
    /// As text in the language of this process, wrapped at `width` columns.
    pub(crate) fn text(&self, width: Option<usize>) -> String {
        let checks = self.findings.iter().map(|finding| measure_text_width(&translated(finding.check)));
        let widest = checks.max().unwrap_or(0);
        let mut lines: Vec<String> =
            self.findings.iter().flat_map(|finding| lines(finding, widest, width)).collect();
        let comma = if texts::language() == Language::Chinese { "，" } else { ", " };
        let problems = count(self.problems, "no problems", "problem");
        let warnings = count(self.warnings, "no warnings", "warning");
        lines.push(format!(
            "\n{}",
            [problems, warnings].map(|count| translated(&count).into_owned()).join(comma)
        ));
        lines.join("\n")
    }
}

fn lines(finding: &Finding, widest: usize, width: Option<usize>) -> Vec<String> {
    let severity = match finding.severity {
        Severity::Ok => "ok",
        Severity::Warning => "warning",
        Severity::Problem | Severity::Refused | Severity::OutOfReach => "PROBLEM",
    };
    let (severity, check) = (translated(severity), translated(finding.check));
    let head = format!("{}  {}  ", padded(&severity, SEVERITY), padded(&check, widest));
    let mut lines = vec![paragraph(&head, &translated(&printable(&finding.what)), width)];
    if finding.severity != Severity::Ok {
        let below = " ".repeat(measure_text_width(&head));
        // A Chinese colon has its blank in it.
        let blank = usize::from(texts::language() != Language::Chinese);
        let widest = LABELS.map(|label| measure_text_width(&translated(label)) + blank).into_iter().max();
        let mut explained = |label: &str, text: &str| {
            let label = padded(&translated(label), widest.unwrap_or(0));
            lines.push(paragraph(&format!("{below}{label}"), &translated(text), width));
        };
        let [why, remedy] = LABELS;
        explained(why, finding.why);
        explained(remedy, &printable(&finding.remedy));
    }
    lines
}

/// Columns of the severity.
const SEVERITY: usize = 7;

/// What stands before the reason and the remedy.
const LABELS: [&str; 2] = ["why:", "do:"];

fn count(count: usize, none: &str, what: &str) -> String {
    match count {
        0 => none.to_owned(),
        _ => counted(count as u64, what),
    }
}
