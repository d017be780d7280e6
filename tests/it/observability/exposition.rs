//! An exposition in OpenMetrics, and the page that documents it, as the same thing: families with type and labels.

use std::collections::{BTreeMap, BTreeSet};

/// A metric family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Family {
    pub kind: String,
    pub labels: BTreeSet<String>,
}

pub type Families = BTreeMap<String, Family>;

/// A sample's name and labels.
pub fn sample(line: &str) -> (String, BTreeMap<String, String>) {
    let (name, rest) = line.split_at(line.find(['{', ' ']).unwrap());
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        let inside = &inside[..inside.rfind('}').unwrap()];
        for part in inside.split("\",").filter(|part| !part.is_empty()) {
            let (label, value) = part.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
            labels.insert(label.to_owned(), value.trim_end_matches('"').to_owned());
        }
    }
    (name.to_owned(), labels)
}

fn samples(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

/// The families of an exposition. Labels are those of the samples, without `le`.
pub fn families(text: &str) -> Families {
    let mut families = Families::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let family = Family { kind: kind.to_owned(), ..Family::default() };
        assert!(families.insert(name.to_owned(), family).is_none(), "{name} is there twice");
    }
    for line in samples(text) {
        let (name, labels) = sample(line);
        let base = base(&name, &families).unwrap_or_else(|| panic!("{name} has no type"));
        let found = labels.into_keys().filter(|label| label != "le");
        families.get_mut(&base).unwrap().labels.extend(found);
    }
    families
}

/// The family of a series, which is named with a suffix by the type of the family.
pub fn base(series: &str, families: &Families) -> Option<String> {
    families
        .iter()
        .find(|(name, family)| self::series(name, family).iter().any(|one| one == series))
        .map(|(name, _)| name.clone())
}

/// How Prometheus names the series of a family.
pub fn series(name: &str, family: &Family) -> Vec<String> {
    let suffixes: &[&str] = match family.kind.as_str() {
        "counter" => &["_total"],
        "info" => &["_info"],
        "histogram" => &["_bucket", "_sum", "_count"],
        "gauge" => &[""],
        other => panic!("{name} has type {other}"),
    };
    suffixes.iter().map(|suffix| format!("{name}{suffix}")).collect()
}

/// Series with their labels, those of histogram buckets included.
pub fn labels_by_series(families: &Families) -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::new();
    for (name, family) in families {
        for one in series(name, family) {
            let mut labels = family.labels.clone();
            if one.ends_with("_bucket") {
                labels.insert("le".to_owned());
            }
            all.insert(one, labels);
        }
    }
    all
}

/// The families that docs/metrics.md has, with their meanings.
pub fn documented() -> Families {
    let mut families = Families::new();
    for line in super::read("docs/metrics.md").lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, kind, labels, meaning] = cells[..] else { panic!("{line}") };
        assert!(!meaning.is_empty(), "{name} has no meaning");
        let labels = labels.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let name = name.trim_matches('`').to_owned();
        let family = Family { kind: kind.to_owned(), labels };
        assert!(families.insert(name.clone(), family).is_none(), "{name} is documented twice");
    }
    families
}
