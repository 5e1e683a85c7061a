#[allow(dead_code, unused_imports, reason = "the command line that opens it comes next")]
mod dashboard;

fn main() {}
