use super::*;

#[test]
fn bytes_are_cut_into_words_of_31_as_cairo_does() {
    assert_eq!(byte_array(b""), [Felt::ZERO, Felt::ZERO, Felt::ZERO]);
    assert_eq!(byte_array(b"ab"), [Felt::ZERO, Felt::from(0x6162), Felt::TWO]);
    let exact = byte_array(&[1; 31]);
    assert_eq!((exact.len(), exact[0], exact[2], exact[3]), (4, Felt::ONE, Felt::ZERO, Felt::ZERO));
    let longer = byte_array(&[1; 63]);
    assert_eq!(
        (longer.len(), longer[0], longer[3], longer[4]),
        (5, Felt::TWO, Felt::ONE, Felt::ONE)
    );
    assert_eq!(
        selector("settle"),
        JobManager { address: Address(Felt::ZERO) }.settle(&[]).selector
    );
}
