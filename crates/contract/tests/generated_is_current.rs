//! Regenerates the contract and compares it with what is committed.

#![expect(
    clippy::disallowed_methods,
    reason = "a variable switches from comparing to writing"
)]

use std::fs;
use std::path::{Path, PathBuf};

use protox::prost_reflect::{DescriptorPool, FieldDescriptor, Kind};

#[test]
fn the_committed_contract_is_what_the_protos_generate() {
    let fresh = Generated::from_protos();
    let committed = crate_dir().join("src/generated");
    if std::env::var_os("LATCHKEY_REGENERATE").is_some() {
        fresh.write_to(&committed);
    }
    for (name, content) in &fresh.files {
        let stored = fs::read(committed.join(name)).unwrap_or_default();
        assert!(
            stored == *content,
            "{name} is stale: run LATCHKEY_REGENERATE=1 cargo test -p latchkey-contract"
        );
    }
    let stored = fs::read_dir(&committed)
        .expect("the folder is committed")
        .count();
    assert_eq!(
        stored,
        fresh.files.len(),
        "{} has a file that is not generated",
        committed.display()
    );
}

#[test]
fn every_message_with_a_redacted_field_has_a_redacting_debug() {
    let redacted = redacted_types(&compiled().descriptor_pool());
    let source = fs::read_to_string(crate_dir().join("src/redacted.rs")).expect("it is committed");
    assert!(!redacted.is_empty());
    for path in redacted {
        let name = path.rsplit('.').next().expect("a path has a last segment");
        assert!(
            source.contains(&format!("impl Debug for {name} ")),
            "{path}"
        );
    }
}

#[test]
fn every_field_that_holds_key_material_is_marked_as_redacted() {
    let pool = compiled().descriptor_pool();
    let fields = pool
        .all_messages()
        .flat_map(|message| message.fields().collect::<Vec<_>>());
    let material = fields.filter(|field| {
        field
            .kind()
            .as_message()
            .is_some_and(|message| message.full_name() == "latchkey.vault.v1.KeyMaterial")
    });
    let (marked, unmarked): (Vec<_>, Vec<_>) = material.partition(is_redacted);
    assert!(!marked.is_empty());
    assert_eq!(unmarked, []);
}

struct Generated {
    files: Vec<(String, Vec<u8>)>,
}

impl Generated {
    fn from_protos() -> Self {
        let compiled = compiled();
        let out = std::env::temp_dir().join(format!("latchkey-contract-{}", std::process::id()));
        fs::create_dir_all(&out).expect("the temporary folder is writable");
        tonic_prost_build::configure()
            .out_dir(&out)
            .build_transport(true)
            .btree_map(".")
            .bytes(".latchkey.router")
            .skip_debug(redacted_types(&compiled.descriptor_pool()))
            .emit_rerun_if_changed(false)
            .compile_fds(compiled.file_descriptor_set())
            .expect("the protos generate");
        let mut files: Vec<_> = fs::read_dir(&out)
            .expect("it was written")
            .map(|entry| entry.expect("it is readable").path())
            .map(|path| {
                let name = path
                    .file_name()
                    .expect("it has a name")
                    .to_string_lossy()
                    .into_owned();
                (name, fs::read(&path).expect("it is readable"))
            })
            // The well-known types come from prost-types.
            .filter(|(name, _)| name.starts_with("latchkey."))
            .collect();
        fs::remove_dir_all(&out).expect("it is ours");
        files.push((
            "latchkey.binpb".to_owned(),
            compiled.encode_file_descriptor_set(),
        ));
        files.sort();
        Self { files }
    }

    fn write_to(&self, folder: &Path) {
        for (name, content) in &self.files {
            fs::write(folder.join(name), content).expect("the sources are writable");
        }
    }
}

fn compiled() -> protox::Compiler {
    let root = crate_dir().join("../../proto");
    let mut protos = Vec::new();
    find_protos(&root, &mut protos);
    protos.sort();
    let mut compiler = protox::Compiler::new([&root]).expect("the folder exists");
    compiler
        // Comments travel with reflection, so that `grpcurl describe` shows them.
        .include_source_info(true)
        .include_imports(true)
        .open_files(protos)
        .expect("the protos compile");
    compiler
}

fn find_protos(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder exists") {
        let path = entry.expect("it is readable").path();
        if path.is_dir() {
            find_protos(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            found.push(path);
        }
    }
}

/// The messages that hold a scalar marked `debug_redact`.
fn redacted_types(pool: &DescriptorPool) -> Vec<String> {
    pool.all_messages()
        .flat_map(|message| message.fields().collect::<Vec<_>>())
        .filter(|field| !matches!(field.kind(), Kind::Message(_)))
        .filter(is_redacted)
        .map(|field| format!(".{}", field.parent_message().full_name()))
        .collect()
}

fn is_redacted(field: &FieldDescriptor) -> bool {
    let options = field.options();
    let marked = options.get_field_by_name("debug_redact");
    marked.and_then(|value| value.as_bool()).unwrap_or_default()
}

fn crate_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
