use super::*;

const WHOLE: &[u8] = br#"[{"id":1}, {"id":2,"params":["a]",{"b":"}, "}]}, {"id":3}]"#;

fn texts(text: &[u8]) -> Vec<&str> {
    complete_events(text).into_iter().map(RawValue::get).collect()
}

#[test]
fn a_whole_file_keeps_every_event() {
    assert_eq!(
        texts(WHOLE),
        [r#"{"id":1}"#, r#"{"id":2,"params":["a]",{"b":"}, "}]}"#, r#"{"id":3}"#]
    );
}

#[test]
fn a_file_cut_anywhere_keeps_what_came_whole_before_the_cut() {
    let whole = texts(WHOLE);
    for cut in 0..WHOLE.len() {
        let kept = texts(&WHOLE[..cut]);
        assert_eq!(kept, whole[..kept.len()], "cut at {cut}");
        let held = WHOLE[..cut].windows(5).filter(|part| part.starts_with(br#""id":"#)).count();
        assert!(kept.len() + 1 >= held, "cut at {cut}: only the last event may go");
    }
}

#[test]
fn a_missing_bracket_loses_nothing() {
    assert_eq!(texts(&WHOLE[..WHOLE.len() - 1]).len(), 3);
}

#[test]
fn a_load_that_was_cut_short_starts_again_from_the_copy() {
    let dir = std::env::temp_dir().join(format!("ciro-chain-file-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let file = ChainFile::in_dir(&dir);
    fs::write(file.path(), WHOLE).unwrap();
    assert_eq!(file.make_loadable().unwrap(), 3);
    // The devnet deletes the file, has written the first event again, and dies.
    fs::write(file.path(), br#"[{"id":1}]"#).unwrap();
    assert_eq!(file.make_loadable().unwrap(), 3);
    assert_eq!(texts(&fs::read(file.path()).unwrap()), texts(WHOLE));
    file.loaded().unwrap();
    assert_eq!(file.make_loadable().unwrap(), 3);
    fs::remove_dir_all(&dir).unwrap();
}
