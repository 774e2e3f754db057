//! The graph for people and programs: Graphviz, Mermaid, JSON.

use std::fmt::Write;

use petgraph::visit::EdgeRef;
use serde_json::{Value, json};

use super::op::Op;
use super::{NodeId, Plan};

/// How the graph is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Format {
    /// Graphviz.
    Dot,
    /// Mermaid, for Markdown pages.
    Mermaid,
    /// Nodes, edges and files.
    Json,
}

/// The whole graph as text. `packages` are the names of the deliverables.
pub fn show(plan: &Plan, packages: &[&str], format: Format) -> String {
    match format {
        Format::Dot => dot(plan, packages),
        Format::Mermaid => mermaid(plan, packages),
        Format::Json => format!("{:#}\n", json_graph(plan, packages)),
    }
}

fn kind(op: &Op) -> &'static str {
    match op {
        Op::Source { .. } => "source",
        Op::Matrix { .. } => "matrix",
        Op::Sum => "sum",
        Op::Process { .. } => "process",
        Op::Envelope { .. } => "envelope",
        Op::Open { .. } => "gain",
        Op::Signal { .. } => "signal",
        Op::Edit { .. } => "edit",
        Op::Convert { .. } => "convert",
        Op::External { .. } => "external",
    }
}

fn words(plan: &Plan, id: NodeId) -> String {
    let node = &plan.graph[id];
    match &node.op {
        Op::Source { .. } | Op::Sum => node.label.clone(),
        Op::Matrix { rows: _, words }
        | Op::Process { process: _, words }
        | Op::Envelope { envelope: _, words }
        | Op::Open { words }
        | Op::Signal { signal: _, words }
        | Op::Edit { edit: _, words }
        | Op::Convert { conversion: _, words }
        | Op::External { words, .. } => format!("{} ({words})", node.label),
    }
}

fn edges(plan: &Plan) -> impl Iterator<Item = (usize, usize)> {
    plan.graph.edge_references().map(|edge| (edge.source().index(), edge.target().index()))
}

fn dot(plan: &Plan, packages: &[&str]) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut text = "digraph rebounce {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    for id in plan.graph.node_indices() {
        let label = quoted(&words(plan, id));
        let _ = writeln!(text, "  n{} [label=\"{label}\"];", id.index());
    }
    for (from, to) in edges(plan) {
        let _ = writeln!(text, "  n{from} -> n{to};");
    }
    for (index, file) in plan.files.iter().enumerate() {
        let name = quoted(&format!("{}/{}", packages[file.deliverable], file.path));
        let node = plan.print(file.print).node.index();
        let _ =
            writeln!(text, "  f{index} [label=\"{name}\", shape=note];\n  n{node} -> f{index};");
    }
    text + "}\n"
}

fn mermaid(plan: &Plan, packages: &[&str]) -> String {
    let quoted = |text: &str| text.replace('"', "&quot;");
    let mut text = "graph LR\n".to_owned();
    for id in plan.graph.node_indices() {
        let _ = writeln!(text, "  n{}[\"{}\"]", id.index(), quoted(&words(plan, id)));
    }
    for (from, to) in edges(plan) {
        let _ = writeln!(text, "  n{from} --> n{to}");
    }
    for (index, file) in plan.files.iter().enumerate() {
        let name = quoted(&format!("{}/{}", packages[file.deliverable], file.path));
        let node = plan.print(file.print).node.index();
        let _ = writeln!(text, "  n{node} --> f{index}([\"{name}\"])");
    }
    text
}

fn json_graph(plan: &Plan, packages: &[&str]) -> Value {
    let nodes: Vec<Value> = plan
        .graph
        .node_indices()
        .map(|id| {
            let node = &plan.graph[id];
            json!({ "id": id.index(), "kind": kind(&node.op), "label": words(plan, id),
                    "channels": node.width })
        })
        .collect();
    let edges: Vec<Value> = edges(plan).map(|(from, to)| json!([from, to])).collect();
    let files: Vec<Value> = plan
        .files
        .iter()
        .map(|file| {
            let print = plan.print(file.print);
            json!({ "deliverable": packages[file.deliverable], "path": file.path,
                    "node": print.node.index(), "encoding": print.encoding.name(),
                    "layout": print.layout.name(),
                    "channel": file.channel.map(|c| print.layout.channels()[c].name()) })
        })
        .collect();
    json!({ "nodes": nodes, "edges": edges, "files": files })
}
