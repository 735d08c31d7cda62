//! The part of JSON Schema that the deploy tool's schema uses, with one rule of our own: unknown keys are problems.
//!
//! The deploy tool drops a key it does not know without a word, so a typo would deploy something else than was written.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

pub(crate) struct Schema(Value);

/// What becomes of keys that the schema does not name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknown {
    Refused,
    Ignored,
}

impl Schema {
    pub(crate) fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    /// Everything in `value` that the schema refuses, each with its path.
    pub(crate) fn problems(&self, value: &Value) -> Vec<String> {
        self.problems_with(&self.0, value, "")
    }

    /// Everything in `value`, which stands at `path`, that the named definition refuses.
    pub(crate) fn problems_with_definition(&self, name: &str, value: &Value, path: &str) -> Vec<String> {
        self.problems_with(&self.0["definitions"][name], value, path)
    }

    fn problems_with(&self, schema: &Value, value: &Value, path: &str) -> Vec<String> {
        let mut walk = Walk { root: &self.0, unknown: Unknown::Refused, problems: Vec::new() };
        walk.check(schema, value, path);
        walk.problems
    }
}

struct Walk<'s> {
    root: &'s Value,
    unknown: Unknown,
    problems: Vec<String>,
}

impl<'s> Walk<'s> {
    fn problem(&mut self, path: &str, what: impl std::fmt::Display) {
        self.problems.push(format!("{}: {what}", if path.is_empty() { "props" } else { path }));
    }

    fn check(&mut self, schema: &'s Value, value: &Value, path: &str) {
        let keywords = schema.as_object().unwrap();
        for (keyword, rule) in keywords {
            match keyword.as_str() {
                "$ref" => self.check(self.resolve(rule), value, path),
                "anyOf" => self.any_of(rule, value, path),
                "type" => self.kind(rule, value, path),
                "enum" => self.one_of(rule.as_array().unwrap(), value, path),
                "const" => self.one_of(std::slice::from_ref(rule), value, path),
                "minimum" | "maximum" | "multipleOf" => self.number(keyword, rule, value, path),
                "minItems" | "maxItems" => self.length(keyword, rule, value, path),
                "pattern" => self.pattern(rule, value, path),
                "required" => self.required(rule, value, path),
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{path}[{index}]"));
                    }
                }
                "additionalProperties" if keywords.contains_key("properties") => {}
                "properties" | "additionalProperties" => self.properties(keywords, value, path),
                "if" => self.conditional(keywords, value, path),
                "then" | "else" | "default" | "definitions" | "$schema" => {}
                _ => panic!("the schema uses the keyword {keyword:?}, which this walker does not know"),
            }
        }
    }

    fn resolve(&self, reference: &Value) -> &'s Value {
        let name = reference.as_str().unwrap();
        let pointer = name.strip_prefix('#').unwrap();
        self.root.pointer(pointer).unwrap_or_else(|| panic!("{name} is not in the schema"))
    }

    /// What `schema` alone says of `value`.
    fn alone(&self, schema: &'s Value, value: &Value, path: &str, unknown: Unknown) -> Vec<String> {
        let mut walk = Walk { root: self.root, unknown, problems: Vec::new() };
        walk.check(schema, value, path);
        walk.problems
    }

    /// No branch fits: the one with the fewest problems was meant.
    fn any_of(&mut self, branches: &'s Value, value: &Value, path: &str) {
        let branches = branches.as_array().unwrap();
        let closest =
            branches.iter().map(|branch| self.alone(branch, value, path, self.unknown)).min_by_key(Vec::len);
        self.problems.extend(closest.unwrap());
    }

    fn conditional(&mut self, keywords: &'s Map<String, Value>, value: &Value, path: &str) {
        let holds = self.alone(&keywords["if"], value, path, Unknown::Ignored).is_empty();
        if let Some(branch) = keywords.get(if holds { "then" } else { "else" }) {
            self.check(branch, value, path);
        }
    }

    fn kind(&mut self, wanted: &Value, value: &Value, path: &str) {
        let fits = match wanted.as_str().unwrap() {
            "string" => value.is_string(),
            "number" => value.is_number(),
            "integer" => value.is_i64() || value.is_u64(),
            "boolean" => value.is_boolean(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            other => panic!("the schema uses the type {other:?}, which this walker does not know"),
        };
        if !fits {
            self.problem(path, format_args!("{value} is no {wanted}"));
        }
    }

    fn one_of(&mut self, allowed: &[Value], value: &Value, path: &str) {
        if !is_placeholder(value) && !allowed.contains(value) {
            self.problem(path, format_args!("{value} is none of {allowed:?}"));
        }
    }

    fn number(&mut self, keyword: &str, limit: &Value, value: &Value, path: &str) {
        let (Some(number), limit) = (value.as_f64(), limit.as_f64().unwrap()) else { return };
        let fits = match keyword {
            "minimum" => number >= limit,
            "maximum" => number <= limit,
            _ => (number / limit).fract() == 0.0,
        };
        if !fits {
            self.problem(path, format_args!("{value} against {keyword} {limit}"));
        }
    }

    fn length(&mut self, keyword: &str, limit: &Value, value: &Value, path: &str) {
        let (Some(items), Some(limit)) = (value.as_array(), limit.as_u64()) else { return };
        let count = items.len() as u64;
        if (keyword == "minItems" && count < limit) || (keyword == "maxItems" && count > limit) {
            self.problem(path, format_args!("{count} items against {keyword} {limit}"));
        }
    }

    fn pattern(&mut self, pattern: &Value, value: &Value, path: &str) {
        let prefix = pattern.as_str().and_then(|pattern| pattern.strip_prefix('^')).unwrap();
        let plain = prefix.bytes().all(|byte| byte.is_ascii_alphanumeric());
        assert!(plain, "the schema uses the pattern {pattern}, which this walker does not know");
        if value.as_str().is_some_and(|text| !text.starts_with(prefix)) && !is_placeholder(value) {
            self.problem(path, format_args!("{value} does not match {pattern}"));
        }
    }

    fn required(&mut self, names: &Value, value: &Value, path: &str) {
        let Some(object) = value.as_object() else { return };
        for name in names.as_array().unwrap().iter().map(|name| name.as_str().unwrap()) {
            if !object.contains_key(name) {
                self.problem(path, format_args!("{name} is missing"));
            }
        }
    }

    fn properties(&mut self, keywords: &'s Map<String, Value>, value: &Value, path: &str) {
        let Some(object) = value.as_object() else { return };
        let known = keywords.get("properties").and_then(Value::as_object);
        for (name, value) in object {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let further = keywords.get("additionalProperties");
            match known.and_then(|known| known.get(name)).or(further) {
                Some(Value::Bool(true)) => {}
                Some(schema @ Value::Object(_)) => self.check(schema, value, &path),
                _ if self.unknown == Unknown::Refused => {
                    let known: BTreeSet<&String> = known.into_iter().flat_map(Map::keys).collect();
                    self.problem(&path, format_args!("unknown key; known are {known:?}"));
                }
                _ => {}
            }
        }
    }
}

/// `${…}` is filled in at deployment: a string of unknown content.
fn is_placeholder(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains("${"))
}
