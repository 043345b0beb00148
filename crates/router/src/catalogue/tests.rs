use std::path::PathBuf;

use latchkey_migrations::testing::{Backend, TestDatabase};
use tempfile::TempDir;

use super::*;

/// A catalogue with its own files and database.
struct Fixture {
    catalogues: Catalogues,
    store: Store,
    folder: TempDir,
    _database: TestDatabase,
}

impl Fixture {
    /// The built-in catalogue, extended by files with these names and contents.
    async fn extended(files: &[(&str, &str)]) -> Self {
        Self::open(None, files).await.unwrap()
    }

    async fn open(base: Option<&str>, files: &[(&str, &str)]) -> Result<Self, CatalogueFileError> {
        let database = TestDatabase::fresh(Backend::Sqlite).await;
        let store = Store::connect(&database.url, 2).await.unwrap();
        store.migrate().await.unwrap();
        let folder = TempDir::new().unwrap();
        let write = |(name, text): &(&str, &str)| {
            let file = folder.path().join(name);
            std::fs::write(&file, text).unwrap();
            file
        };
        let config = CatalogueConfig {
            file: base.map(|text| write(&("base.toml", text))),
            extend: files.iter().map(write).collect(),
            reload_seconds: Duration::ZERO,
        };
        Ok(Self {
            catalogues: Catalogues::open(config, store.clone()).await?,
            store,
            folder,
            _database: database,
        })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file with a later modification time, even within the resolution of the clock.
    fn write(&self, name: &str, text: &str) {
        let file = self.file(name);
        std::fs::write(&file, text).unwrap();
        let file = std::fs::File::options().write(true).open(file).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        file.set_modified(now + Duration::from_secs(1)).unwrap();
    }

    fn input(&self, provider: ProviderId, name: &str) -> Option<i64> {
        let catalogue = self.catalogues.current();
        let prices = catalogue.find(provider, name)?.tariff.standard.prices;
        prices
            .input
            .map(latchkey_providers::catalogue::NanosPerMillion::get)
    }

    fn version(&self) -> String {
        self.catalogues.current().version().to_owned()
    }

    /// The catalogue of another router with the same database.
    async fn another(&self) -> Catalogues {
        let config = CatalogueConfig::default();
        Catalogues::open(config, self.store.clone()).await.unwrap()
    }
}

fn layer(version: &str, input: i64) -> String {
    format!(
        "version = \"{version}\"\n[[models]]\nprovider = \"custom\"\nid = \"m\"\n\
        prices = {{ input = {input} }}"
    )
}

fn priced(provider: ProviderId, id: &str, input: i64) -> Model {
    let mut model = Model::new(provider, id);
    let input = latchkey_providers::catalogue::NanosPerMillion::new(input);
    model.tariff.standard.prices.input = Some(input);
    model
}

const NOW: Timestamp = Timestamp::from_micros(1);

const LIST: &str = r#"{
    "custom-gpt": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-6},
    "other": {"litellm_provider": "bedrock", "mode": "chat", "input_cost_per_token": 1e-6},
    "faulty": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": "free"}
}"#;

#[tokio::test]
async fn files_are_laid_over_the_builtin_catalogue_in_their_order() {
    let fixture = Fixture::extended(&[
        ("a.toml", &layer("acme-1", 1)),
        ("prices.json", LIST),
        ("b.toml", &layer("acme-2", 2)),
    ])
    .await;
    assert_eq!(fixture.input(ProviderId::Custom, "m"), Some(2));
    let listed = fixture.input(ProviderId::OpenAi, "custom-gpt");
    assert_eq!(listed, Some(1_000_000_000));
    assert!(fixture.input(ProviderId::OpenAi, "gpt-5.4").is_some());
    let version = fixture.version();
    let crc = crc32fast::hash(LIST.as_bytes());
    let builtin = Catalogue::builtin().version().to_owned();
    assert_eq!(
        version,
        format!("{builtin}+acme-1+litellm-{crc:08x}+acme-2")
    );
}

#[tokio::test]
async fn a_file_can_replace_the_builtin_catalogue() {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../providers/data/catalogue");
    let mut whole = layer("mine", 1);
    for provider in ProviderId::ALL {
        let defaults = data.join(format!("{provider}.toml"));
        whole.push_str("\n\n");
        whole.push_str(&std::fs::read_to_string(defaults).unwrap());
    }
    let fixture = Fixture::open(Some(&whole), &[]).await.unwrap();
    assert_eq!(fixture.version(), "mine");
    assert_eq!(fixture.input(ProviderId::Custom, "m"), Some(1));
    assert_eq!(fixture.input(ProviderId::OpenAi, "gpt-5.4"), None);
    let refused = Fixture::open(Some("version = \"mine\""), &[]).await;
    assert!(matches!(
        refused.err(),
        Some(CatalogueFileError::Malformed { .. })
    ));
}

#[tokio::test]
async fn an_unusable_file_is_refused_by_its_name_at_the_start() {
    for (name, text) in [
        ("a.toml", "version = \"1\"\ncolour = 1"),
        ("a.json", "[]"),
        ("a.yaml", ""),
        ("a", ""),
    ] {
        let refused = Fixture::open(None, &[(name, text)]).await.err().unwrap();
        assert!(
            refused.to_string().contains(&format!("/{name}: ")),
            "{refused}"
        );
    }
    let config = CatalogueConfig {
        extend: vec!["/nowhere/a.toml".into()],
        ..CatalogueConfig::default()
    };
    let missing = files::load(&config).unwrap_err();
    assert!(matches!(missing, CatalogueFileError::File { .. }));
}

#[tokio::test]
async fn a_changed_file_is_reloaded() {
    let fixture = Fixture::extended(&[("a.toml", &layer("acme-1", 1))]).await;
    fixture.write("a.toml", &layer("acme-2", 2));
    assert_eq!(fixture.input(ProviderId::Custom, "m"), Some(1));
    fixture.catalogues.reload().await;
    assert_eq!(fixture.input(ProviderId::Custom, "m"), Some(2));
    assert!(fixture.version().ends_with("+acme-2"));
}

#[tokio::test]
async fn a_new_length_is_detected_at_the_same_modification_time() {
    let fixture = Fixture::extended(&[("a.toml", &layer("acme-1", 1))]).await;
    let before = std::fs::metadata(fixture.file("a.toml")).unwrap();
    std::fs::write(fixture.file("a.toml"), layer("acme-1", 22)).unwrap();
    let file = std::fs::File::options()
        .write(true)
        .open(fixture.file("a.toml"));
    file.unwrap()
        .set_modified(before.modified().unwrap())
        .unwrap();
    fixture.catalogues.reload().await;
    assert_eq!(fixture.input(ProviderId::Custom, "m"), Some(22));
}

#[tokio::test]
async fn the_former_catalogue_stays_in_use_while_a_file_is_bad() {
    let fixture = Fixture::extended(&[("a.toml", &layer("acme-1", 1))]).await;
    fixture.write("a.toml", "version = ");
    fixture.catalogues.reload().await;
    assert_eq!(fixture.input(ProviderId::Custom, "m"), Some(1));
    std::fs::remove_file(fixture.file("a.toml")).unwrap();
    fixture.catalogues.reload().await;
    assert_eq!(fixture.input(ProviderId::Custom, "m"), Some(1));
    fixture.write("a.toml", &layer("acme-3", 3));
    fixture.catalogues.reload().await;
    assert_eq!(fixture.input(ProviderId::Custom, "m"), Some(3));
}

#[tokio::test]
async fn a_reload_does_not_change_a_catalogue_in_use() {
    let fixture = Fixture::extended(&[("a.toml", &layer("acme-1", 1))]).await;
    let before = fixture.catalogues.current();
    fixture.write("a.toml", &layer("acme-2", 2));
    fixture.catalogues.reload().await;
    assert!(before.version().ends_with("+acme-1"));
    assert!(!Arc::ptr_eq(&before, &fixture.catalogues.current()));
}

#[tokio::test]
async fn a_reload_without_a_change_keeps_the_catalogue() {
    let fixture = Fixture::extended(&[("a.toml", &layer("acme-1", 1))]).await;
    let before = fixture.catalogues.current();
    fixture.catalogues.reload().await;
    assert!(Arc::ptr_eq(&before, &fixture.catalogues.current()));
}

#[tokio::test]
async fn an_override_wins_over_the_files_at_once_here_and_after_a_reload_elsewhere() {
    let fixture = Fixture::extended(&[("a.toml", &layer("acme-1", 1))]).await;
    let another = fixture.another().await;
    let model = priced(ProviderId::Custom, "m", 7);
    fixture.catalogues.put(&model, NOW).await.unwrap();
    assert_eq!(fixture.input(ProviderId::Custom, "m"), Some(7));
    assert!(fixture.version().ends_with("+acme-1+overrides-1"));
    let snapshot = fixture.catalogues.snapshot();
    let overridden = snapshot.catalogue.find(ProviderId::Custom, "m").unwrap();
    assert!(snapshot.is_overridden(overridden));

    assert!(another.current().find(ProviderId::Custom, "m").is_none());
    another.reload().await;
    assert!(another.current().find(ProviderId::Custom, "m").is_some());

    // A change of the files leaves the override in force. After its deletion the files apply.
    fixture.write("a.toml", &layer("acme-2", 2));
    fixture.catalogues.reload().await;
    assert_eq!(fixture.input(ProviderId::Custom, "m"), Some(7));
    assert!(another.delete("custom", "m").await.unwrap());
    fixture.catalogues.reload().await;
    assert_eq!(fixture.input(ProviderId::Custom, "m"), Some(2));
    assert!(fixture.version().ends_with("+acme-2"));
    assert!(!another.delete("custom", "m").await.unwrap());
}

#[tokio::test]
async fn concurrent_overrides_of_two_routers_are_both_stored() {
    let fixture = Fixture::extended(&[]).await;
    let another = fixture.another().await;
    let (one, two) = (
        priced(ProviderId::Custom, "one", 1),
        priced(ProviderId::Custom, "two", 2),
    );
    let (first, second) = tokio::join!(fixture.catalogues.put(&one, NOW), another.put(&two, NOW));
    first.unwrap();
    second.unwrap();
    fixture.catalogues.reload().await;
    assert_eq!(fixture.input(ProviderId::Custom, "one"), Some(1));
    assert_eq!(fixture.input(ProviderId::Custom, "two"), Some(2));
    assert!(fixture.version().ends_with("+overrides-2"));
}

#[tokio::test]
async fn a_name_that_another_override_has_is_refused() {
    let fixture = Fixture::extended(&[]).await;
    let mut one = priced(ProviderId::Custom, "one", 1);
    one.aliases.push("uno".to_owned());
    fixture.catalogues.put(&one, NOW).await.unwrap();
    let two = priced(ProviderId::Custom, "uno", 2);
    let refused = fixture.catalogues.put(&two, NOW).await;
    assert!(matches!(refused, Err(OverrideError::NameTaken(name)) if name == "uno"));
    let mut broken = priced(ProviderId::Custom, "three", -1);
    broken.aliases.push("tres".to_owned());
    let refused = fixture.catalogues.put(&broken, NOW).await;
    assert!(matches!(refused, Err(OverrideError::Rule(_))));
    assert_eq!(fixture.store.catalogue_revision().await.unwrap(), 1);
}

#[tokio::test]
async fn overrides_are_loaded_once_the_database_answers() {
    let database = TestDatabase::fresh(Backend::Sqlite).await;
    let store = Store::connect(&database.url, 2).await.unwrap();
    let catalogues = Catalogues::open(CatalogueConfig::default(), store.clone())
        .await
        .unwrap();
    assert!(catalogues.current().find(ProviderId::Custom, "m").is_none());
    store.migrate().await.unwrap();
    let row = overrides::row(&priced(ProviderId::Custom, "m", 1), NOW);
    assert!(store.put_catalogue_row(&row, 0).await.unwrap());
    catalogues.reload().await;
    assert!(catalogues.current().find(ProviderId::Custom, "m").is_some());
}
