//! Filling an empty table of Postgres with COPY, which costs a row a fraction of what a statement costs.

use std::fmt::Write as _;

use sqlx::PgConnection;

use crate::{sink::fold::Group, table::Value};

/// Bytes that are sent at once.
const CHUNK: usize = 1 << 20;

/// Sends the rows of the group, in the text format: one row a line, cells behind tabs.
pub(super) async fn fill(connection: &mut PgConnection, group: &Group) -> Result<(), sqlx::Error> {
    let columns = group.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
    let mut copy = connection.copy_in_raw(&format!("COPY {} ({columns}) FROM STDIN", group.name)).await?;
    let mut text = String::with_capacity(CHUNK + CHUNK / 8);
    for row in &group.rows {
        write_row(&mut text, row);
        if text.len() >= CHUNK {
            copy.send(text.as_bytes()).await?;
            text.clear();
        }
    }
    copy.send(text.as_bytes()).await?;
    copy.finish().await?;
    Ok(())
}

fn write_row(text: &mut String, row: &[Value]) {
    for (place, value) in row.iter().enumerate() {
        if place > 0 {
            text.push('\t');
        }
        match value {
            Value::Null => text.push_str("\\N"),
            Value::Bool(value) => text.push(if *value { 't' } else { 'f' }),
            Value::Integer(value) => {
                let _ = write!(text, "{value}");
            }
            Value::Text(value) => escape(text, value),
        }
    }
    text.push('\n');
}

/// What means something in this format.
fn escape(text: &mut String, value: &str) {
    let mut rest = value;
    while let Some(at) = rest.find(['\\', '\t', '\n', '\r']) {
        let (before, special) = rest.split_at(at);
        text.push_str(before);
        text.push_str(match special.as_bytes().first() {
            Some(b'\\') => "\\\\",
            Some(b'\t') => "\\t",
            Some(b'\n') => "\\n",
            _ => "\\r",
        });
        rest = special.get(1..).unwrap_or_default();
    }
    text.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::write_row;
    use crate::table::Value;

    #[test]
    fn what_means_something_in_the_format_is_escaped() {
        let mut text = String::new();
        let row = ["a\tb\\c\nd\re".into(), Value::Null, Value::Bool(true), Value::Integer(-7), "é".into()];
        write_row(&mut text, &row);
        assert_eq!(text, "a\\tb\\\\c\\nd\\re\t\\N\tt\t-7\té\n");
    }
}
