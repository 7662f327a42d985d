use super::*;
use crate::state::{Config, Volume};

#[test]
fn bytes_that_are_not_the_value_are_an_error() {
    let bytes = encode(&Config::default());
    assert_eq!(decode::<Config>(&bytes), Ok(Config::default()));
    let longer = [&bytes[..], b"x"].concat();
    assert!(decode::<Config>(&longer).unwrap_err().to_string().contains("1 bytes are left over"));
    for end in 0..bytes.len() {
        assert!(decode::<Config>(&bytes[..end]).is_err(), "{end} of {} bytes", bytes.len());
    }
    let error = decode::<Volume>(&bytes).unwrap_err();
    assert!(error.what.ends_with("Volume"), "{error}");
}
