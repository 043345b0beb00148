//! What is kept is kept by uid: a name may be another's tomorrow. Only look-ups of what a name stands for
//! now are kept by name, and an invalidation of the workspace drops them.

use super::{root, sources};

/// The types that hold a name.
const NAMES: [&str; 14] = [
    "DataKeyName",
    "KeyName",
    "KeyParent",
    "KeyQuery",
    "KeyRef",
    "KeyVersionName",
    "MemberQuery",
    "ProjectName",
    "ResourceId",
    "RevisionScope",
    "Scope",
    "SessionName",
    "TurnName",
    "WorkspaceName",
];
const COLLECTIONS: [&str; 7] = [
    "BTreeMap<",
    "BTreeSet<",
    "HashMap<",
    "HashSet<",
    "IndexMap<",
    "LruCache<",
    "SingleFlight<",
];
/// The look-ups: the file and the type of the key.
const LOOK_UPS: [(&str, &str); 5] = [
    ("router/src/leases/cache.rs", "KeyQuery"),
    ("router/src/leases/mod.rs", "KeyQuery"),
    ("router/src/vault_client/members.rs", "WorkspaceName"),
    ("router/src/vault_client/mod.rs", "MemberQuery"),
    ("router/src/vault_client/scopes.rs", "Scope"),
];

#[test]
fn only_look_ups_are_kept_by_name() {
    let mut kept = Vec::new();
    for service in ["router", "vault"] {
        for (path, text) in sources(&format!("crates/{service}/src")) {
            let path = path.strip_prefix(root().join("crates")).unwrap();
            let path = path.to_str().unwrap().to_owned();
            for key in text.lines().flat_map(keys) {
                if let Some(name) = names(key).next() {
                    kept.push((path.clone(), name));
                }
            }
        }
    }
    kept.sort_unstable();
    kept.dedup();
    let kept: Vec<_> = kept.iter().map(|(path, name)| (&**path, *name)).collect();
    assert_eq!(kept, LOOK_UPS);
}

/// The types of the keys of the collections that a line names.
fn keys(line: &str) -> impl Iterator<Item = &str> {
    COLLECTIONS.into_iter().flat_map(move |collection| {
        line.match_indices(collection).map(move |(at, _)| {
            let arguments = &line[at + collection.len()..];
            &arguments[..end_of_first(arguments)]
        })
    })
}

/// The end of the first of several type arguments.
fn end_of_first(arguments: &str) -> usize {
    let mut depth = 0_usize;
    for (at, character) in arguments.char_indices() {
        match character {
            '<' | '(' | '[' => depth += 1,
            ',' | '>' if depth == 0 => return at,
            '>' | ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    arguments.len()
}

/// The types in a type that hold a name.
fn names(key: &str) -> impl Iterator<Item = &'static str> {
    let words = key.split(|c: char| !c.is_alphanumeric() && c != '_');
    let words: Vec<_> = words.collect();
    NAMES.into_iter().filter(move |name| words.contains(name))
}

#[test]
fn the_key_of_a_collection_is_found() {
    let found = |line| keys(line).flat_map(names).collect::<Vec<_>>();
    assert_eq!(
        found("keys: HashMap<(KeyVersionName, String), T>,"),
        ["KeyVersionName"]
    );
    assert_eq!(
        found("cache: Mutex<LruCache<WorkspaceName, Arc<T>>>,"),
        ["WorkspaceName"]
    );
    assert!(found("names: HashMap<KeyUid, KeyName>,").is_empty());
    assert!(found("set: HashSet<(WorkspaceUid, u64)>,").is_empty());
}
