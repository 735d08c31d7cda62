use super::*;

fn mixed() -> Content {
    Content::join([&"head".into(), &Content::zeros(5 << 30), &Content::zeros(1), &"tail".into()])
}

#[test]
fn joined_content_costs_its_real_bytes_only() {
    let content = mixed();
    assert_eq!(content.len(), (5 << 30) + 9);
    assert_eq!(content.segments().len(), 3, "neighbouring runs are one");
    assert_eq!(content.slice(2..6), b"ad\0\0");
    assert_eq!(content.slice((5 << 30) + 4..u64::MAX), "\0tail");
    assert_eq!(content.slice(7..7), "");
    assert_eq!(format!("{content:?}"), "5368709129 bytes, 8 of them stored");
}

#[test]
fn content_equals_the_same_bytes_however_they_are_cut() {
    let cut = Content::join([&"ab".into(), &"c".into(), &Content::zeros(2), &"d".into()]);
    assert_eq!(cut, b"abc\0\0d");
    assert_eq!(cut, Content::from("abc\0\0d"));
    assert_ne!(cut, Content::from("abc\0\0e"));
    assert_ne!(cut, Content::from("abc\0\0"));
    assert_ne!(cut, "abc\0\0dd");
    assert_eq!(&*cut, b"abc\0\0d");
    assert_eq!(cut.to_bytes(), &b"abc\0\0d"[..]);
    let large = Content::zeros(1 << 20);
    assert_eq!(large, vec![0; 1 << 20]);
    assert_eq!(large.to_vec(), vec![0; 1 << 20]);
}

#[test]
fn one_bit_of_the_middle_is_flipped() {
    assert_eq!(Content::from("01234").with_flipped_middle(), "01334");
    assert_eq!(Content::default().with_flipped_middle(), "");
    let flipped = mixed().with_flipped_middle();
    assert_eq!((flipped.len(), flipped.segments().len()), (mixed().len(), 5));
}

#[test]
fn pieces_that_come_in_as_zeros_become_runs() {
    let pieces: [&[u8]; 7] = [&[0; 10], &[0; 5000], b"real", &[0; 100], b"!", &[0; 4096], &[0; 1]];
    let mut builder = ContentBuilder::default();
    let taken = pieces.map(|piece| builder.push(piece, 0));
    let content = builder.finish();
    assert_eq!(content, pieces.concat());
    assert_eq!(taken[..2], [Taken::Zeros; 2]);
    assert_eq!(taken[2..5], [Taken::Bytes; 3], "a few zeros between bytes stay bytes");
    assert_eq!(taken[5..], [Taken::Zeros; 2]);
    assert_eq!(content.segments().len(), 3);
}

#[test]
fn pieces_give_out_everything_once() {
    let content = Content::join([&"abc".into(), &Content::zeros(600 << 10), &"d".into()]);
    let mut pieces = Pieces::of(content.clone());
    let mut all = Vec::new();
    while let Some(piece) = pieces.next_piece(usize::MAX) {
        assert!(piece.len() <= ZEROS.len());
        all.extend_from_slice(&piece);
        assert_eq!(pieces.left(), content.len() - all.len() as u64);
    }
    assert_eq!(content, all);
}
