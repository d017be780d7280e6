//! Reads Rust as far as it takes to see which paths a file names: comments and literals are passed over,
//! groups of `use` are spelt out, `self` and `super` are resolved.

use std::fmt;

/// A file of the crate.
pub struct Source {
    /// From the root of the repository on.
    pub file: String,
    pub text: String,
    paths: Vec<UsedPath>,
}

/// A path that a file names.
pub struct UsedPath {
    line: usize,
    /// From `crate` on where it leads into this crate, else as it is written; without `self` at the end.
    pub absolute: Vec<String>,
    /// Whether the first part is a dependency of this package, or of the kind that the compiler brings.
    external: bool,
}

/// Where a rule is broken.
pub struct Found {
    pub file: String,
    pub line: usize,
    pub what: String,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

impl UsedPath {
    /// The crate that the path leads into, if that is another one.
    pub fn crate_name(&self) -> Option<&str> {
        self.absolute.first().filter(|_| self.external).map(String::as_str)
    }
}

impl Source {
    /// Reads a file; `crates` are the package's dependencies by their names in the manifest.
    pub fn new(file: &str, text: &str, crates: &[String]) -> Self {
        let crates: Vec<String> = crates.iter().map(|name| name.replace('-', "_")).collect();
        let paths = Reader { tokens: tokens(text), at: 0, module: module_of(file), crates, paths: Vec::new() }.read();
        Self { file: file.to_owned(), text: text.to_owned(), paths }
    }

    /// The module of the crate's first level that the file belongs to; none for `lib.rs` and `main.rs`.
    pub fn module(&self) -> Option<&str> {
        let inner = self.file.strip_prefix("src/")?.trim_end_matches(".rs");
        inner.split('/').next().filter(|name| !["lib", "main"].contains(name))
    }

    /// The paths for which a rule holds.
    pub fn found(&self, rule: impl Fn(&UsedPath) -> bool) -> Vec<Found> {
        let broken = self.paths.iter().filter(|path| rule(path));
        broken.map(|path| Found { file: self.file.clone(), line: path.line, what: path.absolute.join("::") }).collect()
    }

    /// The modules that the file declares in files of their own.
    pub fn modules(&self) -> Vec<String> {
        let tokens = tokens(&self.text);
        let words: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
        words.windows(3).filter(|three| three[0] == "mod" && three[2] == ";").map(|three| three[1].to_owned()).collect()
    }
}

/// The names in the manifest's tables of dependencies.
pub fn dependencies(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = ["[dependencies]", "[dev-dependencies]", "[build-dependencies]"].contains(&line.trim());
        } else if inside && let Some((name, _)) = line.split_once(['.', '=', ' ']) {
            names.push(name.to_owned());
        }
    }
    names
}

fn module_of(file: &str) -> Vec<String> {
    let inner = file.strip_prefix("src/").unwrap_or(file).trim_end_matches(".rs");
    let parts = inner.split('/').filter(|part| !["lib", "main", "mod"].contains(part));
    parts.map(str::to_owned).collect()
}

#[derive(Debug)]
struct Token {
    line: usize,
    text: String,
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::` and single signs; no comments, no literals but numbers.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            _ if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            _ if rest.starts_with("/*") => block_comment(rest),
            '"' => string(rest),
            '\'' => character_or_lifetime(rest),
            _ if raw_string(rest).is_some() => raw_string(rest).unwrap_or_default(),
            'b' | 'c' if rest[1..].starts_with('"') => 1 + string(&rest[1..]),
            'b' if rest[1..].starts_with('\'') => 1 + character_or_lifetime(&rest[1..]),
            _ if rest.starts_with("r#") => 2,
            c if c.is_alphanumeric() || c == '_' => {
                rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
            }
            _ if rest.starts_with("::") => 2,
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        if token == "::"
            || is_word(token) && !token.contains(['"', '\'', '#'])
            || length == first.len_utf8() && !first.is_whitespace()
        {
            tokens.push(Token { line, text: token.to_owned() });
        }
        line += token.matches('\n').count();
        rest = after;
    }
    tokens
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of a literal that begins with its quotation mark.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// `r"…"`, `r#"…"#`, `br"…"`, `cr"…"`.
fn raw_string(text: &str) -> Option<usize> {
    let after = text.strip_prefix("r").or_else(|| text.strip_prefix("br")).or_else(|| text.strip_prefix("cr"))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let inner = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(text.len() - inner.len() + inner.find(&end).map_or(inner.len(), |at| at + end.len()))
}

/// `'a'`, `'\n'`; of a lifetime only the sign.
fn character_or_lifetime(text: &str) -> usize {
    let inner = &text[1..];
    if let Some(escape) = inner.strip_prefix('\\') {
        return escape.char_indices().skip(1).find(|(_, c)| *c == '\'').map_or(text.len(), |(at, _)| at + 3);
    }
    let width = inner.chars().next().map_or(0, char::len_utf8);
    if inner[width..].starts_with('\'') { width + 2 } else { 1 }
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    /// Of the place that is being read.
    module: Vec<String>,
    crates: Vec<String>,
    paths: Vec<UsedPath>,
}

impl Reader {
    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map(|token| token.text.as_str()).unwrap_or_default()
    }

    fn read(mut self) -> Vec<UsedPath> {
        // For each open brace, whether it is that of a module.
        let mut braces = Vec::new();
        let mut in_use = false;
        while self.at < self.tokens.len() {
            let (at, word) = (self.at, self.text(self.at).to_owned());
            let before = if at == 0 { String::new() } else { self.text(at - 1).to_owned() };
            match word.as_str() {
                "{" => {
                    let inline = at >= 2 && self.text(at - 2) == "mod";
                    if inline {
                        self.module.push(before.clone());
                    }
                    braces.push(inline);
                }
                "}" if braces.pop() == Some(true) => drop(self.module.pop()),
                ";" => in_use = false,
                "use" => in_use = self.text(at + 1) != "<",
                _ => {}
            }
            if word == "use" {
                self.at += 1;
                continue;
            }
            if in_use {
                self.tree(&[], true);
                in_use = false;
                continue;
            }
            if word == "crate" && before == "extern" {
                self.at += 1;
                self.tree(&[], true);
                continue;
            }
            // After `>` or a word, `::` goes on with a path whose beginning is not one of words.
            let goes_on = word == "::" && (before == ">" || is_word(&before));
            if goes_on || !(word == "::" || is_word(&word)) || before == "." {
                self.at += 1;
                if goes_on && is_word(self.text(self.at)) {
                    self.at += 1;
                }
                continue;
            }
            self.tree(&[], false);
        }
        self.paths
    }

    /// Reads a path, or the tree of paths of a `use`, that continues `prefix`.
    fn tree(&mut self, prefix: &[String], in_use: bool) {
        let mut parts = prefix.to_vec();
        if self.text(self.at) == "::" {
            self.at += 1;
        }
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        loop {
            let word = self.text(self.at).to_owned();
            if in_use && word == "{" {
                self.at += 1;
                while !["}", ""].contains(&self.text(self.at)) {
                    self.tree(&parts, true);
                    if self.text(self.at) == "," {
                        self.at += 1;
                    }
                }
                self.at += 1;
                return;
            }
            let glob = in_use && word == "*";
            if !glob && !is_word(&word) {
                break;
            }
            parts.push(word);
            self.at += 1;
            if self.text(self.at) != "::" {
                break;
            }
            let next = self.text(self.at + 1);
            if !(is_word(next) || in_use && ["{", "*"].contains(&next)) {
                break;
            }
            self.at += 1;
        }
        if in_use && self.text(self.at) == "as" {
            self.at += 2;
        }
        if parts.len() == prefix.len() {
            // Nothing that could be read: go on rather than stand still.
            self.at += 1;
            return;
        }
        self.keep(line, parts, in_use);
    }

    fn keep(&mut self, line: usize, mut parts: Vec<String>, in_use: bool) {
        if parts.len() > 1 && parts.last().is_some_and(|last| last == "self") {
            parts.pop();
        }
        // A lone word is a crate in a `use` only.
        if parts.len() == 1 && !in_use {
            return;
        }
        let first = parts[0].as_str();
        let external = self.crates.iter().any(|name| name == first)
            || ["std", "core", "alloc"].contains(&first)
            || (in_use && first.starts_with("aws_"));
        let mut absolute = vec!["crate".to_owned()];
        match first {
            "crate" => absolute.extend(parts.drain(1..)),
            "self" | "super" => {
                let up = parts.iter().take_while(|part| *part == "super").count();
                absolute.extend(self.module.iter().take(self.module.len().saturating_sub(up)).cloned());
                absolute.extend(parts.into_iter().skip(up.max(1)));
            }
            _ => absolute = parts,
        }
        self.paths.push(UsedPath { line, absolute, external });
    }
}
