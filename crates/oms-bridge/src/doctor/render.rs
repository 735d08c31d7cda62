//! The findings as people read them.

use std::fmt;

use super::{Diagnosis, Finding, Severity};
use settings::text::printable;

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
        self.findings.iter().try_for_each(|finding| line(f, finding, width))?;
        write!(f, "\n{}, {}", count(self.problems, "problem"), count(self.warnings, "warning"))
    }
}

fn line(f: &mut fmt::Formatter<'_>, finding: &Finding, width: usize) -> fmt::Result {
    let severity = match finding.severity {
        Severity::Ok => "ok",
        Severity::Warning => "warning",
        Severity::Problem | Severity::Refused | Severity::OutOfReach => "PROBLEM",
    };
    writeln!(f, "{severity:7}  {:width$}  {}", finding.check, printable(&finding.what))?;
    if finding.severity != Severity::Ok {
        writeln!(f, "{:7}  {:width$}  why: {}", "", "", finding.why)?;
        writeln!(f, "{:7}  {:width$}  do:  {}", "", "", printable(&finding.remedy))?;
    }
    Ok(())
}

fn count(count: usize, what: &str) -> String {
    match count {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
