//! YAML with places: what kubectl would read, and where each part of it is written.
//!
//! Plain scalars mean what they mean to kubectl, which reads YAML 1.1: `no` is false and `+4930` a number.

use std::collections::HashMap;

use serde_json::{Map, Number, Value};
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::path::{Path, Step};

/// Line and column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

impl Place {
    fn of(span: &Span) -> Self {
        Self { line: span.start.line(), column: span.start.col() + 1 }
    }
}

/// A value with its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    data: Data,
}

#[derive(Clone, Debug)]
enum Data {
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<(String, Place, Node)>),
}

/// Why a text is no YAML that Kubernetes could read.
#[derive(Clone, Debug)]
pub(super) struct Flaw {
    pub(super) place: Place,
    pub(super) message: String,
}

impl From<ScanError> for Flaw {
    fn from(error: ScanError) -> Self {
        let mark = error.marker();
        let place = Place { line: mark.line(), column: mark.col() + 1 };
        let text = error.to_string();
        // Its own words repeat the place.
        let message = text.split(" at ").next().unwrap_or(&text).to_owned();
        Self { place, message: format!("not YAML: {message}") }
    }
}

/// Values that aliases may multiply to, so that a few lines cannot become gigabytes.
const MOST: usize = 1_000_000;

/// The documents of a text; empty ones are left out.
pub(super) fn parse(text: &str) -> Result<Vec<Node>, Flaw> {
    let mut composer = Composer { events: Parser::new_from_str(text), anchors: HashMap::new(), budget: MOST };
    let mut documents = Vec::new();
    while let Some((event, span)) = composer.next()? {
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd => {}
            event => {
                let node = composer.node(event, span)?;
                if !matches!(node.data, Data::Scalar(Value::Null)) {
                    documents.push(node);
                }
            }
        }
    }
    Ok(documents)
}

struct Composer<P> {
    events: P,
    anchors: HashMap<usize, Node>,
    budget: usize,
}

impl<'a, P: Iterator<Item = Result<(Event<'a>, Span), ScanError>>> Composer<P> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Flaw> {
        loop {
            match self.events.next().transpose()? {
                Some((Event::Comment(..) | Event::Anchor(..), _)) => {}
                other => return Ok(other),
            }
        }
    }

    fn inside(&mut self, open: Place) -> Result<(Event<'a>, Span), Flaw> {
        let ended = || Flaw { place: open, message: "not YAML: it ends in the middle".to_owned() };
        self.next()?.ok_or_else(ended)
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, Flaw> {
        let place = Place::of(&span);
        self.spend(1, place)?;
        let (data, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix() == "str");
                let value = if is_text { Value::String(text.into_owned()) } else { plain(&text) };
                (Data::Scalar(value), anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                loop {
                    match self.inside(place)? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, span)?),
                    }
                }
                (Data::List(items), anchor)
            }
            Event::MappingStart(_, anchor, _) => (Data::Map(self.members(place)?), anchor),
            Event::Alias(anchor) => {
                let mut node = self
                    .anchors
                    .get(&anchor)
                    .cloned()
                    .ok_or_else(|| Flaw { place, message: "not YAML: an alias of what it is part of".to_owned() })?;
                self.spend(node.size(), place)?;
                node.place = place;
                return Ok(node);
            }
            _ => return Err(Flaw { place, message: "not YAML: something is missing here".to_owned() }),
        };
        let node = Node { place, data };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn members(&mut self, open: Place) -> Result<Vec<(String, Place, Node)>, Flaw> {
        let mut members: Vec<(String, Place, Node)> = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.inside(open)?;
            let place = Place::of(&span);
            let name = match event {
                Event::MappingEnd => break,
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(Flaw { place, message: "a key must be a text".to_owned() }),
            };
            let (event, span) = self.inside(open)?;
            let value = self.node(event, span)?;
            if name == "<<" {
                merged.push(value);
            } else if members.iter().any(|(other, ..)| *other == name) {
                return Err(Flaw { place, message: format!("key {name} is there twice") });
            } else {
                members.push((name, place, value));
            }
        }
        for node in merged {
            let sources = match node.data {
                Data::List(items) => items,
                data => vec![Node { place: node.place, data }],
            };
            for source in sources {
                let Data::Map(more) = source.data else {
                    return Err(Flaw { place: source.place, message: "only a map can be merged".to_owned() });
                };
                for member in more {
                    if !members.iter().any(|(other, ..)| *other == member.0) {
                        members.push(member);
                    }
                }
            }
        }
        Ok(members)
    }

    fn spend(&mut self, nodes: usize, place: Place) -> Result<(), Flaw> {
        let too_much =
            || Flaw { place, message: "too large: its aliases multiply to more than anybody needs".to_owned() };
        self.budget = self.budget.checked_sub(nodes).ok_or_else(too_much)?;
        Ok(())
    }
}

impl Node {
    fn size(&self) -> usize {
        match &self.data {
            Data::Scalar(_) => 1,
            Data::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Data::Map(members) => 1 + members.iter().map(|(_, _, node)| node.size()).sum::<usize>(),
        }
    }

    /// Without places.
    pub(super) fn value(&self) -> Value {
        match &self.data {
            Data::Scalar(value) => value.clone(),
            Data::List(items) => Value::Array(items.iter().map(Self::value).collect()),
            Data::Map(members) => {
                let members = members.iter().map(|(name, _, node)| (name.clone(), node.value()));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }

    /// A member of a map.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        match &self.data {
            Data::Map(members) => members.iter().find(|(other, ..)| other == name).map(|(_, _, node)| node),
            _ => None,
        }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> &[Self] {
        match &self.data {
            Data::List(items) => items,
            _ => &[],
        }
    }

    /// A text.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(value) => value.as_str(),
            _ => None,
        }
    }

    /// Where what a path leads to is written: the key of a member, or the item; what is not there is missing in
    /// the last that is.
    pub(super) fn locate(&self, path: &Path) -> Place {
        let (mut node, mut place) = (self, self.place);
        for step in path.steps() {
            let next = match (step, &node.data) {
                (Step::Member(name), Data::Map(members)) => {
                    members.iter().find(|(other, ..)| other == name).map(|(_, key, node)| (node, *key))
                }
                (Step::Item(at), Data::List(items)) => items.get(*at).map(|item| (item, item.place)),
                _ => None,
            };
            match next {
                Some((inner, at)) => (node, place) = (inner, at),
                None => break,
            }
        }
        place
    }
}

/// What a plain scalar means to kubectl.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => return Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    let looks_like_a_number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    number(&text.replace('_', "")).filter(|_| looks_like_a_number).map_or_else(|| text.into(), Value::Number)
}

fn number(text: &str) -> Option<Number> {
    let (sign, digits): (i32, _) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let radix = [("0x", 16), ("0o", 8), ("0b", 2)]
        .into_iter()
        .find_map(|(prefix, radix)| digits.strip_prefix(prefix).map(|digits| (digits, radix)));
    let octal =
        digits.strip_prefix('0').filter(|rest| !rest.is_empty() && rest.bytes().all(|b| (b'0'..=b'7').contains(&b)));
    let (digits, radix) = radix.or_else(|| octal.map(|digits| (digits, 8))).unwrap_or((digits, 10));
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    if let Ok(number) = i64::from_str_radix(digits, radix) {
        return Some(Number::from(i64::from(sign) * number));
    }
    let is_decimal = radix == 10 && digits.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b));
    let float = digits.parse::<f64>().ok().filter(|_| is_decimal)?;
    Number::from_f64(f64::from(sign) * float)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_mean_what_they_mean_to_kubectl() {
        let text = "a: no\nb: +4930123\nc: '+4930123'\nd: 012\ne: 1_000\nf: 1e3\ng: 0x1f\nh: ~\ni: jane.doe\nj: !!str 7\n\
                    k: 2026-01-01\nl: -7\nm: +-7\nn: 1.2.3\no: 08\np: \"\"\nq:\n";
        let value = parse(text).unwrap()[0].value();
        let expected = json!({
            "a": false, "b": 4_930_123, "c": "+4930123", "d": 10, "e": 1000, "f": 1000.0, "g": 31, "h": null,
            "i": "jane.doe", "j": "7", "k": "2026-01-01", "l": -7, "m": "+-7", "n": "1.2.3", "o": 8, "p": "", "q": null,
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn every_part_has_its_place() {
        let text = "# first\n---\nkind: A\n---\n\n---\nkind: B\nspec:\n  list:\n  - x: 1\n    y: 2\n  - {z: 3}\n";
        let documents = parse(text).unwrap();
        assert_eq!(documents.len(), 2);
        let path = Path::default().member("spec").member("list");
        let at = |path: &Path| {
            let Place { line, column } = documents[1].locate(path);
            (line, column)
        };
        assert_eq!(at(&path), (9, 3));
        assert_eq!(at(&path.item(0).member("y")), (11, 5));
        assert_eq!(at(&path.item(1).member("z")), (12, 6));
        assert_eq!(at(&path.item(1).member("missing")), (12, 5));
    }

    #[test]
    fn aliases_are_followed_within_reason() {
        let documents = parse("base: &b {x: 1, y: 2}\ncopy: *b\nmore: {<<: *b, y: 3}\n").unwrap();
        assert_eq!(
            documents[0].value(),
            json!({ "base": { "x": 1, "y": 2 }, "copy": { "x": 1, "y": 2 }, "more": { "y": 3, "x": 1 } })
        );
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..9 {
            let of = format!("*a{}", n - 1);
            laughs.push_str(&format!("a{n}: &a{n} [{}]\n", vec![of; 10].join(", ")));
        }
        assert!(parse(&laughs).unwrap_err().message.starts_with("too large"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let flaw = parse("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!((flaw.place.line, flaw.place.column, flaw.message.as_str()), (3, 1, "key a is there twice"));
        let flaw = parse("a: [1, 2\nb: 3\n").unwrap_err();
        assert!(flaw.place.line >= 1 && flaw.message.starts_with("not YAML: "), "{flaw:?}");
    }
}
