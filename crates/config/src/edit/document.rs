//! Changing a parsed TOML document: where a key goes, and what of the text around it stays.
//!
//! In come a root table and a [`ConfigEdit`]. What a newcomer would get wrong: a member that already has the wanted value
//! is not touched at all, so that its spelling (`0x10`, a list over several lines, dotted keys) and its comments stay
//! even when the table around it is set as a whole.

use toml_edit::{Array, Decor, InlineTable, Item, Key, Table, TableLike, Value};

use super::{ConfigEdit, LineEnds, TextError};

/// Changes documents whose lines end like this.
#[derive(Clone, Copy)]
pub(super) struct Editor {
    pub(super) ends: LineEnds,
}

impl Editor {
    /// Applies one change.
    pub(super) fn apply(self, root: &mut Table, edit: &ConfigEdit) -> Result<(), TextError> {
        match edit {
            ConfigEdit::Set { path, value } => {
                let (last, tables) = path.split_last().ok_or(TextError::EmptyPath)?;
                self.set(root, tables, last, value);
            }
            ConfigEdit::Remove { path } => {
                let (last, tables) = path.split_last().ok_or(TextError::EmptyPath)?;
                remove(root, tables, last);
            }
            ConfigEdit::Trust { project, level } => {
                if let Some(slot) = root.get_mut("projects") {
                    open_members(slot);
                }
                if let Some(mut key) = root.key_mut("projects") {
                    key.leaf_decor_mut().clear();
                }
                let tables = ["projects".to_owned(), project.clone()];
                self.set(root, &tables, "trust_level", &toml::Value::from(level.as_str()));
            }
        }
        Ok(())
    }

    /// Sets a key below tables. What is no table in the way is replaced; an inline table becomes a normal one.
    fn set(self, root: &mut Table, tables: &[String], last: &str, value: &toml::Value) {
        let mut here = root;
        for name in tables {
            let slot = here.entry(name).or_insert_with(|| Item::Table(implicit_table()));
            if !slot.is_table() {
                *slot = Item::Table(match std::mem::take(slot) {
                    Item::Value(Value::InlineTable(inline)) => opened(inline),
                    _ => implicit_table(),
                });
            }
            let Some(table) = slot.as_table_mut() else { return };
            here = table;
        }
        match here.get_mut(last) {
            Some(slot) => self.assign(slot, value),
            None => {
                here.insert(last, self.fresh(value));
            }
        }
    }

    /// Makes an item what a value says, and keeps what is equal.
    fn assign(self, slot: &mut Item, value: &toml::Value) {
        if says(slot, value) {
            return;
        }
        *slot = match (std::mem::take(slot), value) {
            (Item::Table(old), toml::Value::Table(members)) => Item::Table(self.synchronised(old, members)),
            (Item::Value(old), value) if !value.is_table() => {
                let mut new = self.written(value);
                *new.decor_mut() = old.decor().clone();
                Item::Value(new)
            }
            (_, value) => self.fresh(value),
        };
    }

    /// A table with these members, in their order, and the comments and spelling of the old one.
    fn synchronised(self, mut old: Table, members: &toml::Table) -> Table {
        let mut table = Table::new();
        *table.decor_mut() = old.decor().clone();
        table.set_position(old.position());
        for (name, value) in members {
            match old.remove_entry(name) {
                Some((key, mut item)) => {
                    self.assign(&mut item, value);
                    table.insert_formatted(&key, item);
                }
                None => {
                    table.insert(name, self.fresh(value));
                }
            }
        }
        table
    }

    fn fresh(self, value: &toml::Value) -> Item {
        match value {
            toml::Value::Table(members) => Item::Table(self.fresh_table(members)),
            scalar => Item::Value(self.written(scalar)),
        }
    }

    fn fresh_table(self, members: &toml::Table) -> Table {
        let mut table = Table::new();
        for (key, value) in members {
            table.insert(key, self.fresh(value));
        }
        table
    }

    fn written(self, value: &toml::Value) -> Value {
        match value {
            toml::Value::String(text) => self.written_text(text),
            toml::Value::Integer(number) => Value::from(*number),
            toml::Value::Float(number) => Value::from(*number),
            toml::Value::Boolean(on) => Value::from(*on),
            toml::Value::Datetime(when) => Value::from(*when),
            toml::Value::Array(elements) => {
                Value::Array(elements.iter().map(|element| self.written(element)).collect::<Array>())
            }
            toml::Value::Table(members) => {
                let members = members.iter().map(|(key, value)| (key.as_str(), self.written(value)));
                Value::InlineTable(members.collect::<InlineTable>())
            }
        }
    }

    /// Over several lines, a text would end its lines like the file does and not say the same any more.
    fn written_text(self, text: &str) -> Value {
        if self.ends == LineEnds::CrLf && text.contains('\n') {
            // A JSON string is a TOML string, apart from what only multi-line ones may hold.
            let one_line = serde_json::to_string(text).ok().and_then(|json| json.parse().ok());
            return one_line.unwrap_or_else(|| Value::from(text));
        }
        Value::from(text)
    }
}

/// Whether an item says the same as a value.
fn says(item: &Item, value: &toml::Value) -> bool {
    plain_item(item).is_some_and(|item| item == *value)
}

fn plain_item(item: &Item) -> Option<toml::Value> {
    match item {
        Item::None => None,
        Item::Value(value) => plain(value),
        Item::Table(table) => plain_table(table),
        Item::ArrayOfTables(tables) => {
            tables.iter().map(|table| plain_table(table)).collect::<Option<_>>().map(toml::Value::Array)
        }
    }
}

fn plain_table(table: &dyn TableLike) -> Option<toml::Value> {
    let members = table.iter().map(|(key, item)| Some((key.to_owned(), plain_item(item)?)));
    members.collect::<Option<_>>().map(toml::Value::Table)
}

fn plain(value: &Value) -> Option<toml::Value> {
    Some(match value {
        Value::String(text) => toml::Value::String(text.value().clone()),
        Value::Integer(number) => toml::Value::Integer(*number.value()),
        Value::Float(number) => toml::Value::Float(*number.value()),
        Value::Boolean(on) => toml::Value::Boolean(*on.value()),
        Value::Datetime(when) => toml::Value::Datetime(*when.value()),
        Value::Array(elements) => toml::Value::Array(elements.iter().map(plain).collect::<Option<_>>()?),
        Value::InlineTable(table) => return plain_table(table),
    })
}

/// A table that is only there for the tables in it: it has no header of its own.
fn implicit_table() -> Table {
    let mut table = Table::new();
    table.set_implicit(true);
    table
}

/// An inline table as a normal one. A comment behind it moves behind the header.
fn opened(mut inline: InlineTable) -> Table {
    let mut table = implicit_table();
    if let Some(comment) = comment_behind(inline.decor()) {
        table.decor_mut().set_suffix(comment);
    }
    let names: Vec<String> = inline.iter().map(|(name, _)| name.to_owned()).collect();
    for name in names {
        let Some((mut key, mut value)) = inline.remove_entry(&name) else { continue };
        on_a_line_of_its_own(&mut key, &mut value);
        table.insert_formatted(&key, Item::Value(value));
    }
    table
}

fn comment_behind(decor: &Decor) -> Option<String> {
    decor.suffix()?.as_str().filter(|text| text.contains('#')).map(str::to_owned)
}

/// Drops the space that separated a member from its neighbours in an inline table.
fn on_a_line_of_its_own(key: &mut Key, value: &mut Value) {
    key.leaf_decor_mut().clear();
    let spans_lines = |text: &str| text.contains(['\n', '#']);
    let prefix = value.decor().prefix().and_then(|prefix| prefix.as_str());
    match prefix.filter(|prefix| !spans_lines(prefix)).map(str::to_owned) {
        Some(prefix) => *value.decor_mut() = Decor::new(prefix, ""),
        None => value.decor_mut().clear(),
    }
}

/// An inline table of nothing but inline tables becomes tables with a header each.
fn open_members(slot: &mut Item) {
    let Item::Value(Value::InlineTable(inline)) = slot else { return };
    if !inline.iter().all(|(_, member)| member.is_inline_table()) {
        return;
    }
    let mut table = opened(std::mem::take(inline));
    for (mut key, item) in table.iter_mut() {
        key.leaf_decor_mut().clear();
        if let Item::Value(Value::InlineTable(member)) = item {
            let mut member = opened(std::mem::take(member));
            member.fmt();
            *item = Item::Table(member);
        }
    }
    *slot = Item::Table(table);
}

fn remove(root: &mut Table, tables: &[String], last: &str) {
    if !leads_to(root, tables, last) {
        return;
    }
    let mut here = root;
    for name in tables {
        let Some(slot) = here.get_mut(name) else { return };
        if let Item::Value(Value::InlineTable(inline)) = slot {
            *slot = Item::Table(opened(std::mem::take(inline)));
        }
        let Some(table) = slot.as_table_mut() else { return };
        here = table;
    }
    here.remove(last);
}

fn leads_to(root: &Table, tables: &[String], last: &str) -> bool {
    let mut here: &dyn TableLike = root;
    for name in tables {
        let Some(next) = here.get(name).and_then(Item::as_table_like) else { return false };
        here = next;
    }
    here.contains_key(last)
}
