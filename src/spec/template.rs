//! File names as specs write them: `{project}_{name}_{layout:ch}{channel?}`.
//!
//! A field stands in braces, its forms follow after colons and are applied in that
//! order: `{project:camel:14}`. A question mark at the end lets the field be left
//! out, together with the separator before it, where there is nothing to say.

use super::field::{Form, NameField, NameValue};
use crate::diag::nearest;

/// A field where it stands in a template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placeholder {
    /// What it stands for.
    pub field: NameField,
    /// As it is written, with its braces.
    pub written: String,
    /// Whether it is left out where there is nothing to say.
    pub optional: bool,
    forms: Vec<Form>,
}

impl Placeholder {
    /// The value in the forms that are asked for, or why it does not have them.
    pub fn write(&self, value: &NameValue) -> Result<String, String> {
        let own = self.forms.iter().find_map(|form| match form {
            Form::Own(own) => Some(*own),
            _ => None,
        });
        let text = value.written(own)?;
        Ok(self.forms.iter().fold(text, |text, form| form.apply(&text)))
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Text(String),
    Field(Placeholder),
}

/// A file name with fields, without extension; `/` makes folders.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template {
    written: String,
    pieces: Vec<Piece>,
}

/// What is wrong with a template, and what to do about it.
#[derive(PartialEq, Eq, Debug)]
pub struct TemplateError {
    /// What is wrong.
    pub title: String,
    /// What to do.
    pub help: String,
}

impl Template {
    /// Reads a template.
    pub fn parse(written: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = written;
        while let Some(start) = rest.find(['{', '}']) {
            if start > 0 {
                pieces.push(Piece::Text(rest[..start].to_owned()));
            }
            let inside = rest[start..].strip_prefix('{').and_then(|rest| rest.split_once('}'));
            let Some((inside, after)) = inside else {
                let title = "a field of the template is not closed".to_owned();
                return Err(TemplateError { title, help: "write fields as `{name}`".into() });
            };
            pieces.push(Piece::Field(placeholder(inside)?));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self { written: written.to_owned(), pieces })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Its fields, in order.
    pub fn fields(&self) -> impl Iterator<Item = &Placeholder> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Field(field) => Some(field),
            Piece::Text(_) => None,
        })
    }

    /// Whether it names that field.
    pub fn names(&self, field: NameField) -> bool {
        self.fields().any(|placeholder| placeholder.field == field)
    }

    /// What stands between its fields.
    pub fn literals(&self) -> impl Iterator<Item = char> {
        self.pieces.iter().flat_map(|piece| match piece {
            Piece::Text(text) => text.chars().collect(),
            Piece::Field(_) => Vec::new(),
        })
    }

    /// The name with the values that `value` gives. A field for which it gives none
    /// is left out with the separator before it; at the front, with the one behind.
    pub fn fill<E>(
        &self,
        mut value: impl FnMut(&Placeholder) -> Result<Option<String>, E>,
    ) -> Result<String, E> {
        const SEPARATORS: [char; 4] = ['_', '-', '.', ' '];
        let mut name = String::new();
        // Whether the last separator of `name` is the template's, and whether one
        // that comes next belongs to a field that was left out.
        let (mut own_separator, mut skip_next) = (false, false);
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => {
                    let text = match skip_next {
                        true => text.strip_prefix(SEPARATORS).unwrap_or(text),
                        false => text,
                    };
                    name.push_str(text);
                    own_separator = text.ends_with(SEPARATORS);
                    skip_next &= text.is_empty();
                }
                Piece::Field(field) => match value(field)? {
                    Some(value) => {
                        name.push_str(&value);
                        (own_separator, skip_next) = (false, false);
                    }
                    None if own_separator => {
                        name.pop();
                        own_separator = false;
                    }
                    None => skip_next |= name.is_empty() || name.ends_with('/'),
                },
            }
        }
        Ok(name)
    }
}

/// `layout:ch?`, without its braces.
fn placeholder(inside: &str) -> Result<Placeholder, TemplateError> {
    let (body, optional) = match inside.strip_suffix('?') {
        Some(body) => (body, true),
        None => (inside, false),
    };
    let mut parts = body.split(':');
    let word = parts.next().unwrap_or_default();
    let Some(field) = NameField::parse(word) else {
        let title = format!("unknown field `{{{word}}}` in the template");
        let known: Vec<&str> = NameField::words().collect();
        let near = nearest(word, &known).map(|near| format!("did you mean `{{{near}}}`?"));
        let help = near.unwrap_or_else(|| format!("known here: `{{{}}}`", known.join("}`, `{")));
        return Err(TemplateError { title, help });
    };
    let mut forms = Vec::new();
    for form in parts {
        forms.push(Form::parse(form, field).ok_or_else(|| {
            let title = format!("`{{{word}}}` has no form `{form}`");
            let known = [field.own_forms(), &Form::COMMON].concat();
            let help = format!("known here: `{}`, or a number of characters", known.join("`, `"));
            TemplateError { title, help }
        })?);
    }
    Ok(Placeholder { field, written: format!("{{{inside}}}"), optional, forms })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Template {
        Template::parse(text).unwrap_or_else(|error| panic!("{text}: {}", error.title))
    }

    #[test]
    fn what_is_left_out_takes_its_separator_with_it() {
        for (written, full, empty) in [
            ("{project}_{name?}", "p_n", "p"),
            ("{name?}_{project}", "n_p", "p"),
            ("{project}_{name?}_{role}", "p_n_r", "p_r"),
            ("{project}_{name?}.{channel?}", "p_n.c", "p"),
            ("{name?}{channel?}_{project}", "nc_p", "p"),
            ("{name?}_{channel?}_{project}", "n_c_p", "p"),
            ("{role}/{name?}-{project}", "r/n-p", "r/p"),
            ("{project}{name?}", "pn", "p"),
            ("{project}x{name?}", "pxn", "px"),
        ] {
            let fill = |whole: bool| {
                let value = |field: &Placeholder| -> Result<_, ()> {
                    let letter = field.written.trim_matches(['{', '}', '?'])[..1].to_owned();
                    Ok(Some(letter).filter(|_| whole || !field.optional))
                };
                template(written).fill(value).unwrap()
            };
            assert_eq!((fill(true).as_str(), fill(false).as_str()), (full, empty), "{written}");
        }
    }

    #[test]
    fn a_separator_that_a_value_brought_stays() {
        let value = |field: &Placeholder| -> Result<_, ()> {
            Ok(Some("soul_".to_owned()).filter(|_| !field.optional))
        };
        assert_eq!(template("{name}{channel?}").fill(value), Ok("soul_".into()));
    }

    #[test]
    fn mistakes_are_named_with_what_was_meant() {
        for (written, title, help) in [
            ("{nmae}", "unknown field `{nmae}` in the template", "did you mean `{name}`?"),
            ("{name", "a field of the template is not closed", "write fields as `{name}`"),
            ("name}", "a field of the template is not closed", "write fields as `{name}`"),
            (
                "{layout:chs}",
                "`{layout}` has no form `chs`",
                "known here: `ch`, `digits`, `upper`, `lower`, `camel`, `initials`, \
                 or a number of characters",
            ),
            (
                "{name:ch}",
                "`{name}` has no form `ch`",
                "known here: `upper`, `lower`, `camel`, `initials`, or a number of characters",
            ),
        ] {
            let error = TemplateError { title: title.into(), help: help.into() };
            assert_eq!(Template::parse(written), Err(error), "{written}");
        }
        assert!(Template::parse("{name:0}").is_err());
    }
}
