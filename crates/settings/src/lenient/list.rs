//! Lists of keys, one a line, as people and their tools write them.
//!
//! A byte order mark before the first key is none of it. Text in UTF-16, as one shell of Windows writes it,
//! is refused by its mark. A mark further on (two files, one behind the other) is refused with its line: a
//! key may begin so, but hardly does, and the list of what failed writes such a key in another form.

/// The byte order mark.
pub const MARK: char = '\u{feff}';

/// What a list begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Text, and how many of its bytes are a mark.
    Text(usize),
    /// Another encoding, by its name.
    Foreign(&'static str),
}

impl Start {
    /// By the first bytes of a list.
    pub fn of(bytes: &[u8]) -> Self {
        match bytes {
            [0xef, 0xbb, 0xbf, ..] => Self::Text(3),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Self::Foreign("UTF-16"),
            _ => Self::Text(0),
        }
    }
}

/// What is wrong with a line that begins with a mark.
pub fn marked(line: &str) -> String {
    format!(
        "{line:?} begins with a byte order mark, as where two files were concatenated: probably {:?} is meant",
        line.trim_start_matches(MARK)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_told_by_its_bytes() {
        assert_eq!(Start::of("\u{feff}a".as_bytes()), Start::Text(3));
        assert_eq!(Start::of(b"a"), Start::Text(0));
        assert_eq!(Start::of(b""), Start::Text(0));
        assert_eq!(Start::of(b"\xff\xfea\0"), Start::Foreign("UTF-16"));
        assert_eq!(Start::of(b"\xfe\xff\0a"), Start::Foreign("UTF-16"));
    }
}
