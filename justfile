# The commands of this project; `.ci/run` runs the same.

# What a commit should pass, without the demos.
check: fmt-check
    cargo clippy --all-targets -- -D warnings
    cargo test

test *ARGS:
    cargo test {{ARGS}}

# Write the texts of tests/messages.txt anew, to be read before they are committed.
bless:
    REBOUNCE_BLESS=1 cargo test --test messages

# Speed: of the meters, and of whole sessions against the floor and ninja with sox.
bench *ARGS:
    cargo bench {{ARGS}}

fmt:
    cargo fmt

fmt-check:
    cargo fmt --check

# Synthesise the demo audio again, then build both demos.
demo:
    cargo run --release --example make_demo
    cargo run --release
    cargo run --release -- -C examples/film

# All that CI does.
ci:
    .ci/run
