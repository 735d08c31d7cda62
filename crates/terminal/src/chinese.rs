//! Where lines of Chinese may be broken.

use console::measure_text_width;

/// What may not begin a line.
const CLOSING: &str = "，。、；：？！）》”’…·％";

/// What may not end a line.
const OPENING: &str = "（《“‘";

/// Whether there is Chinese in a text: a character of two columns.
pub(crate) fn is_in(text: &str) -> bool {
    text.chars().any(is_wide)
}

/// The parts of a text without blanks between which a line may be broken: between two characters if one of
/// them is Chinese, but not before a closing mark or behind an opening one. A name or an address stays whole
/// unless it is wider than `room`: it is there to be copied.
pub(crate) fn pieces(word: &str, room: usize) -> Vec<&str> {
    clauses(word).into_iter().flat_map(|clause| pieces_of_clause(clause, room)).collect()
}

/// A text without blanks, broken behind each closing mark that is not in quotes: names end there.
fn clauses(word: &str) -> Vec<&str> {
    let mut clauses = Vec::new();
    let mut start = 0;
    let mut quoted: Option<char> = None;
    let mut marks = false;
    for (at, next) in word.char_indices() {
        let is_mark = quoted.is_none() && CLOSING.contains(next);
        if marks && !is_mark {
            clauses.push(&word[start..at]);
            start = at;
        }
        marks = is_mark;
        quoted = match quoted {
            Some(quote) => Some(quote).filter(|quote| *quote != next),
            None => Some(next).filter(|next| "\"`".contains(*next)),
        };
    }
    clauses.push(&word[start..]);
    clauses
}

fn pieces_of_clause(clause: &str, room: usize) -> Vec<&str> {
    let is_name = clause.contains(['/', '"', '\\']);
    if !is_in(clause) || is_name && measure_text_width(clause) <= room {
        return vec![clause];
    }
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut before: Option<char> = None;
    for (at, next) in clause.char_indices() {
        if before.is_some_and(|before| may_break(before, next)) {
            pieces.push(&clause[start..at]);
            start = at;
        }
        before = Some(next);
    }
    pieces.push(&clause[start..]);
    pieces
}

fn may_break(before: char, next: char) -> bool {
    let beside_chinese = is_wide(before) || is_wide(next);
    beside_chinese && !CLOSING.contains(next) && !OPENING.contains(before)
}

fn is_wide(character: char) -> bool {
    !character.is_ascii()
        && (measure_text_width(character.encode_utf8(&mut [0; 4])) == 2 || "“”‘’…".contains(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stay_with_what_they_belong_to() {
        assert_eq!(pieces("检查，并（再次）写入", 80), ["检", "查，", "并", "（再", "次）", "写", "入"]);
        assert_eq!(pieces("设置DEST。", 80), ["设", "置", "DEST。"]);
    }

    #[test]
    fn what_is_there_to_be_copied_stays_whole_while_it_fits() {
        assert_eq!(pieces("oss://桶/照片.jpg", 80), ["oss://桶/照片.jpg"]);
        assert!(pieces("oss://桶/照片.jpg", 10).len() > 1);
        assert_eq!(pieces("plain", 2), ["plain"]);
    }

    #[test]
    fn a_name_ends_at_a_mark_and_the_sentence_behind_it_may_be_broken() {
        assert_eq!(pieces("`s3://a/b`。列举，键", 80), ["`s3://a/b`。", "列", "举，", "键"]);
        assert_eq!(pieces("比较：`2024/*`、`*.jpg`", 80), ["比", "较：", "`2024/*`、", "`*.jpg`"]);
        assert_eq!(pieces("\"甲，乙/丙\"：没", 80), ["\"甲，乙/丙\"：", "没"]);
    }
}
