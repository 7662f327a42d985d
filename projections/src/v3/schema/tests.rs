use serde_json::json;

use super::*;

const EXTEND: Schema = under!("os-extend", object!({ "new_size" => SIZE } required ["new_size"]));
const BODY: Schema = under!(
    "volume",
    object!({
        "size" => SIZE_OR_NULL,
        "metadata" => PAIRS_OR_NULL,
        "id" => UUID_OR_NULL,
        "flag" => BOOLEAN,
        "maybe" => BOOLEAN_OR_NULL,
        "name" => TRIMMED_NAME,
        "ids" => Schema(&[Rule::Kind(&[Kind::Array]), Rule::Items(UUID), Rule::Unique]),
        "pair" => PAIR,
    })
);

/// Every text was given by Cinder 29 for the same body.
#[test]
fn what_is_wrong_is_told_as_cinder_tells_it() {
    let at = |at: &str, rest: &str| format!("Invalid input for field/attribute {at}. {rest}");
    let long = "a".repeat(300);
    for (body, expected) in [
        (json!([]), "[] is not of type 'object'".to_owned()),
        (json!(null), "None is not of type 'object'".to_owned()),
        (json!("x"), "'x' is not of type 'object'".to_owned()),
        (json!({}), "'volume' is a required property".to_owned()),
        (json!({"volume": {}, "x": 1}), "Additional properties are not allowed ('x' was unexpected)".to_owned()),
        (
            json!({"volume": {}, "x": 1, "y": 2}),
            "Additional properties are not allowed ('x', 'y' were unexpected)".to_owned(),
        ),
        (
            json!({"volume": {"a": 1, "b": "x"}}),
            at("volume", "Value: {'a': 1, 'b': 'x'}. Additional properties are not allowed ('a', 'b' were unexpected)"),
        ),
        (json!({"volume": {"size": 0}}), at("size", "Value: 0. 0 is less than the minimum of 1")),
        (json!({"volume": {"size": "0"}}), at("size", "Value: 0. 0 is less than the minimum of 1")),
        (json!({"volume": {"size": "abc"}}), at("size", "Value: abc. 'abc' does not match '^[0-9]+$'")),
        (json!({"volume": {"size": "-1"}}), at("size", "Value: -1. '-1' does not match '^[0-9]+$'")),
        (json!({"volume": {"size": ""}}), at("size", "Value: . '' does not match '^[0-9]+$'")),
        (
            json!({"volume": {"size": 3_000_000_000_u64}}),
            at("size", "Value: 3000000000. 3000000000 is greater than the maximum of 2147483647"),
        ),
        (json!({"volume": {"size": 1.5}}), at("size", "Value: 1.5. 1.5 is not of type 'integer', 'string', 'null'")),
        (json!({"volume": {"size": true}}), at("size", "Value: True. True is not of type 'integer', 'string', 'null'")),
        (json!({"volume": {"metadata": {"a": 1}}}), at("a", "Value: 1. 1 is not of type 'string'")),
        (json!({"volume": {"metadata": {"a": null}}}), at("a", "Value: None. None is not of type 'string'")),
        (
            json!({"volume": {"metadata": {"a!": "x"}}}),
            at("metadata", "Value: {'a!': 'x'}. 'a!' does not match any of the regexes: '^[a-zA-Z0-9-_:. /]{1,255}$'"),
        ),
        (json!({"volume": {"id": "x"}}), at("id", "Value: x. 'x' is not valid under any of the given schemas")),
        (
            json!({"volume": {"maybe": "maybe"}}),
            at("maybe", "Value: maybe. 'maybe' is not valid under any of the given schemas"),
        ),
        (json!({"volume": {"name": 5}}), at("name", "Value: 5. 5 is not of type 'string', 'null'")),
        (
            json!({"volume": {"name": long}}),
            "Invalid input received: name has 300 characters, more than 255.".to_owned(),
        ),
        (json!({"volume": {"pair": {}}}), at("pair", "Value: {}. {} should be non-empty")),
        (
            json!({"volume": {"pair": {"a": "1", "b": "2"}}}),
            at("pair", "Value: {'a': '1', 'b': '2'}. {'a': '1', 'b': '2'} has too many properties"),
        ),
        (json!({"volume": {"ids": ["x"]}}), at("0", "Value: x. 'x' is not a 'uuid'")),
    ] {
        let told = BODY.check(&body).map_err(|fault| fault.message().to_owned());
        assert_eq!(told, Err(expected), "{body}");
    }
}

#[test]
fn what_is_right_passes() {
    let id = "11111111111111111111111111111111";
    for body in [
        json!({"volume": {}}),
        json!({"volume": {"size": null, "metadata": null, "id": null, "flag": "yes", "maybe": null, "name": null}}),
        json!({"volume": {"size": "7", "metadata": {"a b/c:d-e_f.1": ""}, "id": id, "flag": false, "maybe": "f"}}),
        json!({"volume": {"name": format!(" {} ", "a".repeat(255)), "ids": [], "pair": {"k": "v"}}}),
    ] {
        assert_eq!(BODY.check(&body), Ok(()), "{body}");
    }
}

#[test]
fn actions_are_checked_below_their_names() {
    let told = |body| EXTEND.check(&body).map_err(|fault| fault.message().to_owned());
    let nothing = "Invalid input for field/attribute os-extend. Value: None. None is not of type 'object'";
    assert_eq!(told(json!({"os-extend": null})), Err(nothing.to_owned()));
    let missing = "Invalid input for field/attribute os-extend. Value: {}. 'new_size' is a required property";
    assert_eq!(told(json!({"os-extend": {}})), Err(missing.to_owned()));
    assert_eq!(told(json!({"os-extend": {"new_size": 3}})), Ok(()));
}
