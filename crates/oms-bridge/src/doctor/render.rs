//! The findings as text.

use super::{Diagnosis, Finding, Severity};
use settings::text::printable;
use terminal::layout::paragraph;
use terminal::numbers::counted;

impl Diagnosis {
    /// As text, wrapped at `width` columns.
    pub(crate) fn text(&self, width: Option<usize>) -> String {
        let widest = self.findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
        let mut lines: Vec<String> =
            self.findings.iter().flat_map(|finding| lines(finding, widest, width)).collect();
        lines.push(format!("\n{}, {}", count(self.problems, "problem"), count(self.warnings, "warning")));
        lines.join("\n")
    }
}

fn lines(finding: &Finding, widest: usize, width: Option<usize>) -> Vec<String> {
    let severity = match finding.severity {
        Severity::Ok => "ok",
        Severity::Warning => "warning",
        Severity::Problem | Severity::Refused | Severity::OutOfReach => "PROBLEM",
    };
    let head = format!("{severity:7}  {:widest$}  ", finding.check);
    let mut lines = vec![paragraph(&head, &printable(&finding.what), width)];
    if finding.severity != Severity::Ok {
        let below = " ".repeat(head.len());
        lines.push(paragraph(&format!("{below}why: "), finding.why, width));
        lines.push(paragraph(&format!("{below}do:  "), &printable(&finding.remedy), width));
    }
    lines
}

fn count(count: usize, what: &str) -> String {
    match count {
        0 => format!("no {what}s"),
        _ => counted(count as u64, what),
    }
}
