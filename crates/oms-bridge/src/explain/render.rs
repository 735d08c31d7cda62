//! The explanation as text.

use std::fmt;

use super::{Entry, Explanation, Side, SideState};
use settings::text::{printable, time};
use terminal::numbers::counted;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "key          {}", printable(&self.key))?;
        side(f, "source", &self.source)?;
        if let Some(destination) = &self.destination {
            side(f, "destination", destination)?;
        } else {
            let are = if self.unset.len() > 1 { "are" } else { "is" };
            writeln!(f, "destination  not looked at: {} {are} not set", self.unset.join(" and "))?;
        }
        writeln!(f, "\nrecords")?;
        entry(f, "success", self.records.success.as_ref())?;
        entry(f, "failed", self.records.failed.as_ref())?;
        entry(f, "dead", self.records.dead.as_ref())?;
        self.records.earlier.iter().try_for_each(|earlier| entry(f, "earlier", Some(earlier)))?;
        let others = &self.records.others;
        others.iter().try_for_each(|other| entry(f, "other", Some(other)))?;
        if !others.is_empty() {
            writeln!(f, "           about another source or destination: it does not count")?;
        }
        writeln!(f, "\nrequest")?;
        self.request(f)?;
        writeln!(f, "\nnext")?;
        self.next.iter().try_for_each(|next| writeln!(f, "  - {}", printable(next)))
    }
}

impl Explanation {
    fn request(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(error) = &self.request_error {
            writeln!(f, "  cannot be made: {}", printable(error))?;
        }
        let Some(request) = &self.request else {
            let none = self.request_error.is_none();
            return if none {
                writeln!(f, "  none: OMS is not used, the copy engine copies the object itself")
            } else {
                Ok(())
            };
        };
        writeln!(f, "  {} {}", request.method, request.url)?;
        writeln!(f, "  {}", request.body)?;
        writeln!(f, "\n  canonical request")?;
        request.canonical_request.lines().try_for_each(|line| writeln!(f, "    {line}"))?;
        writeln!(f, "\n  string to sign")?;
        request.string_to_sign.lines().try_for_each(|line| writeln!(f, "    {line}"))
    }
}

fn side(f: &mut fmt::Formatter<'_>, name: &str, side: &Side) -> fmt::Result {
    writeln!(f, "{name:11}  {}", printable(&side.url))?;
    match &side.state {
        SideState::Missing => writeln!(f, "             no such object"),
        SideState::Unknown { why, .. } => writeln!(f, "             unknown: {}", printable(why)),
        SideState::Present { size, etag, last_modified, crc64, content_type, storage_class, metadata } => {
            let changed = last_modified.map_or_else(|| "an unknown time".to_owned(), time);
            writeln!(f, "             {}, changed {changed}", counted(*size, "byte"))?;
            let crc64 = crc64.map(|crc| crc.to_string());
            let facts = [
                ("ETag", etag),
                ("CRC-64", &crc64),
                ("content type", content_type),
                ("storage class", storage_class),
            ];
            for (name, value) in facts.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
                writeln!(f, "             {name} {}", printable(value))?;
            }
            metadata
                .iter()
                .try_for_each(|(name, value)| writeln!(f, "             meta {name}: {}", printable(value)))
        }
    }
}

fn entry(f: &mut fmt::Formatter<'_>, shelf: &str, entry: Option<&Entry>) -> fmt::Result {
    let Some(entry) = entry else {
        return writeln!(f, "  {shelf:7}  none");
    };
    let written = entry.written_at.as_deref().unwrap_or("at an unknown time");
    writeln!(f, "  {shelf:7}  {written}  {}", printable(&entry.name))?;
    if entry.content.is_null() {
        return writeln!(f, "           empty, as the vendor's function writes them");
    }
    writeln!(f, "           {}", printable(&entry.content.to_string()))
}
