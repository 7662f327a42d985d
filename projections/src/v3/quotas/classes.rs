//! `/os-quota-class-sets`. The limits of the class `default` hold for projects without their own.

use serde_json::{Map, Value, json};

use super::{known_keys, limits_of, short_name};
use crate::query::quota_class;
use crate::reader::Snapshot;
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::policy::Rule;
use crate::v3::python::integer;
use crate::v3::schema::{INTEGER_MAX, Kind, Pattern, Rule as Is, Schema, under};

const RESOURCE: Pattern = Pattern {
    shown: "^[a-zA-Z0-9-_:. ]{1,300}$",
    fits: |text| {
        (1..=300).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:. ".contains(&byte))
    },
};

const DIGITS: Pattern = Pattern { shown: "^[0-9]*$", fits: |text| text.bytes().all(|byte| byte.is_ascii_digit()) };

const LIMIT: Schema = Schema(&[
    Is::Kind(&[Kind::Integer, Kind::Text]),
    Is::CharsMin(1),
    Is::Text(DIGITS),
    Is::Min(-1),
    Is::Max(INTEGER_MAX),
]);

const UPDATE: Schema =
    under!("quota_class_set", Schema(&[Is::Kind(&[Kind::Object]), Is::Pattern(RESOURCE, LIMIT), Is::Closed]));

pub(super) async fn show(context: Context) -> Answered {
    context.allow(Rule::QuotaClassesGet)?;
    let answer = |context: &Context, snapshot: &Snapshot| {
        let class = context.path("class");
        Ok(Answer::ok(&json!({"quota_class_set": limits_of(&quota_class(snapshot, class)?, Some(class))})))
    };
    context.read(answer).await
}

pub(super) async fn update(context: Context) -> Answered {
    let given = context.body_of(&UPDATE, "quota_class_set")?;
    context.allow(Rule::QuotaClassesUpdate)?;
    let keys: Vec<String> = given.keys().cloned().collect();
    context.read(move |_, snapshot| known_keys(&snapshot.types()?, keys.iter(), "quota class set")).await?;
    let class = short_name(context.path("class"), "quota_class_name")?;
    if !given.is_empty() {
        let mut content: Map<String, Value> = given.iter().map(|(key, value)| (key.clone(), number(value))).collect();
        content.insert("class".to_owned(), json!(class));
        context.operate(("quota_class", "set"), &content).await?;
    }
    let answer = |context: &Context, snapshot: &Snapshot| {
        let lines = quota_class(snapshot, context.path("class"))?;
        Ok(Answer::ok(&json!({"quota_class_set": limits_of(&lines, None)})))
    };
    context.read(answer).await
}

/// The schema let numbers and texts of digits through.
fn number(value: &Value) -> Value {
    let parsed = value.as_str().and_then(integer).and_then(|number| i64::try_from(number).ok());
    parsed.map_or_else(|| value.clone(), Value::from)
}
