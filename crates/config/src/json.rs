//! Config tables as JSON, and the fingerprint by which clients recognise a version of a layer (config sheet §1).
//!
//! In comes a TOML table, out go two forms that differ in one thing, dates: [`tagged`] keeps them apart from strings (this
//! is what a layer is listed as and what its fingerprint counts), [`plain`] shows them as strings.

use serde_json::{Map, Number, Value as Json};
use sha2::{Digest, Sha256};
use toml::{Table, Value};

/// How the reference marks a date.
const DATE_TAG: &str = "$__toml_private_datetime";

/// JSON with dates as marked objects.
pub(crate) fn tagged(table: &Table) -> Json {
    object(table, &mark)
}

/// One value, with dates as marked objects.
pub(crate) fn tagged_value(of: &Value) -> Json {
    value(of, &mark)
}

fn mark(date: String) -> Json {
    Json::Object(Map::from_iter([(DATE_TAG.to_owned(), Json::String(date))]))
}

/// JSON with dates as strings.
pub(crate) fn plain(table: &Table) -> Json {
    object(table, &Json::String)
}

/// The fingerprint of a table: order and layout of the file do not count.
pub(crate) fn fingerprint(table: &Table) -> String {
    let mut text = String::new();
    write_sorted(&tagged(table), &mut text);
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().fold("sha256:".to_owned(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn object(table: &Table, date: &dyn Fn(String) -> Json) -> Json {
    Json::Object(table.iter().map(|(key, member)| (key.clone(), value(member, date))).collect())
}

fn value(value_of: &Value, date: &dyn Fn(String) -> Json) -> Json {
    match value_of {
        Value::String(text) => Json::String(text.clone()),
        Value::Integer(number) => Json::from(*number),
        // What JSON cannot say (infinity) is null.
        Value::Float(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
        Value::Boolean(yes) => Json::Bool(*yes),
        Value::Datetime(moment) => date(moment.to_string()),
        Value::Array(elements) => Json::Array(elements.iter().map(|element| value(element, date)).collect()),
        Value::Table(table) => object(table, date),
    }
}

fn write_sorted(json: &Json, out: &mut String) {
    match json {
        Json::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            write_all(out, ['{', '}'], sorted, |(key, member), out| {
                out.push_str(&Json::from(key.as_str()).to_string());
                out.push(':');
                write_sorted(member, out);
            });
        }
        Json::Array(elements) => write_all(out, ['[', ']'], elements, write_sorted),
        scalar => out.push_str(&scalar.to_string()),
    }
}

fn write_all<T>(
    out: &mut String,
    [open, close]: [char; 2],
    parts: impl IntoIterator<Item = T>,
    mut write: impl FnMut(T, &mut String),
) {
    out.push(open);
    for (position, part) in parts.into_iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        write(part, out);
    }
    out.push(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_those_of_the_reference() {
        for (text, expected) in [
            ("", "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
            (
                "z = 1.0\na = 1e300\nb = -0.0\nc = 9223372036854775807\nd = 1979-05-27T07:32:00Z\ne = 1979-05-27\n\
                 f = 07:32:00\ng = [1.5, {y = 1, x = \"é\\n\\u0001\\\"/\"}]\nh = 1979-05-27T07:32:00.5+01:00\n\
                 k = 100000000000000000000.0\nl = 0.1\nm = 1e-7\n[model_providers.p]\nname=\"x\"\n",
                "9a30f6f5b95c9d121da2c14afc9be1a5071c9167689250d751bb36a5728f3113",
            ),
            (
                "z = inf\ny = nan\nw = -inf\nv = 2000-01-01T00:00:00\n",
                "096f432b2dad6478bdb4c2d9b27481d161b49470896feb43c74ba9a6bc5626b2",
            ),
        ] {
            let table = text.parse().unwrap();
            assert_eq!(fingerprint(&table), format!("sha256:{expected}"), "{text}");
        }
    }

    #[test]
    fn dates_are_marked_or_plain() {
        let table = "a = [1979-05-27]".parse().unwrap();
        assert_eq!(tagged(&table).to_string(), r#"{"a":[{"$__toml_private_datetime":"1979-05-27"}]}"#);
        assert_eq!(plain(&table).to_string(), r#"{"a":["1979-05-27"]}"#);
    }
}
