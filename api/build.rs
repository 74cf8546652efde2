//! Generates the messages and services of `proto/` when the feature `grpc` asks for them. Needs no `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    #[cfg(feature = "grpc")]
    generate()?;
    Ok(())
}

#[cfg(feature = "grpc")]
fn generate() -> Result<(), Box<dyn std::error::Error>> {
    const ROOT: &str = "proto";
    const FILES: [&str; 2] = ["ciro/v1/jobs.proto", "ciro/v1/workers.proto"];
    let mut compiler = protox::Compiler::new([ROOT])?;
    compiler.include_imports(true).include_source_info(true).open_files(FILES)?;
    // What reflection serves carries the comments too.
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("ciro.v1.bin"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        // Who connects chooses the transport, so this crate needs none.
        .build_transport(false)
        .compile_fds(compiler.file_descriptor_set())?;
    println!("cargo:rerun-if-changed={ROOT}");
    Ok(())
}
