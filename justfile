# Tasks of this repository. `just` lists them. The steps themselves are in .ci/, which needs no just.

# Lists the tasks.
default:
    @just --list --unsorted

# Checks everything but the tests: format, lints, documentation, contract, dependencies.
check:
    .ci/run format lint doc proto deny

# Runs the tests, PostgreSQL's included. Arguments go to `cargo test`: `just test -p latchkey-vault`.
test *arguments:
    .ci/test {{ arguments }}

# Runs clippy with warnings as errors.
lint:
    .ci/run lint

# Lints the contract and checks its format.
proto:
    .ci/run proto

# Checks licences, sources, banned crates, and the arrows between our crates.
deny:
    .ci/run deny

# Checks the dependencies against the database of known vulnerabilities.
advisories:
    .ci/run advisories

# Runs the benchmarks: a prompt through the router, sealing, a cold lease, the codecs.
bench:
    cargo bench --locked -p latchkey-e2e --bench warm_generate
    cargo bench --locked -p latchkey-envelope --bench seal_open
    cargo bench --locked -p latchkey-vault --bench cold_lease
    cargo bench --locked -p latchkey-providers --bench codec

# Runs every fuzz target for so many seconds. Needs nightly and cargo-fuzz.
fuzz seconds="60":
    .ci/fuzz {{ seconds }}

# Writes what is generated from the contract: its code, and the table of docs/errors.md.
regenerate:
    LATCHKEY_REGENERATE=1 cargo test --locked --no-fail-fast -p latchkey-contract

# Prints the arrows between the folders of both services.
graph:
    cargo test --locked -p latchkey-e2e --test it architecture -- --nocapture

# Runs everything that must hold before a change lands.
ci:
    .ci/run
