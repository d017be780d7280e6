//! What an expression of PromQL names: metrics, labels, values. Not a parser of the whole language: what this
//! does not know, it refuses, so that nothing is overlooked.

use std::collections::BTreeSet;

/// A use of a metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Use {
    pub series: String,
    /// Labels that are matched, with the literal values they are matched against.
    pub matched: Vec<(String, BTreeSet<String>)>,
    /// Labels of the aggregations around it.
    pub grouped: BTreeSet<String>,
    /// Whether it is taken over a range of time, as counters must be and gauges here never are.
    pub is_range: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Number,
    Sign(char),
}

const FUNCTIONS: [&str; 6] = ["rate", "increase", "absent", "histogram_quantile", "vector", "label_values"];
const AGGREGATIONS: [&str; 3] = ["sum", "max", "min"];
const OPERATORS: [&str; 3] = ["and", "or", "unless"];

fn tokens(expression: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = expression.chars().peekable();
    while let Some(c) = rest.next() {
        let mut take = |first: char, is_part: fn(char) -> bool| {
            let mut word = String::from(first);
            while let Some(next) = rest.next_if(|next| is_part(*next)) {
                word.push(next);
            }
            word
        };
        match c {
            '"' => {
                let mut text = String::new();
                loop {
                    match rest.next() {
                        Some('"') => break,
                        Some('\\') | None => panic!("{expression}: a text with escapes, or one that does not end"),
                        Some(c) => text.push(c),
                    }
                }
                tokens.push(Token::Text(text));
            }
            // A variable of Grafana stands for a duration.
            '$' => drop(take(c, |c| c.is_alphanumeric() || c == '_')),
            c if c.is_ascii_digit() => {
                take(c, |c| c.is_alphanumeric() || c == '.');
                tokens.push(Token::Number);
            }
            c if c.is_alphabetic() || c == '_' => {
                tokens.push(Token::Word(take(c, |c| c.is_alphanumeric() || c == '_' || c == ':')));
            }
            c if c.is_whitespace() => {}
            c if "(){}[],=!~<>/*+-".contains(c) => tokens.push(Token::Sign(c)),
            c => panic!("{expression}: {c} is not known here"),
        }
    }
    tokens
}

/// What stands between the bracket at `open` and its partner, and where that is.
fn closed(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Sign('(' | '{' | '[') => depth += 1,
            Token::Sign(')' | '}' | ']') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    panic!("a bracket is not closed: {tokens:?}")
}

fn words(tokens: &[Token]) -> BTreeSet<String> {
    let words = tokens.iter().filter_map(|token| match token {
        Token::Word(word) => Some(word.clone()),
        Token::Sign(',') => None,
        other => panic!("{other:?} in a list of labels"),
    });
    words.collect()
}

fn matchers(tokens: &[Token]) -> Vec<(String, BTreeSet<String>)> {
    let mut matchers = Vec::new();
    for part in tokens.split(|token| *token == Token::Sign(',')) {
        let [Token::Word(label), Token::Sign(_), .., Token::Text(value)] = part else { panic!("a matcher: {part:?}") };
        // A variable of Grafana may be anything.
        let values = value.split('|').filter(|value| !value.is_empty() && !value.starts_with('$'));
        matchers.push((label.clone(), values.map(str::to_owned).collect()));
    }
    matchers
}

/// Every metric that an expression names.
pub fn uses(expression: &str) -> Vec<Use> {
    let tokens = tokens(expression);
    let mut uses = Vec::new();
    let mut groups: Vec<(usize, usize, BTreeSet<String>)> = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let Token::Word(word) = token else {
            at += 1;
            continue;
        };
        let follows = |at: usize, sign: char| tokens.get(at) == Some(&Token::Sign(sign));
        if AGGREGATIONS.contains(&word.as_str()) {
            // `sum (x)`, or `sum by (labels) (x)`; by behind the brackets is not known here.
            if tokens.get(at + 1) == Some(&Token::Word("by".to_owned())) {
                let end = closed(&tokens, at + 2);
                assert!(follows(end + 1, '('), "{expression}: an aggregation of nothing");
                groups.push((end + 1, closed(&tokens, end + 1), words(&tokens[at + 3..end])));
                at = end;
            } else {
                assert!(follows(at + 1, '('), "{expression}: {word}");
            }
        } else if FUNCTIONS.contains(&word.as_str()) {
            assert!(follows(at + 1, '('), "{expression}: {word}");
        } else if !OPERATORS.contains(&word.as_str()) {
            assert!(!follows(at + 1, '('), "{expression}: function {word} is not known here");
            let mut found = Use { series: word.clone(), ..Use::default() };
            let place = at;
            if follows(at + 1, '{') {
                let end = closed(&tokens, at + 1);
                found.matched = matchers(&tokens[at + 2..end]);
                at = end;
            }
            found.is_range = follows(at + 1, '[');
            if let Some(Token::Word(next)) = tokens.get(at + 1) {
                assert!(OPERATORS.contains(&next.as_str()), "{expression}: {next} behind a metric is not known here");
            }
            for (from, to, labels) in &groups {
                if (*from..*to).contains(&place) {
                    found.grouped.extend(labels.iter().cloned());
                }
            }
            uses.push(found);
        }
        at += 1;
    }
    assert!(!uses.is_empty(), "{expression} names no metric");
    uses
}

/// The labels of what an expression results in: those of its first aggregation.
pub fn result_labels(expression: &str) -> BTreeSet<String> {
    let tokens = tokens(expression);
    let by = tokens.iter().position(|token| *token == Token::Word("by".to_owned()));
    by.map(|by| words(&tokens[by + 2..closed(&tokens, by + 1)])).unwrap_or_default()
}

#[test]
fn an_expression_tells_what_it_names() {
    let found = uses(
        "histogram_quantile(0.95, sum by (le, class) (rate(a_bucket{job=~\"$job\",reason=~\"X|Y\"}[5m]))) > 1 or max(b)",
    );
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].series, "a_bucket");
    assert_eq!(found[0].grouped, ["le", "class"].map(str::to_owned).into());
    assert_eq!(found[0].matched[0], ("job".to_owned(), BTreeSet::new()));
    assert_eq!(found[0].matched[1].1, ["X", "Y"].map(str::to_owned).into());
    assert!(found[0].is_range && !found[1].is_range);
    assert!(found[1].grouped.is_empty() && found[1].matched.is_empty());
    for unknown in ["avg(a)", "sum(a) by (x)", "a offset 5m", "sum by (x) a", "a{x=\"\\\"\"}"] {
        assert!(std::panic::catch_unwind(|| uses(unknown)).is_err(), "{unknown}");
    }
}
