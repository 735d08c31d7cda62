//! Names and contents of what is uploaded.

/// What is part of the keys that OMS accepts every time and copies never.
pub(crate) const NEVER: &str = "never-by-oms";

/// Folders, some deep, with what needs care in URLs, XML and JSON.
const FOLDERS: [&str; 8] = [
    "photos/2026/01",
    "照片/春 天",
    "a b/c+d/e%20f",
    "deep/1/2/3/4/5/6/7/8/9/10/11/12",
    "quotes/'single'/\"double\"",
    "markup/<b>&amp;</b>",
    "nfc/\u{e9}",
    "nfd/e\u{301}",
];

const ENDS: [&str; 8] = [".jpg", " (1).jpg", "😀.png", "?x=1#y", "//", "+%2B.txt", "~!*", "/"];

/// The key with this number.
pub(crate) fn key(number: u32) -> String {
    let pick = |list: &[&'static str], by: u32| list[(by as usize) % list.len()];
    let folder = pick(&FOLDERS, number);
    let end = pick(&ENDS, number / 8);
    match number {
        _ if number % 400 == 7 => format!("{folder}/{NEVER}/{number:06}{end}"),
        // Too long for the name of a record.
        _ if number.is_multiple_of(97) => format!("{folder}/{number:06}{}{end}", "x".repeat(900)),
        _ => format!("{folder}/{number:06}{end}"),
    }
}

/// The content of an upload; one in a hundred is empty.
pub(crate) fn content(upload: u32) -> String {
    let text = format!("upload {upload:06} ");
    text.repeat((upload % 100) as usize % 17)
}
