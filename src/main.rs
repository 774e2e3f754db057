//! The `rebounce` program. Everything is in the library.

fn main() -> std::process::ExitCode {
    rebounce::cli::main()
}
