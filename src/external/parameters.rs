//! Parameters of a plug-in, by name or number.

use std::ffi::CString;

use clack_extensions::params::{ParamInfoBuffer, ParamInfoFlags, PluginParams};
use clack_host::events::event_types::ParamValueEvent;
use clack_host::prelude::*;

use super::Refusal;
use super::host::Instance;

/// How far a value may be from the one that was set, of the whole range: some keep a
/// 32-bit float of it, which is 6e-8 off, and a step of the finest knobs is 1e-4.
const KEPT_WITHIN: f64 = 1e-6;

struct Parameter {
    id: ClapId,
    name: String,
    range: (f64, f64),
    read_only: bool,
}

/// Sets parameters in the order written, before the plug-in is activated, so that none
/// glides from another value.
pub(super) fn set(plugin: &mut Instance, wanted: &[(String, String)]) -> Result<(), Refusal> {
    if wanted.is_empty() {
        return Ok(());
    }
    let parameters: PluginParams = plugin
        .plugin_handle()
        .get_extension()
        .ok_or_else(|| Refusal::new("it has no parameters"))?;
    let known = list(&parameters, plugin);
    let mut set = Vec::new();
    for (name, text) in wanted {
        let parameter = find(&known, name)?;
        let value = value(&parameters, plugin, parameter, text)?;
        let event = ParamValueEvent::new(0, parameter.id, Pckn::match_all(), value);
        let mut inactive =
            plugin.inactive_plugin_handle().expect("BUG: it is not activated before");
        let mut ignored = OutputEvents::void();
        parameters.flush(&mut inactive, &InputEvents::from_buffer(&[event]), &mut ignored);
        set.push((parameter, value));
    }
    for (parameter, value) in set {
        let kept = parameters.get_value(&plugin.plugin_handle(), parameter.id);
        let (low, high) = parameter.range;
        if !kept.is_some_and(|kept| (kept - value).abs() <= KEPT_WITHIN * (high - low)) {
            let made = kept.map_or("nothing".to_owned(), |kept| kept.to_string());
            let what = format!("it makes {made} of {value} for `{}`", parameter.name);
            return Err(Refusal::new(what).help("write the value it makes of it"));
        }
    }
    Ok(())
}

fn list(parameters: &PluginParams, plugin: &mut Instance) -> Vec<Parameter> {
    let handle = plugin.plugin_handle();
    let mut buffer = ParamInfoBuffer::new();
    let mut known = Vec::new();
    for index in 0..parameters.count(&handle) {
        let Some(info) = parameters.get_info(&handle, index, &mut buffer) else { continue };
        known.push(Parameter {
            id: info.id,
            name: String::from_utf8_lossy(info.name).into_owned(),
            range: (info.min_value, info.max_value),
            read_only: info.flags.contains(ParamInfoFlags::IS_READONLY),
        });
    }
    known
}

fn find<'a>(known: &'a [Parameter], wanted: &str) -> Result<&'a Parameter, Refusal> {
    let named: Vec<&Parameter> =
        known.iter().filter(|parameter| parameter.name == wanted).collect();
    let found = match named.as_slice() {
        [one] => one,
        [] => {
            let id = wanted.parse().ok();
            known.iter().find(|parameter| Some(parameter.id.get()) == id).ok_or_else(|| {
                let names: Vec<String> = known.iter().map(|p| p.name.clone()).collect();
                Refusal::new(format!("it has no parameter `{wanted}`")).nearest(wanted, &names)
            })?
        }
        several => {
            let ids: Vec<String> = several.iter().map(|p| p.id.get().to_string()).collect();
            let what = format!("it has {} parameters named `{wanted}`", several.len());
            return Err(Refusal::new(what)
                .help(format!("write the number of the one you mean: {}", ids.join(", "))));
        }
    };
    if found.read_only {
        return Err(Refusal::new(format!("its parameter `{wanted}` cannot be set")));
    }
    Ok(found)
}

/// The value that a text stands for: a number as the plug-in counts, or words that it
/// understands, such as `-3 dB`.
fn value(
    parameters: &PluginParams,
    plugin: &mut Instance,
    parameter: &Parameter,
    text: &str,
) -> Result<f64, Refusal> {
    let (name, (low, high)) = (&parameter.name, parameter.range);
    let told = || CString::new(text).ok();
    let of_words =
        |text: CString| parameters.text_to_value(&plugin.plugin_handle(), parameter.id, &text);
    let value = text.parse().ok().or_else(|| told().and_then(of_words));
    match value {
        Some(value) if (low..=high).contains(&value) => Ok(value),
        Some(value) => Err(Refusal::new(format!("its `{name}` cannot be {value}"))
            .help(format!("it goes from {low} to {high}"))),
        None => Err(Refusal::new(format!("it does not understand `{text}` for `{name}`"))
            .help(format!("a number from {low} to {high} is always understood"))),
    }
}
